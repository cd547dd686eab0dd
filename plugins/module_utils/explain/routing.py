# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which routers take a request, which of them wins and why, and which come close. No I/O.

Traefik sorts routers by priority, then by the order of ``providers.precedence``; the first whose rule takes the request
wins (3.7.13, pkg/muxer/http/mux.go). A router with TLS is asked for requests by TLS alone, one without for the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.explain.routers import Router
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import rules
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest

# Routers of the same host that do not take the request: so many are told of.
_NEAR = 5


@dataclass(frozen=True)
class Candidate:
    """A router that was looked at, and why it does not take the request; empty where it does."""

    router: Router
    reason: str = ""


@dataclass(frozen=True)
class Selection:
    """What one set of routers does with a request at an entry point.

    ``matching`` take it, the winner first. ``uncertain`` may take it and would go before the winner. ``near`` serve the
    same host and do not take it. ``why`` says in words why the winner wins.
    """

    matching: tuple[Router, ...] = ()
    uncertain: tuple[Candidate, ...] = ()
    near: tuple[Candidate, ...] = ()
    why: str = ""
    tied: bool = field(default=False)

    @property
    def winner(self) -> Router | None:
        """The router that gets the request, None where no router takes it."""
        return self.matching[0] if self.matching else None

    def as_dict(self) -> dict[str, Any]:
        """Return it as results show it."""
        return {
            "winner": self.winner.name if self.winner else "",
            "why": self.why,
            "matching": [described(router) for router in self.matching],
            "uncertain": [described(each.router) | {"reason": each.reason} for each in self.uncertain],
            "near": [described(each.router) | {"reason": each.reason} for each in self.near],
        }


def select(
    routers: Iterable[Router],
    request: SiteRequest,
    entry_point: str,
    tls_everywhere: bool = False,
    precedence: Sequence[str] = (),
) -> Selection:
    """Return what the routers do with a request that comes in at the entry point.

    ``tls_everywhere`` is whether the entry point itself has TLS on. ``precedence`` is the setting of that name.
    """
    matching: list[Router] = []
    uncertain: list[Candidate] = []
    near: list[Candidate] = []
    for router in routers:
        try:
            node = rules.parse(router.rule, router.syntax)
        except rules.RuleError as error:
            if request.hostname in router.rule.lower():
                near.append(Candidate(router, f"Traefik drops it: its rule {router.rule} is wrong: {error}"))
            continue
        outcome = rules.evaluate(node, request, router.syntax)
        hindrance = _hindrance(router, request, entry_point, tls_everywhere)
        if outcome.matches and not hindrance:
            matching.append(router)
        elif outcome.matches is None and not hindrance:
            uncertain.append(Candidate(router, outcome.reason))
        elif rules.host_outcome(node, request, router.syntax):
            near.append(Candidate(router, hindrance or outcome.reason))

    def rank(router: Router) -> tuple[int, int]:
        known = router.provider in precedence
        return -router.priority, precedence.index(router.provider) if known else len(precedence)

    matching.sort(key=rank)
    first = rank(matching[0]) if matching else None
    before = [each for each in uncertain if first is None or rank(each.router) <= first]
    tied = [router for router in matching[1:] if rank(router) == first]
    return Selection(tuple(matching), tuple(before), tuple(near[:_NEAR]), _why(matching, tied), bool(tied))


def described(router: Router) -> dict[str, Any]:
    """Return a router as results show it."""
    return {
        "name": router.name,
        "provider": router.provider,
        "object": str(router.ref or ""),
        "rule": router.rule,
        "priority": router.priority,
        "entry_points": list(router.entry_points),
        "tls": router.tls,
        "middlewares": list(router.middlewares),
        "service": router.service or ", ".join(map(str, router.services)),
        "problem": router.problem,
    }


def _hindrance(router: Router, request: SiteRequest, entry_point: str, tls_everywhere: bool) -> str:
    """Return why the entry point does not hand the request to the router, empty when it does."""
    if router.problem:
        return router.problem
    if entry_point not in router.entry_points:
        return f"it is on entry point {', '.join(router.entry_points) or '(none)'} and not on {entry_point}"
    tls = router.tls or tls_everywhere
    if tls and not request.https:
        return f"it has TLS, and the request comes without TLS to {entry_point}"
    if request.https and not tls:
        return f"it has no TLS, and the request comes by TLS to {entry_point}"
    return ""


def _why(matching: Sequence[Router], tied: Sequence[Router]) -> str:
    if not matching:
        return "no router takes it"
    winner = matching[0]
    if len(matching) == 1:
        return "it is the only router that takes it"
    second = matching[1]
    if tied:
        names = ", ".join(router.name for router in tied)
        return f"nothing decides between it and {names}: all have priority {winner.priority}. Give one a priority"
    if winner.priority == second.priority:
        return f"priority {winner.priority} as {second.name}, and provider {winner.provider} goes before"
    longer = winner.priority == len(winner.rule.encode()) and second.priority == len(second.rule.encode())
    words = " (its rule is the longer one)" if longer else ""
    return f"priority {winner.priority} goes before {second.priority} of {second.name}{words}"
