"""Values of Secrets reach the cluster and nothing else: no output, no diff, no log, whichever way a task runs."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from tests.integration.support_engine import config_map, secret
from tests.integration.support_playbook import AS_MODULE, IN_PROCESS, WAYS, Player

pytest_plugins = ["tests.integration.support_fixtures"]

OLD, NEW = "old-value-nobody-sees", "new-value-nobody-sees"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
LOUD = ("-vvvv",)


def _spellings(*values: str) -> list[str]:
    """The values as they are, and as a Secret's data has them."""
    return [*values, *(base64.b64encode(value.encode()).decode() for value in values)]


def _as_kubectl_apply_leaves_it(namespace: str, value: str) -> Object:
    item = secret(namespace, password=value, same="stays-hidden-too")
    item["metadata"]["annotations"] = {LAST_APPLIED: json.dumps(item)}
    return item


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("check", [True, False], ids=["check", "write"])
def test_a_diff_shows_which_keys_change_and_no_value(
    admin: Client, player: Player, namespace: str, way: str, check: bool
) -> None:
    before = _as_kubectl_apply_leaves_it(namespace, OLD)
    admin.request("POST", f"/api/v1/namespaces/{namespace}/secrets", body=before)
    after = secret(namespace, password=NEW, same="stays-hidden-too", added="one-more-value")
    play = player.play(
        {"resilient.traefik.apply": {"objects": [after], "on_conflict": "force"}},
        way=way,
        check=check,
        diff=True,
        options=LOUD,
    )
    (diff,) = play.tasks[0].result["diff"]
    assert "password: <hidden, changed>" in diff["after"]
    assert "same: <hidden>" in diff["after"]
    assert "added: <hidden>" in diff["after"]
    assert "password: <hidden>" in diff["before"]
    everything = play.output + json.dumps(play.tasks[0].result)
    assert [value for value in _spellings(OLD, NEW, "stays-hidden-too", "one-more-value") if value in everything] == []
    assert LAST_APPLIED not in everything
    stored = base64.b64decode(admin.get(ref_of(after))["data"]["password"]).decode()
    assert stored == (OLD if check else NEW)


@pytest.mark.parametrize("way", WAYS)
def test_reading_hides_values_unless_asked(admin: Client, player: Player, namespace: str, way: str) -> None:
    stored = _as_kubectl_apply_leaves_it(namespace, OLD)
    admin.request("POST", f"/api/v1/namespaces/{namespace}/secrets", body=stored)
    query = {"queries": [{"kind": "Secret", "namespace": namespace, "name": "credentials"}]}
    hidden = player.play({"resilient.traefik.read": query}, way=way, options=LOUD)
    found = hidden.tasks[0].result["results"][0]["objects"][0]
    assert found["data"] == {"password": "<hidden>", "same": "<hidden>"}
    assert [value for value in _spellings(OLD, "stays-hidden-too") if value in hidden.output + json.dumps(found)] == []
    revealed = player.task("read", query | {"reveal_secrets": True}, way=way)
    data = revealed.result["results"][0]["objects"][0]["data"]
    assert base64.b64decode(data["password"]).decode() == OLD


# What a module that fails prints of its arguments is where the two ways differ most.
@pytest.mark.parametrize("way", [IN_PROCESS, AS_MODULE])
def test_failures_show_no_value(admin: Client, player: Player, namespace: str, way: str) -> None:
    # A Secret's stringData has no owner once it is stored: only data can be in conflict.
    owned = secret(namespace) | {"data": {"password": _spellings(OLD)[1]}}
    path, content_type = admin.path(ref_of(owned)), "application/apply-patch+yaml"
    query = {"fieldManager": "gitops", "force": "true"}
    admin.request("PATCH", path, query=query, body=owned, content_type=content_type)
    refused = [
        owned | {"data": {"password": _spellings(NEW)[1]}},
        secret(namespace, "number") | {"stringData": {"pin": 73317331}},
        secret(namespace, "unknown", password=NEW) | {"kind": "NoSuchSecret"},
        secret(namespace, "plain") | {"data": {"password": f"{NEW}!"}},
    ]
    sideways = {"objects": [secret(namespace, password=NEW)], "state": "sideways"}
    tasks = [{"resilient.traefik.apply": {"objects": [item]}} for item in refused]
    play = player.play(*tasks, {"resilient.traefik.apply": sideways}, way=way, diff=True, options=LOUD)
    assert [task.outcome for task in play.tasks] == ["failed"] * 5
    assert "stringData.pin is int, not text" in play.tasks[1].message
    everything = play.output + json.dumps([task.result for task in play.tasks])
    assert [value for value in [*_spellings(OLD, NEW), "73317331"] if value in everything] == []


@pytest.mark.parametrize("way", WAYS)
def test_vaulted_values_arrive_decrypted(
    admin: Client, player: Player, namespace: str, way: str, tmp_path: Path
) -> None:
    password, variables = tmp_path / "vault-password", tmp_path / "vars.yml"
    password.write_text("of-the-vault")
    vault = VaultLib([("default", VaultSecret(b"of-the-vault"))])
    lines = vault.encrypt(NEW).decode().splitlines()
    variables.write_text("secret_value: !vault |\n" + "".join(f"  {line}\n" for line in lines))
    objects = [
        secret(namespace, password="{{ secret_value }}"),
        config_map(namespace, plain="{{ secret_value | upper }}"),
    ]
    play = player.play(
        {"resilient.traefik.apply": {"objects": objects}},
        way=way,
        diff=True,
        options=("-e", f"@{variables}", "--vault-password-file", str(password), *LOUD),
    )
    assert play.tasks[0].outcome == "ok", play.output
    stored = admin.get(ref_of(secret(namespace)))["data"]["password"]
    assert base64.b64decode(stored).decode() == NEW
    assert admin.get(ref_of(config_map(namespace)))["data"] == {"plain": NEW.upper()}
    assert [value for value in _spellings(NEW) if value in play.output + json.dumps(play.tasks[0].result)] == []
