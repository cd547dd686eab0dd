"""Which versions have a hole: the patch counts in a line that got a fix, older lines have it and newer ones do not."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.audit.known_versions import (
    AUTHENTIK_LINES,
    TRAEFIK_LINES,
    Hole,
    is_old_line,
)

HOLE = Hole("CVE-1", "2026-01-01", "a hole", {(2, 11): 35, (3, 6): 7})
NEW = Hole("CVE-2", "2026-01-01", "a hole of a new feature", {(3, 7): 3}, since=(3, 7))


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((2, 11, 34), True),
        ((2, 11, 35), False),
        ((2, 10, 99), True),
        ((3, 0, 0), True),
        ((3, 5, 9), True),
        ((3, 6, 6), True),
        ((3, 6, 7), False),
        ((3, 7, 0), False),
        ((4, 0, 0), False),
        ((3, 6), False),
        ((), False),
    ],
)
def test_a_hole_has_its_versions(version: tuple[int, ...], affected: bool) -> None:
    assert HOLE.affects(version) is affected


@pytest.mark.parametrize(("version", "affected"), [((3, 7, 2), True), ((3, 7, 3), False), ((3, 6, 1), False)])
def test_a_feature_that_is_new_has_holes_from_then_on(version: tuple[int, ...], affected: bool) -> None:
    assert NEW.affects(version) is affected


@pytest.mark.parametrize(
    ("version", "old"), [((3, 6, 24), True), ((3, 7, 1), False), ((3, 8, 0), False), ((2, 11, 1), False)]
)
def test_lines_that_get_no_fixes(version: tuple[int, ...], old: bool) -> None:
    assert is_old_line(version, TRAEFIK_LINES) is old


def test_a_release_that_is_newer_than_the_data_is_not_old() -> None:
    assert not is_old_line((2026, 11, 0), AUTHENTIK_LINES)
    assert is_old_line((2026, 2, 3), AUTHENTIK_LINES)
