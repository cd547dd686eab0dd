# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects that an audit judges, as they were at one moment, out of a cluster or out of files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.audit.shape import Malformed, shaped
from ansible_collections.resilient.traefik.plugins.module_utils.audit.shapes import SHAPES
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import is_traefik

CLUSTER, FILES = "cluster", "files"
# Where Traefik's own file of settings may be, and where Alertmanager's routes are.
_CONFIGURED = ("Deployment", "DaemonSet", "StatefulSet")


@dataclass(frozen=True)
class Origin:
    """Where an object stands in a file: ``lines`` by field, the empty field is the object's first line."""

    file: str
    lines: Mapping[str, int]

    def line(self, path: str) -> int:
        """The line of the field, or of the nearest field around it."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)


@dataclass(frozen=True)
class Snapshot:
    """Objects by kind, none of which may be changed. ``source`` is ``cluster`` or ``files``.

    ``complete`` is whether what is not in it does not exist: then a reference to nothing is an error. ``unread`` says
    by kind why it could not be read. ``malformed`` are fields that were left out of objects.
    """

    objects: Mapping[str, tuple[Object, ...]]
    source: str = CLUSTER
    complete: bool = True
    unread: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[ObjectRef, Origin] = field(default_factory=dict)
    malformed: tuple[tuple[ObjectRef, Malformed], ...] = ()
    notes: tuple[str, ...] = ()
    # What replicas were asked: ``faults`` and ``parity`` of traefik_info, ``answers`` of http_check.
    replicas: Mapping[str, Any] = field(default_factory=dict)

    def of(self, *kinds: str) -> list[Object]:
        """The objects of the kinds, in the kinds' order."""
        return [item for kind in kinds for item in self.objects.get(kind, ())]

    def knows(self, *kinds: str) -> bool:
        """Whether all objects of the kinds are in it, so that a missing one does not exist."""
        return self.complete and not any(kind in self.unread for kind in kinds)

    def place(self, ref: ObjectRef, path: str) -> tuple[str, int]:
        """File and line of a field, empty and 0 for an object of a cluster."""
        origin = self.origins.get(ref)
        return (origin.file, origin.line(path)) if origin else ("", 0)


def snapshot_of(
    items: Iterable[Any],
    *,
    source: str = CLUSTER,
    complete: bool = True,
    unread: Mapping[str, str] | None = None,
    origins: Mapping[ObjectRef, Origin] | None = None,
    default_namespace: str = "default",
    notes: Iterable[str] = (),
) -> Snapshot:
    """A snapshot of these objects. What has not the form of its kind is left out and noted."""
    by_kind: dict[str, dict[ObjectRef, Object]] = {}
    malformed: list[tuple[ObjectRef, Malformed]] = []
    for item in items:
        found, faults = shaped(item, default_namespace)
        if found is None:
            continue
        ref = ref_of(found)
        by_kind.setdefault(ref.kind, {})[ref] = found
        malformed += [(ref, fault) for fault in faults]
    return Snapshot(
        objects={kind: tuple(found.values()) for kind, found in by_kind.items()},
        source=source,
        complete=complete,
        unread=dict(unread or {}),
        origins=dict(origins or {}),
        malformed=tuple(malformed),
        notes=tuple(notes),
    )


def read_snapshot(client: Client) -> Snapshot:
    """Read all that the rules look at. What may not be read is noted. Raises Unreachable, Unauthorized."""
    queries = [Query(version, kind) for kind, of in SHAPES.items() if of.listed for version in of.versions]
    answers = read_all(client, queries)
    items = [item for answer in answers for item in answer.items]
    unread = {answer.query.kind: answer.message for answer in answers if answer.status == "forbidden"}
    more = read_all(client, _configuration(items))
    unread |= {answer.query.kind: answer.message for answer in more if answer.status == "forbidden"}
    return snapshot_of([*items, *(item for answer in more for item in answer.items)], unread=unread)


def _configuration(items: Iterable[Object]) -> list[Query]:
    """The ConfigMaps that programs of interest mount, by name: a list of all of them may be hundreds of megabytes."""
    wanted: dict[Query, None] = {}
    for item in items:
        if item["kind"] in _CONFIGURED and _is_of_interest(item):
            for volume in item["spec"]["template"]["spec"].get("volumes") or []:
                name = (volume.get("configMap") or {}).get("name")
                if name:
                    wanted[Query("v1", "ConfigMap", name, item["metadata"]["namespace"])] = None
    return list(wanted)


def _is_of_interest(item: Object) -> bool:
    if item["kind"] != "StatefulSet" and is_traefik(item):
        return True
    images = [str(each.get("image", "")) for each in item["spec"]["template"]["spec"].get("containers") or []]
    return any("prometheus" in image or "alertmanager" in image for image in images)
