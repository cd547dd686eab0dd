"""Groups of rules: what is wrong with them is told by name, and a user's changes come out as they were meant."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.expressions import metric_names
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.rules import (
    alerts_of,
    finished,
    seconds,
)

GROUPS: list[dict[str, Any]] = [
    {
        "name": "traefik",
        "rules": [
            {
                "alert": "TraefikDown",
                "expr": "up == 0",
                "for": "1m",
                "labels": {"severity": "critical", "resilient_traefik": "true"},
                "annotations": {"summary": "Traefik is down"},
            },
            {"record": "traefik:up", "expr": "sum(up)"},
        ],
    },
    {"name": "proxies", "rules": [{"alert": "ForwardAuthFallbackActive", "expr": "x > 0", "labels": {}}]},
]


def test_an_override_changes_what_it_names_only() -> None:
    overrides = {
        "TraefikDown": {"for": "5m", "labels": {"severity": "page", "team": "edge"}, "annotations": {"note": "call"}}
    }
    groups, faults = finished(GROUPS, overrides, {"cluster": "blue", "severity": "low"})
    assert faults == []
    down, fallback = alerts_of(groups)
    assert down["for"] == "5m"
    assert down["expr"] == "up == 0"
    assert down["labels"] == {"cluster": "blue", "severity": "page", "team": "edge", "resilient_traefik": "true"}
    assert down["annotations"] == {"summary": "Traefik is down", "note": "call"}
    assert fallback["labels"] == {"cluster": "blue", "severity": "low"}
    assert groups[0]["rules"][1] == GROUPS[0]["rules"][1], "a recorded series has no labels of alerts"
    assert GROUPS[0]["rules"][0]["for"] == "1m", "what was given is left as it was"


def test_an_alert_that_is_switched_off_is_gone_and_its_group_when_it_was_the_only_one() -> None:
    groups, faults = finished(GROUPS, {"ForwardAuthFallbackActive": {"enabled": False}}, {})
    assert (faults, [group["name"] for group in groups]) == ([], ["traefik"])


def test_an_alert_that_the_cluster_has_nothing_for_may_be_overridden() -> None:
    groups, faults = finished(GROUPS, {"BotBlockerDown": {"for": "9m"}}, {}, ["BotBlockerDown"])
    assert (alerts_of(groups)[0], faults) == (alerts_of(GROUPS)[0], [])


@pytest.mark.parametrize(
    ("overrides", "extra", "words"),
    [
        ({"TraefikDwn": {}}, {}, "overrides: there is no alert TraefikDwn; did you mean TraefikDown?"),
        ({"Zebra": {}}, {}, "there are ForwardAuthFallbackActive, TraefikDown"),
        ({"TraefikDown": {"expresion": "up"}}, {}, "unknown key 'expresion'; did you mean expr?"),
        ({"TraefikDown": "off"}, {}, "overrides: TraefikDown is str, and takes enabled, expr"),
        ({"TraefikDown": {"enabled": "no"}}, {}, "enabled 'no'"),
        ({"TraefikDown": {"for": "2 minutes"}}, {}, "overrides: TraefikDown has for '2 minutes', which is no duration"),
        ({"TraefikDown": {"expr": " "}}, {}, "overrides: TraefikDown has no expr"),
        ({"TraefikDown": {"labels": {"priority": 1}}}, {}, "overrides: TraefikDown has labels.priority that is int"),
        ({"TraefikDown": {"labels": ["a"]}}, {}, "labels that are list"),
        ({"TraefikDown": {"labels": {"resilient_traefik": "no"}}}, {}, "sets the label resilient_traefik"),
        ({}, {"resilient_traefik": "x"}, "extra_labels: 'resilient_traefik' cannot be"),
        ({}, {"a-b": "x"}, "extra_labels: 'a-b' cannot be"),
        ({}, {"a": True}, "extra_labels: a is bool"),
    ],
)
def test_bad_changes_are_named(overrides: dict[str, Any], extra: dict[str, Any], words: str) -> None:
    groups, faults = finished(GROUPS, overrides, extra)
    assert words in " ".join(faults), faults
    assert len(faults) == 1
    assert groups == [] or "overrides:" in faults[0]


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (["a"], "groups: item 1 is no group but str"),
        ([{"rules": []}], "groups: item 1 has no name"),
        ([{"name": "a"}], "group a has no list of rules"),
        ([{"name": "a", "rules": [3]}], "group a has a rule that is int"),
        ([{"name": "a", "rules": [{"expr": "x"}]}], "a rule of group a needs either alert or record"),
        ([{"name": "a", "rules": [], "every": "1m"}], "unknown key 'every'"),
        ([{"name": "a", "rules": [{"alert": "X", "expr": "y", "fro": "1m"}]}], "X has an unknown key 'fro'"),
        ([*GROUPS, GROUPS[0] | {"name": "again"}], "2 alerts are named TraefikDown"),
        ([GROUPS[0], GROUPS[1] | {"name": "traefik"}], "2 groups are named traefik"),
    ],
)
def test_what_prometheus_would_refuse_is_named(groups: list[Any], words: str) -> None:
    assert words in " ".join(finished(groups, {}, {})[1])


@pytest.mark.parametrize(
    ("text", "number"), [("2m", 120), ("1h30m", 5400), ("0", 0), ("", 0), ("500ms", 0.5), (None, 0), ("1d", 86400)]
)
def test_durations(text: str | None, number: float) -> None:
    assert seconds(text) == number


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("up == 0", {"up"}),
        (
            'sum by (namespace, pod) (rate(a_total{code=~"5.."}[5m])) / on(pod) group_left(node) b:c > 0.1',
            {"a_total", "b:c"},
        ),
        ('absent(x{job="y z"}) or vector(1) unless x offset 5m', {"x"}),
        ("topk(3, avg_over_time(d[10m:1m])) and on() (time() - e > bool 3)", {"d", "e"}),
        ('{__name__="f", a="b"} > 1e3 # up', {"f"}),
        ('label_replace(g, "a", "$1", "b", "(.*)") @ end() * -Inf', {"g"}),
        ("count by(node)(h)\n  unless\n  i", {"h", "i"}),
    ],
)
def test_metric_names(expression: str, names: set[str]) -> None:
    assert metric_names(expression) == names
