"""What a saboteur does to objects of the lab's cluster, and how each of them gets back to what it was.

Changes of one round are made at once: all edits of an object are one request, so that it rolls once.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import content
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_path import steps, value_at
from tests.integration.lab_cluster import LabCluster, RequestFailed, eventually, is_settled
from tests.integration.support_sabotage import SABOTEUR, THE_RUN, created
from tests.integration.support_whole_state import bare

Object = dict[str, Any]
Mutate = Callable[[Object], None]
# Some objects are only known on the spot: a pod, a configuration by its digest.
Where = str | Callable[[LabCluster], str]
_SECONDS = 240.0


@dataclass(frozen=True)
class Edit:
    """Other fields of an object."""

    where: Where
    mutate: Mutate


@dataclass(frozen=True)
class Make:
    """One more object of a collection of the API; ``item`` may be made of what the cluster has."""

    where: str
    item: Object | Callable[[LabCluster], Object]


@dataclass(frozen=True)
class Remove:
    """An object less."""

    where: Where


@dataclass(frozen=True)
class Replace:
    """An object removed and made anew otherwise: some cannot be edited."""

    where: Where
    mutate: Mutate


@dataclass(frozen=True)
class Act:
    """Anything else; ``on`` are the objects that have to be as before afterwards."""

    act: Callable[[LabCluster], Any]
    on: tuple[str, ...] = ()


Change = Edit | Make | Remove | Replace | Act


def put(path: str, value: Any) -> Mutate:
    """Set the field at a path of the collection's own form; None takes it away, an item of a list too."""

    def mutate(item: Object) -> None:
        *way, last = steps(path)
        holder: Any = item
        for step in way:
            holder = value_at(holder, f"[{step}]")
        if isinstance(holder, list):
            name, _equals, wanted = last.partition("=")
            at = next(i for i, each in enumerate(holder) if last == str(i) or str(each.get(name)) == wanted)
            holder[at : at + 1] = [] if value is None else [value]
        elif value is None:
            del holder[last]
        else:
            holder[last] = value

    return mutate


def listed(path: str, change: Callable[[list[Any]], list[Any]]) -> Mutate:
    """The list at a path made into another one."""

    def mutate(item: Object) -> None:
        put(path, change(list(value_at(item, path) or [])))(item)

    return mutate


def both(*mutates: Mutate) -> Mutate:
    """One after the other."""

    def mutate(item: Object) -> None:
        for each in mutates:
            each(item)

    return mutate


@contextmanager
def changed(cluster: LabCluster, changes: Iterable[Change]) -> Iterator[None]:
    """The cluster with all of the changes; afterwards every object that they touched is as it was, or this fails."""
    listed_changes = list(changes)
    edits: dict[str, list[Edit]] = {}
    for each in listed_changes:
        if isinstance(each, Edit):
            edits.setdefault(_place(cluster, each.where), []).append(each)
    touched = {*edits, *(path for each in listed_changes for path in _others(cluster, each))}
    before = {path: state(cluster, path) for path in sorted(touched)}
    with ExitStack() as stack:
        stack.callback(lambda: _settle(cluster, edits))
        for each in listed_changes:
            if not isinstance(each, Edit):
                stack.enter_context(_made(cluster, each))
        for path, those in edits.items():
            stack.enter_context(_edited(cluster, path, [each.mutate for each in those]))
        _settle(cluster, edits)
        yield
    after = {path: state(cluster, path) for path in before}
    assert after == before, [path for path in before if after[path] != before[path]]


def state(cluster: LabCluster, path: str) -> Object | None:
    """What somebody wanted of the object, without the API server's bookkeeping; None where it is not there."""
    try:
        return bare(cluster.read(path))
    except RequestFailed as error:
        if ": 404 " in str(error):
            return None
        raise


def _place(cluster: LabCluster, where: Where) -> str:
    return where if isinstance(where, str) else where(cluster)


def _others(cluster: LabCluster, change: Change) -> Sequence[str]:
    if isinstance(change, Remove | Replace):
        return [_place(cluster, change.where)]
    return change.on if isinstance(change, Act) else []


@contextmanager
def _edited(cluster: LabCluster, path: str, mutates: Sequence[Mutate]) -> Iterator[None]:
    before = cluster.read(path)
    after = copy.deepcopy(before)
    both(*mutates)(after)
    cluster.request("PATCH", path, SABOTEUR, merge_patch(before, after))
    try:
        yield
    finally:
        cluster.request("PATCH", path, THE_RUN, merge_patch(after, before))


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> Object:
    """What makes one of the other; what is to go is null."""
    return {
        key: merge_patch(before[key], after[key])
        if isinstance(before.get(key), Mapping) and isinstance(after.get(key), Mapping)
        else after.get(key)
        for key in (before | after if isinstance(before, dict) and isinstance(after, dict) else {})
        if before.get(key) != after.get(key)
    }


@contextmanager
def _made(cluster: LabCluster, change: Make | Remove | Replace | Act) -> Iterator[None]:
    if isinstance(change, Act):
        with change.act(cluster):
            yield
        return
    if isinstance(change, Make):
        item = change.item if isinstance(change.item, dict) else change.item(cluster)
        with _there(cluster, change.where, item):
            yield
        return
    path = _place(cluster, change.where)
    before = content(cluster.read(path))
    cluster.request("DELETE", path)
    _gone(cluster, path)
    folder = path.rsplit("/", 1)[0]
    try:
        if isinstance(change, Replace):
            after = copy.deepcopy(before)
            change.mutate(after)
            with _there(cluster, folder, after):
                yield
        else:
            yield
    finally:
        cluster.request("POST", folder, THE_RUN, before)


@contextmanager
def _there(cluster: LabCluster, folder: str, item: Object) -> Iterator[None]:
    """An object that is there for a while; it is gone at the end."""
    try:
        with created(cluster, folder, item):
            yield
    finally:
        _gone(cluster, f"{folder}/{item['metadata']['name']}")


def _gone(cluster: LabCluster, path: str) -> None:
    eventually(lambda: state(cluster, path) is None, f"{path} is gone", _SECONDS)


def _settle(cluster: LabCluster, edits: Mapping[str, object]) -> None:
    for path in edits:
        if "/deployments/" in path:
            eventually(lambda path=path: is_settled(cluster.read(path)), f"{path} is at rest", _SECONDS)  # type: ignore[misc]
