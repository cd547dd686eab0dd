"""The fallback policy: what it takes, what it refuses and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy import Policy, policy_from

LEAST = {"path": "/auth", "host": "blocker.test:8080", "check_host": "www.example.test"}


def test_defaults_ask_for_the_emergency_login_when_the_target_does_not_answer_or_answers_5xx() -> None:
    policy = policy_from(LEAST)
    assert policy.default == "basic"
    assert policy.fallback_on == ("network", "timeout", "500", "502", "503", "504")
    assert policy.asks_for_login


def test_statuses_may_be_numbers_and_hosts_are_compared_without_case_and_final_dot() -> None:
    policy = policy_from(LEAST | {"fallback_on": ["network", 404], "hosts": {"WWW.Example.test.": "allow"}})
    assert policy.fallback_on == ("network", "404")
    assert policy.hosts == {"www.example.test": "allow"}


def test_the_strictest_answer_in_use_is_for_hosts_that_cannot_be_told() -> None:
    open_policy = Policy(path="/a", host="h", check_host="h", default="allow")
    assert open_policy.strictest == "allow"
    assert not open_policy.asks_for_login
    assert policy_from(LEAST | {"default": "allow", "hosts": {"a.test": "deny", "b.test": "basic"}}).strictest == "deny"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"default": "open"}, "default: 'open' is no fallback policy; there are allow, basic, deny"),
        ({"hosts": {"https://a.test": "deny"}}, "hosts: 'https://a.test' is not a host name"),
        ({"hosts": {"*.a.test": "deny"}}, "hosts: '*.a.test' is not a host name"),
        ({"hosts": {"a.test": "deny", "A.test": "allow"}}, "hosts: a.test is there twice"),
        ({"hosts": {"a.test": "maybe"}}, "hosts: a.test: 'maybe' is no fallback policy"),
        ({"hosts": ["a.test"]}, "hosts: expected a policy by host"),
        ({"fallback_on": ["401"]}, "fallback_on: '401' is none of"),
        ({"fallback_on": "500"}, "fallback_on: expected a list"),
        ({"fallback_on": []}, "fallback_on: an empty list"),
        ({"open_paths": ["/"]}, "open_paths: '/' is not a path prefix"),
        ({"path": "/a;}"}, "path: '/a;}' is not a plain absolute path"),
        ({"host": "a b"}, "host: 'a b' is not a host name"),
        ({"realm": 'a"; return 200'}, "realm: expected 1 to 100 printable"),
        ({"realm": "a$b\n"}, "realm: expected 1 to 100 printable"),
        ({"user_header": "X User"}, "user_header: 'X User' is not a header name"),
        ({"retry_after": "soon"}, "retry_after: expected a number from 1 to 86400, got 'soon'"),
        ({"answer_within": 1.2}, "two tries of connect_within and answer_within take 3 s"),
        ({"check_within": 0.9}, "check_every: has to be at least 0.25 s more than check_within"),
        ({"attempts_per_minute": True}, "attempts_per_minute: expected a number"),
        ({"colour": "red"}, "colour: there is no such option"),
        ({"path": ""}, "path: is needed"),
    ],
)
def test_what_cannot_be_used_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadArgument) as refused:
        policy_from(LEAST | given)
    assert words in str(refused.value)


def test_all_faults_come_at_once() -> None:
    with pytest.raises(BadArgument) as refused:
        policy_from({"path": "x", "default": "open"})
    for option in ("host: is needed", "check_host: is needed", "path: 'x'", "default: 'open'"):
        assert option in str(refused.value)
