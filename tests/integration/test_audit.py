"""The audit on the lab as it comes: an account that may only look finds every weakness, and writes nothing."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from lab import settings
from tests.integration.support_account_fixture import MakeAccount
from tests.integration.support_audit import AuditLog
from tests.integration.support_playbook import Player
from tests.integration.support_seeded import SEEDED, audited, seeded_in

pytest_plugins = ["tests.integration.support_fixtures", "tests.integration.support_account_fixture"]

# What the playbook rbac gives the purpose `audit`.
ROLES = ("objects", "traefik", "findings", "audit")


def test_an_account_that_may_only_look_finds_everything_and_writes_nothing(
    account: MakeAccount, admin: Client, tmp_path: Path
) -> None:
    given = account(ROLES)
    log = AuditLog(settings.from_environment().audit_log, admin)
    options = {"title": "the audit", "cluster": "lab", "directory": str(tmp_path), "fail_on": "never"}
    played = Player(dict(given)).task("audit", options | {"outputs": ["json", "html", "sarif", "junit", "prometheus"]})
    assert played.outcome == "ok", played.message
    assert played.result["notes"] == []
    found = {each["rule"] for each in played.result["findings"]}
    assert set(SEEDED) <= found
    assert {path.name for path in tmp_path.iterdir()} == {
        f"audit-lab.{end}" for end in ("json", "html", "sarif", "xml", "prom")
    }
    hangs = {each["name"]: each["hang"] for each in played.result["blast_radius"]}
    assert hangs["poison-fountain/poison-fountain"] == "500 after 30 s"
    assert log.writes(f"system:serviceaccount:resilient-traefik:{given.name}") == []
    log.close()


def test_every_weakness_is_found_where_it_is(admin: Client) -> None:
    found = audited(admin)
    assert seeded_in(found) == SEEDED
    assert found.verdict == "deviated"


def test_what_may_not_be_read_is_not_judged_and_not_a_pass(account: MakeAccount) -> None:
    given = account(ROLES, ("middlewares", "list"))
    found = audited(Client(given))
    assert found.verdict in ("deviated", "inconclusive")
    (note,) = [each for each in found.notes if each.startswith("Middleware ")]
    assert 'cannot list resource "middlewares" in API group "traefik.io"' in note
    assert not {"RT301", "RT101"} & {each.rule for each in found.findings}
