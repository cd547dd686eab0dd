"""What a drill could have seen, made up for each scenario: with all of its evidence, and with some of it taken away."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.facts import Facts, Gone, tallies_of
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request

BROKEN, RESTORED, ENDED = 1000.0, 1010.0, 1020.0
BEGUN = 990.0
REPLICAS = ("traefik-a", "traefik-b", "traefik-c")
LOST, NEW = "traefik-a", "traefik-new"
STRANGER = Visitor("stranger", Request("private.test"), "none", True, before=(302,))
LOGIN = Visitor("login", Request("private.test"), "login", True, before=(302,))
PUBLIC = Visitor("public", Request("public.test"), "none", False, before=(200,))
APPLICATION = Visitor("the drill's application", Request("drill.test"), "none", True, before=(200,))
SITES = (STRANGER, LOGIN, PUBLIC)
# By second, by key.
Rises = Mapping[int, Mapping[str, int]]
# What a visitor meets: the number, when, through which replica; the status, whether by a fallback, how long.
Meets = Callable[[Visitor, float], tuple[int, bool, float]]


def as_before(visitor: Visitor, _at: float) -> tuple[int, bool, float]:
    """At once."""
    return visitor.before[0], False, 0.01


def in_fault(status: int, *, by_fallback: bool = False, who: Callable[[Visitor], bool] = lambda v: v.guarded) -> Meets:
    """During the fault those get another status."""

    def meets(visitor: Visitor, at: float) -> tuple[int, bool, float]:
        ill = BROKEN + 1 <= at < RESTORED and who(visitor)
        return (status, by_fallback, 0.02) if ill else as_before(visitor, at)

    return meets


def rises(first: float, end: float, **counts: int) -> dict[int, dict[str, int]]:
    """The same in each second from the first until before the end."""
    return {second: dict(counts) for second in range(math.floor(first), math.floor(end))}


@dataclass(frozen=True)
class World:
    """``replica`` says through which one a request goes, by its number and when it was sent."""

    visitors: Sequence[Visitor] = SITES
    asking: frozenset[int] = frozenset({0, 1})
    meets: Meets = as_before
    counts: Mapping[str, Mapping[str, Rises]] = field(default_factory=dict)
    went: Sequence[Gone] = ()
    proxied: bool = False
    retries: int = 0
    replica: Callable[[int, float], str] = lambda number, at: REPLICAS[number % 3]

    def records(self) -> list[Record]:
        """Ten a second; the visitors take turns."""
        found = []
        for number in range(round((ENDED - BEGUN) * 10)):
            # With a step of its own each visitor comes through each replica.
            at, visitor = BEGUN + number / 10, (number // 3) % len(self.visitors)
            replica = self.replica(number, at)
            if replica:
                status, fallback, seconds = self.meets(self.visitors[visitor], at)
                found.append(Record(at, seconds, 0.0, replica, visitor, status, fallback))
        return found

    def facts(self) -> Facts:
        """As a witness gathers them."""
        return Facts(
            visitors=self.visitors,
            asking=self.asking,
            tallies=tallies_of(self.records(), self.visitors, BROKEN, RESTORED),
            counts=self.counts,
            broken=BROKEN,
            restored=RESTORED,
            went=self.went,
            proxied=self.proxied,
            retries=self.retries,
        )

    def without(self, **changes: Any) -> World:
        """Another one; ``counts`` are laid over those that there are."""
        counts = dict(self.counts) | changes.pop("counts", {})
        return replace(self, counts=counts, **changes)


# What a proxy is asked by those two visitors, and what it answers itself from a second into the fault until then.
ASKED = {"proxy-1": rises(BEGUN, ENDED, any=7)}
FALLBACKS = {"proxy-1": rises(BROKEN + 1, RESTORED + 1, down=7)}


def _with_proxies(meets: Meets) -> World:
    return World(meets=meets, counts={"asked": ASKED, "fallbacks": FALLBACKS}, proxied=True)


def _gone(*names: str, replica: bool = False, gone: bool = True) -> tuple[Gone, ...]:
    return tuple(Gone(f"uid-{name}", name, replica, gone) for name in names)


def through(number: int, at: float) -> str:
    """One replica is lost at the fault, and another one is there when it is over."""
    name = REPLICAS[number % 3]
    return name if name != LOST or at < BROKEN else NEW if at > RESTORED else ""


def _backend(counts: Mapping[str, Mapping[str, Rises]], **more: Any) -> World:
    return World(visitors=(*SITES, APPLICATION), asking=frozenset({3}), counts=counts, **more)


_LOGIN_SERVICE = _with_proxies(in_fault(401, by_fallback=True))
_REPLICA = World(asking=frozenset({0, 1, 2}), went=_gone(LOST, replica=True), replica=through)
_OF_APPLICATION = "3"
WELL = rises(BEGUN, BROKEN, **{_OF_APPLICATION: 2}) | rises(RESTORED + 1, ENDED, **{_OF_APPLICATION: 2})

WHOLE: dict[str, World] = {
    "forward_auth_down": _LOGIN_SERVICE,
    "forward_auth_hung": _LOGIN_SERVICE.without(
        counts={"stand_in_hang": {"hung-1": rises(BROKEN + 1, BROKEN + 2, **{"0": 2, "other": 4})}}
    ),
    "forward_auth_unreachable": _LOGIN_SERVICE,
    # The fallback of a bot blocker lets everybody in: no answer changes.
    "bot_block_down": _with_proxies(as_before),
    "proxy_restart": World(
        counts={
            "asked": {"uid-proxy-1": rises(BEGUN, BROKEN + 3, any=7), "proxy-2": rises(BROKEN + 3, ENDED, any=7)},
            "fallbacks": {"uid-proxy-1": {}, "proxy-2": {}},
        },
        proxied=True,
        went=_gone("proxy-1"),
    ),
    "proxies_all_lost": World(
        meets=in_fault(500),
        counts={
            "asked": {"uid-proxy-1": rises(BEGUN, BROKEN, any=7), "proxy-2": rises(RESTORED + 1, ENDED, any=7)},
            "fallbacks": {"uid-proxy-1": {}, "proxy-2": {}},
        },
        proxied=True,
        went=_gone("proxy-1"),
    ),
    "replica_lost": _REPLICA,
    "node_drain": _REPLICA.without(went=(*_REPLICA.went, *_gone("proxy-1"))),
    "backend_hung": _backend(
        {
            "stand_in_well": {"well-1": WELL},
            "stand_in_hang": {"hung-1": rises(BROKEN, RESTORED, **{_OF_APPLICATION: 2})},
        },
        meets=in_fault(504, who=lambda visitor: visitor is APPLICATION),
    ),
    "backend_restart": _backend(
        {
            "stand_in_well": {
                "uid-well-1": rises(BEGUN, BROKEN + 2, **{_OF_APPLICATION: 2}),
                "well-2": rises(BROKEN + 2, ENDED, **{_OF_APPLICATION: 2}),
            }
        },
        went=_gone("well-1"),
        retries=1,
    ),
}

# Without proxies, as the lab is before hardening: visitors see it, and there is no other counter but the stand-ins'.
BARE: dict[str, World] = {
    "forward_auth_down": World(meets=in_fault(500)),
    "forward_auth_hung": World(
        meets=in_fault(0), counts={"stand_in_hang": {"hung-1": rises(BROKEN + 1, RESTORED, **{"0": 2, "1": 2})}}
    ),
    "forward_auth_unreachable": World(meets=in_fault(500)),
    "bot_block_down": World(meets=in_fault(500)),
}
