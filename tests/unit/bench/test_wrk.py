"""What wrk adds to its latencies is taken off again."""

from __future__ import annotations

from collections import Counter

from bench.wrk import as_measured


def corrected(counts: Counter[int], usual: int) -> Counter[int]:
    """As wrk 4.1.0 does it, from the shortest time to the longest."""
    found = Counter(counts)
    for microseconds in range(2 * usual, max(counts) + 1):
        for earlier in range(microseconds - usual, usual, -usual):
            found[earlier] += counts[microseconds]
    return +found


def test_what_was_measured_comes_back() -> None:
    counts = Counter({80: 500, 130: 40, 200: 7, 205: 3, 470: 2, 999: 1})
    told = corrected(counts, 100)
    assert told.total() > counts.total()
    assert as_measured(told, 100) == counts


def test_quick_answers_stay_as_they_are() -> None:
    counts = Counter({80: 5, 199: 2})
    assert corrected(counts, 100) == counts
    assert as_measured(counts, 100) == counts
