"""Where the settings that count come from: environment, ConfigMaps, Secrets, PgBouncer's file; and what is not read."""

from __future__ import annotations

import base64
import json
from typing import Any
from unittest import mock

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.authentik import capacity_info, cluster_reader
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Answer, Query
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

Object = dict[str, Any]
PASSWORD = "correct-horse-battery-staple"


def workload(name: str, image: str, replicas: int, component: str = "", **container: Any) -> Object:
    """A Deployment; authentik's with the chart's labels."""
    labels = {"app.kubernetes.io/name": "authentik", "app.kubernetes.io/component": component} if component else {}
    container = {"name": "main", "image": image} | container
    volumes = container.pop("volumes", [])
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], "volumes": volumes}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "sso", "labels": labels},
        "spec": {"replicas": replicas, "template": template, "selector": {"matchLabels": {"app": name}}},
    }


def data(kind: str, name: str, **values: str) -> Object:
    """A ConfigMap or a Secret."""
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    given = encoded if kind == "Secret" else values
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "sso"}, "data": given}


SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "pgbouncer", "namespace": "sso"},
    "spec": {"selector": {"app": "pgbouncer"}},
}
# As the official chart has it: everything in one Secret.
FROM_SECRET = [{"secretRef": {"name": "authentik"}}]
SETTINGS = data(
    "Secret",
    "authentik",
    AUTHENTIK_WEB__WORKERS="5",
    AUTHENTIK_WORKER__THREADS="5",
    AUTHENTIK_POSTGRESQL__CONN_MAX_AGE="60",
    AUTHENTIK_POSTGRESQL__HOST="pgbouncer.sso.svc.cluster.local",
    AUTHENTIK_POSTGRESQL__PASSWORD=PASSWORD,
    AUTHENTIK_SECRET_KEY=PASSWORD,
)
IMAGE = "ghcr.io/goauthentik/server:2025.8.4"
SERVER = workload("server", IMAGE, 3, "server", envFrom=FROM_SECRET)
WORKER = workload("worker", IMAGE, 3, "worker", envFrom=FROM_SECRET)
POOL = workload("pgbouncer", "docker.io/edoburu/pgbouncer:v1.23.1", 1)
PLAN = [SERVER, WORKER, POOL, SERVICE, SETTINGS]


def asked(
    objects: list[Object], forbidden: tuple[str, ...] = (), log: list[Query] | None = None, **options: Any
) -> dict[str, Any]:
    """The module's result in a cluster of those objects. ``log`` gets what was read."""

    def read(_client: Any, queries: list[Query]) -> list[Answer]:
        answers = []
        for query in queries:
            if log is not None:
                log.append(query)
            found = [
                item
                for item in objects
                if item["kind"] == query.kind
                and query.name in ("", item["metadata"]["name"])
                and query.namespace in ("", item["metadata"]["namespace"])
            ]
            status = "forbidden" if query.kind in forbidden else "found" if found or not query.name else "missing"
            answers.append(Answer(query, status, [] if status == "forbidden" else found))
        return answers

    given = {"namespace": "", "settings": {}, "cluster_domain": "cluster.local", "kubeconfig": "/nowhere"} | options
    with mock.patch.object(cluster_reader, "read_all", read), mock.patch.object(cluster_reader, "read_found", read):
        return capacity_info.run(Task(given))


def test_the_charts_secret_is_read_and_nothing_of_it_but_the_numbers_is_returned() -> None:
    result = asked(PLAN)
    assert result["verdict"] == "deviated"
    assert "authentik keeps 75 connections" in result["findings"][0]
    assert result["sources"]["conn_max_age"] == "Deployment sso/server"
    assert result["sources"]["server_threads"] == "default"
    assert "max_connections" in result["assumed"]
    assert PASSWORD not in json.dumps(result)


def test_a_secret_that_server_and_worker_share_is_read_once() -> None:
    log: list[Query] = []
    asked(PLAN, log=log)
    assert [query.name for query in log if query.kind == "Secret"] == ["authentik"]


def test_a_pool_in_another_namespace_is_found() -> None:
    place = {"namespace": "databases"}
    moved: list[Object] = [POOL, SERVICE]
    pool, service = ({**each, "metadata": each["metadata"] | place} for each in moved)
    settings = data("Secret", "authentik", AUTHENTIK_POSTGRESQL__HOST="pgbouncer.databases")
    result = asked([SERVER, WORKER, pool, service, settings], namespace="sso")
    assert result["sources"]["pool_replicas"] == "Deployment databases/pgbouncer"


def test_an_authentik_that_goes_with_its_namespace_is_none() -> None:
    server = workload("sso-server", IMAGE, 3, "server")
    other: Object = {**server, "metadata": server["metadata"] | {"namespace": "trial"}}
    namespace: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "trial", "namespace": ""}}
    with pytest.raises(BadArgument, match="more than one authentik found: Deployment sso/server, Deployment trial"):
        asked([*PLAN, other, namespace])
    going: Object = {**namespace, "metadata": namespace["metadata"] | {"deletionTimestamp": "2026-12-01T10:00:00Z"}}
    assert asked([*PLAN, other, going])["verdict"] == "deviated"


def test_what_would_be_is_told_before_it_is_done() -> None:
    result = asked(PLAN, settings={"conn_max_age": 0})
    assert (result["verdict"], result["findings"], result["unread"]) == ("passed", [], [])
    assert result["sources"]["conn_max_age"] == "given"


def test_a_secret_that_may_not_be_read_is_no_proof() -> None:
    result = asked(PLAN, ("Secret",))
    assert result["verdict"] == "inconclusive"
    assert result["unread"] == ["Secret sso/authentik"]


@pytest.mark.parametrize(
    ("pool", "extra"),
    [
        (workload("pgbouncer", "edoburu/pgbouncer", 2, env=[{"name": "POOL_MODE", "value": "transaction"}]), []),
        (
            workload(
                "pgbouncer", "bitnami/pgbouncer", 2, env=[{"name": "PGBOUNCER_POOL_MODE", "value": "Transaction"}]
            ),
            [],
        ),
        (
            workload("pgbouncer", "pgbouncer", 2, volumes=[{"name": "file", "configMap": {"name": "pool"}}]),
            [
                data(
                    "ConfigMap",
                    "pool",
                    **{"pgbouncer.ini": "[pgbouncer]\n;pool_mode = statement\npool_mode = transaction ; so\n"},
                )
            ],
        ),
    ],
    ids=["environment", "another image's environment", "file"],
)
def test_the_pools_settings_are_found(pool: Object, extra: list[Object]) -> None:
    result = asked([SERVER, WORKER, pool, SERVICE, SETTINGS, *extra])
    assert result["settings"]["pool_mode"] == "transaction"
    assert result["settings"]["pool_replicas"] == 2
    assert result["verdict"] == "passed"


def test_versions_decide_what_a_worker_has_and_who_listens() -> None:
    old = [
        workload(
            "worker",
            "ghcr.io/goauthentik/server:2025.4.1",
            2,
            "worker",
            env=[{"name": "AUTHENTIK_WORKER__CONCURRENCY", "value": "3"}],
        )
    ]
    old.append(workload("server", "ghcr.io/goauthentik/server:2025.4.1", 2, "server"))
    settings = asked(old)["settings"]
    assert (settings["worker_processes"], settings["worker_threads"], settings["channels"]) == (3, 1, 0)
    new = [workload("server", "ghcr.io/goauthentik/server:2025.10.0", 2, "server")]
    assert asked(new)["settings"]["channels"] == 1


def test_connections_for_ever_are_kept() -> None:
    server = workload(
        "server", IMAGE, 1, "server", env=[{"name": "AUTHENTIK_POSTGRESQL__CONN_MAX_AGE", "value": "null"}]
    )
    result = asked([server])
    assert result["settings"]["conn_max_age"] == "for ever"
    assert result["need"]["held"] == 8


@pytest.mark.parametrize(
    ("objects", "options", "words"),
    [
        ([], {}, "no workload of authentik's server in the cluster"),
        ([], {"namespace": "sso"}, "in namespace sso"),
        ([SERVER, SERVER | {"metadata": SERVER["metadata"] | {"name": "second"}}], {}, "more than one authentik found"),
        (PLAN, {"settings": {"web_threads": 4}}, "settings.web_threads: there is no such setting"),
        (PLAN, {"settings": {"server_threads": 0}}, "settings.server_threads: must be at least 1"),
        (PLAN, {"settings": {"server_threads": "four"}}, "'four' is no whole number"),
        (PLAN, {"settings": {"pool_mode": "lend"}}, "'lend' is none of session, transaction, statement"),
        (PLAN, {"settings": {"conn_max_age": "1m"}}, "'1m' is no number of seconds"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_a_sentence(objects: list[Object], options: Any, words: str) -> None:
    with pytest.raises(BadArgument, match=words):
        asked(objects, **options)
