"""A host to check by has to be one that the target knows, and a target that is ill knows none."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_facts as facts
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_hosts as hosts
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import wishes_from
from tests.unit.traefik.test_forward_auth_findings import DOMAIN, FOUND, WISH

KNOWN, UNKNOWN = frozenset({302}), frozenset({404})


def judged(answers: dict[str, frozenset[int]], **wish: Any) -> tuple[list[tuple[str, str]], list[str]]:
    """The faults, and the hosts that the check asks about."""
    (one,) = wishes_from(WISH | {"authentik": True}, [wish])
    there = situation(one, FOUND, DOMAIN)
    there.refused = hosts.refused_hosts(one, answers)
    return hosts.check_host_faults(one, there, answers), facts.check_hosts_of(one, there, ["a.test", "b.test"])


def test_a_named_host_that_the_target_does_not_know_is_refused_with_one_that_it_knows() -> None:
    ((option, words),), _asked = judged({"c.test": UNKNOWN, "a.test": KNOWN}, check_host="c.test")
    assert option == "check_host"
    assert "c.test is not known to Service sso/outpost: its pods answer 404 about it, and not about a.test" in words


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"c.test": KNOWN, "a.test": KNOWN},
        {"c.test": UNKNOWN, "a.test": UNKNOWN},
        {"c.test": UNKNOWN},
        {"c.test": UNKNOWN, "a.test": frozenset({500})},
        {"c.test": KNOWN | UNKNOWN, "a.test": KNOWN},
    ],
)
def test_who_is_ill_or_not_reached_refuses_nothing(answers: dict[str, frozenset[int]]) -> None:
    assert judged(answers, check_host="c.test")[0] == []


def test_without_a_name_the_check_asks_about_what_is_known_first() -> None:
    faults, asked = judged({"a.test": UNKNOWN, "b.test": KNOWN})
    assert (faults, asked) == ([], ["b.test", "a.test"])
    assert judged({})[1] == ["a.test", "b.test"]
    assert judged({}, check_host="c.test")[1] == ["c.test", "a.test", "b.test"]
