"""What pods count, as differences by second."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.drill.counters import (
    Differences,
    answers,
    asked,
    fallbacks,
    stood_in,
)

PROXY = """
# TYPE fallback_proxy_fallbacks_total counter
fallback_proxy_fallbacks_total{reason="timeout",policy="basic"} 3
fallback_proxy_fallbacks_total{reason="timeout",policy="deny"} 2
fallback_proxy_fallbacks_total{reason="down",policy="basic"} 1
fallback_proxy_failed_tries_total{reason="timeout"} 9
fallback_proxy_requests_total 40
fallback_proxy_checks_total{result="well"} 700
"""
STAND_IN = """
# TYPE drill_stand_in_requests_total counter
drill_stand_in_requests_total{visitor="0"} 3
drill_stand_in_requests_total{visitor="other"} 90
"""
TRAEFIK = """
traefik_entrypoint_requests_total{code="200",entrypoint="web",method="GET",protocol="http"} 5
traefik_entrypoint_requests_total{code="200",entrypoint="web",method="POST",protocol="http"} 2
traefik_entrypoint_requests_total{code="302",entrypoint="web",method="GET",protocol="http"} 1
traefik_entrypoint_requests_total{code="200",entrypoint="metrics",method="GET",protocol="http"} 80
traefik_entrypoint_requests_tls_total{entrypoint="web"} 7
traefik_service_requests_total{code="200",service="a@file"} 4
"""


def test_a_proxys_fallbacks_by_reason() -> None:
    assert fallbacks(PROXY) == {"timeout": 5, "down": 1}


def test_what_a_proxy_was_asked_without_its_own_checks() -> None:
    assert asked(PROXY) == {"": 40}
    assert asked("") == {"": 0}


def test_what_a_stand_in_was_asked_by_visitor() -> None:
    assert stood_in(STAND_IN) == {"0": 3, "other": 90}
    assert stood_in("# TYPE drill_stand_in_requests_total counter\n") == {}


def test_an_entry_points_answers_by_status() -> None:
    assert answers(TRAEFIK, "Web") == {"200": 7, "302": 1}
    assert answers(TRAEFIK) == {"200": 87, "302": 1}


def test_what_was_there_before_does_not_count() -> None:
    counted = Differences()
    counted.see("a", {"200": 5}, 10.2, new=False)
    counted.see("a", {"200": 7, "302": 1}, 11.2, new=False)
    counted.see("a", {"200": 7, "302": 1}, 12.2, new=False)
    assert counted.by_second() == {11: {"200": 2, "302": 1}}


def test_pods_add_up() -> None:
    counted = Differences()
    for pod in ("a", "b"):
        counted.see(pod, {"200": 5}, 10.2, new=False)
        counted.see(pod, {"200": 8}, 11.2, new=False)
    assert counted.by_second() == {11: {"200": 6}}


def test_pods_are_told_apart_and_one_that_counted_nothing_has_answered_too() -> None:
    counted = Differences()
    counted.see("a", {"200": 5}, 10.2, new=False)
    counted.see("b", {}, 10.2, new=False)
    counted.see("a", {"200": 8}, 11.2, new=False)
    assert counted.by_pod() == {"a": {11: {"200": 3}}, "b": {}}


def test_a_restart_begins_at_zero() -> None:
    counted = Differences()
    counted.see("a", {"200": 5, "302": 1}, 10.2, new=False)
    counted.see("a", {"200": 2, "302": 3}, 11.2, new=False)
    assert counted.by_second() == {11: {"200": 2, "302": 3}}


def test_all_of_a_new_pods_counts() -> None:
    counted = Differences()
    counted.see("a", {"200": 5}, 10.2, new=True)
    assert counted.by_second() == {10: {"200": 5}}
