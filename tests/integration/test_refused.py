"""Bad input is refused by the playbooks before the first write, in check mode as without, with tags as without."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support_books import Books
from tests.integration.support_engine import Audited

pytest_plugins = ("tests.integration.support_fixtures",)
pytestmark = pytest.mark.alone

Given = dict[str, Any]
# Ansible shows the message of a failed task as an error and as its result.
SHOWN = 2
SECRET = "hunter2-of-the-tests"
# By the tag of the step: what was given, and what has to be said of it.
REFUSED: list[tuple[str, Given, list[str]]] = [
    ("tier", {"tier_to": "9-nope"}, ["tier_to: there is no tier 9-nope"]),
    ("auth", {"auth_proxy_entry_point": "webb"}, ["auth_proxy_entry_point: Deployment", "no TCP entry point 'webb'"]),
    ("auth", {"auth_proxy_middleware": {"nmae": "x"}}, ["auth_proxy_middleware: nmae: there is no such setting"]),
    (
        "auth",
        {"auth_proxy_fallback_policies": "deny"},
        ["auth_proxy_fallback_policies: expected a mapping, got 'deny'"],
    ),
    ("auth", {"auth_proxy_users": f"oncall:{SECRET}"}, ["auth_proxy_users: expected a list, got a text"]),
    ("auth", {"auth_proxy_users": [{"name": "jürgen", "password": SECRET}]}, ["auth_proxy_users: 'jürgen' is a name"]),
    ("auth", {"auth_proxy_users": [{"name": "a:b", "pasword": SECRET}]}, ["auth_proxy_users item 1: pasword: there"]),
    ("auth", {"auth_proxy_users": [{"name": "a"}, {"name": "a"}]}, ["auth_proxy_users: a: given more than once"]),
    (
        "auth",
        {"auth_proxy_proxies": [{"name": "auth-proxy", "port": "http"}]},
        ["auth_proxy_proxies item 1: port: exp"],
    ),
    (
        "alerts",
        {"alerts_error_rate": "viel", "alerts_dashboard": "vielleicht"},
        ["alerts_error_rate: expected a number, got 'viel'", "alerts_dashboard: expected true or false"],
    ),
    ("authentik_pdb", {"resilient_traefik_run_id": "a..b"}, ["resilient_traefik_run_id: 'a..b' must be"]),
]
DRILLS_REFUSED: list[tuple[Given, list[str]]] = [
    (
        {
            "resilient_traefik_drill_scenarios": [{"scenario": "forward_auth_hung", "secnds": 3}, {"seconds": 1}],
            "resilient_traefik_drill_rate": 100000,
        },
        [
            "item 1: secnds: there is no such setting (is seconds meant?)",
            "item 2: scenario: is needed",
            "resilient_traefik_drill_rate: must be at most 200",
        ],
    ),
    (
        {"resilient_traefik_drill_scenarios": "forward_auth_hung"},
        ["resilient_traefik_drill_scenarios: expected a list"],
    ),
]


@pytest.fixture
def books(kubeconfig: Path, tmp_path: Path, audited: Audited) -> Books:
    """The playbooks, as a user whose writes are seen."""
    identity = {"K8S_AUTH_IMPERSONATE_USER": audited.name, "K8S_AUTH_IMPERSONATE_GROUPS": "system:masters"}
    return Books(kubeconfig, tmp_path, environment=identity)


# One whose meaning the cluster tells, one of Traefik's, one with a secret. The test of all at once has the others.
SHORT = ("tier_to", "auth_proxy_entry_point", "jürgen")
AT_ONCE = pytest.mark.variation("each by itself, in check mode and without")


def _marked(case: tuple[str, Given, list[str]]) -> Any:
    return pytest.param(*case, marks=() if any(name in str(case[1]) for name in SHORT) else AT_ONCE)


@pytest.mark.parametrize(
    ("tag", "given", "words"), [_marked(case) for case in REFUSED], ids=lambda value: json.dumps(value)[:40]
)
def test_harden_refuses_before_the_first_write(
    books: Books, audited: Audited, tag: str, given: Given, words: list[str]
) -> None:
    variables = ("-e", json.dumps(given))
    for options in (("--check", "--tags", tag), ("--tags", tag)):
        ended = books.play("harden", *options, *variables)
        assert ended.code != 0, (options, ended.output)
        assert ended.count("failed") == 1
        assert ended.count("rescued") == 0
        for each in ("Nothing was changed.", *words):
            assert each in ended.output, (options, ended.output)
        for never in (SECRET, "mistake in the collection", "Traceback", "<class"):
            assert never not in ended.output, (options, ended.output)
    assert audited.writes() == []


def test_harden_tells_the_findings_of_all_steps_at_once(books: Books, audited: Audited) -> None:
    chosen = [case for case in REFUSED if not set(case[1]) & {"auth_proxy_users", "auth_proxy_entry_point"}]
    given = {name: value for _tag, variables, _words in chosen for name, value in variables.items()}
    ended = books.play("harden", "-e", json.dumps(given))
    assert ended.code != 0
    for each in (words for _tag, _given, all_words in chosen for words in all_words):
        assert ended.output.count(each) == SHOWN, (each, ended.output)
    assert audited.writes() == []


def test_one_sentence_under_the_name_that_was_given(books: Books, audited: Audited) -> None:
    ended = books.play("harden", resilient_traefik_traefik_namespace="trafik")
    assert ended.code != 0
    assert ended.output.count("resilient_traefik_traefik_namespace: no Deployment or DaemonSet") == SHOWN
    assert ended.output.count("in namespace trafik") == SHOWN, ended.output
    assert audited.writes() == []


@pytest.mark.parametrize("name", ["harden", "verify", "drill"])
def test_a_misspelt_tag_is_told_with_those_that_there_are(books: Books, audited: Audited, name: str) -> None:
    ended = books.play(name, "--tags", "nonsense")
    assert ended.code != 0
    assert "There is no tag nonsense; there are " in ended.output
    assert audited.writes() == []


def test_files_that_cannot_be_written_leave_nothing_to_roll_back(books: Books, audited: Audited) -> None:
    ended = books.play("harden", "--tags", "authentik_pdb", resilient_traefik_render_to="/proc/nope")
    assert ended.code != 0
    assert "Nothing was written to the cluster." in ended.output
    assert "resilient.traefik.rollback" not in ended.output
    assert audited.writes() == []


@pytest.mark.parametrize(("given", "words"), DRILLS_REFUSED, ids=["entries", "text"])
def test_drill_refuses_before_anything_is_broken(
    books: Books, audited: Audited, given: Given, words: list[str]
) -> None:
    ended = books.play("drill", "-e", json.dumps(given))
    assert ended.code != 0
    for each in ("Nothing was broken.", *words):
        assert each in ended.output, ended.output
    assert audited.writes() == []


def test_an_empty_name_is_made_and_leads_back_and_a_failed_step_says_how(
    books: Books, audited: Audited, tmp_path: Path
) -> None:
    """The report cannot be written below a file, which is noticed in the end."""
    (tmp_path / "file").touch()
    reportless = replace(books, reports=tmp_path / "file" / "below")
    empty = ("-e", json.dumps({"resilient_traefik_run_id": ""}))
    failed = reportless.play("harden", "--tags", "authentik_pdb", *empty)
    try:
        assert failed.code != 0
        assert failed.count("failed") == 1
        assert f"This run is called {failed.run_id()} (resilient_traefik_run_id is empty)." in failed.output
        assert f"resilient.traefik.rollback -e resilient_traefik_run_id={failed.run_id()}" in failed.output
        written = [write.kind for write in audited.writes()]
        # Written, and in the journal before that.
        assert {"secrets", "poddisruptionbudgets"} <= set(written), written
    finally:
        back = books.play("rollback", resilient_traefik_run_id=failed.run_id())
    assert back.code == 0, back.output
