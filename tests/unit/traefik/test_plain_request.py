"""The plain request that a rule takes: what is asked of a site is what its router answers."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.traefik import rules
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.plain_request import plain_requests
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest


@pytest.mark.parametrize(
    ("rule", "hosts", "path", "unaskable"),
    [
        ("Host(`a.test`) && PathPrefix(`/x`)", ("a.test",), "/x", ""),
        ("Host(`a.test`) && !PathPrefix(`/x`)", ("a.test",), "/", ""),
        ("Host(`a.test`) && PathPrefix(`/x`) && !Path(`/x`)", ("a.test",), "/x", "no plain request is sure"),
        ("Host(`a.test`) || HostRegexp(`^.+$`)", ("a.test",), "/", ""),
        ("PathPrefix(`/x`)", (), "/x", ""),
        ("Host(`a.test`) && Header(`X`, `y(z)`)", ("a.test",), "/", "its rule asks for Header(`X`, `y(z)`)"),
        # One way in is enough, and the host that has one stands for the route.
        ("(Host(`a.test`) && Header(`X`, `y`)) || Host(`b.test`)", ("b.test", "a.test"), "/", ""),
        ("Host(`A.test`) && Method(`GET`, `HEAD`)", ("a.test",), "/", ""),
        ("Host(`a.test`) && Method(`POST`)", ("a.test",), "/", "its rule asks for Method(`POST`)"),
        ("Host(`a.test`) && ClientIP(`10.0.0.0/8`)", ("a.test",), "/", "its rule asks for ClientIP(`10.0.0.0/8`)"),
        ("Host(`a.test`) && !ClientIP(`10.0.0.0/8`)", ("a.test",), "/", "no plain request is sure to fit its rule: "),
        ("Host(`a.test`) && PathRegexp(`^/(x|y)$`)", ("a.test",), "/", "its rule asks for PathRegexp(`^/(x|y)$`)"),
        ("!Host(`a.test`)", (), "/", ""),
        ("!(Host(`a.test`) || Host(`b.test`)) && PathPrefix(`/x`)", (), "/x", ""),
        ("HostRegexp(`^x[.]test$`)", (), "/", "its rule asks for HostRegexp(`^x[.]test$`)"),
        ("HostRegexp(`^.+$`)", (), "/", ""),
        # Traefik 2: several values, templates, other names.
        ("Host(`a.test`, `b.test`) && Headers(`X`, `y`)", ("a.test", "b.test"), "/", "its rule asks for Headers("),
        ("HostHeader(`a.test`) && PathPrefix(`/{id:[0-9]+}`)", ("a.test",), "/", "no plain request is sure to fit"),
        ("HostSNI(`a.test`)", ("a.test",), "/", "its rule cannot be read: there is no matcher HostSNI"),
        ("Host(`a.test`) && Weird(`x`)", ("a.test",), "/", "its rule cannot be read: there is no matcher Weird"),
        ("!Host(`a.test`) && (", (), "/", "its rule cannot be read: "),
        ("", (), "/", "its rule cannot be read: the rule ends too early"),
    ],
)
def test_a_request_is_one_that_the_rule_takes(rule: str, hosts: tuple[str, ...], path: str, unaskable: str) -> None:
    found = plain_requests(rule)
    assert (found.hosts, found.path) == (hosts, path)
    assert found.unaskable.startswith(unaskable), found.unaskable
    assert bool(found.unaskable) is bool(unaskable), found.unaskable
    if not unaskable and hosts:
        assert rules.evaluate(rules.parse(rule), SiteRequest(hosts[0], path)).matches is True


def test_each_host_has_a_path_of_its_own() -> None:
    found = plain_requests("(Host(`a.test`) && PathPrefix(`/x`)) || (Host(`b.test`) && Path(`/y`))")
    assert [found.path_of(host) for host in ("a.test", "b.test")] == ["/x", "/y"]


@pytest.mark.parametrize(
    ("rule", "others"),
    [
        ("Host(`a.test`)", False),
        ("Host(`a.test`) && PathPrefix(`/x`)", False),
        ("Host(`a.test`) || PathPrefix(`/x`)", True),
        ("Host(`a.test`) || HostRegexp(`^x`)", True),
        ("Host(`a.test`) && !HostRegexp(`^x`)", False),
        ("PathPrefix(`/x`)", True),
        ("!Host(`a.test`)", True),
        ("Host(`*.a.test`)", True),
        ("Host(`a.test`) || Host(`*.a.test`)", True),
    ],
)
def test_a_rule_may_take_hosts_that_it_does_not_name(rule: str, others: bool) -> None:
    assert plain_requests(rule).others is others
