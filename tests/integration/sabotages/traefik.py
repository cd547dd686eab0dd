"""Sabotages of Traefik itself: how many there are, where, with which limits, and how they end."""

from __future__ import annotations

from tests.integration.sabotages.changes import Edit, Make, Mutate, Object, Remove, put
from tests.integration.sabotages.places import budget, budgets, deployment
from tests.integration.sabotages.sabotage import Sabotage

AREA = "traefik_ha"
TRAEFIK, LABELS = deployment("traefik"), "app.kubernetes.io/name"
DRAINED, NEXT = "a node with a Traefik can be drained", "will roll as wished"


def _second_budget() -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "saboteur", "namespace": "traefik"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {LABELS: "traefik"}}},
    }


def _edited(name: str, stage: int, words: tuple[str, ...], mutate: Mutate) -> Sabotage:
    return Sabotage(f"Traefik: {name}", stage, AREA, words, (Edit(TRAEFIK, mutate),))


SABOTAGES = [
    Sabotage("Traefik: its budget is gone", 1, AREA, (DRAINED, "none"), (Remove(budget("traefik")),)),
    Sabotage(
        "Traefik: its budget keeps one replica only",
        2,
        AREA,
        (DRAINED, "PodDisruptionBudget traefik/traefik with minAvailable 1"),
        (Edit(budget("traefik"), put("spec.minAvailable", 1)),),
    ),
    Sabotage(
        "Traefik: its budget is for other pods",
        3,
        AREA,
        (DRAINED, "none"),
        (Edit(budget("traefik"), put("spec.selector.matchLabels.saboteur", "nobody")),),
    ),
    Sabotage(
        "Traefik: a second budget blocks every drain",
        4,
        AREA,
        (DRAINED, "PodDisruptionBudget traefik/saboteur with minAvailable 1"),
        (Make(budgets(), _second_budget()),),
    ),
    _edited("the next replica goes at once", 1, (NEXT, "minReadySeconds is 0, not"), put("spec.minReadySeconds", None)),
]
