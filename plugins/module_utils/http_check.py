# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module http_check: real requests through chosen points, and whether the answers are as expected."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer, Session
from ansible_collections.resilient.traefik.plugins.module_utils.http_expectation import (
    Expectation,
    excerpt,
    expectation,
    secrets_of,
    shown_headers,
)
from ansible_collections.resilient.traefik.plugins.module_utils.http_points import Empty, Place, places_of
from ansible_collections.resilient.traefik.plugins.module_utils.http_requests import (
    READING_METHODS,
    REQUEST_OPTIONS,
    request_to,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

# Answers that the message tells of; all of them stand in the result.
_TOLD = 5

POINT_OPTIONS: dict[str, dict[str, Any]] = {
    "traefik": {
        "type": "dict",
        "options": {
            "namespace": {"type": "str"},
            "workload": {"type": "str"},
            "entry_point": {"type": "str", "required": True},
        },
    },
    "service": {
        "type": "dict",
        "options": {
            "namespace": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "port": {"type": "str"},
        },
    },
    "pod": {
        "type": "dict",
        "options": {
            "namespace": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "port": {"type": "str", "required": True},
        },
    },
    "url": {"type": "str"},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "points": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": POINT_OPTIONS,
        "mutually_exclusive": [list(POINT_OPTIONS)],
        "required_one_of": [list(POINT_OPTIONS)],
    },
    "requests": {"type": "list", "elements": "dict", "required": True, "options": REQUEST_OPTIONS},
    "return_headers": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "float", "default": 5.0},
    "max_seconds": {"type": "float", "default": 30.0},
    "wait_timeout": {"type": "float", "default": 0.0},
}


class CheckFailed(errors.ResilientError):
    """Not every answer is as expected; ``answers`` has all of the last round."""


@dataclass(frozen=True)
class _Check:
    """One request to one place. A place of None is a point that stands for nothing, and ``problem`` says why."""

    position: int
    given: Mapping[str, Any]
    expected: Expectation
    point: str
    place: Place | None = None
    problem: str = ""


def run(task: Task) -> dict[str, Any]:
    """Sends every request through every point, again until ``wait_timeout`` while an expectation is not met.

    Raises CheckFailed with ``answers``, BadArgument, Forbidden.
    """
    _check_arguments(task)
    started, reported, answers = time.monotonic(), time.monotonic(), list[dict[str, Any]]()
    for rounds, left in enumerate(tries(task.params["wait_timeout"]), start=1):
        answers = task.client.concurrently(lambda check: _answer(task, check), _checks(task))
        problems = [answer for answer in answers if answer["problem"]]
        if not problems:
            return _result(answers, rounds)
        if left and time.monotonic() - reported > 2:
            reported = time.monotonic()
            task.progress(f"{len(problems)} of {len(answers)} answers are not as expected yet: {_told(problems[:1])}")
    raise CheckFailed(_failure(answers, time.monotonic() - started), **_result(answers, rounds))


def _check_arguments(task: Task) -> None:
    for name in ("points", "requests"):
        if not task.params[name]:
            raise errors.BadArgument(f"{name}: give at least one, or nothing is checked")
    for name in ("timeout", "max_seconds"):
        if task.params[name] <= 0:
            raise errors.BadArgument(f"{name}: must be more than 0 seconds")
    left_out = [given["method"] for given in task.params["requests"] if given["method"] not in READING_METHODS]
    if task.check_mode and left_out:
        task.warnings.append(f"check mode sends no {', '.join(sorted(set(left_out)))} requests")


def _checks(task: Task) -> list[_Check]:
    """Every request for every place, as the points are at this moment."""
    asked = [
        (position, given, expectation(given["expect"], f"requests: item {position} expect"))
        for position, given in enumerate(task.params["requests"], start=1)
    ]
    checks: list[_Check] = []
    for point in task.params["points"]:
        places, problem, name = _places(task, point)
        for position, given, expected in asked:
            checks += [_Check(position, given, expected, place.point.name, place) for place in places]
            checks += [_Check(position, given, expected, name, problem=problem)] if problem else []
    return checks


def _places(task: Task, point: Mapping[str, Any]) -> tuple[Sequence[Place], str, str]:
    try:
        return places_of(task.client, point), "", ""
    except Empty as error:
        name, _colon, problem = str(error).partition(": ")
        return [], problem, name


def _answer(task: Task, check: _Check) -> dict[str, Any]:
    """The entry of RV(answers) for one check."""
    label = f"requests: item {check.position}"
    result: dict[str, Any] = {"point": check.point, "name": check.given["name"] or label, "problem": check.problem}
    if check.place is None:
        return result
    request = request_to(check.given, check.place, label)
    result["request"] = str(request)
    if task.check_mode and request.method not in READING_METHODS:
        return result | {"skipped": True}
    secrets = secrets_of(request)
    try:
        with Session(
            check.place.point, timeout=task.params["timeout"], max_seconds=task.params["max_seconds"]
        ) as session:
            answer = session.ask(request)
    except NoAnswer as error:
        return result | {"problem": f"no answer: {error}"}
    names = [*task.params["return_headers"], *(header.name for header in check.expected.headers)]
    return result | {
        "status": answer.status,
        "headers": shown_headers(answer, names),
        "body": excerpt(answer, secrets),
        "seconds": round(answer.seconds, 4),
        "problem": check.expected.problem(answer, secrets),
    }


def _result(answers: list[dict[str, Any]], rounds: int) -> dict[str, Any]:
    seconds = [answer["seconds"] for answer in answers if "seconds" in answer]
    return {
        "changed": False,
        "answers": answers,
        "slowest_seconds": max(seconds, default=0.0),
        "rounds": rounds,
    }


def _failure(answers: list[dict[str, Any]], seconds: float) -> str:
    problems = [answer for answer in answers if answer["problem"]]
    more = f"; and {len(problems) - _TOLD} more, see answers" if len(problems) > _TOLD else ""
    return (
        f"{len(problems)} of {len(answers)} answers are not as expected (after {seconds:.1f} s): "
        f"{_told(problems[:_TOLD])}{more}"
    )


def _told(problems: list[dict[str, Any]]) -> str:
    return "; ".join(f"{each['point']}: {each.get('request', each['name'])}: {each['problem']}" for each in problems)
