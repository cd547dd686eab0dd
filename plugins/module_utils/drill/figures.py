# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the records of a measurement come to: kinds of answers, quantiles, a timeline, the recovery. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor

KINDS = ("as_before", "fallback", "let_in", "failed", "none")
# Longer than this is slow: somebody who waits notices it (seconds).
SLOW_SECONDS = 0.5
# Breakers have opened and time limits have been learnt by then (seconds from the fault).
SETTLED_SECONDS = 3.0
# So many answers in a row are no accident.
ROW = 3


def kind_of(record: Record, visitor: Visitor) -> str:
    """One of KINDS, the worst that fits first."""
    good = 200 <= record.status < 300
    if not record.status:
        return "none"
    if good and _must_stay_out(visitor):
        return "let_in"
    if record.fallback:
        return "fallback"
    if record.status in visitor.before:
        return "as_before"
    # Behind a login of the fallback's own the header goes to the application, not to the visitor.
    return "fallback" if good and visitor.credentials == "login" else "failed"


def _must_stay_out(visitor: Visitor) -> bool:
    got_in_before = any(200 <= status < 300 for status in visitor.before)
    return visitor.guarded and visitor.credentials == "none" and not visitor.open and not got_in_before


def quantile(ordered: Sequence[float], share: float) -> float:
    """The nearest rank of values in ascending order: the smallest that at least this share does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def figures_of(
    records: Iterable[Record],
    visitors: Sequence[Visitor],
    fault: float | None,
    restored: float | None,
    *,
    not_sent: int = 0,
) -> dict[str, Any]:
    """The result's ``figures``. ``fault`` and ``restored`` are epoch seconds; without a fault nothing counts as slow.

    ``not_sent`` is the measurement's own count. Takes memory for two numbers a record.
    """
    kinds, statuses = Counter[str](), Counter[int]()
    times: list[float] = []
    late: list[float] = []
    settled, during, slow = 0.0, 0, 0
    answers = RecoveryWatch(visitors, restored)
    for record in records:
        kinds[kind_of(record, visitors[record.visitor])] += 1
        statuses[record.status] += 1
        times.append(record.seconds)
        late.append(record.late)
        answers.see(record)
        if fault is not None and fault <= record.sent < (restored or math.inf):
            during += 1
            slow += record.seconds > SLOW_SECONDS
            if record.sent >= fault + SETTLED_SECONDS:
                settled = max(settled, record.seconds)
    times.sort()
    late.sort()
    return {
        "requests": len(times),
        "kinds": _all_kinds(kinds),
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        **_times(times),
        "settled_longest_ms": _ms(settled),
        "slow": slow,
        "slow_percent": round(100 * slow / during, 3) if during else 0.0,
        "recovery_seconds": answers.recovered(),
        "not_sent": not_sent,
        "lateness_p99_ms": _ms(quantile(late, 0.99)) if late else 0.0,
    }


def by_replica(records: Iterable[Record], visitors: Sequence[Visitor]) -> dict[str, dict[str, Any]]:
    """``requests``, ``longest_ms`` and ``kinds`` by replica."""
    return _grouped(records, visitors, lambda record: record.replica)


def by_visitor(records: Iterable[Record], visitors: Sequence[Visitor]) -> dict[str, dict[str, Any]]:
    """``requests``, ``longest_ms`` and ``kinds`` by the visitor's name."""
    return _grouped(records, visitors, lambda record: visitors[record.visitor].name)


def timeline_of(
    records: Iterable[Record],
    visitors: Sequence[Visitor],
    origin: float,
    counted: Mapping[int, Mapping[str, Mapping[str, int]]] | None = None,
) -> list[dict[str, Any]]:
    """One entry a second from the first request to the last, by when it was sent, relative to ``origin`` (epoch s).

    ``counted`` are the counters' differences by epoch second: ``fallbacks`` by reason, ``traefik`` by status.
    """
    seconds: dict[int, tuple[Counter[str], list[float]]] = {}
    for record in records:
        kinds, times = seconds.setdefault(math.floor(record.sent - origin), (Counter(), []))
        kinds[kind_of(record, visitors[record.visitor])] += 1
        times.append(record.seconds)
    moved = _relative(counted or {}, origin)
    whole = range(min(seconds), max(seconds) + 1) if seconds else range(0)
    return [_entry(second, *seconds.get(second, (Counter(), [])), moved.get(second, {})) for second in whole]


class RecoveryWatch:
    """When every guarded visitor was answered as before again, ROW times in a row (in the order of sending).

    Without a guarded visitor all of them count. Sees records in any order.
    """

    def __init__(self, visitors: Sequence[Visitor], restored: float | None) -> None:
        """``restored`` in epoch seconds; None: nothing was broken."""
        self._visitors = visitors
        self._restored = restored
        guarded = [number for number, visitor in enumerate(visitors) if visitor.guarded]
        self._answers: dict[int, list[tuple[float, bool]]] = {number: [] for number in guarded or range(len(visitors))}

    def see(self, record: Record) -> None:
        """Takes one that was answered or given up."""
        as_before = kind_of(record, self._visitors[record.visitor]) == "as_before"
        self.see_open(record.sent, record.visitor, as_before)

    def see_open(self, sent: float, visitor: int, as_before: bool = False) -> None:
        """Takes one that is still under way: until it ends it breaks the row."""
        if self._restored is not None and sent >= self._restored and visitor in self._answers:
            self._answers[visitor].append((sent, as_before))

    def recovered(self) -> float | None:
        """Seconds from the restoring to the last visitor's first of ROW answers as before; None when one has none."""
        if self._restored is None:
            return None
        moments = [_first_row(sorted(answers)) for answers in self._answers.values()]
        found = [moment for moment in moments if moment is not None]
        if not found or len(found) < len(moments):
            return None
        return round(max(found) - self._restored, 3)


def _first_row(answers: Sequence[tuple[float, bool]]) -> float | None:
    for first in range(len(answers) - ROW + 1):
        if all(as_before for _sent, as_before in answers[first : first + ROW]):
            return answers[first][0]
    return None


def _grouped(
    records: Iterable[Record], visitors: Sequence[Visitor], name_of: Callable[[Record], str]
) -> dict[str, dict[str, Any]]:
    kinds: dict[str, Counter[str]] = {}
    longest: dict[str, float] = {}
    for record in records:
        name = name_of(record)
        kinds.setdefault(name, Counter())[kind_of(record, visitors[record.visitor])] += 1
        longest[name] = max(longest.get(name, 0.0), record.seconds)
    return {
        name: {"requests": counts.total(), "longest_ms": _ms(longest[name]), "kinds": _all_kinds(counts)}
        for name, counts in sorted(kinds.items())
    }


def _entry(
    second: int, kinds: Mapping[str, int], times: list[float], counted: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    times.sort()
    return {
        "second": second,
        "requests": len(times),
        "kinds": _all_kinds(kinds),
        **_times(times),
        "fallbacks": dict(counted.get("fallbacks", {})),
        "traefik": dict(counted.get("traefik", {})),
    }


def _relative(
    counted: Mapping[int, Mapping[str, Mapping[str, int]]], origin: float
) -> dict[int, dict[str, Counter[str]]]:
    """By second from the origin: two seconds of the clock may fall into one of the timeline."""
    found: dict[int, dict[str, Counter[str]]] = {}
    for second, families in counted.items():
        entry = found.setdefault(math.floor(second - origin), {})
        for family, values in families.items():
            entry.setdefault(family, Counter()).update(values)
    return found


def _times(ordered: Sequence[float]) -> dict[str, float | None]:
    shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "longest_ms": 1.0}
    return {name: _ms(quantile(ordered, share)) if ordered else None for name, share in shares.items()}


def _all_kinds(counts: Mapping[str, int]) -> dict[str, int]:
    return {kind: counts.get(kind, 0) for kind in KINDS}


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 2)
