# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is expected of a drill, as data, and whether it was so. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check

# By what a rule says whom it is about.
_ABOUT = ("visitor", "host", "credentials", "guarded")
# Checks of what was answered: when a request was sent, and how long it took, changes nothing about them.
_ANSWERS, _STRANGERS = "answers", "strangers let in"
OF_ANSWERS = (_ANSWERS, _STRANGERS)


@dataclass(frozen=True)
class Expectations:
    """Seconds, and numbers of requests.

    ``longest_wait`` is for any answer, ``settled_wait`` for those asked from 3 s into the fault on; ``slow_percent``
    of the requests during the fault may take more than 0.5 s. ``recovery`` is how long after the restoring every
    guarded site answers as before. ``failed_at_most`` requests may fail or get no answer. ``statuses`` says of visitors
    what they may get in place of what they got before: each entry has ``status`` and any of ``visitor``, ``host``,
    ``credentials`` (none, session, login), ``guarded``, and ``at_most``, how many answers it allows in all. None of a
    number means that it does not matter.

    ``remark`` is the scenario's own, beside what is expected of the answers; it changes no verdict.
    """

    longest_wait: float | None = 2.5
    settled_wait: float | None = None
    slow_percent: float | None = None
    recovery: float | None = 15.0
    failed_at_most: int = 0
    statuses: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    remark: str = ""


@dataclass(frozen=True)
class Seen:
    """What of one visitor's answers counts: how many of each kind, and the statuses of those that failed."""

    name: str
    host: str
    credentials: str
    guarded: bool
    kinds: Mapping[str, int]
    failed: Mapping[int, int]


def expectations_from(default: Expectations, given: Mapping[str, Any]) -> Expectations:
    """The default ones with what the user says otherwise. Raises BadArgument naming what there is not."""
    known = {item.name for item in fields(Expectations)} - {"remark"}
    for name, value in given.items():
        if name not in known:
            raise BadArgument(f"expect.{name}: there is no such expectation; there are {', '.join(sorted(known))}")
        if name != "statuses" and value is not None and not _is_number(value):
            raise BadArgument(f"expect.{name}: {value!r} is no number of 0 or more")
    if "statuses" in given:
        given = {**given, "statuses": tuple(_status_rule(rule) for rule in given["statuses"] or ())}
    return replace(default, **given)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _status_rule(rule: Any) -> Mapping[str, Any]:
    allowed = {*_ABOUT, "status", "at_most"}
    if not isinstance(rule, Mapping) or set(rule) - allowed or not rule.get("status"):
        raise BadArgument(f"expect.statuses: {rule!r} must have status, and may have {', '.join(sorted(allowed))}")
    if not _is_number(rule.get("at_most", 0)):
        raise BadArgument(f"expect.statuses: at_most: {rule['at_most']!r} is no number of 0 or more")
    return {**rule, "status": [int(status) for status in rule["status"]]}


def judged(expected: Expectations, figures: Mapping[str, Any], visitors: Iterable[Seen]) -> list[Check]:
    """The checks of a measurement: ``figures`` as in a drill's result."""
    seen = list(visitors)
    checks = [_answers(expected, seen), _strangers(expected, seen)]
    for name, words, limit, found, unit in (
        ("longest wait", "at most", expected.longest_wait, _seconds(figures["longest_ms"]), "s"),
        ("longest wait from 3 s on", "at most", expected.settled_wait, _seconds(figures["settled_longest_ms"]), "s"),
        ("slow answers (> 0.5 s)", "at most", expected.slow_percent, figures["slow_percent"], "%"),
        ("sign-on and sites as before", "within", expected.recovery, figures["recovery_seconds"], "s"),
    ):
        if limit is not None:
            told = f"{found:.3g} {unit}" if found is not None else "not at all"
            checks.append(Check(name, found is not None and found <= limit, f"{words} {limit:g} {unit}", told))
    return checks


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _answers(expected: Expectations, seen: Sequence[Seen]) -> Check:
    """Every answer as before, by the fallback, or allowed; but for so many."""
    wrong: dict[str, int] = {}
    excused: dict[str, int] = {}
    left = [rule.get("at_most", math.inf) for rule in expected.statuses]
    for visitor in seen:
        if visitor.kinds.get("none"):
            wrong[f"{visitor.name}: no answer"] = visitor.kinds["none"]
        for status, times in sorted(visitor.failed.items()):
            words = f"{visitor.name}: {status}"
            rules = [number for number, rule in enumerate(expected.statuses) if _allows(rule, visitor, status)]
            # What is allowed without end first, so that it uses up nothing.
            chosen = max(rules, key=lambda number: left[number], default=None)
            if chosen is None or left[chosen] < times:
                wrong[words] = times
            elif left[chosen] < math.inf:
                left[chosen] -= times
                excused[words] = times
    found = _counted(wrong) or (f"all but {_counted(excused)}, which is allowed" if excused else "all")
    words = "as before, by the fallback, or allowed"
    if expected.failed_at_most:
        words += f", but for {expected.failed_at_most}"
    words += f" ({expected.remark})" if expected.remark else ""
    return Check(_ANSWERS, sum(wrong.values()) <= expected.failed_at_most, words, found)


def _counted(times: Mapping[str, int]) -> str:
    return "; ".join(f"{count} x {what}" for what, count in times.items())


def _strangers(expected: Expectations, seen: Sequence[Seen]) -> Check:
    let_in = {visitor.name: visitor.kinds.get("let_in", 0) for visitor in seen if visitor.kinds.get("let_in")}
    found = "; ".join(f"{times} x {name}" for name, times in let_in.items()) or "nobody"
    return Check(_STRANGERS, not let_in, "nobody", found)


def _allows(rule: Mapping[str, Any], visitor: Seen, status: int) -> bool:
    """Whether one of the user's rules, or of the scenario's, is about the visitor and that status."""
    about = {"visitor": visitor.name, "host": visitor.host, "credentials": visitor.credentials}
    about_all = {**about, "guarded": visitor.guarded}
    return status in rule["status"] and all(rule[key] == about_all[key] for key in _ABOUT if key in rule)
