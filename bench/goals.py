"""What is to be reached."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """``ours`` is to be at most ``factor`` times ``rival``, at most ``more`` above it, or at most ``limit``.

    With ``least`` it is to be at least ``factor`` times the rival: for rates. ``plays`` says which of the two ran in a
    play, whose floor is then taken off.
    """

    what: str
    ours: str
    factor: float = 0.0
    rival: str = ""
    limit: float = 0.0
    more: float = 0.0
    least: bool = False
    divide: int = 1
    off_ours: bool = False
    off_rival: bool = False


ENGINE = (
    Goal(
        "36 objects, first, beside one k8s task an object",
        "apply, first",
        1 / 20,
        "k8s, a task an object, first",
        off_ours=True,
        off_rival=True,
    ),
    Goal(
        "36 objects, again, beside one k8s task an object",
        "apply, again",
        1 / 20,
        "k8s, a task an object, again",
        off_ours=True,
        off_rival=True,
    ),
    Goal(
        "36 objects, first, beside one k8s task",
        "apply, first",
        0.6,
        "k8s, one task, first",
        off_ours=True,
        off_rival=True,
    ),
    Goal(
        "36 objects, again, beside one k8s task",
        "apply, again",
        0.6,
        "k8s, one task, again",
        off_ours=True,
        off_rival=True,
    ),
    Goal(
        "36 objects, first, beside kubectl apply --server-side",
        "apply, first",
        1.2,
        "kubectl apply, first",
        off_ours=True,
    ),
    Goal(
        "36 objects, again, beside kubectl apply --server-side",
        "apply, again",
        1.2,
        "kubectl apply, again",
        off_ours=True,
    ),
    Goal(
        "20 kinds in one task, beside 20 k8s_info tasks",
        "read, 20 kinds",
        0.1,
        "k8s_info, 20 kinds",
        off_ours=True,
        off_rival=True,
    ),
    Goal(
        "2,000 Ingresses and 500 Middlewares, the requests alone, beside kubectl get --raw",
        "requests of read",
        1.2,
        "kubectl get --raw",
    ),
    Goal(
        "the same lists as a whole task, beside k8s_info",
        "read, 2,500 objects",
        0.4,
        "k8s_info, 2,500 objects",
        off_ours=True,
        off_rival=True,
    ),
    Goal("the same lists, memory that the task process adds", "memory of read", limit=100),
    Goal(
        "a middleware out of the chains of 2,000 Ingresses, beside putting it in one by one",
        "chain, first",
        0.5,
        "patching one by one",
        off_ours=True,
    ),
    Goal(
        "the same again, nothing to change, beside listing them",
        "chain, again",
        1.5,
        "read, 2,000 Ingresses",
        off_ours=True,
        off_rival=True,
    ),
    Goal("a task that fails its arguments", "argument error, ten tasks", limit=0.06, divide=10, off_ours=True),
)
PROXIES = (
    Goal(
        "target hung, 32 connections, beside a plain nginx with a time limit",
        "rate: fallback proxy, target hung",
        350,
        "rate: plain nginx, target hung",
        least=True,
    ),
    Goal(
        "target hung, 32 connections, beside a target that is well and sends everybody to its login",
        "rate: fallback proxy, target hung",
        0.95,
        "rate: 302 by the target",
        least=True,
    ),
    Goal(
        "target hung, 32 connections, beside an nginx that does nothing but to answer 302",
        "rate: fallback proxy, target hung",
        0.95,
        "rate: 302 at once by nginx",
        least=True,
    ),
    Goal(
        "target well, 32 connections, beside ForwardAuth straight to it",
        "rate: fallback proxy, 32 connections",
        0.85,
        "rate: ForwardAuth direct, 32 connections",
        least=True,
    ),
    Goal(
        "target well, 2 connections, p50 beside ForwardAuth straight to it",
        "p50: fallback proxy, 2 connections",
        rival="p50: ForwardAuth direct, 2 connections",
        more=0.00035,
    ),
    Goal(
        "target hangs, 50 requests a second, longest wait",
        "longest: fallback proxy, 50 requests a second",
        limit=2.0,
    ),
    Goal(
        "the same, longest wait of what was asked from 3 s on",
        "longest from 3 s on: fallback proxy, 50 requests a second",
        limit=0.02,
    ),
    Goal(
        "the same, share of a 10 s outage's requests that took more than 0.5 s",
        "share slow: fallback proxy, 50 requests a second",
        limit=2.0,
    ),
    Goal(
        "the same, until sessions count again",
        "back after: fallback proxy, 50 requests a second",
        limit=1.5,
    ),
    Goal(
        "target hangs, a request every 2 s, answers that took more than 0.5 s",
        "number slow: fallback proxy, quiet site",
        limit=1,
    ),
)
GROWTH = (
    *(
        Goal(
            f"{number} proxied middlewares side by side, p50 beside one{state}",
            f"p50: {number} side by side{state}",
            1.1,
            f"p50: 1 side by side{state}",
        )
        for number in (3, 9)
        for state in ("", ", target hung")
    ),
    *(
        Goal(
            f"500 hosts in the policy, p50 beside one{state}",
            f"p50: a policy of 500 hosts{state}",
            1.1,
            f"p50: a policy of one host{state}",
        )
        for state in ("", ", target hung")
    ),
    *(
        Goal(
            f"{number} proxied middlewares in one chain, p50 of one link beside a chain of one",
            f"p50: one link of a chain of {number}",
            1.1,
            "p50: one link of a chain of 1",
        )
        for number in (3, 9)
    ),
)
MEASURING = (
    Goal(
        "a drill's measurement at 200 requests a second and replica, lateness of 99%",
        "lateness p99: drill's measurement, 200 a second and replica",
        limit=0.005,
    ),
    Goal(
        "the same, memory gained while it lasts",
        "memory gained: drill's measurement, 200 a second and replica",
        limit=10,
    ),
)
AUDITING = (
    Goal(
        "all rules over 2,000 Ingresses and more, processor time",
        "processor time of the rules: audit, 8,000 objects",
        limit=1.0,
    ),
    Goal(
        "an audit of the same, all beyond the lists, processor time",
        "processor time beyond the lists: audit, 8,000 objects",
        limit=5.0,
    ),
    *(
        goal
        for away in ("", ", 50 ms away")
        for goal in (
            Goal(
                f"an audit of the same by its API server, all beyond the lists{away}",
                f"beyond the lists: audit{away}",
                limit=5.0,
            ),
            *(
                Goal(
                    f"the lists of an audit, beside kubectl get --raw of each {words}{away}",
                    f"lists: audit{away}",
                    1.2,
                    f"kubectl get --raw, {words}{away}",
                )
                for words in ("one after another", "eight at once")
            ),
            Goal(f"memory of the audit as a module{away}", f"memory: audit as a module{away}", limit=150),
            Goal(f"explain of one of 2,500 hosts, nobody slow{away}", f"explain{away}", limit=2.0),
        )
    ),
)
GOALS = (*ENGINE, *PROXIES, *GROWTH, *MEASURING, *AUDITING)
