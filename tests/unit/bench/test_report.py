"""Goals of each kind, reached and missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import results
from bench.report import missed, table

HUNG, PLAIN, BY_TARGET = "fallback proxy, target hung", "plain nginx, target hung", "302 by the target"


def measured(**series: list[float]) -> results.Results:
    """One case with these samples."""
    section = results.Section("2026-01-01", 3, {**series}, [0.5])
    return results.Results({"case": section})


@pytest.mark.parametrize(
    ("series", "reached"),
    [
        ({f"rate: {HUNG}": [2200.0, 2100.0, 9.0], f"rate: {PLAIN}": [6.0]}, True),
        ({f"rate: {HUNG}": [2200.0, 2000.0, 9.0], f"rate: {PLAIN}": [6.0]}, False),
        ({f"rate: {HUNG}": [96.0], f"rate: {BY_TARGET}": [100.0]}, True),
        ({f"rate: {HUNG}": [94.0], f"rate: {BY_TARGET}": [100.0]}, False),
        ({"p50: fallback proxy, 2 connections": [0.0013], "p50: ForwardAuth direct, 2 connections": [0.001]}, True),
        ({"p50: fallback proxy, 2 connections": [0.0014], "p50: ForwardAuth direct, 2 connections": [0.001]}, False),
        ({"share slow: fallback proxy, 50 requests a second": [0.0, 2.0, 9.0]}, True),
        ({"share slow: fallback proxy, 50 requests a second": [0.0, 2.2, 9.0]}, False),
        ({"p50: 9 side by side": [0.0011], "p50: 1 side by side": [0.001]}, True),
        ({"p50: 9 side by side": [0.0012], "p50: 1 side by side": [0.001]}, False),
    ],
)
def test_a_goal_is_reached_by_the_median(series: dict[str, list[float]], reached: bool) -> None:
    found = measured(**series)
    assert bool(missed(found)) != reached
    assert table(found).count("| yes |") == reached


def test_the_floor_is_that_of_the_own_case() -> None:
    found = measured(floor=[1.0], **{"argument error, ten tasks": [1.5]})
    found.sections["other"] = results.Section("2026-01-01", 3, {"floor": [9.0]})
    assert not missed(found)


def test_results_come_back_as_they_were_kept(tmp_path: Path) -> None:
    found = measured(**{"memory of read": [20.0, 21.5]})
    results.write(found, tmp_path / "results.json")
    assert results.read(tmp_path / "results.json") == found
