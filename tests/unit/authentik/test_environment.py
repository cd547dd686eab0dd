"""Settings become the variables that the running version reads."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.authentik import environment

SETTINGS = {"conn_max_age": 0, "conn_health_checks": True, "web_workers": 3, "worker_threads": 4}


def test_each_component_gets_its_own_and_what_is_of_both() -> None:
    both = {"AUTHENTIK_POSTGRESQL__CONN_MAX_AGE": "0", "AUTHENTIK_POSTGRESQL__CONN_HEALTH_CHECKS": "true"}
    assert environment.variables(SETTINGS, "server", (2025, 8)) == both | {"AUTHENTIK_WEB__WORKERS": "3"}
    assert environment.variables(SETTINGS, "worker", (2025, 8)) == both | {"AUTHENTIK_WORKER__THREADS": "4"}


def test_before_2025_8_the_worker_has_a_concurrency() -> None:
    assert environment.variables({"worker_threads": 4}, "worker", (2025, 6)) == {"AUTHENTIK_WORKER__CONCURRENCY": "4"}
    assert environment.as_capacity({"worker_threads": 4}, (2025, 6)) == {"worker_processes": 4, "worker_threads": 1}
    assert environment.as_capacity({"worker_threads": 4}, (2025, 8)) == {"worker_threads": 4}
    (told,) = environment.faults({"worker_processes": 2}, (2025, 6, 1))
    assert "authentik 2025.6.1 has no worker_processes" in told


def test_an_unknown_version_is_asked_for_only_where_keys_differ() -> None:
    assert list(environment.faults({"web_workers": 3, "conn_max_age": 0}, ())) == []
    (told,) = environment.faults({"worker_threads": 3}, ())
    assert "name it in version" in told


def test_what_is_read_no_more_is_told() -> None:
    names = ["AUTHENTIK_WORKER__CONCURRENCY", "AUTHENTIK_REDIS__HOST"]
    assert list(environment.notes(names, (2025, 6))) == []
    assert len(list(environment.notes(names, (2025, 8)))) == 1
    assert "needs no Redis" in list(environment.notes(names, (2025, 10)))[1]
