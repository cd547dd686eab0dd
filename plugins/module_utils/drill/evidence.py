# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to be seen of the thing itself before a drill proves anything: for each scenario, in one table. Pure.

Did requests reach it before, did they meet it broken, and do they reach it again? That is answered by counters of the
target, of what stands in for it, or of the proxy before it. The answers of visitors tell it only where there is no such
counter: who is answered as before may as well never have met it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.resilient.traefik.plugins.module_utils.drill.backend import HANG, WELL
from ansible_collections.resilient.traefik.plugins.module_utils.drill.facts import Facts
from ansible_collections.resilient.traefik.plugins.module_utils.drill.figures import ROW
from ansible_collections.resilient.traefik.plugins.module_utils.drill.moments import BEFORE, FAULT, MOMENTS, RECOVERY
from ansible_collections.resilient.traefik.plugins.module_utils.drill.sources import (
    Source,
    answered_before,
    counted,
    counts_hung,
    counts_well,
    fell_back,
    has_retry,
    new_ones_asked,
    seen_again,
    seen_before,
    seen_changed,
    stood_in,
    through_those_that_came,
    through_those_that_went,
    unless,
    where,
)


@dataclass(frozen=True)
class Wanted:
    """What is to be shown, in words that go on "nothing shows that", and what to do where it is not.

    Of each of the ``groups`` one source has to show it.
    """

    words: str
    groups: Sequence[Sequence[Source]]
    remedy: str


@dataclass(frozen=True)
class Shown:
    """What was found at one moment (BEFORE, FAULT or RECOVERY)."""

    moment: str
    wanted: Wanted
    found: str
    seen: bool

    def as_dict(self) -> dict[str, object]:
        """The entry of the result ``evidence``."""
        return {"moment": self.moment, "wanted": self.wanted.words, "found": self.found, "seen": self.seen}

    def missing(self, subject: str) -> str:
        """A sentence about what is not shown of the subject, and what to do about it."""
        return f"nothing shows that {self.wanted.words} ({subject}): {self.found}. {self.wanted.remedy}"


def shown(scenario: str, facts: Facts, moments: Sequence[str] = MOMENTS) -> list[Shown]:
    """What the facts show of a scenario at those moments."""
    return [_shown(moment, EVIDENCE[scenario][moment], facts) for moment in moments]


def _shown(moment: str, wanted: Wanted, facts: Facts) -> Shown:
    found, seen = [], True
    for group in wanted.groups:
        told = [(source, count) for source in group if (count := source.count(facts)) is not None]
        found += [source.words.format(n=count, needed=source.needed(facts)) for source, count in told]
        seen = seen and any(count >= source.needed(facts) for source, count in told)
    return Shown(moment, wanted, "; ".join(found), seen)


_ASKED_BEFORE = "{n} requests to it were answered before the fault, as the visitors saw it", seen_before
_ASKED_AGAIN = "{n} requests to it were answered as before afterwards, as the visitors saw it", seen_again
_CHANGED = (
    "{n} requests to it were answered otherwise or much later during the fault, as the visitors saw it",
    seen_changed,
)
_SITES = (
    "Let visitors ask sites whose routes lead there (visitors), and say so where their routes do not tell it (guarded)."
)

_TARGET_BEFORE = Wanted(
    "requests reached it before the fault",
    [
        counted(
            Facts.counts_proxies,
            ("{n} requests were answered by the target before the fault, as the proxies count them", answered_before),
            _ASKED_BEFORE,
        )
    ],
    _SITES,
)
_FELL_BACK = counted(
    Facts.counts_proxies,
    ("{n} requests were answered by the fallback in seconds in which most were, as the proxies count them", fell_back),
    _CHANGED,
)
_REACHED_HUNG = "{n} requests of visitors reached the pods that hang, as these count them", stood_in(HANG, FAULT)
_TARGET_BROKEN = Wanted("requests met it while it was broken", [_FELL_BACK], _SITES)
_TARGET_HUNG = Wanted(
    _TARGET_BROKEN.words, [[Source(_REACHED_HUNG[0], where(counts_hung, _REACHED_HUNG[1])), *_FELL_BACK]], _SITES
)
_TARGET_AGAIN = Wanted(
    "requests reach it again",
    [
        counted(
            Facts.counts_proxies,
            (
                "{n} requests were answered by the target since the last fallback, as the proxies count them",
                Facts.answered_again,
            ),
            _ASKED_AGAIN,
            ROW,
        )
    ],
    "Look whether the proxies find its pods (fallback_proxy_target_up, and their logs); expect.recovery waits longer.",
)
_GONE = Source(
    "{n} of {needed} pods are gone",
    lambda facts: sum(each.gone for each in facts.went),
    lambda facts: max(1, len(facts.went)),
)
# What a retry has asked again shows in no answer. Without one only a failure shows that the moment was met at all.
_MET_GONE = [
    Source("{n} retry middlewares of its route ask again", where(has_retry, lambda facts: facts.retries)),
    Source("{n} requests met a pod that was gone (no retry stands before it)", unless(has_retry, seen_changed)),
]
_ROUTE = "Look whether Traefik serves the route that the drill brings."
_STILL_THERE = "Look at what keeps the pods: a finalizer, or a grace period that is longer than the drill."

_TARGET = {BEFORE: _TARGET_BEFORE, FAULT: _TARGET_BROKEN, RECOVERY: _TARGET_AGAIN}
_REPLICA = {
    BEFORE: Wanted(
        "visitors asked through it before the fault",
        [[Source("{n} requests through the replica that was to go, before it went", through_those_that_went)]],
        "Ask more often (rate), and only replicas that are ready.",
    ),
    FAULT: Wanted("it went", [[_GONE]], _STILL_THERE),
    RECOVERY: Wanted(
        "visitors get what they got through the replica that came for it",
        [[Source("{n} requests answered as before through replicas that came for it", through_those_that_came)]],
        "Look at the new replica, or ask more often (rate).",
    ),
}
_WELL_BEFORE = Wanted(
    "requests reached it before the fault",
    [
        counted(
            counts_well,
            ("{n} requests of visitors reached its pods before the fault", stood_in(WELL, BEFORE)),
            _ASKED_BEFORE,
        )
    ],
    _ROUTE,
)
_WELL_AGAIN = Wanted(
    "requests reach it again",
    [
        counted(
            counts_well,
            ("{n} requests of visitors reached its pods afterwards", stood_in(WELL, RECOVERY)),
            _ASKED_AGAIN,
        )
    ],
    _ROUTE,
)

# What each scenario has to show, by the moment. One place: what is not in it is no evidence.
EVIDENCE: Mapping[str, Mapping[str, Wanted]] = {
    "forward_auth_down": _TARGET,
    "forward_auth_hung": _TARGET | {FAULT: _TARGET_HUNG},
    "forward_auth_unreachable": _TARGET,
    "bot_block_down": _TARGET,
    "proxy_restart": {
        BEFORE: Wanted(
            "requests reached the proxies before the fault",
            [
                counted(
                    Facts.counts_proxies,
                    (
                        "{n} requests to the proxies that were to go, before they went, as these count them",
                        lambda facts: facts.asked(BEFORE, facts.uids()).total(),
                    ),
                    _ASKED_BEFORE,
                )
            ],
            _SITES,
        ),
        FAULT: Wanted("the proxies went", [[_GONE]], _STILL_THERE),
        RECOVERY: Wanted(
            "requests reach the target through the proxies that came for them",
            [
                counted(
                    Facts.counts_proxies,
                    (
                        "{n} requests were answered by the target through new proxies, as these count them",
                        lambda facts: facts.answered_again(facts.uids()),
                    ),
                    _ASKED_AGAIN,
                    ROW,
                )
            ],
            "Look at the new proxies: their logs, and whether they find the target's pods.",
        ),
    },
    "proxies_all_lost": {
        BEFORE: _TARGET_BEFORE,
        FAULT: Wanted("requests met that the proxies were gone", [[_GONE], [Source(*_CHANGED)]], _SITES),
        RECOVERY: _TARGET_AGAIN,
    },
    "replica_lost": _REPLICA,
    "node_drain": _REPLICA,
    "backend_hung": {
        BEFORE: _WELL_BEFORE,
        FAULT: Wanted(
            "requests met it while it hung",
            [counted(counts_hung, _REACHED_HUNG, _CHANGED)],
            "Look whether Traefik follows the Service: its log, and its endpoints.",
        ),
        RECOVERY: _WELL_AGAIN,
    },
    "backend_restart": {
        BEFORE: _WELL_BEFORE,
        FAULT: Wanted(
            "its pods went, requests met that they were gone, and reached new ones",
            [
                [_GONE],
                _MET_GONE,
                counted(
                    counts_well,
                    ("{n} requests of visitors reached new pods, as these count them", new_ones_asked),
                    _ASKED_AGAIN,
                ),
            ],
            "Look at the pods that the drill brings: were they replaced, and does Traefik ask the new ones?",
        ),
        RECOVERY: _WELL_AGAIN,
    },
}
