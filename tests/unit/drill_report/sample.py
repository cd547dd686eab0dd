"""Results of drills as a cluster could give them: single requests are made up by chance, everything else is counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

BEGUN = 1_767_323_045_000
BAD = ("let_in", "failed", "none")
REPLICAS = ("traefik-6d5f7c9b8-4xk2p", "traefik-6d5f7c9b8-9qvzn")
STEADY, FAULT, AFTER = 5, 10, 8
RATE = 10
VISITORS = (
    ("private.lab.test, no credentials", "none", True, 302),
    ("private.lab.test, session", "session", True, 200),
    ("private.lab.test, emergency login", "login", True, 302),
    ("public.lab.test, no credentials", "none", False, 200),
)


@dataclass(frozen=True)
class Sent:
    """One request: ``at`` seconds from the fault."""

    at: float
    replica: str
    visitor: int
    status: int
    kind: str
    waited_ms: float


# What a request meets: status, kind, milliseconds. ``at`` is in seconds from the fault.
Meets = Callable[[Random, float, int], tuple[int, str, float]]


def well(chance: Random, at: float, visitor: int) -> tuple[int, str, float]:
    """As before, fast."""
    return VISITORS[visitor][3], "as_before", chance.lognormvariate(1.6, 0.4)


def hardened(chance: Random, at: float, visitor: int) -> tuple[int, str, float]:
    """The first seconds wait for the proxy's patience, then the breaker is open."""
    if at < 0 or at > FAULT + 0.8 or not VISITORS[visitor][2]:
        return well(chance, at, visitor)
    waited = 1800 + chance.random() * 200 if at < 0.4 else chance.lognormvariate(1.9, 0.5)
    return (200, "fallback", waited) if VISITORS[visitor][1] == "login" else (401, "fallback", waited)


def unhardened(chance: Random, at: float, visitor: int) -> tuple[int, str, float]:
    """Nobody answers until Traefik gives up."""
    if at < 0 or at > FAULT + 3 or not VISITORS[visitor][2]:
        return well(chance, at, visitor)
    return (0, "none", 10_000.0) if at < FAULT - 2 else (500, "failed", 1000 * chance.uniform(2, 9))


def leaking(chance: Random, at: float, visitor: int) -> tuple[int, str, float]:
    """A site that opens up for everybody."""
    if 2 < at < 4 and VISITORS[visitor][1] == "none" and VISITORS[visitor][2]:
        return 200, "let_in", chance.lognormvariate(1.9, 0.5)
    return hardened(chance, at, visitor)


def requests(meets: Meets, seed: int) -> list[Sent]:
    """All requests of one scenario."""
    chance, sent = Random(seed), []
    for number in range((STEADY + FAULT + AFTER) * RATE):
        for replica in REPLICAS:
            at = number / RATE - STEADY
            visitor = number % len(VISITORS)
            status, kind, waited = meets(chance, at, visitor)
            sent.append(Sent(at, replica, visitor, status, kind, round(waited, 2)))
    return sent


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1] if values else None


def part_of(sent: Sequence[Sent]) -> dict[str, Any]:
    """The figures of a part."""
    return {
        "requests": len(sent),
        "longest_ms": max((each.waited_ms for each in sent), default=None),
        "kinds": dict(Counter(each.kind for each in sent)),
    }


def quantiles(sent: Sequence[Sent]) -> dict[str, float | None]:
    """p50, p95 and p99."""
    return {
        f"p{hundredth}_ms": quantile([each.waited_ms for each in sent], hundredth / 100) for hundredth in (50, 95, 99)
    }


def second_of(second: int, sent: Sequence[Sent]) -> dict[str, Any]:
    """An entry of the timeline."""
    here = [each for each in sent if math.floor(each.at) == second]
    reasons = Counter("timeout" if each.at < 3 else "open" for each in here if each.kind == "fallback")
    statuses = Counter(str(each.status) for each in here if each.status)
    return part_of(here) | quantiles(here) | {"second": second, "fallbacks": dict(reasons), "traefik": dict(statuses)}


def figures_of(sent: Sequence[Sent], recovery: float | None) -> dict[str, Any]:
    """The figures of all requests."""
    during = [each for each in sent if 0 <= each.at < FAULT]
    slow = sum(each.waited_ms > 500 for each in during)
    return {
        **part_of(sent),
        **quantiles(sent),
        "statuses": dict(Counter(str(each.status) for each in sent)),
        "settled_longest_ms": max((each.waited_ms for each in during if each.at >= 3), default=None),
        "slow": slow,
        "slow_percent": round(100 * slow / len(during), 2) if during else None,
        "recovery_seconds": recovery,
        "not_sent": 0,
        "lateness_p99_ms": 1.4 if during else None,
    }


def expectations_of(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """What a hardened cluster keeps."""
    bad = sum(figures["kinds"].get(kind, 0) for kind in BAD)
    longest = figures["longest_ms"]
    return [
        {"name": "requests without a good answer", "expected": "none", "found": str(bad), "passed": bad == 0},
        {
            "name": "longest wait",
            "expected": "at most 2.5 s",
            "found": f"{longest / 1000:.2f} s",
            "passed": longest <= 2500,
        },
    ]


def pods(after: bool) -> list[dict[str, Any]]:
    """Two nodes; a pod of Traefik has moved afterwards."""
    nodes = ["lab-worker1", "lab-worker2"]
    traefik = [
        {"app": "traefik", "pod": f"traefik/{name}", "node": nodes[i], "ready": True} for i, name in enumerate(REPLICAS)
    ]
    proxies = [
        {"app": "auth-proxy", "pod": f"traefik/auth-proxy-{name}", "node": nodes[i], "ready": True}
        for i, name in enumerate(("7c9d-mm2ws", "7c9d-kx8fd"))
    ]
    server = "9fkqt" if after else "t7wbl"
    return [
        *traefik,
        *proxies,
        {"app": "authentik", "pod": f"authentik/server-5b8-{server}", "node": nodes[1], "ready": True},
    ]


def evidence(seen: bool = True) -> list[dict[str, Any]]:
    """What was seen at each moment, or nothing of it."""
    wanted = {
        "before": "requests reached it before the fault",
        "fault": "requests met it while it was broken",
        "recovery": "requests reach it again",
    }
    return [
        {"moment": moment, "wanted": words, "found": f"{64 * seen} requests, as the proxies count them", "seen": seen}
        for moment, words in wanted.items()
    ]


def drill(
    scenario: str, title: str, verdict: str, meets: Meets | None, *, reasons: Sequence[str] = (), seed: int = 7
) -> dict[str, Any]:
    """One scenario's result; with ``meets`` None nothing was measured."""
    sent = requests(meets, seed) if meets else []
    recovered = meets is not None and verdict != "rollback_failed"
    ill = [each.at for each in sent if each.at >= FAULT and each.kind != "as_before"]
    recovery = max(ill, default=FAULT) - FAULT + 1 / RATE
    figures = figures_of(sent, round(recovery, 2) if recovered else None)
    fault = BEGUN + 1000 * STEADY
    change = {"object": "Deployment authentik/goauthentik-server", "field": "spec.replicas"}
    return {
        "scenario": scenario,
        "title": title,
        "verdict": verdict,
        "reasons": list(reasons),
        "subject": "Middleware authentik/forward-auth, which asks Service authentik/goauthentik-server:9000",
        "settings": {"seconds": FAULT, "rate": RATE, "burst": 0, "expiry": 120},
        "phases": {
            "begun": BEGUN,
            "fault": fault if meets else None,
            "restored": fault + 1000 * FAULT if recovered else None,
            "recovered": fault + 1000 * FAULT + round(1000 * figures["recovery_seconds"]) if recovered else None,
            "ended": fault + 1000 * (FAULT + AFTER),
        },
        "visitors": [
            {
                "name": name,
                "host": name.partition(",")[0],
                "path": "/get",
                "credentials": credentials,
                "guarded": guarded,
                "before": [status],
                "met": (guarded and verdict != "inconclusive") if meets else None,
            }
            for name, credentials, guarded, status in VISITORS
        ],
        "replicas": list(REPLICAS),
        "expectations": expectations_of(figures) if meets else [],
        "evidence": evidence(verdict != "inconclusive") if meets else [],
        "figures": figures,
        "by_replica": {name: part_of([each for each in sent if each.replica == name]) for name in REPLICAS},
        "by_visitor": {
            visitor[0]: part_of([each for each in sent if each.visitor == number])
            for number, visitor in enumerate(VISITORS)
        },
        "timeline": [second_of(second, sent) for second in range(-STEADY, FAULT + AFTER)] if meets else [],
        "placement": {"before": pods(False), "after": pods(True) if meets else []},
        "changes": [change | {"before": "1", "during": "0", "restored": recovered}] if meets else [],
        "requests_file": f"drill-lab-{scenario}.csv.gz" if meets else "",
    }


def all_passed() -> list[dict[str, Any]]:
    """A run on a hardened cluster."""
    return [
        drill("forward_auth_hung", "authentik hangs", "passed", hardened),
        drill("forward_auth_down", "authentik is gone", "passed", hardened, seed=8),
    ]


def before_hardening() -> list[dict[str, Any]]:
    """The same scenarios before hardening."""
    reasons = ["Requests got no good answer, and waited for longer than they may."]
    return [
        drill("forward_auth_hung", "authentik hangs", "deviated", unhardened, reasons=reasons),
        drill("forward_auth_down", "authentik is gone", "deviated", unhardened, reasons=reasons, seed=8),
    ]


def every_verdict() -> list[dict[str, Any]]:
    """One scenario of each verdict."""
    return [
        drill("forward_auth_hung", "authentik hangs", "passed", hardened),
        drill(
            "node_drain",
            "a node is drained",
            "not_run",
            None,
            reasons=["The disruption budget of traefik allows no eviction."],
        ),
        drill(
            "bot_block_down",
            "the bot blocker is gone",
            "deviated",
            leaking,
            reasons=["Visitors without a login got in."],
        ),
        drill(
            "replica_lost",
            "a Traefik replica is lost",
            "inconclusive",
            well,
            reasons=["The port-forward broke off for 4 s."],
        ),
        drill(
            "forward_auth_down",
            "authentik is gone",
            "rollback_failed",
            unhardened,
            reasons=["Deployment authentik/goauthentik-server still has 0 replicas."],
        ),
    ]


def options(**more: Any) -> dict[str, Any]:
    """Options of the module as Ansible hands them over."""
    defaults: dict[str, Any] = {"compared": None, "run_id": None, "versions": {"traefik": "3.7.9"}, "name": "drill"}
    return {"title": "the drills of Traefik", "cluster": "lab", "drills": all_passed()} | defaults | more
