"""The role authentik on the lab's own authentik: what it refuses, what it changes, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from tests.integration.http_in_pod import Door
from tests.integration.support_engine import Audited
from tests.integration.support_login import log_in_through_traefik
from tests.integration.support_restore import Site
from tests.integration.support_role import RolePlayer, new_run, printed, rolled_back

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.alone

SPACE = "authentik"
WORKER = ObjectRef("apps/v1", "Deployment", "goauthentik-worker", SPACE)
# A pool that is only told of, as it comes: the lab's authentik keeps its sessions without a database.
POOL = {"pool_replicas": 1, "default_pool_size": 20, "max_client_conn": 200, "max_connections": 200}
SETTINGS = {"conn_max_age": 0, "cache_timeout_flows": 1800, "worker_threads": 4}


@pytest.fixture
def role(audited: Audited, tmp_path: Path) -> RolePlayer:
    settings: dict[str, Any] = {
        "authentik_namespace": SPACE,
        "authentik_version": "2025.8.4",
        "authentik_settings": SETTINGS,
        "authentik_capacity": POOL,
    }
    return RolePlayer("authentik", tmp_path, audited.options, settings, new_run())


def test_what_does_not_fit_is_told_with_its_numbers_and_nothing_is_written(role: RolePlayer, audited: Audited) -> None:
    plan = {"conn_max_age": 60, "web_workers": 5, "worker_threads": 5}
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, []),
        (
            {"authentik_settings": plan},
            ["authentik keeps 75 connections", "session-mode pool of 20", "postgresql.conn_max_age: 0"],
        ),
        ({"authentik_capacity": POOL | {"pool_mode": "statement"}}, ["pool_mode is statement"]),
        (
            {
                "authentik_settings": {"web_workers": 4},
                "authentik_server_resources": {"limits": {"memory": "1Gi"}},
            },
            ["authentik_settings: web_workers 4", "the memory limit of", "is 1Gi: 2 fit"],
        ),
        ({"authentik_version": ""}, ["authentik_settings: worker_threads have other keys before and since 2025.8"]),
        ({"authentik_version": "newest"}, ["authentik_version: 'newest' is none of authentik's"]),
        ({"authentik_settings": {"web_workers": 0}}, ["web_workers 0 is too low"]),
        ({"authentik_namespace": "apps"}, ["authentik_namespace: no workload of authentik's server in namespace apps"]),
    ]
    told = role.parts("preflight", "authentik_preflight.findings", [settings for settings, _words in cases])
    for findings, (settings, words) in zip(told, cases, strict=True):
        assert bool(findings) is bool(words), (settings, findings)
        assert all(each in " ".join(findings) for each in words), (settings, findings)

    refused = role.with_settings(authentik_settings=plan).play()
    assert refused.code != 0
    assert "authentik keeps 75 connections" in refused.output
    assert audited.writes() == []


def test_protected_sites_are_asked_as_a_stranger_and_as_a_member(role: RolePlayer, traefik_doors: list[Door]) -> None:
    site = {"host": "private.lab.test", "path": "/get"}
    cookie = log_in_through_traefik(traefik_doors[0], "private.lab.test")
    with_sites = role.with_settings(
        authentik_server_replicas=0,
        authentik_worker_replicas=0,
        authentik_settings={},
        resilient_traefik_verify_seconds=0,
        authentik_protected_sites=[site | {"secret_headers": {"Cookie": cookie}}],
    )
    told = with_sites.part("verify", "[authentik_verified_strangers, authentik_verified_members]")
    statuses = [{answer["status"] for answer in part["answers"]} for part in told]
    assert statuses == [{302}, {200}]
    assert cookie.partition("=")[2] not in str(told)


def test_plan_apply_again_and_back(role: RolePlayer, admin: Client, audited: Audited) -> None:
    site = Site(admin, audited.options, SPACE)
    before = site.state()
    planned = role.play("--check", "--diff").well()
    assert "AUTHENTIK_CACHE__TIMEOUT_FLOWS" in planned.output
    assert "minAvailable: 2" in planned.output
    assert audited.writes() == []
    assert site.state() == before

    with rolled_back(role):
        applied = role.play(facts="authentik_verified_pods").well()
        assert applied.changed == 2
        checks = printed(applied)["checks"]
        assert sum("/-/health/ready/ is 200" in check["name"] for check in checks) == 3
        assert all(check["passed"] for check in checks)
        worker = admin.get(WORKER)
        assert worker["spec"]["replicas"] == 3
        environment = worker["spec"]["template"]["spec"]["containers"][0]["env"]
        assert {"name": "AUTHENTIK_WORKER__THREADS", "value": "4"} in environment
        audited.writes()

        assert role.play().well().changed == 0
        assert role.play("--check").well().changed == 0
        assert audited.writes() == []
    assert site.state() == before


def test_what_was_not_played_is_not_proved(role: RolePlayer) -> None:
    """The worker has one pod, and the settings are not there."""
    verified = role.with_settings(resilient_traefik_verify_seconds=0).part("verify", "authentik_verified_pods")
    assert verified["failed"]
    failed = {check["name"]: check["found"] for check in verified["checks"] if not check["passed"]}
    assert "replicas" in failed["Deployment authentik/goauthentik-worker: has what was asked for"]
