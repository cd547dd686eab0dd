"""Sabotages that make pods anew: of the pods of Traefik and of the proxies, and of the logins that these have loaded.

All edits of a Deployment in one stage are one roll.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tests.integration.lab_cluster import LabCluster, eventually, is_settled
from tests.integration.sabotages import traefik
from tests.integration.sabotages.changes import Act, Edit, Mutate, both, listed, merge_patch, put
from tests.integration.sabotages.places import AUTH, BOTS, deployment, service
from tests.integration.sabotages.sabotage import Sabotage
from tests.integration.sabotages.way import AREA as WAY
from tests.integration.support_retry import HTTPBIN
from tests.integration.support_sabotage import SABOTEUR, THE_RUN

TEMPLATE = "spec.template.spec"
FIRST = f"{TEMPLATE}.containers[0]"
RUNS = "runs with the settings"
LOGINS = "/api/v1/namespaces/traefik/secrets/auth-proxy-users"
_SECONDS = 240.0


def _without(argument: str) -> Mutate:
    """The first container without an argument."""
    return listed(f"{FIRST}.args", lambda had: [each for each in had if argument.lower() not in each.lower()])


def _traefik(name: str, stage: int, words: tuple[str, ...], *mutates: Mutate, drill: str = "") -> Sabotage:
    changes = (Edit(traefik.TRAEFIK, both(*mutates)),)
    return Sabotage(f"Traefik: {name}", stage, traefik.AREA, words, changes, drill)


TRAEFIK = [
    _traefik(
        "its replicas are not spread any more",
        5,
        (traefik.NEXT, "no topologySpreadConstraint over kubernetes.io/hostname"),
        put(f"{TEMPLATE}.topologySpreadConstraints", None),
    ),
    _traefik("its preStop hook is gone", 5, (RUNS, "preStop hook does not sleep"), put(f"{FIRST}.lifecycle", None)),
    _traefik("it dials for as long as it likes", 5, (RUNS, "dialTimeout is not set, not 2s"), _without("dialTimeout")),
    _traefik(
        "it waits for a backend that hangs for ever",
        5,
        (RUNS, "responseHeaderTimeout is 0s, not 30s"),
        _without("responseHeaderTimeout"),
        listed(f"{FIRST}.args", lambda had: [*had, "--serversTransport.forwardingTimeouts.responseHeaderTimeout=0s"]),
        drill="backend_hung",
    ),
    _traefik(
        "a replica that ends takes no requests any more",
        5,
        (RUNS, "requestAcceptGraceTimeout is not set"),
        _without("requestAcceptGraceTimeout"),
    ),
    _traefik(
        "a replica is killed before it has ended what it began",
        5,
        (RUNS, "terminationGracePeriodSeconds is 20, not 60"),
        put(f"{TEMPLATE}.terminationGracePeriodSeconds", 20),
    ),
    _traefik(
        "it has no replica more than its budget keeps",
        5,
        (traefik.DRAINED, "with minAvailable 2 allows 0"),
        put("spec.replicas", 2),
    ),
]


@contextmanager
def _one_replica(cluster: LabCluster, mutate: Mutate) -> Iterator[None]:
    """One of Traefik's replicas made by another template: the roll to it is stopped after the first."""
    path = traefik.TRAEFIK
    before = cluster.read(path)
    after = cluster.read(path)
    both(mutate, put("spec.minReadySeconds", 300))(after)
    cluster.request("PATCH", path, SABOTEUR, merge_patch(before, after))
    try:
        wanted = before["spec"]["replicas"]

        def one() -> bool:
            status = cluster.read(path)["status"]
            return bool(status.get("updatedReplicas") == 1 and status.get("readyReplicas") == wanted)

        eventually(one, "one replica of the other template is ready", _SECONDS)
        # Paused before the pace is put back, or the roll would go on.
        cluster.request("PATCH", path, SABOTEUR, {"spec": {"paused": True}})
        pace = {"spec": {"minReadySeconds": before["spec"].get("minReadySeconds")}}
        cluster.request("PATCH", path, SABOTEUR, pace)
        yield
    finally:
        now = cluster.read(path)["spec"]
        cluster.request("PATCH", path, THE_RUN, {"spec": merge_patch(now, before["spec"])})
        eventually(lambda: is_settled(cluster.read(path)), "Traefik is as before", _SECONDS)


def _dialling(seconds: int) -> Mutate:
    wanted = f"--serversTransport.forwardingTimeouts.dialTimeout={seconds}s"
    return both(_without("dialTimeout"), listed(f"{FIRST}.args", lambda had: [*had, wanted]))


# The same replica for both: it is the only one that is let come.
ONE_REPLICA = Act(
    lambda cluster: _one_replica(
        cluster,
        both(
            _dialling(9),
            put(f"{TEMPLATE}.serviceAccountName", "default"),
            put(f"{TEMPLATE}.serviceAccount", "default"),
        ),
    ),
    (traefik.TRAEFIK,),
)
REPLICAS = [
    Sabotage(
        "Traefik: the time limits of one replica are others",
        6,
        traefik.AREA,
        (RUNS, "dialTimeout is 9s, not 2s"),
        (ONE_REPLICA,),
    ),
    Sabotage(
        "Traefik: one replica may not read what it serves, and has no routes",
        6,
        WAY,
        ("Ingress apps/public", ": every replica has its router", "no router"),
        (ONE_REPLICA,),
    ),
]


def _of(proxy: str, name: str, stage: int, words: str, *changes: Any, drill: str = "") -> Sabotage:
    area = {AUTH: "auth", BOTS: "bot_block"}[proxy]
    told = (f"Deployment traefik/{proxy} is what harden would write", words)
    return Sabotage(f"{proxy}: {name}", stage, area, told, changes, drill)


def _edit(proxy: str, *mutates: Mutate) -> Edit:
    return Edit(deployment(proxy), both(*mutates))


# One and the same deed for both: what is gone cannot be taken away again.
UNSPREAD = _edit(BOTS, put(f"{TEMPLATE}.topologySpreadConstraints", None))
TOGETHER = {
    "podAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {
                "topologyKey": "kubernetes.io/hostname",
                "labelSelector": {"matchLabels": {"app.kubernetes.io/name": BOTS}},
                "matchLabelKeys": ["pod-template-hash"],
            }
        ]
    }
}


@contextmanager
def _other_image(cluster: LabCluster) -> Iterator[None]:
    """The proxies' Deployment with an image that has no nginx; its pods never become ready, and the old ones stay."""
    path = deployment(BOTS)
    before = cluster.read(path)
    after = cluster.read(path)
    for each in (
        *after["spec"]["template"]["spec"]["initContainers"],
        *after["spec"]["template"]["spec"]["containers"],
    ):
        each["image"] = HTTPBIN
    cluster.request("PATCH", path, SABOTEUR, merge_patch(before, after))
    try:
        eventually(lambda: cluster.read(path)["status"].get("unavailableReplicas"), "a pod that cannot begin", 120)
        yield
    finally:
        cluster.request("PATCH", path, THE_RUN, merge_patch(after, before))
        eventually(lambda: is_settled(cluster.read(path)), f"{path} is at rest", _SECONDS)


PROXIES = [
    _of(
        AUTH,
        "its preStop hook is gone",
        5,
        "containers[name=proxy].lifecycle is not there",
        _edit(AUTH, put(f"{TEMPLATE}.containers[name=proxy].lifecycle", None)),
    ),
    _of(
        AUTH,
        "a pod that does not answer counts as ready",
        5,
        "containers[name=proxy].readinessProbe is not there",
        _edit(AUTH, put(f"{TEMPLATE}.containers[name=proxy].readinessProbe", None)),
    ),
    _of(
        AUTH,
        "a roll takes all pods at once",
        5,
        "spec.strategy.rollingUpdate.maxUnavailable is 100%, not 0",
        _edit(AUTH, put("spec.strategy.rollingUpdate.maxUnavailable", "100%")),
    ),
    _of(
        BOTS,
        "its pods are not spread any more",
        5,
        "topologySpreadConstraints is not there",
        UNSPREAD,
    ),
    _of(
        BOTS,
        "it may take all memory of a node",
        5,
        "containers[name=proxy].resources.limits is not there",
        _edit(BOTS, put(f"{TEMPLATE}.containers[name=proxy].resources.limits", None)),
    ),
    Sabotage(
        f"{BOTS}: all its pods are on one node",
        5,
        "bot_block",
        (f"{BOTS}: its pods serve", "Ready pods on 1 node ("),
        (UNSPREAD, _edit(BOTS, put(f"{TEMPLATE}.affinity", TOGETHER))),
    ),
    _of(
        AUTH,
        "it has one pod",
        5,
        "spec.replicas is 1, not",
        _edit(AUTH, put("spec.replicas", 1)),
        drill="proxy_restart",
    ),
    _of(BOTS, "its image has no nginx with njs", 6, "containers[name=proxy].image is", Act(_other_image)),
]


@contextmanager
def _logins(cluster: LabCluster, text: Callable[[str], str]) -> Iterator[None]:
    """The Secret of emergency logins with another text; the pods load it anew once it is back, in another version."""
    had = str(cluster.read(LOGINS)["data"]["users"])
    new = base64.b64encode(text(base64.b64decode(had).decode()).encode()).decode()
    cluster.request("PATCH", LOGINS, SABOTEUR, {"data": {"users": new}})
    try:
        yield
    finally:
        cluster.request("PATCH", LOGINS, THE_RUN, {"data": {"users": had}})
        loaded = {"resilient.traefik/users": cluster.read(LOGINS)["metadata"]["resourceVersion"]}
        body = {"spec": {"template": {"metadata": {"annotations": loaded}}}}
        cluster.request("PATCH", deployment(AUTH), THE_RUN, body)
        eventually(lambda: is_settled(cluster.read(deployment(AUTH))), "the logins are loaded", _SECONDS)


def _with_logins(text: Callable[[str], str]) -> Callable[[LabCluster], AbstractContextManager[None]]:
    return lambda cluster: _logins(cluster, text)


LOADED = "has loaded the emergency logins"
USERS = [
    Sabotage(
        "the Secret of emergency logins is empty",
        6,
        WAY,
        (LOADED, "it holds no user"),
        (Act(_with_logins(lambda had: "\n"), (LOGINS,)),),
    ),
    Sabotage(
        "the Secret of emergency logins has somebody whom no pod knows",
        4,
        WAY,
        (LOADED, f"it was changed since {AUTH}-"),
        (Act(_with_logins(lambda had: had + "saboteur:$2y$04$abcdefghijklmnopqrstuv\n"), (LOGINS,)),),
    ),
]
SERVICES = [
    Sabotage(
        "the Service of a proxy selects other pods",
        5,
        WAY,
        (f"Service traefik/{BOTS} selects the proxy's pods", "is not theirs"),
        (Edit(service(BOTS), put("spec.selector[app.kubernetes.io/name]", "saboteur")),),
    ),
    Sabotage(
        "the Service by which a proxy finds its target selects other pods",
        5,
        WAY,
        ("the proxy asks the pods of its target", f"{AUTH}-peers selects"),
        (Edit(service(f"{AUTH}-peers", "authentik"), put("spec.selector.saboteur", "nobody")),),
    ),
]
SABOTAGES = [*TRAEFIK, *REPLICAS, *PROXIES, *USERS, *SERVICES]
