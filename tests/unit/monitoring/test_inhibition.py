"""Our inhibition rules in somebody's Alertmanager configuration: nothing of theirs is lost, nothing is done twice."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.inhibition import (
    BEGIN,
    NotMergeable,
    faults_of,
    integrations,
    lacking,
    with_inhibition,
)

OURS: list[dict[str, Any]] = [
    {
        "source_matchers": ['resilient_traefik="true"', 'alertname="TraefikDown"'],
        "target_matchers": ['resilient_traefik="true"', 'alertname=~"Traefik.*"'],
        "equal": ["namespace"],
    },
    {"source_matchers": ['resilient_traefik="true"', "a=b"], "target_matchers": ["resilient_traefik=true", "c=d"]},
]
THEIRS = {"source_matchers": ["severity=critical"], "target_matchers": ["severity=warning"], "equal": ["cluster"]}
HEAD = """\
# Our on-call, please ask before you change it.
global:
  smtp_auth_password: 's3cret'   # from the vault
route:
  receiver: 'team'
receivers:
- name: team
  webhook_configs: [{url: "http://sink.test/"}]
"""
THEIRS_BLOCK = """\
inhibit_rules:
  # the usual one
  - source_matchers: [severity=critical]
    target_matchers:
      - severity=warning
    equal: [cluster]
"""
FORMS = {
    "no key": HEAD,
    "no newline at the end": HEAD.rstrip("\n"),
    "block": HEAD + THEIRS_BLOCK,
    "block, then more": HEAD + THEIRS_BLOCK + "\n# templates of ours\ntemplates:\n- '/etc/*.tmpl'\n",
    "not indented": HEAD + "inhibit_rules:\n- source_matchers: [a=b]\n  target_matchers: [c=d]\ntemplates: []\n",
    "first key": THEIRS_BLOCK + HEAD,
    "empty list": HEAD + "inhibit_rules: [] # none yet\ntemplates: []\n",
    "null": HEAD + "inhibit_rules:\ntemplates: []\n",
    "null at the end": HEAD + "inhibit_rules:\n",
    "between brackets": HEAD + "inhibit_rules: [{source_matchers: [a=b], target_matchers: [c=d]}]\ntemplates: []\n",
    "text in the last item": HEAD
    + 'inhibit_rules:\n- target_matchers: [c=d]\n  source_matchers:\n  - >-\n    a="b"\n\nx: 1\n',
}


def _lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines() if line.strip() and not line.startswith("inhibit_rules:")}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_it_is_added_and_nothing_is_lost(text: str) -> None:
    merged = with_inhibition(text, OURS)
    before, after = yaml.safe_load(text), yaml.safe_load(merged)
    assert after["inhibit_rules"] == [*(before.get("inhibit_rules") or []), *OURS]
    assert {key: value for key, value in after.items() if key != "inhibit_rules"} == {
        key: value for key, value in before.items() if key != "inhibit_rules"
    }
    assert _lines(text) <= _lines(merged), "every line of theirs is there, comments too"
    assert lacking(merged, OURS) == []
    assert lacking(text, OURS) == OURS
    assert with_inhibition(merged, OURS) == merged, "a second time changes nothing"


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_it_is_replaced_when_it_changes(text: str) -> None:
    merged = with_inhibition(with_inhibition(text, OURS), OURS[:1])
    assert yaml.safe_load(merged)["inhibit_rules"] == [*(yaml.safe_load(text).get("inhibit_rules") or []), OURS[0]]
    assert merged.count(BEGIN) == 1
    assert with_inhibition(merged, OURS[:1]) == merged


def test_what_is_written_otherwise_and_means_the_same_is_left() -> None:
    text = (
        HEAD
        + "inhibit_rules:\n"
        + yaml.safe_dump(
            [
                {
                    "target_matchers": ["resilient_traefik = true", "c = d"],
                    "source_matchers": ["a=b", "resilient_traefik=true"],
                },
                OURS[0],
            ]
        )
    )
    assert with_inhibition(text, OURS) == text


def test_rules_after_our_lines_are_the_users() -> None:
    merged = with_inhibition(HEAD, OURS) + "- source_matchers: [a=b]\n  target_matchers: [c=d]\n"
    again = with_inhibition(merged, OURS[1:])
    assert len(yaml.safe_load(again)["inhibit_rules"]) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n", "no YAML mapping"),
        ("a: [s3cret\n", "no YAML mapping"),
        (HEAD + "inhibit_rules: {}\nx: s3cret\n", "no list"),
        (HEAD + "inhibit_rules: [ # s3cret\n]\n", "between brackets"),
        (HEAD + "x: &all\n- source_matchers: [a=b]\ninhibit_rules: *all\n", "cannot be added"),
        (HEAD + "inhibit_rules:\n" + yaml.safe_dump(OURS[:1]), "stand outside"),
    ],
)
def test_what_cannot_be_added_to_is_refused_without_its_text(text: str, words: str) -> None:
    if "stand outside" in words:
        text = text.replace("TraefikDown", "Another")
    with pytest.raises(NotMergeable) as refused:
        with_inhibition(text, OURS)
    assert words in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_rules_that_could_silence_others_are_faults() -> None:
    assert faults_of(OURS) == []
    (fault,) = faults_of([THEIRS])
    assert "could silence others" in fault
    assert "unknown key 'equals'" in faults_of([OURS[0] | {"equals": []}])[0]


def test_integrations_of_a_receiver() -> None:
    configuration = yaml.safe_load(HEAD) | {"receivers": [{"name": "null"}, {"name": "team", "webhook_configs": [{}]}]}
    assert integrations(configuration, "team") == ["webhook"]
    assert integrations(configuration, "null") == []
    assert integrations(configuration, "nobody") == []
