"""What a client's own X-Forwarded headers make wrong: who it is counted as, and which host's policy it gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_findings as judgement
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_forwarded as forwarded
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_routes as routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import wishes_from
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import sites_of
from tests.unit.traefik.test_forward_auth import LOGIN, middleware, route
from tests.unit.traefik.test_forward_auth_findings import DOMAIN, FOUND, WISH, told, workload

TRUSTING = middleware("login", forwardAuth=LOGIN["spec"]["forwardAuth"] | {"trustForwardHeader": True})
POINTS = {"entrypoints__web__address": ":8000", "entrypoints__websecure__address": ":8443"}
INSECURE = {"entrypoints__web__forwardedheaders__insecure": "true"}
SOME = {"entrypoints__web__forwardedheaders__trustedips": "10.0.0.0/8,192.0.2.1"}
OPEN = {"fallback_policies": {"a.test": "allow"}}


def found_with(item: dict[str, Any] = TRUSTING, **arguments: str) -> Found:
    """A Traefik with these settings, and a.test behind the middleware at the entry point web."""
    traefik = workload(**POINTS, **arguments)
    items = [route("Host(`a.test`)", "traefik/login")]
    items[0] |= {"apiVersion": "traefik.io/v1alpha1"}
    items[0]["spec"]["entryPoints"] = ["web"]
    return replace(
        FOUND,
        workload=traefik,
        middlewares=[item],
        routes=routing.routes(items, [item]),
        sites=sites_of(items, [item], traefik.arguments),
    )


@pytest.mark.parametrize(
    ("item", "arguments", "hops", "words"),
    [
        (LOGIN, {}, 0, ""),
        (LOGIN, SOME, 0, ""),
        (LOGIN, SOME, 1, "has to be 0, not 1: Middleware traefik/login has no trustForwardHeader"),
        (TRUSTING, {}, 0, ""),
        (TRUSTING, {}, 2, "has to be 0, not 2: entry point web takes X-Forwarded-For from nobody"),
        (TRUSTING, INSECURE, 0, ""),
        (TRUSTING, INSECURE, 1, "has to be 0, not 1: entry point web takes X-Forwarded-For from anybody"),
        (TRUSTING, {"entrypoints__web__forwardedheaders__trustedips": "0.0.0.0/0"}, 1, "from anybody"),
        (TRUSTING, SOME, 0, "1 for one, and not 0: entry point web trusts 10.0.0.0/8, 192.0.2.1"),
        (TRUSTING, SOME, 1, ""),
        (TRUSTING, {"entrypoints__web__forwardedheaders__trustedips": "127.0.0.1/32"}, 0, ""),
        # Nobody comes to the sites by this one.
        (TRUSTING, {"entrypoints__websecure__forwardedheaders__insecure": "true"}, 0, ""),
    ],
)
def test_a_number_of_proxies_that_cannot_be_is_told_with_the_right_one(
    item: dict[str, Any], arguments: dict[str, str], hops: int, words: str
) -> None:
    faults = told(found_with(item, **arguments), trusted_hops=hops)
    if words:
        assert words in faults["trusted_hops"]
    else:
        assert faults == {}


def test_who_is_counted_matters_only_where_logins_are() -> None:
    assert told(found_with(LOGIN), trusted_hops=3, fallback_policy="deny") == {}


def test_settings_that_cannot_be_read_are_not_judged() -> None:
    unread = replace(workload(), arguments={})
    assert told(replace(FOUND, workload=unread), trusted_hops=1) == {}


@pytest.mark.parametrize(
    ("item", "arguments", "wish", "refused"),
    [
        (TRUSTING, INSECURE, OPEN, True),
        (TRUSTING, INSECURE, {"fallback_policy": "allow", "fallback_policies": {"a.test": "deny"}}, True),
        (TRUSTING, INSECURE, {"fallback_policy": "allow"}, False),
        (TRUSTING, INSECURE, {"fallback_policies": {"a.test": "deny"}}, False),
        (TRUSTING, SOME, OPEN | {"trusted_hops": 1}, False),
        (TRUSTING, {}, OPEN, False),
        (LOGIN, INSECURE, OPEN, False),
    ],
)
def test_allow_beside_a_host_that_the_client_names_is_refused(
    item: dict[str, Any], arguments: dict[str, str], wish: dict[str, Any], refused: bool
) -> None:
    faults = told(found_with(item, **arguments), **wish)
    assert ("allow for some hosts would be allow for all" in faults.get("fallback_policies", "")) is refused
    assert bool(faults) is refused


def test_where_a_host_cannot_be_told_every_public_entry_point_counts() -> None:
    everywhere = found_with(entrypoints__websecure__forwardedheaders__insecure="true")
    anything = routing.routes([route("PathPrefix(`/`)", "traefik/login")], [TRUSTING])
    found = replace(everywhere, routes=anything, sites=())
    assert set(forwarded.entry_points_of_sites(found, TRUSTING)) == {"web", "websecure"}
    assert "entry point websecure" in told(found, trusted_hops=1)["trusted_hops"]


def test_a_choice_between_stricter_policies_is_a_warning() -> None:
    wish = {"fallback_policies": {"a.test": "deny"}}
    for insecure in (True, False):
        found = found_with(TRUSTING, **(INSECURE if insecure else {}))
        (one,) = wishes_from(WISH, [wish])
        assert bool(judgement.warnings_of(one, found, situation(one, found, DOMAIN))) is insecure
