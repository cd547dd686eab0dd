"""Sabotages of the proxies' own objects: how they run, what they carry out, who may reach them."""

from __future__ import annotations

from typing import Any

from tests.integration.sabotages.changes import Edit, Mutate, Object, Remove, Replace, both, listed, put
from tests.integration.sabotages.places import AUTH, BOTS, budget, configuration, network_policy, service
from tests.integration.sabotages.sabotage import Sabotage

AREAS = {AUTH: "auth", BOTS: "bot_block"}
STRANGER = {"matchLabels": {"app": "saboteur"}}


def _of(proxy: str, name: str, stage: int, words: tuple[str, ...], *changes: Any) -> Sabotage:
    return Sabotage(f"{proxy}: {name}", stage, AREAS[proxy], words, changes)


def _file(name: str, old: str, new: str) -> Mutate:
    """A file of the configuration with another text."""

    def mutate(item: Object) -> None:
        had = item["data"][name]
        assert old in had, f"{name} has no {old!r}"
        item["data"][name] = had.replace(old, new)

    return mutate


BUDGETS = [
    _of(AUTH, "its budget is gone", 1, ("a node with one of its pods can be drained", "absent"), Remove(budget(AUTH))),
    _of(
        BOTS,
        "its budget is for other pods",
        1,
        ("PodDisruptionBudget traefik/bot-block-proxy is what harden", "is saboteur, not bot-block-proxy"),
        Edit(budget(BOTS), put("spec.selector.matchLabels[app.kubernetes.io/name]", "saboteur")),
    ),
    _of(
        AUTH,
        "its budget keeps no pod",
        2,
        ("PodDisruptionBudget traefik/auth-proxy is what harden", "spec.maxUnavailable is not there"),
        Edit(budget(AUTH), both(put("spec.maxUnavailable", None), put("spec.minAvailable", 0))),
    ),
    _of(
        BOTS,
        "its budget lets all pods go",
        2,
        ("PodDisruptionBudget traefik/bot-block-proxy is what harden", "spec.maxUnavailable is 100%, not 1"),
        Edit(budget(BOTS), put("spec.maxUnavailable", "100%")),
    ),
    _of(
        BOTS,
        "its budget blocks every drain",
        3,
        ("PodDisruptionBudget traefik/bot-block-proxy is what harden", "spec.maxUnavailable is 0, not 1"),
        Edit(budget(BOTS), put("spec.maxUnavailable", 0)),
    ),
]
FENCES = [
    _of(
        AUTH,
        "its fence is gone",
        1,
        ("NetworkPolicy traefik/auth-proxy is what harden", "absent"),
        Remove(network_policy(AUTH)),
    ),
    _of(
        BOTS,
        "its fence keeps Traefik out",
        1,
        ("NetworkPolicy traefik/bot-block-proxy is what harden", "spec.ingress[0].from[0].podSelector.matchLabels"),
        Edit(network_policy(BOTS), put("spec.ingress[0].from[0].podSelector", STRANGER)),
    ),
    _of(
        AUTH,
        "its fence lets everybody in",
        2,
        ("NetworkPolicy traefik/auth-proxy is what harden", "spec.ingress[0].from is not there"),
        Edit(network_policy(AUTH), put("spec.ingress[0].from", None)),
    ),
    _of(
        BOTS,
        "its fence lets it ask anybody",
        2,
        ("NetworkPolicy traefik/bot-block-proxy is what harden", "spec.egress[2] is there too"),
        Edit(network_policy(BOTS), listed("spec.egress", lambda had: [*had, {}])),
    ),
    _of(
        BOTS,
        "its fence keeps it from its target",
        3,
        ("NetworkPolicy traefik/bot-block-proxy is what harden", "spec.egress[1] is not there"),
        Edit(network_policy(BOTS), listed("spec.egress", lambda had: had[:1])),
    ),
]
POLICIES = [
    _of(
        BOTS,
        "its configuration is edited, and who asks while its target is down is refused",
        4,
        ("ConfigMap traefik/bot-block-proxy-", "data[proxy.conf] is another text"),
        Replace(configuration(BOTS), _file("proxy.conf", "default allow;", "default deny;")),
    ),
    _of(
        AUTH,
        "its configuration is edited, and it does not know an identity header any more",
        6,
        ("ConfigMap traefik/auth-proxy-", "data[settings.js] is another text"),
        Replace(configuration(AUTH), _file("settings.js", '"X-authentik-uid",', "")),
    ),
    Sabotage(
        f"{AUTH}: its Service leads each node to its own pods, of which it may have none",
        4,
        "forward_auth",
        (f"Service traefik/{AUTH} leads from every node to all of the proxy's pods", "internalTrafficPolicy Local"),
        (Edit(service(AUTH), put("spec.internalTrafficPolicy", "Local")),),
    ),
    _of(
        BOTS,
        "its Service leads each replica of Traefik to one pod for hours",
        2,
        ("Service traefik/bot-block-proxy is what harden would write", "spec.sessionAffinity is ClientIP, not None"),
        Edit(service(BOTS), put("spec.sessionAffinity", "ClientIP")),
    ),
    _of(
        AUTH,
        "its Service tells its state at another port",
        3,
        ("Service traefik/auth-proxy is what harden would write", "spec.ports[name=status].port is 9114, not 9113"),
        Edit(service(AUTH), put("spec.ports[name=status].port", 9114)),
    ),
]
SABOTAGES = [*BUDGETS, *FENCES, *POLICIES]
