"""Sabotages of authentik's budgets, of the retries and of the tier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.integration.lab_cluster import LabCluster, eventually
from tests.integration.sabotages.changes import Act, Edit, Make, Mutate, Remove, both, changed, listed, put
from tests.integration.sabotages.places import budget, budgets, deployment, ingress, middleware, traefik_kind
from tests.integration.sabotages.sabotage import Sabotage
from tests.integration.sabotages.way import route

SERVER, WORKER = "goauthentik-server", "goauthentik-worker"
LABEL = "app.kubernetes.io/component"
CHAIN = "metadata.annotations[traefik.ingress.kubernetes.io/router.middlewares]"
RETRY = "traefik-retry@kubernetescrd"
FIRST = "traefik-retry@kubernetescrd is first in the chosen chains"
SPACE, BLOCKER = "/api/v1/namespaces/poison-fountain", deployment("poison-fountain", "poison-fountain")
BINDING = "/apis/admissionregistration.k8s.io/v1beta1/mutatingadmissionpolicybindings/tier-1-cluster"
BLOCKERS = "app=poison-fountain"


def _server(name: str, stage: int, words: tuple[str, ...], *mutates: Mutate) -> Sabotage:
    change = Edit(budget(SERVER, "authentik"), both(*mutates))
    return Sabotage(f"authentik: {name}", stage, "authentik_pdb", (f"Deployment authentik/{SERVER}", *words), (change,))


def _second_budget() -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "saboteur", "namespace": "authentik"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {LABEL: "server"}}},
    }


BUDGETS = [
    Sabotage(
        "authentik: the server's budget is gone",
        1,
        "authentik_pdb",
        (f"Deployment authentik/{SERVER}: one budget keeps pods of it", "none"),
        (Remove(budget(SERVER, "authentik")),),
    ),
    _server(
        "the server's budget keeps no pod", 2, ("one budget keeps pods", "minAvailable 0"), put("spec.minAvailable", 0)
    ),
    _server(
        "the server's budget blocks every drain",
        5,
        ("its budget has the wished numbers", "minAvailable is 100%, not 2"),
        put("spec.minAvailable", "100%"),
    ),
    _server("the server's budget keeps too few", 3, ("minAvailable is 1, not 2",), put("spec.minAvailable", 1)),
    Sabotage(
        "authentik: two budgets are for the same pods",
        4,
        "authentik_pdb",
        (f"Deployment authentik/{SERVER}: one budget keeps pods of it", "saboteur (maxUnavailable 1)"),
        (Make(budgets("authentik"), _second_budget()),),
    ),
    Sabotage(
        "authentik: the worker's budget is for other pods",
        1,
        "authentik_pdb",
        (f"Deployment authentik/{WORKER}: one budget keeps pods of it", "none"),
        (Edit(budget(WORKER, "authentik"), put(f"spec.selector.matchLabels[{LABEL}]", "nobody")),),
    ),
]


def _chain(change: Any) -> Mutate:
    """The chain of an Ingress, a list of names, made into another."""

    def mutate(item: dict[str, Any]) -> None:
        had = item["metadata"]["annotations"]["traefik.ingress.kubernetes.io/router.middlewares"].split(",")
        put(CHAIN, ",".join(change([each.strip() for each in had])))(item)

    return mutate


def _retry(name: str, stage: int, words: str, mutate: Mutate) -> Sabotage:
    told = ("Middleware traefik/retry retries as wanted", words)
    return Sabotage(f"retry: {name}", stage, "retry", told, (Edit(middleware("retry"), mutate),))


RETRIES = [
    Sabotage(
        "retry: it is out of an Ingress",
        1,
        "retry",
        (FIRST, "Ingress apps/public"),
        (Edit(ingress("public"), _chain(lambda had: [each for each in had if each != RETRY])),),
    ),
    Sabotage(
        "retry: it stands behind another middleware",
        2,
        "retry",
        (FIRST, "Ingress apps/private"),
        (Edit(ingress("private"), _chain(lambda had: [had[1], RETRY, *had[2:]])),),
    ),
    Sabotage(
        "retry: it is out of an IngressRoute",
        2,
        "retry",
        (FIRST, "IngressRoute apps/api"),
        (
            Edit(
                f"{traefik_kind('ingressroutes', 'apps')}/api",
                listed("spec.routes[0].middlewares", lambda had: [each for each in had if each["name"] != "retry"]),
            ),
        ),
    ),
    Sabotage(
        "retry: a route was added without it",
        1,
        "retry",
        (FIRST, "IngressRoute apps/bare"),
        (route("bare", {"name": "rate-limit", "namespace": "traefik"}),),
    ),
    _retry("it tries once", 1, '"attempts": 1', put("spec.retry.attempts", 1)),
    _retry("it waits long", 2, '"initialInterval": "30s"', put("spec.retry.initialInterval", "30s")),
    _retry("it repeats POST", 3, '"retryNonIdempotentMethod": true', put("spec.retry.retryNonIdempotentMethod", True)),
    _retry("it repeats what was answered", 4, '"status": ["500-599"]', put("spec.retry.status", ["500-599"])),
]


@contextmanager
def _without_policy(cluster: LabCluster) -> Iterator[None]:
    """A pod that no admission policy gave the tier's class; others take the place of such pods afterwards."""
    with changed(cluster, [Remove(BINDING)]):
        # The API server forgets a policy some moments later.
        eventually(lambda: _classless(cluster) or _renewed(cluster, _pods(cluster)[0]), "a pod without a class", 120)
        yield
    eventually(lambda: not any(_renewed(cluster, pod) for pod in _classless(cluster)), "no pod without a class", 120)


def _pods(cluster: LabCluster) -> list[dict[str, Any]]:
    return cluster.pods("poison-fountain", BLOCKERS)


def _classless(cluster: LabCluster) -> list[dict[str, Any]]:
    return [pod for pod in _pods(cluster) if not pod["spec"].get("priorityClassName")]


def _renewed(cluster: LabCluster, pod: dict[str, Any]) -> list[str]:
    """The pods that are Ready once another one has taken the place of this one, where those lack a class."""
    wanted, name = len(_pods(cluster)), pod["metadata"]["name"]
    cluster.request("DELETE", f"{SPACE}/pods/{name}")

    def another() -> bool:
        now = cluster.ready_pods("poison-fountain", BLOCKERS)
        return len(now) == wanted and name not in now

    eventually(another, f"another pod in the place of {name}", 120)
    return [each["metadata"]["name"] for each in _classless(cluster)]


TIERS = [
    Sabotage(
        "tier: the namespace is back in the one that is evicted first",
        1,
        "tier",
        ("Namespace poison-fountain: label tier", "4-aux"),
        (Edit(SPACE, put("metadata.labels.tier", "4-aux")),),
    ),
    Sabotage(
        "tier: the bot blocker is back in the one that is evicted first",
        2,
        "tier",
        ("Deployment poison-fountain/poison-fountain: label tier", "4-aux"),
        (Edit(BLOCKER, put("metadata.labels.tier", "4-aux")),),
    ),
    Sabotage(
        "tier: its policy is gone, and a pod came without the class",
        4,
        "tier",
        ("Deployment poison-fountain/poison-fountain: PriorityClass of its pods", "none"),
        (Act(_without_policy, (BINDING,)),),
    ),
]
SABOTAGES = [*BUDGETS, *RETRIES, *TIERS]
