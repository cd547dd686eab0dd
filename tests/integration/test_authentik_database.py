"""authentik before a real PostgreSQL and PgBouncer: the pool does what the arithmetic says, and the role heeds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.lab_cluster import LabCluster, eventually
from tests.integration.support_engine import Audited
from tests.integration.support_restore import Site
from tests.integration.support_role import RolePlayer, new_run, printed, rolled_back

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.alone

DATABASE = "authentik-db"
POOL = ObjectRef("apps/v1", "Deployment", "pgbouncer", DATABASE)
IMAGE = "localhost/lab/postgresql:15"
HEALTHY = """daemon off;
pid /tmp/nginx.pid;
error_log /dev/stderr;
events {}
http { access_log off; server { listen 9000; location / { return 200; } } }
"""
# The settings of the outage: 3 servers of 5 processes and 4 threads, 3 workers of 5 threads.
PLAN = {"web_workers": 5, "web_threads": 4, "worker_threads": 5, "conn_max_age": 60}
CLIENTS, POOLED = 25, 20
ASK = f"""
ask="/usr/lib/postgresql/15/bin/psql --no-psqlrc --host=pgbouncer.{DATABASE} --port=6432 --username=authentik"
for each in $(/bin/busybox seq {CLIENTS}); do $ask --dbname=postgres --command='select pg_sleep(20)' & done
/bin/busybox sleep 5
$ask --dbname=pgbouncer --tuples-only --no-align --command='show pools'
"""


@pytest.fixture(scope="module")
def pool(admin: Client) -> Object:
    """The lab's PgBouncer; the tests are skipped where it has none."""
    found = admin.find(POOL)
    if found is None:
        pytest.skip("this lab has no database for authentik: LAB_AUTHENTIK_DB=1 make lab")
    return found


@pytest.fixture
def sso(namespace: str, admin: Client) -> str:
    """The namespace of an authentik that names the pool: one server, which is always healthy, and a worker."""
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"nginx.conf": HEALTHY}}
    metadata = {"name": "nginx", "namespace": namespace}
    parts = [_part(namespace, component) for component in ("server", "worker")]
    Writer(admin, check_mode=False).apply([settings | {"metadata": metadata}, *parts])
    refs = [ObjectRef("apps/v1", "Deployment", f"sso-{name}", namespace) for name in ("server", "worker")]
    wait_until_ready(admin, refs, 60, print)
    return namespace


def _part(namespace: str, component: str) -> Object:
    labels = {"app.kubernetes.io/name": "authentik", "app.kubernetes.io/component": component}
    container = {
        "name": component,
        "image": "localhost/lab/nginx:1.31.3",
        "imagePullPolicy": "IfNotPresent",
        "args": ["-c", "/settings/nginx.conf"],
        "env": [{"name": "AUTHENTIK_POSTGRESQL__HOST", "value": f"pgbouncer.{DATABASE}.svc"}],
        "volumeMounts": [{"name": "settings", "mountPath": "/settings"}],
    }
    volumes = [{"name": "settings", "configMap": {"name": "nginx"}}]
    pod = {"terminationGracePeriodSeconds": 0, "containers": [container], "volumes": volumes}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": f"sso-{component}",
            "namespace": namespace,
            "labels": labels | {"app.kubernetes.io/version": "2025.8.4"},
        },
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


@pytest.fixture
def role(pool: Object, sso: str, audited: Audited, tmp_path: Path) -> RolePlayer:
    settings: dict[str, Any] = {"authentik_namespace": sso, "authentik_settings": PLAN}
    return RolePlayer("authentik", tmp_path, audited.options, settings, new_run())


@pytest.fixture
def asked(namespace: str, admin: Client, cluster: LabCluster) -> str:
    """What PgBouncer tells of its pools while more clients than it has connections keep one each."""
    container = {
        "name": "clients",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", ASK],
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "clients", "namespace": namespace},
        "spec": {"terminationGracePeriodSeconds": 0, "restartPolicy": "Never", "containers": [container]},
    }
    Writer(admin, check_mode=False).apply([pod])
    wait_until_ready(admin, [ObjectRef("v1", "Pod", "clients", namespace)], 60, print)
    eventually(lambda: "|session" in cluster.log(namespace, "clients"), "the pools are told of", 60)
    return cluster.log(namespace, "clients")


def test_a_session_mode_pool_lends_each_connection_for_as_long_as_it_is_kept(pool: Object, asked: str) -> None:
    (line,) = [line for line in asked.splitlines() if line.startswith("postgres|")]
    active, waiting = line.split("|")[2:4]
    assert (int(active), int(waiting)) == (POOLED, CLIENTS - POOLED)


def test_the_plan_is_refused_and_the_corrected_one_applied_and_taken_back(
    role: RolePlayer, sso: str, admin: Client, audited: Audited
) -> None:
    refused = role.play()
    assert refused.code != 0
    assert "authentik keeps 75 connections (3 servers x 5 processes x 4 threads + 3 workers x 1 x 5)" in refused.output
    assert f"a session-mode pool of {POOLED}" in refused.output
    assert "postgresql.conn_max_age: 0" in refused.output
    assert audited.writes() == []

    sites = [Site(admin, audited.options, space) for space in (sso, DATABASE)]
    before = [site.state() for site in sites]
    corrected = role.with_settings(authentik_settings=PLAN | {"conn_max_age": 0})
    with rolled_back(corrected):
        applied = corrected.play(facts="authentik_verified_pods").well()
        checks = printed(applied)["checks"]
        assert all(check["passed"] for check in checks)
        assert any(check["name"].endswith("PgBouncer answers on 6432") for check in checks)
        (container,) = admin.get(POOL)["spec"]["template"]["spec"]["containers"]
        assert container["livenessProbe"]["tcpSocket"] == {"port": 6432}
        audited.writes()
        assert corrected.play().well().changed == 0
        assert audited.writes() == []
    assert [site.state() for site in sites] == before
