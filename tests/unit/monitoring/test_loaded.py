"""What a server has loaded, compared with what it should have: nothing that differs is taken for the same."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.loaded import (
    clashes,
    differences,
    same_words,
    unhealthy,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.rules import finished

OURS = {"resilient_traefik": "true", "severity": "critical"}
GROUPS: list[dict[str, Any]] = [
    {
        "name": "traefik",
        "rules": [
            {"alert": "TraefikDown", "expr": "up  == 0", "for": "2m", "labels": OURS, "annotations": {"summary": "x"}},
            {"record": "traefik:up", "expr": "sum(up)"},
        ],
    }
]
FILE = "/etc/rules/resilient-traefik.yml"
LOADED: list[dict[str, Any]] = [
    {
        "name": "traefik",
        "file": FILE,
        "rules": [
            {
                "type": "alerting",
                "name": "TraefikDown",
                "query": "up == 0",
                "duration": 120,
                "keepFiringFor": 0,
                "labels": OURS,
                "annotations": {"summary": "x"},
                "health": "ok",
            },
            {"type": "recording", "name": "traefik:up", "query": "sum(up)", "labels": {}, "health": "ok"},
        ],
    }
]


def _own(file: str) -> bool:
    return file == FILE


def _with(**changes: Any) -> list[dict[str, Any]]:
    loaded = copy.deepcopy(LOADED)
    loaded[0]["rules"][0] |= changes
    return loaded


def test_what_is_loaded_is_recognised() -> None:
    assert differences(GROUPS, LOADED, _own, same_words, {}) == []
    assert clashes(GROUPS, LOADED, _own, {}) == []
    assert unhealthy(GROUPS, LOADED) == []
    more = _with(labels=OURS | {"namespace": "monitoring"})
    assert differences(GROUPS, more, _own, same_words, {}) == [], "operators add labels"


@pytest.mark.parametrize(
    "changes",
    [
        {"query": "up == 1"},
        {"duration": 60},
        {"keepFiringFor": 30},
        {"labels": OURS | {"severity": "warning"}},
        {"labels": {"resilient_traefik": "true"}},
        {"annotations": {}},
    ],
)
def test_what_was_there_before_is_not_taken_for_it(changes: dict[str, Any]) -> None:
    assert differences(GROUPS, _with(**changes), _own, same_words, {}) == ["TraefikDown is loaded as it was before"]


def test_what_is_missing_or_left_over_is_named() -> None:
    assert differences(GROUPS, [], _own, same_words, {}) == ["TraefikDown is not loaded", "traefik:up is not loaded"]
    elsewhere = [LOADED[0] | {"file": "/etc/rules/other.yml"}]
    assert len(differences(GROUPS, elsewhere, _own, same_words, {})) == 2
    assert differences([], LOADED, _own, same_words, {}) == ["TraefikDown is still loaded"]
    foreign = [{"name": "theirs", "file": FILE, "rules": [{"type": "alerting", "name": "Theirs", "labels": {}}]}]
    assert differences(GROUPS, [*LOADED, *foreign], _own, same_words, {}) == []


def test_several_rules_that_record_one_series() -> None:
    rules = [{"record": "a:b", "expr": text, "labels": {"workload": text}} for text in ("x", "y")]
    loaded = [
        {"type": "recording", "name": "a:b", "query": rule["expr"], "labels": rule["labels"]}
        for rule in reversed(rules)
    ]
    groups = [{"name": "traefik", "rules": rules}]
    told: list[dict[str, Any]] = [{"name": "traefik", "file": FILE, "rules": loaded}]
    assert differences(groups, told, _own, same_words, {}) == []
    told[0]["rules"] = loaded[:1]
    assert differences(groups, told, _own, same_words, {}) == ["a:b is loaded as it was before"]


def test_names_that_others_have_are_clashes() -> None:
    theirs = {"name": "edge", "file": "/etc/config/alerting_rules.yml"}
    (taken,) = clashes(
        GROUPS, [theirs | {"rules": [{"type": "alerting", "name": "TraefikDown", "labels": {}}]}], _own, {}
    )
    assert "TraefikDown is loaded already (/etc/config/alerting_rules.yml, group edge)" in taken
    assert "overrides: {TraefikDown: {enabled: false}}" in taken
    (twice,) = clashes(GROUPS, [theirs | {"rules": LOADED[0]["rules"]}], _own, {})
    assert "would fire twice" in twice
    (in_our_file,) = clashes(GROUPS, _with(labels={}), _own, {})
    assert "is not of this collection" in in_our_file
    recorded = [theirs | {"rules": [{"type": "recording", "name": "TraefikDown", "labels": {}}]}]
    assert clashes(GROUPS, recorded, _own, {}) == []


def test_the_rules_of_another_cluster_are_its_own() -> None:
    cluster = {"cluster": "blue"}
    groups, _faults = finished(GROUPS, {}, cluster)
    green = [
        LOADED[0]
        | {"file": "/etc/rules/green.yml", "rules": [LOADED[0]["rules"][0] | {"labels": OURS | {"cluster": "green"}}]}
    ]
    blue = _with(labels=OURS | cluster)
    assert clashes(groups, [*blue, *green], _own, cluster) == []
    assert differences(groups, [*blue, *green], lambda file: True, same_words, cluster) == []


def test_rules_that_cannot_be_evaluated_are_named() -> None:
    assert unhealthy(GROUPS, _with(health="err", lastError="many-to-many")) == ["TraefikDown is err: many-to-many"]
    assert unhealthy(GROUPS, _with(health="unknown")) == ["TraefikDown is unknown"]
