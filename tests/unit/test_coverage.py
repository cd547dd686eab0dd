"""What harden says of the routes that the proxies will stand before."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.filter.coverage import FilterModule

coverage = FilterModule().filters()["coverage"]


def middleware(place: str, *routes: str, behind: bool = False, hosts: tuple[str, ...] = ()) -> dict[str, Any]:
    """One of forward_auth_info's middlewares."""
    namespace, _slash, name = place.partition("/")
    asked = {"address": "http://gate.apps:80/ask", "behind_proxy": behind, "hosts": list(hosts), "routes": list(routes)}
    return {"namespace": namespace, "name": name} | asked


def proxy(name: str, *places: str) -> dict[str, Any]:
    """One of forward_auth_info's proxies."""
    led = [dict(zip(("namespace", "name"), place.split("/"), strict=True)) for place in places]
    return {"name": name, "switch": [{"metadata": each} for each in led]}


BOTS, LOGIN, OWN = middleware("t/bots", "r1", "r2"), middleware("t/login", "r2", "r3"), middleware("a/own", "r3", "r4")


def test_a_route_counts_where_all_whom_it_asks_are_behind_proxies() -> None:
    found = [
        {"middlewares": [BOTS, LOGIN, OWN], "proxies": [proxy("bot-block-proxy", "t/bots")]},
        {"middlewares": [BOTS, LOGIN, OWN], "proxies": [proxy("auth-proxy", "t/login")]},
    ]
    first, *others = coverage(found)
    assert first == (
        "Proxies will stand before all that 2 of 4 routes ask: auth-proxy (2 routes), bot-block-proxy (2 routes)."
    )
    assert others == ["Not before a/own, which asks http://gate.apps:80/ask (2 routes)."]
    assert coverage([found[0], {}])[0].startswith(
        "Proxies will stand before all that 1 of 4 routes ask: bot-block-proxy"
    )


def test_what_stands_behind_a_proxy_already_is_protected_and_what_no_route_uses_does_not_count() -> None:
    there = [middleware("t/login", "r1", behind=True), middleware("t/unused")]
    assert coverage([{"middlewares": there, "proxies": []}]) == [
        "Proxies will stand before all that 1 of 1 routes ask."
    ]


def test_hosts_are_named_and_not_all_of_them() -> None:
    hosts = tuple(f"{name}.test" for name in "abcde")
    (_sum, words) = coverage([{"middlewares": [middleware("a/own", "r1", hosts=hosts)], "proxies": []}])
    assert "(1 route: a.test, b.test, c.test and 2 more)" in words


def test_nothing_is_said_where_nothing_was_looked_at() -> None:
    assert coverage([{}, {}]) == []
    assert "nothing for a proxy to stand before" in coverage([{"middlewares": [], "proxies": []}])[0]
