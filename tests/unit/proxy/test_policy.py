"""The fallback policy: what it takes, what it refuses and in which words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy import Policy
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy_reading import policy_from

LEAST = {"path": "/auth", "host": "blocker.test:8080", "check_host": "www.example.test"}


def test_defaults_ask_for_the_emergency_login_when_the_target_does_not_answer_or_answers_5xx() -> None:
    policy = policy_from(LEAST)
    assert policy.default == "basic"
    assert policy.fallback_on == ("network", "timeout", "500", "502", "503", "504")
    assert policy.asks_for_login


def test_statuses_may_be_numbers_and_hosts_are_compared_without_case_and_final_dot() -> None:
    policy = policy_from(LEAST | {"fallback_on": ["network", 503], "hosts": {"WWW.Example.test.": "allow"}})
    assert policy.fallback_on == ("network", "503")
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
        (
            {"fallback_on": [404]},
            "fallback_on: 404 about one request is no sign of an outage; the check alone",
        ),
        ({"more_check_hosts": ["a b"]}, "more_check_hosts: 'a b' is not a host name"),
        ({"asked_once": ['a"b']}, "asked_once: expected 1 to 100 printable ASCII characters"),
        ({"check_failures": [200]}, "check_failures: 200 is none of 400, 404"),
        ({"fallback_on": "500"}, "fallback_on: expected a list"),
        ({"fallback_on": []}, "fallback_on: an empty list"),
        ({"open_paths": ["/"]}, "open_paths: '/' is not a path prefix"),
        ({"path": "/a;}"}, "path: '/a;}' is not a plain absolute path"),
        ({"host": "a b"}, "host: 'a b' is not a host name"),
        ({"realm": 'a"; return 200'}, "realm: expected 1 to 100 printable"),
        ({"realm": "a$b\n"}, "realm: expected 1 to 100 printable"),
        ({"user_header": "X User"}, "user_header: 'X User' is not a header name"),
        ({"retry_after": "soon"}, "retry_after: expected a whole number from 1 to 86400, got 'soon'"),
        ({"attempts_burst": 1.5}, "attempts_burst: expected a whole number from 1 to 1000, got 1.5"),
        (
            {"answer_within": 2.3},
            "answer_within: one try takes up to 2.6 s with connect_within; expected at most 2.5 s",
        ),
        ({"check_within": 0.9}, "check_every: has to be at least 0.25 s more than check_within"),
        ({"check_within": 1, "check_every": 2}, "check_within: has to be at most answer_within"),
        ({"attempts_per_minute": True}, "attempts_per_minute: expected a whole number"),
        ({"colour": "red"}, "colour: there is no such option; there are answer_within, "),
        ({"fallback_at": []}, "fallback_at: there is no such option; did you mean fallback_on?"),
        ({"open_paths": ["/a/", "/a/"]}, "open_paths: '/a/' is there twice"),
        ({"open_paths": ["/a/../"]}, "open_paths: '/a/../' is not a path prefix"),
        ({"open_paths": "/a/"}, "open_paths: expected a list of path prefixes, got '/a/'"),
        ({"path": "/a//b"}, "path: '/a//b' is not a plain absolute path"),
        ({"host": "a.test:0"}, "host: 'a.test:0' is not a host name"),
        ({"sticky": "no"}, "sticky: expected true or false, got 'no'"),
        ({"identity_headers": ["Content-Length"]}, "identity_headers: 'Content-Length' is not a header that names"),
        ({"identity_headers": ["X-a: b"]}, "identity_headers: 'X-a: b' is not a header that names"),
        ({"emergency_users": ["a:b"]}, "emergency_users: 'a:b' is not the name of a user"),
        ({"emergency_users": "root"}, "emergency_users: expected a list of user names, got 'root'"),
        ({"hosts": {"bücher.test": "deny"}}, "international ones as xn--..."),
        ({"path": ""}, "path: is needed"),
    ],
)
def test_what_cannot_be_used_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadArgument) as refused:
        policy_from(LEAST | given)
    assert words in str(refused.value)


def test_all_faults_come_at_once() -> None:
    with pytest.raises(BadArgument) as refused:
        policy_from({"path": "x", "default": "open", "retry_after": 0, "trusted_hops": -1})
    for option in ("host: is needed", "check_host: is needed", "path: 'x'", "default: 'open'"):
        assert option in str(refused.value)
    assert "retry_after: expected" in str(refused.value)
    assert "trusted_hops: expected" in str(refused.value)


@pytest.mark.parametrize("given", [None, "path: /auth", ["path"]])
def test_what_is_no_policy_at_all_is_shown(given: Any) -> None:
    with pytest.raises(BadArgument, match="Expected options and their values, got"):
        policy_from(given)


def test_a_slow_target_may_be_given_time_instead_of_a_second_try() -> None:
    policy = policy_from(LEAST | {"answer_within": 2, "check_within": 1.9, "check_every": 2.5})
    assert (policy.answer_within, policy.check_within) == (2.0, 1.9)
    assert policy.longest_wait == pytest.approx(2 + 2 * 1.9 + 0.3)


def test_a_client_waits_for_two_tries_or_for_one_and_two_rounds_of_checks() -> None:
    assert policy_from(LEAST).longest_wait == pytest.approx(2.5)
    assert policy_from(LEAST | {"check_within": 0.7}).longest_wait == pytest.approx(2.6)


def test_traefik_has_to_take_from_the_answer_whatever_names_a_user() -> None:
    assert policy_from(LEAST).answer_headers == ("X-authentik-username", "X-Auth-Fallback")
    policy = policy_from(
        LEAST | {"identity_headers": ["X-authentik-username", "X-authentik-uid"], "emergency_users": ["emergency"]}
    )
    assert policy.answer_headers == ("X-authentik-username", "X-authentik-uid", "X-Auth-Fallback", "Authorization")


def test_the_grace_is_by_host_too() -> None:
    policy = policy_from({**LEAST, "session_cookies": ["s_"], "session_graces": {"Admin.test.": 0, "www.test": "300"}})
    assert policy.session_graces == {"admin.test": 0, "www.test": 300}
    assert (policy.longest_grace, policy.keeps_sessions, policy.graces) == (300, True, ("grace",))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"session_graces": {"a b": 3}}, "session_graces: 'a b' is not a host name"),
        ({"session_graces": {"a.test": 86401}}, "session_graces: a.test: expected a whole number from 0 to 86400"),
        ({"session_graces": {"a.test": "1; }"}}, "session_graces: a.test: expected a whole number"),
        ({"session_graces": 900}, "session_graces: expected seconds by host"),
        ({"remember_session_for": 61}, "remember_session_for: expected a whole number from 0 to 60"),
        ({"session_by_path": "no"}, "session_by_path: expected true or false"),
    ],
)
def test_a_wrong_memory_of_sessions_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(BadArgument, match=re.escape(words)):
        policy_from(LEAST | options)


@pytest.mark.parametrize(
    ("options", "keeps"),
    [
        ({"session_grace": 60}, False),
        ({"session_cookies": ["s_"]}, False),
        ({"session_cookies": ["s_"], "session_grace": 60}, True),
        ({"session_cookies": ["s_"], "remember_session_for": 1}, True),
        ({"session_cookies": ["s_"], "session_graces": {"a.test": 1}}, True),
    ],
)
def test_sessions_are_kept_where_they_can_be_told_and_are_wanted(options: dict[str, object], keeps: bool) -> None:
    assert policy_from(LEAST | options).keeps_sessions is keeps
