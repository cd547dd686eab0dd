"""What stands beside a ForwardAuth middleware in the chains of routes, and what of it the fallback cannot do with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.explain import middlewares
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_chain as chain
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_findings as judgement
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_routes as routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import wishes_from
from tests.unit.traefik.test_forward_auth import LOGIN, middleware, route
from tests.unit.traefik.test_forward_auth_findings import DOMAIN, FOUND, WISH, told, workload

# As oauth2-proxy's manual has it.
SIGN_IN: dict[str, Any] = {
    "errors": {"status": ["401-403"], "service": {"name": "oauth2-proxy"}, "query": "/oauth2/sign_in"}
}
PAGES: dict[str, Any] = {"errors": {"status": ["404", "500-599"], "service": {"name": "pages"}}}
USERS = {"basicAuth": {"secret": "users"}}
TO_DENY, TO_ALLOW = {"fallback_policies": {"a.test": "deny"}}, {"fallback_policy": "allow"}


def cluster(*names: str, match: str = "Host(`a.test`)", **specs: dict[str, Any]) -> Found:
    """A route with those middlewares of namespace traefik; ``specs`` are all but the login."""
    items = [LOGIN, *(middleware(name, **spec) for name, spec in specs.items())]
    used = [route(match, *(f"traefik/{name}" for name in names))]
    return replace(FOUND, middlewares=items, routes=routing.routes(used, items))


def warned(found: Found, **wish: Any) -> list[str]:
    """The warnings of one wish."""
    (one,) = wishes_from(WISH, [wish])
    return judgement.warnings_of(one, found, situation(one, found, DOMAIN))


def test_a_page_in_place_of_the_challenge_is_refused_with_route_ranges_and_remedy() -> None:
    words = told(cluster("before", "login", before=SIGN_IN))["fallback_policies"]
    assert "Middleware traefik/before (errors) stands before Middleware traefik/login" in words
    assert "in route IngressRoute apps/r Host(`a.test`), and its status 401-403 takes the 401" in words
    assert "Set fallback_policies: {a.test: deny}, or allow" in words
    assert "take 401 out of its status" in words


@pytest.mark.parametrize(
    ("found", "wish"),
    [
        (cluster("before", "login", before=SIGN_IN), TO_DENY),
        (cluster("before", "login", before=SIGN_IN), TO_ALLOW),
        (cluster("login", "after", after=SIGN_IN), {}),
        (cluster("before", "login", before=PAGES), {}),
        (cluster("before", before=SIGN_IN), {}),
        (cluster("before", "login", before={"errors": {"status": ["abc", "5-"]}}), {}),
        (cluster("before", "login", before={"errors": {}}), {}),
        (cluster("before", "login", before=USERS), TO_DENY),
        (cluster("before", "login", before=USERS), TO_ALLOW),
        (cluster("before", "login", before={"headers": {"customRequestHeaders": {"X-A": "1"}}}), {}),
        (cluster("login", "after", after={"headers": {"customRequestHeaders": {"Authorization": "x"}}}), {}),
        (cluster("before", "login", before={"redirectScheme": {"scheme": "https"}}), {}),
    ],
)
def test_what_leaves_the_fallback_alone_is_no_fault(found: Found, wish: dict[str, Any]) -> None:
    assert told(found, **wish) == {}


@pytest.mark.parametrize(
    "found",
    [
        cluster("outer", "login", outer={"chain": {"middlewares": [{"name": "inner"}]}}, inner=SIGN_IN),
        cluster("before", "login", before={"errors": {"status": ["401"]}}),
        cluster("before", "login", before={"errors": {"status": [404, "400-499"]}}),
        cluster("before", "login", before=SIGN_IN, match="PathPrefix(`/`)"),
    ],
    ids=["in a chain", "one status", "several ranges", "any host"],
)
def test_it_is_found_however_it_is_written(found: Found) -> None:
    assert "takes the 401 of the emergency login" in told(found)["fallback_policies"]


def test_one_of_an_entry_point_counts_for_the_routes_there() -> None:
    pages = middleware("before", **SIGN_IN)
    settings = {"entrypoints.web.address": ":80", "entrypoints.web.http.middlewares": "traefik-before@kubernetescrd"}
    used = routing.routes([route("Host(`a.test`)", "traefik/login")], [LOGIN, pages], settings)
    found = replace(FOUND, middlewares=[LOGIN, pages], routes=used)
    assert "takes the 401" in told(found)["fallback_policies"]


def test_only_routes_that_fall_back_to_the_login_are_named() -> None:
    items = [LOGIN, middleware("before", **SIGN_IN)]
    used = [route(f"Host(`{name}.test`)", "traefik/before", "traefik/login") for name in "abcdef"]
    found = replace(FOUND, middlewares=items, routes=routing.routes(used, items))
    words = told(found, **TO_DENY)["fallback_policies"]
    assert "a.test" not in words
    assert "Host(`d.test`) and 2 more, and its status" in words
    assert "{b.test: deny, c.test: deny, d.test: deny, ...}" in words


@pytest.mark.parametrize("names", [("beside", "login"), ("login", "beside")], ids=["before", "behind"])
@pytest.mark.parametrize("kind", ["basicAuth", "digestAuth"])
def test_a_second_login_by_the_same_header_is_refused(names: tuple[str, ...], kind: str) -> None:
    words = told(cluster(*names, beside={kind: {"secret": "users"}}))["fallback_policies"]
    assert f"Middleware traefik/beside ({kind}) asks for a login of its own in route IngressRoute apps/r" in words
    assert "{a.test: deny}" in words


def test_a_login_that_is_overwritten_on_its_way_is_refused() -> None:
    headers = {"headers": {"customRequestHeaders": {"authorization": ""}}}
    assert "sets Authorization before" in told(cluster("before", "login", before=headers))["fallback_policies"]


def test_a_page_in_place_of_a_refusal_lets_nobody_in_and_is_told() -> None:
    found = cluster("before", "login", before=PAGES)
    (words,) = warned(found, **TO_DENY)
    assert "Middleware traefik/before (errors) shows its page for 500-599 in place of the 503" in words
    assert "route IngressRoute apps/r Host(`a.test`)" in words
    assert not warned(found)
    assert not warned(found, **TO_ALLOW)


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ({"plugin": {"geoblock": {}}}, "Middleware traefik/before (plugin) stands"),
        ({"newKind": {}}, "(newKind) stands"),
    ],
)
def test_what_may_do_anything_is_told(spec: dict[str, Any], what: str) -> None:
    found = cluster("before", "login", before=spec)
    (words,) = warned(found)
    assert what in words
    assert told(found) == {}
    assert not warned(found, **TO_ALLOW)
    assert not warned(cluster("login", "before", before=spec))


def test_one_of_another_provider_is_told_and_one_that_is_missing_is_not() -> None:
    item = route("Host(`a.test`)", "traefik/gone", "traefik/login")
    item["spec"]["routes"][0]["middlewares"].insert(0, {"name": "pages@file"})
    found = replace(FOUND, routes=routing.routes([item], [LOGIN]), workload=workload())
    (words,) = warned(found)
    assert words.startswith("Middleware pages@file, of another provider, stands before Middleware traefik/login")


@pytest.mark.parametrize("wish", [{}, TO_DENY])
def test_kinds_that_are_known_to_be_harmless_are_not_told(wish: dict[str, Any]) -> None:
    kinds = ("compress", "rateLimit", "headers", "ipAllowList", "retry", "redirectScheme", "forwardAuth", "buffering")
    specs: dict[str, Any] = {f"m{number}": {kind: {}} for number, kind in enumerate(kinds)}
    assert not warned(cluster(*specs, "login", **specs), **wish)


def test_a_kind_that_is_explained_is_known_here_too() -> None:
    judged = chain._HARMLESS | {*chain._LOGINS, "errors"}
    assert judged - {"chain"} == set(middlewares._EFFECTS)
