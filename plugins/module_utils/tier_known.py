# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tiers a cluster has: those of its namespaces, of its PriorityClasses and of its admission policies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all

_ADMISSION = "admissionregistration.k8s.io"
_CLASSES = Query("scheduling.k8s.io/v1", "PriorityClass")
# Whoever gives a tier what it gives: the API server's own policies, and those of Kyverno.
_POLICIES = (
    *(Query(f"{_ADMISSION}/{version}", "MutatingAdmissionPolicyBinding") for version in ("v1", "v1beta1")),
    *(Query(f"{_ADMISSION}/{version}", "MutatingAdmissionPolicy") for version in ("v1", "v1beta1")),
    Query(f"{_ADMISSION}/v1", "ValidatingAdmissionPolicyBinding"),
    Query(f"{_ADMISSION}/v1", "ValidatingAdmissionPolicy"),
    Query("kyverno.io/v1", "ClusterPolicy"),
)


@dataclass(frozen=True)
class KnownTiers:
    """The tiers that something in the cluster names, policies as JSON, and why some of them could not be read."""

    tiers: frozenset[str]
    policies: tuple[str, ...] = ()
    unread: tuple[str, ...] = field(default=())

    def has(self, tier: str) -> bool:
        """Whether anything names the tier: an expression of a policy does it between quotes."""
        literals = (f"'{tier}'", f'"{tier}"', f'\\"{tier}\\"')
        return tier in self.tiers or any(literal in text for text in self.policies for literal in literals)

    def objection(self, label: str, tier: str) -> str:
        """Why nothing is to be moved to a tier that the cluster does not know, empty when it knows it."""
        if self.has(tier):
            return ""
        there = ", ".join(sorted(self.tiers)) or "none"
        hidden = f" (not looked at: {'; '.join(self.unread)})" if self.unread else ""
        return (
            f"there is no tier {tier}: no namespace has {label}={tier}, and no PriorityClass and no admission policy "
            f"is for it; there are {there}{hidden}"
        )


def tiers_of_classes(label: str, names: Iterable[str]) -> set[str]:
    """The tiers that PriorityClasses are named after: tier-1-cluster is the one of tier=1-cluster."""
    return {name.removeprefix(f"{label}-") for name in names if name.startswith(f"{label}-")}


def tiers_in(label: str, item: Any) -> Iterator[str]:
    """The values that an object's selectors and labels ask the label to have, however deep they are."""
    if isinstance(item, dict):
        if isinstance(item.get(label), str):
            yield item[label]
        if item.get("key") == label and item.get("operator", "In") == "In":
            yield from (str(value) for value in item.get("values") or [])
        for value in item.values():
            yield from tiers_in(label, value)
    elif isinstance(item, list):
        for value in item:
            yield from tiers_in(label, value)


def known_tiers(client: Client, label: str, namespaces: Iterable[Object]) -> KnownTiers:
    """Read what the cluster has of them. What is forbidden is left out, and noted."""
    answers = read_all(client, [_CLASSES, *_POLICIES])
    classes, policies = answers[0].items, [item for answer in answers[1:] for item in answer.items]
    on_namespaces = {(item["metadata"].get("labels") or {}).get(label) for item in namespaces}
    tiers = {tier for tier in on_namespaces if tier} | set(tiers_in(label, [item.get("spec") for item in policies]))
    tiers |= tiers_of_classes(label, (item["metadata"]["name"] for item in classes))
    tiers |= set(tiers_in(label, [item["metadata"].get("labels") or {} for item in classes]))
    texts = tuple(json.dumps(item.get("spec") or {}) for item in policies)
    unread = tuple(answer.message for answer in answers if answer.status == "forbidden")
    return KnownTiers(frozenset(tiers), texts, unread)
