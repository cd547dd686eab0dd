"""Routers made of objects as Traefik makes them, and which of them gets a request, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.explain.routers import (
    Router,
    Settings,
    redirections,
    reported,
    routers_of,
    same_name,
)
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routing import select
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import entry_points_of
from tests.unit.explain.sample import HOST, REQUEST, SETTINGS, ingress, ingress_route


def _routers(*items: dict[str, Any], settings: Settings = SETTINGS) -> list[Router]:
    return routers_of(items, settings, ["web", "websecure"])


def test_an_ingress_becomes_the_router_that_traefik_names_so() -> None:
    (router,) = _routers(ingress(path="/app"))
    assert router.name == "shop-app-app-example-test-app@kubernetes"
    assert router.rule == 'Host("app.example.test") && PathPrefix("/app")'
    assert router.priority == len(router.rule)
    assert router.entry_points == ("web", "websecure")
    assert str(router.services[0]) == "Service shop/web port 80"


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"priority": "7"}, "priority", 7),
        ({"entrypoints": "Web, other"}, "entry_points", ("web", "other")),
        ({"tls": "true"}, "tls", True),
        ({"tls_certresolver": "acme"}, "tls", True),
        ({"pathmatcher": "Path"}, "rule", f'Host("{HOST}") && PathPrefix("/")'),
        ({"middlewares": "shop-a@kubernetescrd, b@file"}, "middlewares", ("shop-a@kubernetescrd", "b@file")),
    ],
)
def test_annotations_of_an_ingress_are_its_routers_settings(given: dict[str, str], field: str, value: Any) -> None:
    (router,) = _routers(ingress(**given))
    assert getattr(router, field) == value


def test_strict_prefixes_end_at_a_slash() -> None:
    strict = Settings({"providers.kubernetesingress.strictprefixmatching": "true"})
    (router,) = _routers(ingress(path="/app"), settings=strict)
    assert select([router], REQUEST.with_target("/application"), "web").winner is None
    assert select([router], REQUEST.with_target("/app/x"), "web").winner is router


def test_the_longer_rule_wins_and_the_others_are_listed_in_order() -> None:
    routers = _routers(
        ingress_route(f"Host(`{HOST}`)", name="all"), ingress_route(f"Host(`{HOST}`) && PathPrefix(`/api`)", name="api")
    )
    selection = select(routers, REQUEST.with_target("/api/x"), "web")
    assert [str(router.ref) for router in selection.matching] == ["IngressRoute shop/api", "IngressRoute shop/all"]
    assert selection.why.startswith("priority 46 goes before 24 of shop-all-")
    assert selection.why.endswith("(its rule is the longer one)")


def test_a_priority_goes_before_length() -> None:
    routers = _routers(
        ingress_route(f"Host(`{HOST}`) && PathPrefix(`/`)", name="long"),
        ingress_route(f"Host(`{HOST}`)", name="high", priority=1000),
    )
    winner = select(routers, REQUEST, "web").winner
    assert winner is not None
    assert str(winner.ref) == "IngressRoute shop/high"


def test_a_tie_is_called_one_unless_the_providers_precedence_decides() -> None:
    routers = _routers(ingress(priority="50"), ingress_route(f"Host(`{HOST}`)", priority=50))
    tied = select(routers, REQUEST, "web")
    assert tied.tied
    assert tied.why.startswith("nothing decides between it and ")
    decided = select(routers, REQUEST, "web", precedence=["kubernetescrd", "kubernetes"])
    assert not decided.tied
    assert decided.winner is routers[1]
    assert decided.why.endswith("and provider kubernetescrd goes before")


@pytest.mark.parametrize(
    ("https", "tls", "everywhere", "reason"),
    [
        (False, None, False, ""),
        (True, None, False, "it has no TLS, and the request comes by TLS to web"),
        (True, None, True, ""),
        (True, {}, False, ""),
        (False, {}, False, "it has TLS, and the request comes without TLS to web"),
        (False, None, True, "it has TLS, and the request comes without TLS to web"),
    ],
)
def test_tls_decides_which_requests_a_router_is_asked_for(
    https: bool, tls: dict[str, Any] | None, everywhere: bool, reason: str
) -> None:
    given: dict[str, Any] = {} if tls is None else {"tls": tls}
    routers = _routers(ingress_route(f"Host(`{HOST}`)", **given))
    selection = select(routers, replace(REQUEST, https=https), "web", everywhere)
    assert [each.reason for each in selection.near] == ([reason] if reason else [])
    assert bool(selection.winner) is not bool(reason)


def test_what_serves_the_host_and_does_not_take_the_request_is_near_with_its_reason() -> None:
    routers = _routers(
        ingress_route(f"Host(`{HOST}`) && Method(`POST`)", name="posts"),
        ingress_route(f"Host(`{HOST}`)", name="elsewhere", entry_points=["internal"]),
        ingress_route("Host(`other.test`)", name="other"),
        ingress_route(f"Host(`{HOST}`", name="broken"),
    )
    near = {str(each.router.ref): each.reason for each in select(routers, REQUEST, "web").near}
    assert near == {
        "IngressRoute shop/posts": "Method(`POST`) does not take GET",
        "IngressRoute shop/elsewhere": "it is on entry point internal and not on web",
        "IngressRoute shop/broken": (
            f"Traefik drops it: its rule Host(`{HOST}` is wrong: ')' is missing before 'the end'"
        ),
    }


def test_a_router_that_may_take_it_is_told_where_it_would_go_before() -> None:
    inside = f"Host(`{HOST}`) && ClientIP(`10.0.0.0/8`)"
    routers = _routers(ingress_route(f"Host(`{HOST}`)"), ingress_route(inside, name="inside"))
    selection = select(routers, REQUEST, "web")
    assert [str(each.router.ref) for each in selection.uncertain] == ["IngressRoute shop/inside"]
    assert not select(routers, replace(REQUEST, client_ip="192.0.2.1"), "web").uncertain


def test_the_redirection_of_an_entry_point_goes_before_all_others() -> None:
    settings = {
        "entrypoints.web.address": ":80",
        "entrypoints.websecure.address": ":443",
        "entrypoints.web.http.redirections.entrypoint.to": "websecure",
    }
    routers = [*_routers(ingress(priority="1000000")), *redirections(entry_points_of(settings, {}), settings)]
    winner = select(routers, REQUEST, "web").winner
    assert winner is not None
    assert winner.name == "web-to-websecure@internal"


def test_what_a_replica_reports_is_read_with_its_errors() -> None:
    given: list[dict[str, Any]] = [
        {"name": "websecure-a@kubernetes", "rule": f"Host(`{HOST}`)", "entryPoints": ["web"], "status": "enabled"},
        {"name": "b@file", "rule": f"Host(`{HOST}`)", "entryPoints": ["web"], "status": "disabled", "error": ["x"]},
        {"name": "t@file", "rule": "HostSNI(`*`)", "protocol": "tcp"},
    ]
    found = reported(given, SETTINGS)
    assert [(router.name, router.priority, router.problem) for router in found] == [
        ("websecure-a@kubernetes", 24, ""),
        ("b@file", 24, "x"),
    ]
    assert same_name("websecure-a@kubernetes", "a@kubernetes", ["web", "websecure"])
    assert not same_name("other-a@kubernetes", "a@kubernetes", ["web", "websecure"])


def test_traefik_2_reads_rules_in_its_own_syntax() -> None:
    old = Settings({}, "2.11.0")
    (router,) = _routers(ingress_route("Host(`a.test`, `app.example.test`)"), settings=old)
    assert select([router], REQUEST, "web").winner is router


def test_of_thousands_of_routers_the_one_is_found_and_broken_ones_are_passed_by() -> None:
    items = [ingress(f"app-{number}", f"app-{number}.test") for number in range(2000)]
    items += [ingress_route(f"Host(`api-{number}.test`) &&", f"api-{number}") for number in range(500)]
    selection = select(_routers(*items), replace(REQUEST, host="app-1234.test"), "web")
    assert selection.winner is not None
    assert str(selection.winner.ref) == "Ingress shop/app-1234"
    assert len(selection.matching) == 1
