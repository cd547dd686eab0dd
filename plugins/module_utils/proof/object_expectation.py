# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is expected of objects, and whether it is so, in words and without values of Secrets. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import readiness
from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import HIDDEN
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_path import same, shown, steps, value_at
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import WORKLOADS, serving_nodes
from ansible_collections.resilient.traefik.plugins.module_utils.proof.containing import SECRET_PLACES, lacks

# Differences that a sentence names; more are counted.
_NAMED = 10

Pods = Mapping[ObjectRef, Sequence[Object]]
# Whether an object is as expected, and what it is, in words.
Judge = Callable[[Object], tuple[bool, str]]


@dataclass(frozen=True)
class _Part:
    """One thing that is expected of every object."""

    expected: str
    judge: Judge


def check_expectation(expect: Mapping[str, Any], kind: str, path: str) -> None:
    """Raises BadArgument for an expectation that expects nothing, contradicts itself or does not fit the kind."""
    wanted = [name for name, value in expect.items() if value is not None and value is not False and value != {}]
    if not wanted:
        raise BadArgument(f"{path}: nothing is expected, so nothing would be proved")
    if expect["absent"] and len(wanted) > 1:
        raise BadArgument(f"{path}: absent goes with nothing else")
    if expect["nodes_at_least"] is not None and kind not in ("Pod", *WORKLOADS):
        raise BadArgument(f"{path}.nodes_at_least: a {kind} has no pods; give a Pod, {', '.join(WORKLOADS)}")
    if expect["disruptions_allowed_at_least"] is not None and kind != "PodDisruptionBudget":
        raise BadArgument(f"{path}.disruptions_allowed_at_least: is for a PodDisruptionBudget, not for a {kind}")
    for field in expect["fields"]:
        try:
            steps(field)
        except BadArgument as error:
            raise BadArgument(f"{path}.fields: {error}") from None


def expected_words(expect: Mapping[str, Any], kind: str) -> str:
    """The expectation in words, without its subject."""
    if expect["absent"]:
        return "absent"
    parts = [part.expected for part in _parts(expect, kind, {})]
    if expect["nodes_at_least"] is not None:
        parts.append(f"Ready pods on at least {_count(expect['nodes_at_least'], 'node')}")
    return ", ".join(parts) or "there"


def judged(expect: Mapping[str, Any], kind: str, items: Sequence[Object], pods: Pods) -> tuple[bool, str]:
    """Whether the objects are as expected, and what they are in words: what is wrong where anything is.

    ``pods`` are those of each workload.
    """
    if expect["absent"]:
        return (not items, f"still there: {_names(items)}" if items else "absent")
    if not items:
        return (False, "absent")
    verdicts = [_over_all(part.judge, items) for part in _parts(expect, kind, pods)]
    if kind == "Pod" and expect["nodes_at_least"] is not None:
        verdicts.append(_spread(items, expect["nodes_at_least"]))
    if not verdicts:
        return (True, f"there: {_names(items)}")
    wrong = [words for good, words in verdicts if not good]
    return (not wrong, ", ".join(wrong or (words for _good, words in verdicts)))


def _parts(expect: Mapping[str, Any], kind: str, pods: Pods) -> Iterator[_Part]:
    """What every single object must be."""
    if expect["ready"]:
        yield _Part("ready", _ready)
    least = expect["disruptions_allowed_at_least"]
    if least is not None:
        yield _Part(f"allows at least {_count(least, 'disruption')}", lambda item: _disruptions(item, least))
    for label, value in expect["labels"].items():
        yield _field(f"metadata.labels[{label}]", value, f"label {label}", secret=False)
    for path, value in expect["fields"].items():
        yield _field(path, value, path, secret=kind == "Secret" and steps(path)[0] in SECRET_PLACES)
    if expect["contains"]:
        yield _Part("all that the manifest says", lambda item: _contains(item, expect["contains"], kind))
    nodes = expect["nodes_at_least"]
    if nodes is not None and kind != "Pod" and pods:
        yield _Part("", lambda item: _spread(pods[ref_of(item)], nodes))


def _ready(item: Object) -> tuple[bool, str]:
    missing = readiness.missing(item)
    return (not missing, f"not ready: {missing}" if missing else "ready")


def _disruptions(item: Object, least: int) -> tuple[bool, str]:
    status = item.get("status") or {}
    if status.get("observedGeneration", 0) < item["metadata"].get("generation", 0):
        return (False, "its controller has not seen its newest form")
    allowed = status.get("disruptionsAllowed", 0)
    words = (
        f"allows {_count(allowed, 'disruption')} ({status.get('currentHealthy', 0)} of "
        f"{status.get('expectedPods', 0)} pods healthy, {status.get('desiredHealthy', 0)} must be)"
    )
    return (allowed >= least, words)


def _field(path: str, wanted: Any, name: str, secret: bool) -> _Part:
    def judge(item: Object) -> tuple[bool, str]:
        found = value_at(item, path)
        return (same(found, wanted), _said(name, found, secret))

    return _Part(_said(name, wanted, secret), judge)


def _contains(item: Object, wanted: Mapping[str, Any], kind: str) -> tuple[bool, str]:
    wrong = [
        words
        for part, value in wanted.items()
        for words in lacks(item.get(part), value, part, secret=kind == "Secret" and part in SECRET_PLACES)
    ]
    more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    return (not wrong, f"{'; '.join(wrong[:_NAMED])}{more}" if wrong else "all that the manifest says")


def _said(name: str, value: Any, secret: bool) -> str:
    if value is None:
        return f"no {name}"
    return f"{name} is {HIDDEN if secret else shown(value)}"


def _spread(pods: Sequence[Object], least: int) -> tuple[bool, str]:
    nodes = serving_nodes(pods)
    listed = f" ({', '.join(nodes)})" if nodes else ""
    return (len(nodes) >= least, f"Ready pods on {_count(len(nodes), 'node')}{listed}")


def _over_all(judge: Judge, items: Sequence[Object]) -> tuple[bool, str]:
    """One verdict for all objects. Where they differ, each wording with the objects that it is about."""
    verdicts = [judge(item) for item in items]
    wordings: dict[str, list[Object]] = {}
    for item, (_good, words) in zip(items, verdicts, strict=True):
        wordings.setdefault(words, []).append(item)
    good = all(good for good, _words in verdicts)
    if len(wordings) == 1:
        return (good, f"{next(iter(wordings))}{_of_all(items)}")
    return (good, "; ".join(f"{words} ({_names(those)})" for words, those in wordings.items()))


def _of_all(items: Sequence[Object]) -> str:
    return f" (all {len(items)})" if len(items) > 1 else ""


def _names(items: Sequence[Object]) -> str:
    first = ", ".join(item["metadata"]["name"] for item in items[:5])
    return f"{first} and {len(items) - 5} more" if len(items) > 5 else first


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
