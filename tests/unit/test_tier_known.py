"""Which tiers a cluster has, by its namespaces, its PriorityClasses and its policies."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.tier_known import KnownTiers, tiers_in, tiers_of_classes

BINDING = {
    "matchResources": {"namespaceSelector": {"matchLabels": {"tier": "1-cluster"}}},
    "paramRef": {"name": "tier-1-cluster", "parameterNotFoundAction": "Deny"},
}
EXPRESSIONS = {
    "rules": [{"namespaceSelector": {"matchExpressions": [{"key": "tier", "values": ["2-apps", "3-edge"]}]}}]
}
OTHERS = {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["5-none"]}]}


@pytest.mark.parametrize(
    ("spec", "tiers"),
    [(BINDING, ["1-cluster"]), (EXPRESSIONS, ["2-apps", "3-edge"]), (OTHERS, []), ({"tier": {"deep": 1}}, [])],
)
def test_tiers_that_selectors_ask_for(spec: dict[str, object], tiers: list[str]) -> None:
    assert list(tiers_in("tier", spec)) == tiers


def test_tiers_that_classes_are_named_after() -> None:
    names = ["system-node-critical", "tier-1-cluster", "tier-4-aux", "tiering"]
    assert tiers_of_classes("tier", names) == {"1-cluster", "4-aux"}


def test_a_tier_that_nothing_names_is_told_with_those_that_there_are() -> None:
    known = KnownTiers(frozenset({"4-aux", "1-cluster"}), unread=("ClusterPolicy *: forbidden",))
    assert known.objection("tier", "1-cluster") == ""
    assert known.objection("tier", "9-nope") == (
        "there is no tier 9-nope: no namespace has tier=9-nope, and no PriorityClass and no admission policy is for "
        "it; there are 1-cluster, 4-aux (not looked at: ClusterPolicy *: forbidden)"
    )
    assert "there are none" in KnownTiers(frozenset()).objection("tier", "x")


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("{\"expression\": \"namespaceObject.metadata.labels['tier'] == '2-apps'\"}", True),
        ('{"expression": "labels.tier == \\"2-apps\\""}', True),
        ('{"message": "12-apps-3"}', False),
    ],
)
def test_expressions_of_policies_name_a_tier_between_quotes(text: str, has: bool) -> None:
    assert KnownTiers(frozenset(), (text,)).has("2-apps") is has
