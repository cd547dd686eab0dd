# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module http_check: real requests through chosen points, and whether the answers are as expected."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.http_before import (
    PLACE_IN_LIST,
    Before,
    earlier_answers,
    in_words,
    redirect_to,
)
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer, Request, Session
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
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
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
    "as_before": {"type": "list", "elements": "dict"},
    "as_before_headers": {"type": "list", "elements": "str", "default": []},
    "as_before_by": {"type": "str", "choices": ["sameness", "answering"], "default": "sameness"},
    "timeout": {"type": "float", "default": 5.0},
    "max_seconds": {"type": "float", "default": 30.0},
    "wait_timeout": {"type": "float", "default": 0.0},
}


class CheckFailed(errors.ResilientError):
    """Not every answer is as expected; ``answers`` and ``checks`` have all of the last round."""


@dataclass(frozen=True)
class _Question:
    """One request to one place. A place of None is a point that stands for nothing, and ``problem`` says why."""

    position: int
    given: Mapping[str, Any]
    expected: Expectation
    point: str
    place: Place | None = None
    problem: str = ""
    before: Before | None = None

    def check(self, answer: Mapping[str, Any], asked: str) -> Check:
        """What this proves. ``asked`` is what was asked for, in words."""
        parts = [self.before.words(answer)] if self.before else []
        if self.expected != Expectation() or not parts:
            parts.insert(0, self.expected.words())
        seconds = f" in {answer['seconds']:g} s" if "seconds" in answer else ""
        came = f"{in_words(answer)}{seconds}" if "status" in answer or not answer["problem"] else ""
        found = [part for part in (came, answer["problem"]) if part]
        named = f"{self.given['name']}: " if self.given["name"] not in (None, self.given["host"]) else ""
        return Check(
            name=f"{named}{asked} through {self.point}",
            passed=not answer["problem"],
            expected=", ".join(parts),
            found=": ".join(found),
        )


@dataclass(frozen=True)
class _Told:
    """What came of one question: the entry of the result ``answers``, and the check unless nothing was asked."""

    answer: dict[str, Any]
    check: Check | None = None


def run(task: Task) -> dict[str, Any]:
    """Sends every request through every point, again until ``wait_timeout`` while an expectation is not met.

    Raises CheckFailed with ``answers`` and ``checks``, BadArgument, Forbidden.
    """
    before = _check_arguments(task)
    started, reported, answers, told = time.monotonic(), time.monotonic(), list[dict[str, Any]](), list[_Told]()
    for rounds, left in enumerate(tries(task.params["wait_timeout"]), start=1):
        told = task.client.concurrently(lambda question: _tell(task, question), _questions(task, before))
        answers = [each.answer for each in told]
        if before:
            before.check_use(answers)
        problems = [answer for answer in answers if answer["problem"]]
        if not problems:
            return _result(told, rounds)
        if left and time.monotonic() - reported > 2:
            reported = time.monotonic()
            task.progress(f"{len(problems)} of {len(answers)} answers are not as expected yet: {_told(problems[:1])}")
    raise CheckFailed(_failure(answers, time.monotonic() - started), **_result(told, rounds))


def _check_arguments(task: Task) -> Before | None:
    """The answers to compare with, if any. Raises BadArgument."""
    for name in ("points", "requests"):
        if not task.params[name]:
            raise errors.BadArgument(f"{name}: give at least one, or nothing is checked")
    for name in ("timeout", "max_seconds"):
        if task.params[name] <= 0:
            raise errors.BadArgument(f"{name}: must be more than 0 seconds")
    left_out = [given["method"] for given in task.params["requests"] if given["method"] not in READING_METHODS]
    if task.check_mode and left_out:
        task.warnings.append(f"check mode sends no {', '.join(sorted(set(left_out)))} requests")
    given = task.params["as_before"]
    return (
        None
        if given is None
        else earlier_answers(given, task.params["as_before_headers"], task.params["as_before_by"] == "answering")
    )


def _questions(task: Task, before: Before | None) -> list[_Question]:
    """Every request for every place, as the points are at this moment."""
    asked = [
        (position, given, _expectation(given["expect"], f"{PLACE_IN_LIST}{position} expect", before))
        for position, given in enumerate(task.params["requests"], start=1)
    ]
    questions: list[_Question] = []
    for point in task.params["points"]:
        places, problem, name = _places(task, point)
        for position, given, expected in [each for each in asked if _takes(point, each[1])]:
            questions += [
                _Question(position, given, expected, place.point.name, place, before=before) for place in places
            ]
            questions += [_Question(position, given, expected, name, problem=problem)] if problem else []
    nowhere = [each for each in asked if not any(_takes(point, each[1]) for point in task.params["points"])]
    return questions + [
        _Question(position, given, expected, "any of the points", problem=_nowhere(given))
        for position, given, expected in nowhere
    ]


def _takes(point: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whether a request is for the point: one that names entry points is for no others."""
    chosen = given["entry_points"]
    if chosen is None or point["traefik"] is None:
        return True
    return point["traefik"]["entry_point"].lower() in [name.lower() for name in chosen]


def _nowhere(given: Mapping[str, Any]) -> str:
    """A request that nobody takes proves nothing, and is told so."""
    names = ", ".join(given["entry_points"] or []) or "none"
    return f"not asked, so not proved: the entry points that take it ({names}) are none of the points"


def _expectation(given: Mapping[str, Any] | None, path: str, before: Before | None) -> Expectation:
    """What is expected apart from being as before, where that is expected: then nothing, unless it is given."""
    return Expectation() if before and given is None else expectation(given, path)


def _places(task: Task, point: Mapping[str, Any]) -> tuple[Sequence[Place], str, str]:
    try:
        return places_of(task.client, point), "", ""
    except Empty as error:
        name, _colon, problem = str(error).partition(": ")
        return [], problem, name


def _tell(task: Task, question: _Question) -> _Told:
    """Asks once, and compares."""
    label = f"{PLACE_IN_LIST}{question.position}"
    given, place = question.given, question.place
    answer: dict[str, Any] = {"point": question.point, "name": given["name"] or label, "problem": question.problem}
    if place is None:
        return _Told(answer, question.check(answer, f"{given['host'] or ''}{given['path']}"))
    request = request_to(given, place, label)
    answer |= {"request": str(request), "behind": place.behind or place.point.name}
    if task.check_mode and request.method not in READING_METHODS:
        return _Told(answer | {"skipped": True})
    answer |= _asked(task, question, place, request)
    if question.before:
        answer["problem"] = _compared(question, question.before, answer)
    method = "" if request.method == "GET" else f"{request.method} "
    return _Told(answer, question.check(answer, f"{method}{request.host}{request.path}"))


def _compared(question: _Question, before: Before, answer: Mapping[str, Any]) -> str:
    """The problem, with what differs from before. Where there was no answer before, having none is no problem."""
    difference = before.problem(answer)
    if "status" not in answer and not difference and question.expected == Expectation():
        return ""
    return "; ".join(part for part in (difference, answer["problem"]) if part)


def _asked(task: Task, question: _Question, place: Place, request: Request) -> dict[str, Any]:
    """What the answer adds to its entry."""
    secrets, params = secrets_of(request), task.params
    try:
        with Session(place.point, timeout=params["timeout"], max_seconds=params["max_seconds"]) as session:
            answer = session.ask(request)
    except NoAnswer as error:
        return {"problem": f"no answer: {error}"}
    names = [
        *params["return_headers"],
        *params["as_before_headers"],
        *(header.name for header in question.expected.headers),
    ]
    url = f"{'https' if request.https else 'http'}://{request.host}{request.path}"
    target = redirect_to(url, answer.status, answer.headers.get("location"))
    return {
        "status": answer.status,
        "headers": shown_headers(answer, names),
        "body": excerpt(answer, secrets),
        "seconds": round(answer.seconds, 4),
        "problem": question.expected.problem(answer, secrets) or _own_redirect(question, place, target),
    } | ({"redirect_to": target} if target else {})


def _own_redirect(question: _Question, place: Place, target: str) -> str:
    """The problem when the answer is the entry point's own redirect, which says nothing of the site.

    Whoever expects a Location asks for the redirect itself.
    """
    if not (place.redirects and target) or any(each.name.lower() == "location" for each in question.expected.headers):
        return ""
    return f"the entry point sends everybody to {place.redirects}: that is no answer of the site; ask it there"


def _result(told: list[_Told], rounds: int) -> dict[str, Any]:
    seconds = [each.answer["seconds"] for each in told if "seconds" in each.answer]
    return {
        "changed": False,
        "answers": [each.answer for each in told],
        "checks": [each.check.as_dict() for each in told if each.check],
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
