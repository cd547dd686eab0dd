# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module cluster_check: objects of a cluster, compared with what is expected of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import belongs, pods_query
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Answer, Query, read_all
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check, failure
from ansible_collections.resilient.traefik.plugins.module_utils.proof.object_expectation import (
    check_expectation,
    expected_words,
    judged,
)
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

OBJECT_OPTIONS: dict[str, dict[str, Any]] = {
    "api_version": {"type": "str", "default": "v1"},
    "kind": {"type": "str", "required": True},
    "namespace": {"type": "str"},
    "name": {"type": "str"},
    "label_selectors": {"type": "list", "elements": "str", "default": []},
}
EXPECT_OPTIONS: dict[str, dict[str, Any]] = {
    "exists": {"type": "bool", "default": False},
    "absent": {"type": "bool", "default": False},
    "ready": {"type": "bool", "default": False},
    "nodes_at_least": {"type": "int"},
    "disruptions_allowed_at_least": {"type": "int"},
    "labels": {"type": "dict", "default": {}},
    "fields": {"type": "dict", "default": {}},
    "contains": {"type": "dict", "default": {}},
}
CHECK_OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "object": {"type": "dict", "required": True, "options": OBJECT_OPTIONS},
    "expect": {"type": "dict", "required": True, "options": EXPECT_OPTIONS},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "checks": {"type": "list", "elements": "dict", "required": True, "options": CHECK_OPTIONS},
    "wait_timeout": {"type": "float", "default": 0.0},
}


class CheckFailed(errors.ResilientError):
    """Not everything is as expected; ``checks`` has all of the last round."""


@dataclass(frozen=True)
class _Wanted:
    """One item of ``checks``."""

    name: str
    query: Query
    expect: Mapping[str, Any]

    @property
    def expected(self) -> str:
        return f"{self.query}: {expected_words(self.expect, self.query.kind)}"


def run(task: Task) -> dict[str, Any]:
    """Reads and compares, again until ``wait_timeout`` while something is not as expected.

    Raises CheckFailed with ``checks``, BadArgument, Unreachable.
    """
    wanted = _all_wanted(task)
    reported, checks, rounds = time.monotonic(), list[Check](), 0
    for rounds, left in enumerate(tries(task.params["wait_timeout"]), start=1):
        answers = _read(task.client, [each.query for each in wanted])
        checks = _checks(task.client, wanted, answers)
        failed = [check for check in checks if not check.passed]
        if not failed:
            return {"changed": False} | _facts(checks, rounds)
        if all(answer.status == "forbidden" for answer, check in zip(answers, checks, strict=True) if not check.passed):
            break  # Waiting grants nothing.
        if left and time.monotonic() - reported > 2:
            reported = time.monotonic()
            task.progress(f"{len(failed)} of {len(checks)} checks do not pass yet: {failed[0]}")
    raise CheckFailed(failure(checks), **_facts(checks, rounds))


def _read(client: Client, queries: Sequence[Query]) -> list[Answer]:
    """The answers in the queries' order; what several checks are about is read once, so that they see the same."""
    answers = {answer.query: answer for answer in read_all(client, dict.fromkeys(queries))}
    return [answers[query] for query in queries]


def _facts(checks: Sequence[Check], rounds: int) -> dict[str, Any]:
    return {"checks": [check.as_dict() for check in checks], "rounds": rounds}


def _all_wanted(task: Task) -> list[_Wanted]:
    items = task.params["checks"]
    if not items:
        raise errors.BadArgument("checks: give at least one, or nothing is checked")
    return [_wanted(task.client, given, f"checks: item {position}") for position, given in enumerate(items, start=1)]


def _wanted(client: Client, given: Mapping[str, Any], path: str) -> _Wanted:
    chosen = given["object"]
    name, namespace = chosen["name"] or "", chosen["namespace"] or ""
    if name and chosen["label_selectors"]:
        raise errors.BadArgument(f"{path} object: has a name and selectors; a name chooses one object already")
    if name and not namespace and _is_in_a_namespace(client, chosen["api_version"], chosen["kind"]):
        raise errors.BadArgument(f"{path} object: a {chosen['kind']} is in a namespace; say in which")
    check_expectation(given["expect"], chosen["kind"], f"{path} expect")
    query = Query(chosen["api_version"], chosen["kind"], name, namespace, ",".join(chosen["label_selectors"]))
    return _Wanted(given["name"], query, given["expect"])


def _is_in_a_namespace(client: Client, api_version: str, kind: str) -> bool:
    """False for a kind that the API server does not serve: its objects are absent."""
    try:
        return client.resource(api_version, kind).namespaced
    except errors.NotFound:
        return False


def _checks(client: Client, wanted: Sequence[_Wanted], answers: Sequence[Answer]) -> list[Check]:
    workloads = {
        ref_of(item): item
        for each, answer in zip(wanted, answers, strict=True)
        if each.expect["nodes_at_least"] is not None and each.query.kind != "Pod"
        for item in answer.items
    }
    pods = dict(zip(workloads, read_all(client, map(pods_query, workloads.values())), strict=True))
    return [_check(each, answer, pods) for each, answer in zip(wanted, answers, strict=True)]


def _check(wanted: _Wanted, answer: Answer, pods: Mapping[ObjectRef, Answer]) -> Check:
    """A right that is missing hides whether an object is there, so it is never taken for its absence."""
    own = {ref: found for ref, found in pods.items() if ref in {ref_of(item) for item in answer.items}}
    for found in (answer, *own.values()):
        if found.status == "forbidden":
            return Check(wanted.name, False, wanted.expected, found.message)
    theirs: dict[ObjectRef, list[Object]] = {
        ref: [pod for pod in found.items if belongs(pod, ref)] for ref, found in own.items()
    }
    passed, words = judged(wanted.expect, wanted.query.kind, answer.items, theirs)
    return Check(wanted.name, passed, wanted.expected, words)
