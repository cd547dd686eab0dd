# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of a drill can be evidence: answers of visitors, rises of counters, pods that went. Pure.

Three times are told apart: before the fault, from the fault to the restoring, and after that.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from ansible_collections.resilient.traefik.plugins.module_utils.drill.counters import (
    ASKED,
    FALLBACKS,
    Counts,
    family_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.figures import SLOW_SECONDS
from ansible_collections.resilient.traefik.plugins.module_utils.drill.moments import BEFORE, FAULT, RECOVERY
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor

# An answer counts as slower than before when it took so many times the longest of that visitor, ...
_TIMES_SLOWER = 3.0
# ... and one or two of them are an accident.
_MOST_BY_ACCIDENT = 2


@dataclass
class Tally:
    """One visitor's requests: ``before`` and ``again`` are those answered as before, by replica.

    ``other`` are the answers during the fault that are not as before, ``by_fallback`` those among them that a fallback
    made. ``sent`` counts by epoch second.
    """

    before: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    sent: Counter[int] = field(default_factory=Counter)
    other: int = 0
    by_fallback: int = 0
    longest_before: float = 0.0
    waits: list[float] = field(default_factory=list)

    @property
    def slower(self) -> int:
        """Answers during the fault that took much longer than any before it; 0 where they may be an accident."""
        limit = max(SLOW_SECONDS, _TIMES_SLOWER * self.longest_before)
        found = sum(wait > limit for wait in self.waits)
        return found if found > _MOST_BY_ACCIDENT else 0

    @property
    def changed(self) -> int:
        """Answers during the fault that show that it was met."""
        return self.other or self.slower


def tallies_of(
    records: Iterable[Record], visitors: Sequence[Visitor], broken: float, restored: float | None
) -> list[Tally]:
    """One for each visitor. ``broken`` and ``restored`` are epoch seconds, ``restored`` None while the fault lasts."""
    tallies = [Tally() for _visitor in visitors]
    for record in records:
        tally, well = tallies[record.visitor], _is_as_before(record, visitors[record.visitor])
        tally.sent[math.floor(record.sent)] += 1
        if record.sent < broken:
            tally.before[record.replica] += well
            tally.longest_before = max(tally.longest_before, record.seconds)
        elif record.sent <= (restored or math.inf):
            tally.other += not well
            tally.by_fallback += record.fallback
            tally.waits += [record.seconds] if well and record.seconds > SLOW_SECONDS else []
        else:
            tally.again[record.replica] += well
    return tallies


def _is_as_before(record: Record, visitor: Visitor) -> bool:
    return record.status in visitor.before and not record.fallback


@dataclass(frozen=True)
class Gone:
    """A pod that the fault took away. ``replica``: one of Traefik. ``gone``: nothing is left of it."""

    uid: str
    name: str
    replica: bool
    gone: bool


@dataclass(frozen=True)
class Facts:
    """``asking`` are the numbers of the visitors whose requests are to meet what is broken.

    ``proxied``: a proxy stands before the target, so what becomes of requests there is counted by it.
    ``retries``: how many retry middlewares stand before what the fault breaks.
    """

    visitors: Sequence[Visitor]
    asking: Collection[int]
    tallies: Sequence[Tally]
    counts: Counts
    broken: float
    restored: float | None = None
    went: Sequence[Gone] = ()
    proxied: bool = False
    retries: int = 0

    def of_asking(self) -> list[Tally]:
        """The tallies of those whose requests are to meet it."""
        return [self.tallies[number] for number in sorted(self.asking)]

    def counts_proxies(self) -> bool:
        """Whether any proxy told its counters."""
        return self.proxied and bool(self.counts.get(ASKED))

    def counts_stand_ins(self, mode: str) -> bool:
        """Whether any stand-in told its counters."""
        return bool(self.counts.get(family_of(mode)))

    def asked(self, moment: str, pods: Collection[str] | None = None) -> Counter[int]:
        """By epoch second what the proxies were asked, or those pods of them (uids)."""
        return self._by_second(ASKED, moment, pods)

    def fell_back(self, moment: str) -> Counter[int]:
        """By epoch second what the proxies answered instead of the target."""
        return self._by_second(FALLBACKS, moment)

    def stood_in(self, mode: str, moment: str, *, others_than: Collection[str] = ()) -> Counter[int]:
        """By visitor's number what the stand-ins of that mode were asked, but for those pods (uids).

        What no visitor of the drill asked, such as a proxy's checks, is left out.
        """
        found: Counter[int] = Counter()
        for pod, by_second in self.counts.get(family_of(mode), {}).items():
            for second, totals in by_second.items():
                if pod not in others_than and self._moment_of(second) == moment:
                    found.update({int(mark): count for mark, count in totals.items() if mark.isdigit()})
        return found

    def answered_again(self, others_than: Collection[str] = ()) -> int:
        """What the target answered after the restoring by way of the proxies: all since the last fallback.

        Without what those pods (uids) of the proxies were asked.
        """
        last = max(self.fell_back(RECOVERY), default=-math.inf)
        pods = set(self.counts.get(ASKED, {})) - set(others_than)
        return sum(count for second, count in self.asked(RECOVERY, pods).items() if second > last)

    def uids(self) -> set[str]:
        """Of the pods that went."""
        return {each.uid for each in self.went}

    def are_gone(self) -> bool:
        """Whether there were any, and nothing is left of all of them."""
        return bool(self.went) and all(each.gone for each in self.went)

    def _by_second(self, family: str, moment: str, pods: Collection[str] | None = None) -> Counter[int]:
        found: Counter[int] = Counter()
        for pod, by_second in self.counts.get(family, {}).items():
            for second, totals in by_second.items():
                if (pods is None or pod in pods) and self._moment_of(second) == moment:
                    found[second] += sum(totals.values())
        return +found

    def _moment_of(self, second: int) -> str:
        """Of a whole second; one in which two of them meet is the fault's."""
        if second < math.floor(self.broken):
            return BEFORE
        return FAULT if self.restored is None or second <= self.restored else RECOVERY
