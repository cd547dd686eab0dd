"""Which PodDisruptionBudget a workload is to have, and what is wrong with those that are there."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.disruption import (
    MAX,
    MIN,
    Limit,
    Wish,
    advise,
    changed_fault,
    limit_from,
    selects,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object

LABELS = {"app.kubernetes.io/name": "authentik", "app.kubernetes.io/component": "server"}
HELM = {"meta.helm.sh/release-name": "goauthentik", "meta.helm.sh/release-namespace": "authentik"}
TWO = Wish("server", Limit(MIN, 2))


def _workload(annotations: dict[str, str] | None = None) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "goauthentik-server",
            "namespace": "authentik",
            "labels": LABELS | {"helm.sh/chart": "authentik-2026.8.0"},
            "annotations": annotations or {},
        },
        "spec": {"selector": {"matchLabels": LABELS}, "template": {"metadata": {"labels": LABELS | {"hash": "1"}}}},
    }


def _budget(name: str = "theirs", annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "authentik", "annotations": annotations or {}},
        "spec": {"selector": {"matchLabels": LABELS}} | spec,
    }


@pytest.mark.parametrize(
    ("limit", "replicas", "allowed"),
    [
        (Limit(MIN, 2), 3, 1),
        (Limit(MIN, 2), 2, 0),
        (Limit(MIN, 2), 1, 0),
        (Limit(MIN, 0), 3, 3),
        (Limit(MIN, "50%"), 3, 1),
        (Limit(MIN, "100%"), 3, 0),
        (Limit(MAX, 1), 1, 1),
        (Limit(MAX, 0), 3, 0),
        (Limit(MAX, "34%"), 3, 2),
        (Limit(MAX, 5), 3, 3),
    ],
)
def test_percentages_round_up(limit: Limit, replicas: int, allowed: int) -> None:
    assert limit.allows(replicas) == allowed


@pytest.mark.parametrize("text", ["", "two", "-1", "101%", "%", "1.5", "²"])
def test_a_bad_number_is_named(text: str) -> None:
    with pytest.raises(BadArgument, match=r"server_min_available"):
        limit_from("server", {"min_available": text})


def test_selectors_hold_as_kubernetes_has_them() -> None:
    def holds(selector: dict[str, Any] | None) -> bool:
        return selects({"spec": {"selector": selector}}, {"a": "1"})

    def expression(operator: str, key: str, *values: str) -> dict[str, Any]:
        return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}

    assert not holds(None)
    assert holds({})
    assert holds({"matchLabels": {"a": "1"}})
    assert not holds({"matchLabels": {"a": "2"}})
    assert holds(expression("In", "a", "1", "2"))
    assert not holds(expression("NotIn", "a", "1"))
    assert holds(expression("NotIn", "b", "1"))
    assert holds(expression("Exists", "a"))
    assert not holds(expression("DoesNotExist", "a"))


def test_three_replicas_get_what_was_asked_for() -> None:
    advice = advise(TWO, _workload(), 3, [])
    assert (advice.findings, advice.notes) == ([], [])
    assert advice.budget is not None
    assert advice.budget["metadata"]["name"] == "goauthentik-server"
    assert advice.budget["spec"]["minAvailable"] == 2
    assert advice.budget["spec"]["selector"] == {"matchLabels": LABELS}
    assert "helm.sh/chart" not in advice.budget["metadata"]["labels"]


@pytest.mark.parametrize("replicas", [1, 2])
def test_few_replicas_fall_back_or_are_a_finding(replicas: int) -> None:
    advice = advise(TWO, _workload(), replicas, [])
    assert advice.findings == []
    assert "minAvailable 2 would block every drain" in advice.notes[0]
    assert advice.budget is not None
    assert advice.budget["spec"]["maxUnavailable"] == 1
    assert "minAvailable" not in advice.budget["spec"]
    refused = advise(Wish("server", Limit(MIN, 2), fall_back=False), _workload(), replicas, [])
    assert "would block every drain" in refused.findings[0]


def test_none_to_protect_is_a_finding() -> None:
    assert "scaled to 0" in advise(TWO, _workload(), 0, []).findings[0]


def test_the_trap_of_the_chart_is_named() -> None:
    """pdb.enabled alone: a budget of the workload's own name, which would be taken for ours by its name."""
    trap = _budget("goauthentik-server", HELM, minAvailable=0)
    advice = advise(TWO, _workload(HELM), 3, [trap])
    assert advice.budget is None
    assert "(Helm release authentik/goauthentik) has minAvailable 0 (what a chart renders" in advice.findings[0]


def test_somebody_elses_good_budget_is_left_to_it() -> None:
    advice = advise(TWO, _workload(), 3, [_budget(maxUnavailable=1)])
    assert (advice.budget, advice.findings) == (None, [])
    assert "a second budget would block evictions" in advice.notes[0]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"minAvailable": 3}, "blocks every drain"),
        ({"maxUnavailable": 0}, "blocks every drain"),
        ({"maxUnavailable": "100%"}, "be evicted at once"),
        ({"minAvailable": 0}, "be evicted at once"),
    ],
)
def test_somebody_elses_bad_budget_is_a_finding(spec: dict[str, Any], words: str) -> None:
    advice = advise(TWO, _workload(), 3, [_budget(**spec)])
    assert advice.budget is None
    assert words in advice.findings[0]


def test_two_budgets_for_the_same_pods_are_a_finding() -> None:
    advice = advise(TWO, _workload(), 3, [_budget("a", maxUnavailable=1), _budget("b", minAvailable=2)])
    assert advice.budget is None
    assert "PodDisruptionBudget authentik/a, PodDisruptionBudget authentik/b select the same pods" in advice.findings[0]


def test_ours_is_renewed_and_that_of_another_namespace_does_not_count() -> None:
    first = advise(TWO, _workload(), 3, []).budget
    assert first is not None
    elsewhere = _budget(minAvailable=3)
    elsewhere["metadata"]["namespace"] = "other"
    assert advise(TWO, _workload(), 3, [first, elsewhere]).budget == first


def test_before_the_chart_renders_one() -> None:
    wish = Wish("server", Limit(MIN, 2), by_chart=True)
    trap = advise(wish, _workload(HELM), 3, [_budget("goauthentik-server", HELM, minAvailable=0)])
    assert (trap.budget, trap.findings) == (None, [])
    assert "pdb.enabled and no number" in trap.notes[0]
    assert "remove it" in advise(wish, _workload(HELM), 3, [_budget(maxUnavailable=1)]).findings[0]


OURS = {"app.kubernetes.io/part-of": "resilient-traefik"}


@pytest.mark.parametrize(
    ("spec", "replicas", "words"),
    [
        ({"minAvailable": 2}, 3, ""),
        ({"minAvailable": 1}, 3, "minAvailable is 1, not 2"),
        ({"maxUnavailable": 1}, 3, "minAvailable is not set, not 2, maxUnavailable is 1, not set"),
        # Two of two would block every drain, so the role took another number.
        ({"maxUnavailable": 1}, 2, ""),
        (
            {"minAvailable": 2, "unhealthyPodEvictionPolicy": "IfHealthyBudget"},
            3,
            "is IfHealthyBudget, not AlwaysAllow",
        ),
    ],
)
def test_a_budget_of_ours_is_to_have_the_wished_numbers(spec: dict[str, Any], replicas: int, words: str) -> None:
    budget = _budget(**({"unhealthyPodEvictionPolicy": "AlwaysAllow"} | spec))
    # Somebody else's is left to them.
    assert changed_fault(TWO, _workload(), replicas, budget) == ""
    budget["metadata"]["labels"] = OURS
    told = changed_fault(TWO, _workload(), replicas, budget)
    assert words in told if words else told == ""
