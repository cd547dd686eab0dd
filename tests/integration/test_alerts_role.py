"""The role alerts on a real Prometheus and a real Alertmanager: what it brings, what it refuses, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.alertmanager import loaded_text
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.hurry import ANNOTATION
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.inhibition import ours_in
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.rules import alerts_of, is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import Api
from tests.integration.support_account_fixture import MakeAccount
from tests.integration.support_engine import Audited
from tests.integration.support_monitoring import MONITORING, OwnMonitoring, loaded_alerts, require_monitoring, servers
from tests.integration.support_role import RolePlayer, new_run, printed

pytest_plugins = ["tests.integration.support_fixtures", "tests.integration.support_account_fixture"]

# The exporter has tests of its own; nothing has been counted yet on a lab that is well.
SETTINGS: dict[str, Any] = {"alerts_parity": False, "alerts_wait_timeout": 120, "alerts_test_alert": "notified"}
BROKEN_TEMPLATE = "{% raw %}{{ .Broken{% endraw %}"


@pytest.fixture(autouse=True)
def monitoring(admin: Client) -> None:
    """Without it there are no images to run."""
    require_monitoring(admin)


@pytest.fixture
def own(namespace: str, admin: Client) -> OwnMonitoring:
    """A Prometheus of two replicas and an Alertmanager with a configuration of the user's."""
    found = OwnMonitoring(namespace)
    found.run(admin)
    return found


def _role(own: OwnMonitoring, audited: Audited, folder: Path, **settings: Any) -> RolePlayer:
    return RolePlayer("alerts", folder, audited.options, SETTINGS | own.settings | settings, new_run())


@pytest.fixture
def role(own: OwnMonitoring, audited: Audited, tmp_path: Path) -> RolePlayer:
    return _role(own, audited, tmp_path)


def _checks(told: Any) -> dict[str, bool]:
    return {check["name"]: check["passed"] for check in told["checks"]}


def test_plan_apply_again_and_back(role: RolePlayer, own: OwnMonitoring, admin: Client, audited: Audited) -> None:
    replicas, alertmanager = servers(admin, own)
    before = own.alertmanager_text(admin)
    planned = role.play("--check", "--diff").well()
    assert planned.changed == 3, "rules, inhibition and dashboard"
    assert "alert: TraefikDown" in planned.output
    assert audited.writes() == []

    applied = role.play(facts="alerts_verified_rules").well()
    assert applied.changed == 3
    checks = _checks(printed(applied))
    assert all(checks.values()), checks
    assert len([name for name in checks if name.endswith("rules loaded")]) == 2 + 1
    text = own.rule_file(admin)
    assert text is not None
    wanted = {rule["alert"] for rule in alerts_of(yaml.safe_load(text)["groups"])}
    for server in replicas:
        assert set(loaded_alerts(admin, server)) == wanted
        assert ANNOTATION not in (admin.get(_pod(server.name, own))["metadata"].get("annotations") or {})
    after = own.alertmanager_text(admin)
    assert set(before.splitlines()) <= set(after.splitlines()), "every line of theirs is there"
    assert after.count("resilient.traefik: begin") == 1

    audited.writes()
    assert role.play("--check").well().changed == 0
    assert role.play().well().changed == 0
    assert audited.writes() == []

    _restore(audited, role)
    assert own.rule_file(admin) is None
    assert own.alertmanager_text(admin) == before
    (reloaded,) = _tasks(audited, {"resilient.traefik.monitoring_reload": _places(own)})
    assert reloaded["changed"]
    assert all(loaded_alerts(admin, server) == {} for server in replicas)
    with Api(admin, alertmanager) as api:
        assert ours_in(loaded_text(api)) == []
    (again,) = _tasks(audited, {"resilient.traefik.monitoring_reload": _places(own)})
    assert not again["changed"]


def _places(own: OwnMonitoring) -> dict[str, Any]:
    return {name.removeprefix("alerts_"): place for name, place in own.settings.items()}


def _restore(audited: Audited, role: RolePlayer) -> None:
    """What the playbook rollback does, without the lock that it holds meanwhile."""
    _tasks(audited, {"resilient.traefik.restore": {"run_id": role.run_id}})


def _as_somebody_else(admin: Client, namespace: str, text: str) -> None:
    """A ConfigMap with rules of the user's, written by other means than ours."""
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "prometheus-rules", "namespace": namespace}}
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    admin.request("POST", path, query={"fieldManager": "kubectl"}, body=item | {"data": {"theirs.yml": text}})


def _tasks(audited: Audited, *tasks: dict[str, Any]) -> list[dict[str, Any]]:
    return [played.result for played in audited.player().play(*tasks).tasks]


def _pod(name: str, own: OwnMonitoring) -> ObjectRef:
    return ObjectRef("v1", "Pod", name, own.namespace)


def test_a_change_is_loaded_by_every_replica_and_leaves_other_rules_alone(
    role: RolePlayer, own: OwnMonitoring, admin: Client
) -> None:
    theirs = yaml.safe_dump({"groups": [{"name": "theirs", "rules": [{"alert": "Theirs", "expr": "up == 0"}]}]})
    _as_somebody_else(admin, own.namespace, theirs)
    role.play().well()
    changed = role.with_settings(
        alerts_overrides={"TraefikDown": {"for": "7m"}, "PdbBlocksAllDisruptions": {"enabled": False}}
    )
    assert changed.play(facts="alerts_verified_rules").well().changed == 1
    replicas, _alertmanager = servers(admin, own)
    for server in replicas:
        alerts = loaded_alerts(admin, server)
        assert "PdbBlocksAllDisruptions" not in alerts
        assert {"Theirs", "TraefikDown"} <= set(alerts)
        with Api(admin, server) as api:
            groups = api.data("/api/v1/rules", {"type": "alert"})["groups"]
        (down,) = [rule for group in groups for rule in group["rules"] if rule["name"] == "TraefikDown"]
        assert down["duration"] == 420
        assert is_ours(down["labels"])
    found = admin.get(ObjectRef("v1", "ConfigMap", "prometheus-rules", own.namespace))
    assert found["data"]["theirs.yml"] == theirs
    assert "app.kubernetes.io/part-of" not in (found["metadata"].get("labels") or {}), "it stays theirs"


def test_its_rights_are_enough(own: OwnMonitoring, account: MakeAccount, tmp_path: Path) -> None:
    role = RolePlayer("alerts", tmp_path, account(["alerts", "journal"]), SETTINGS | own.settings, new_run())
    assert role.play().well().changed == 3
    assert role.play().well().changed == 0


def test_what_prometheus_refuses_is_put_back(role: RolePlayer, own: OwnMonitoring, admin: Client) -> None:
    """A template that no parser but the one of a reload looks at."""
    role.play().well()
    before, kept = own.rule_file(admin), own.alertmanager_text(admin)
    refused = role.with_settings(alerts_overrides={"TraefikDown": {"annotations": {"summary": BROKEN_TEMPLATE}}}).play()
    assert refused.code != 0
    assert "refused POST /-/reload" in refused.output
    assert "unclosed action" in refused.output, "Prometheus' own words"
    assert "put back, and what was loaded before is loaded" in refused.output
    assert own.rule_file(admin) == before
    assert own.alertmanager_text(admin) == kept
    for server in servers(admin, own)[0]:
        with Api(admin, server) as api:
            assert api.metric("prometheus_config_last_reload_successful") == 1
    assert role.play().well().changed == 0


def test_every_bad_input_is_told_before_any_write(
    role: RolePlayer, own: OwnMonitoring, admin: Client, audited: Audited, cleaned: Callable[[ObjectRef], None]
) -> None:
    clash = yaml.safe_dump({"groups": [{"name": "theirs", "rules": [{"alert": "TraefikDown", "expr": "up == 0"}]}]})
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, []),
        (
            {"alerts_overrides": {"TraefikDwn": {}}},
            ["alerts_overrides: there is no alert TraefikDwn; did you mean TraefikDown?"],
        ),
        (
            {"alerts_overrides": {"TraefikDown": {"expr": "sum(up"}}},
            [
                "alerts_overrides: TraefikDown",
                "does not take its expr `sum(up`",
                "parse error",
                "unclosed left parenthesis",
            ],
        ),
        ({"alerts_overrides": {"TraefikDown": {"for": "soon"}}}, ["TraefikDown has for 'soon', which is no duration"]),
        ({"alerts_extra_labels": {"a-b": "c"}}, ["alerts_extra_labels: 'a-b' cannot be a label"]),
        (
            {"alerts_prometheus": {"namespace": "default"}, "alerts_where_missing": "fail"},
            ["no pod of Prometheus runs here"],
        ),
        ({"alerts_prometheus": {"namespace": "default"}, "alerts_where_missing": "skip"}, []),
        (
            {"alerts_config_map": {"name": "unmounted"}, "alerts_delivery": "configmap"},
            ["reads no rule file from a ConfigMap unmounted", "mount a ConfigMap"],
        ),
        ({"alerts_delivery": "helm_values_prometheus"}, ["was not brought by a Helm release"]),
        ({"alerts_delivery": "files"}, ["alerts_files_to:", "name the folder"]),
        ({"alerts_traefik_namespace": own.namespace}, ["alerts_traefik"]),
    ]
    told = role.parts("preflight", "alerts_preflight", [settings for settings, _words in cases])
    for found, (settings, words) in zip(told, cases, strict=True):
        assert bool(found["findings"]) is bool(words), (settings, found["findings"])
        assert all(each in " ".join(found["findings"]) for each in words), (settings, found["findings"])
    assert told[6]["present"] is False
    assert "There will be no alerts" in " ".join(told[6]["notes"])

    _as_somebody_else(admin, own.namespace, clash)
    role.with_settings(alerts_overrides={"TraefikDown": {"enabled": False}}).play().well()
    refused = role.play()
    assert refused.code != 0
    assert "an alert TraefikDown is loaded already (/etc/rules/theirs.yml, group theirs)" in refused.output


def test_an_operators_object_that_nobody_loads_is_taken_back(
    role: RolePlayer, own: OwnMonitoring, admin: Client
) -> None:
    """The kinds are there and no operator is: what was written is not loaded, and is not left behind."""
    ref = ObjectRef("monitoring.coreos.com/v1", "PrometheusRule", "resilient-traefik", own.namespace)
    refused = role.with_settings(alerts_delivery="prometheusrule", alerts_wait_timeout=5).play()
    assert refused.code != 0
    assert "was not loaded within 5 s" in refused.output
    assert "is not loaded" in refused.output
    assert "What was written was put back" in refused.output
    assert admin.find(ref) is None


def test_rules_for_an_operator_whose_servers_are_elsewhere(
    role: RolePlayer, own: OwnMonitoring, admin: Client, audited: Audited
) -> None:
    settings = {"alerts_delivery": "vmrule", "alerts_rules_namespace": own.namespace, "alerts_inhibition": "never"}
    changed = role.with_settings(**settings, alerts_check_seconds=1)
    # Prometheus has not loaded what vmalert is to load, and the verification says so.
    assert changed.play().code != 0
    rule = admin.get(ObjectRef("operator.victoriametrics.com/v1beta1", "VMRule", "resilient-traefik", own.namespace))
    assert "TraefikDown" in str(rule["spec"]["groups"])
    assert "no server runs that could be asked" in changed.play("--check").output
    _restore(audited, changed)


def test_a_prometheus_that_does_not_reload_is_told(
    namespace: str, admin: Client, audited: Audited, tmp_path: Path
) -> None:
    own = OwnMonitoring(namespace, arguments=(), replicas=1)
    own.run(admin)
    role = _role(own, audited, tmp_path)
    found = role.part("preflight", "alerts_preflight.findings")
    assert "reads new rules at its start only: run it with --web.enable-lifecycle" in " ".join(found)
    assert audited.writes() == []


def test_a_configuration_in_a_secret_is_never_shown(
    namespace: str, admin: Client, audited: Audited, tmp_path: Path
) -> None:
    own = OwnMonitoring(namespace, replicas=1, secret=True)
    own.run(admin)
    role = _role(own, audited, tmp_path)
    before = own.alertmanager_text(admin)
    outputs = [role.play("--check", "--diff", "-vvv").well().output, role.play("--diff", "-vvv").well().output]
    assert all("s3cret-of-theirs" not in output for output in outputs)
    after = own.alertmanager_text(admin)
    assert set(before.splitlines()) < set(after.splitlines())
    _restore(audited, role)
    assert own.alertmanager_text(admin) == before


def test_values_and_files_instead(
    role: RolePlayer, own: OwnMonitoring, audited: Audited, admin: Client, tmp_path: Path
) -> None:
    marks = {"meta.helm.sh/release-name": "prom", "meta.helm.sh/release-namespace": own.namespace}
    for kind, name in (("StatefulSet", "own-prometheus"), ("ConfigMap", "own-alertmanager")):
        api_version = "apps/v1" if kind == "StatefulSet" else "v1"
        seen = admin.get(ObjectRef(api_version, kind, name, own.namespace))
        _annotate(admin, seen, marks)
    folder = tmp_path / "files"
    values = role.with_settings(alerts_delivery="helm_values_prometheus", alerts_files_to=str(folder))
    assert values.play("--check").well().changed >= 2
    assert not folder.exists()
    values.play().well()
    (path,) = folder.rglob("*.yaml")
    written = yaml.safe_load(path.read_text())
    assert path.name == f"{own.namespace}-prom.yaml"
    assert "TraefikDown" in str(written["serverFiles"]["alerting_rules.yml"]["groups"])
    assert len(written["alertmanager"]["config"]["inhibit_rules"]) == 4, "theirs, which ours would replace, and ours"
    assert values.play().well().changed == 0
    role.with_settings(alerts_delivery="files", alerts_files_to=str(folder), alerts_inhibition="never").play().well()
    assert "TraefikDown" in (folder / "alerts" / "rules.yml").read_text()
    audited.writes()
    role.play(render_to=tmp_path / "git").well()
    assert {path.name for path in (tmp_path / "git").rglob("*.yaml")} >= {"configmap-prometheus-rules.yaml"}
    assert audited.writes() == []


def _annotate(admin: Client, seen: dict[str, Any], marks: dict[str, str]) -> None:
    Writer(admin, check_mode=False).patch([Patch(seen, {"metadata": {"annotations": marks}})])


@pytest.mark.alone
def test_the_whole_proof_on_the_labs_own(audited: Audited, admin: Client, tmp_path: Path) -> None:
    """Auto detection, the lab's Prometheus and its series."""
    role = RolePlayer("alerts", tmp_path, audited.options, SETTINGS, new_run())
    rules = ObjectRef("v1", "ConfigMap", "prometheus-rules", MONITORING)
    try:
        checks = _checks(printed(role.play(facts="alerts_verified_rules").well()))
        assert all(checks.values()), checks
        assert admin.find(rules) is not None
    finally:
        _restore(audited, role)
        (reloaded,) = _tasks(audited, {"resilient.traefik.monitoring_reload": {}})
    assert reloaded["changed"]
    assert admin.find(rules) is None
