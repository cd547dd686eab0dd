# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks that registered results tell of, by area. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check

NOTHING = "nothing was checked, and an empty proof is no proof"
PASSED, FAILED, NOT_LOOKED_AT, NOT_THERE = "passed", "failed", "not_looked_at", "not_there"


@dataclass(frozen=True)
class AreaCheck:
    """A check and the area of the report that it belongs to."""

    area: str
    check: Check

    def as_dict(self) -> dict[str, Any]:
        """The entry of the report: area, name, passed, expected, found."""
        return {"area": self.area} | self.check.as_dict()


@dataclass(frozen=True)
class Area:
    """One area of the report. ``proves`` says what it proves when it passes, ``reason`` why nothing was looked at.

    ``state`` is passed, failed, not_looked_at or not_there.
    """

    name: str
    state: str
    proves: str = ""
    reason: str = ""

    @property
    def claim(self) -> str:
        """What it proves, with its name."""
        return f"{self.proves} ({self.name})" if self.proves else self.name


@dataclass(frozen=True)
class Collected:
    """All checks in the areas' order, the areas that had none, and the state of each area."""

    checks: list[AreaCheck] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)

    @property
    def failed(self) -> list[AreaCheck]:
        """The checks that did not pass."""
        return [each for each in self.checks if not each.check.passed]

    @property
    def passed(self) -> int:
        """How many checks passed."""
        return len(self.checks) - len(self.failed)


def collect(results: Mapping[str, Any], areas: Sequence[Mapping[str, Any]] = ()) -> Collected:
    """The checks of the option ``results``. Where there is none at all, one that says so and did not pass.

    ``areas`` are what there is to look at. One that was to be looked at and shows nothing is a check that did not pass,
    unless it is said to be absent; without ``areas`` an area that shows nothing is only named.
    Raises BadArgument for what is no registered result.
    """
    told = {str(each["name"]): each for each in areas}
    checks, unchecked, states = list[AreaCheck](), list[str](), list[Area]()
    for area in dict.fromkeys([*told, *map(str, results)]):
        given = told.get(area)
        found = list(_checks(results.get(area), f"results.{area}"))
        found += _unseen(given, found) if given else []
        checks += [AreaCheck(area, check) for check in found]
        if not found:
            unchecked.append(area)
        states.append(_state(area, given or {}, found))
    if not checks:
        names = ", ".join(unchecked) or "none given"
        checks.append(AreaCheck("report", Check("something was checked", False, "a check", f"{NOTHING} ({names})")))
    return Collected(checks, unchecked, states)


def _unseen(given: Mapping[str, Any], found: Sequence[Check]) -> list[Check]:
    """The check that did not pass, of an area that was to be looked at and could not be, or showed nothing."""
    error = str(given.get("error") or "")
    if error and all(check.passed for check in found):
        return [Check("it could be looked at", False, "a look at all of it", error)]
    if found or error or not given.get("looked_at", True) or given.get("absent"):
        return []
    reason = str(given.get("findings") or "")
    return [Check("something was seen", False, "a check", f"{NOTHING}{f': {reason}' if reason else ''}")]


def _state(area: str, given: Mapping[str, Any], found: Sequence[Check]) -> Area:
    proves = str(given.get("proves") or "")
    if found:
        return Area(area, PASSED if all(check.passed for check in found) else FAILED, proves)
    if given.get("absent") and given.get("looked_at", True):
        return Area(area, NOT_THERE, proves, str(given["absent"]))
    return Area(area, NOT_LOOKED_AT, proves, str(given.get("reason") or "not asked for"))


def title_of(title: str, collected: Collected) -> str:
    """What the report may claim: ``title`` where everything was looked at and passed, else what was proved, or was not.

    Areas that are not there take nothing away.
    """
    failed = [area.claim for area in collected.areas if area.state == FAILED]
    if failed:
        return f"Not proved: {'; '.join(failed)}"
    if collected.failed:
        return f"Not proved: {title}"
    if all(area.state != NOT_LOOKED_AT for area in collected.areas):
        return title
    return "; ".join(area.claim for area in collected.areas if area.state == PASSED) or title


def _checks(registered: Any, path: str) -> Iterator[Check]:
    """Those of a result, of a list of results, or of the items of a loop's result."""
    if not registered:
        return
    if isinstance(registered, Sequence) and not isinstance(registered, str):
        for position, item in enumerate(registered, start=1):
            yield from _checks(item, f"{path} item {position}")
        return
    if not isinstance(registered, Mapping):
        raise BadArgument(f"{path}: {str(registered)[:60]!r} is no registered result")
    told = [_check(given, path) for given in registered.get("checks") or []]
    told += _checks(registered.get("results") if _is_of_loop(registered) else [], path)
    yield from told
    if all(check.passed for check in told) and _went_wrong(registered):
        yield Check("the checks could be made", False, "a task that tells its checks", _message(registered))


def _went_wrong(registered: Mapping[str, Any]) -> bool:
    """Whether a task ended before it could tell of its checks: ``failed_when: false`` unmarks a failure."""
    silent = "checks" not in registered and not _is_of_loop(registered) and not registered.get("skipped")
    return bool(registered.get("failed")) or silent


def _message(registered: Mapping[str, Any]) -> str:
    return str(registered.get("msg") or "it told none, and gave no message")


def _is_of_loop(registered: Mapping[str, Any]) -> bool:
    """Modules of this collection return ``results`` of their own; those of a loop know their item."""
    items = registered.get("results")
    return isinstance(items, Sequence) and all(
        isinstance(item, Mapping) and "ansible_loop_var" in item for item in items
    )


def _check(given: Any, path: str) -> Check:
    if not isinstance(given, Mapping) or not {"name", "passed"} <= set(given):
        raise BadArgument(f"{path}: {str(given)[:60]!r} in its checks is no check: it needs name and passed")
    # Anything but a plain true is no pass: a text such as "False" must not become one.
    passed = given["passed"] is True
    return Check(str(given["name"]), passed, str(given.get("expected", "")), str(given.get("found", "")))
