# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a cluster says about objects that do not come up: last log lines of their pods and newest warning events.

Of a workload only its newest revision counts: what pods of an earlier one met is no reason why this one is not ready.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import selector_text
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all

_OBJECTS, _EVENTS, _LOG_LINES = 3, 3, 5
_LONGEST_LINE = 250


def diagnosis(client: Client, refs: Sequence[ObjectRef]) -> str:
    """A few lines for the end of an error message, beginning with a line break; empty when there is nothing to say.

    Never raises: it is called while another failure is being reported.
    """
    try:
        lines = [line for ref in refs[:_OBJECTS] if ref.namespace for line in _about(client, ref)]
    except errors.ResilientError as error:
        lines = [f"(events and logs could not be read: {error})"]
    return "".join(f"\n  {line}" for line in dict.fromkeys(lines))


def newest_warning(client: Client, ref: ObjectRef) -> str:
    """The newest warning event of the object and its pods in one line; empty when there is none or none to be read."""
    if not ref.namespace:
        return ""
    try:
        lines = _warnings(client, ref, _newest(client, ref))
    except errors.ResilientError:
        return ""
    return " ".join(lines[0].split())[:_LONGEST_LINE] if lines else ""


def _about(client: Client, ref: ObjectRef) -> list[str]:
    newest = _newest(client, ref)
    waiting = next((pod for pod in newest.pods if not _is_ready(pod)), None)
    told = _warnings(client, ref, newest)
    # A program's own words name the cause; that it is started again and again only follows from it.
    return (_log(client, waiting, alone=not told) if waiting else []) + told


def _warnings(client: Client, ref: ObjectRef, newest: Newest) -> list[str]:
    (events,) = read_all(client, [Query("v1", "Event", namespace=ref.namespace, field_selector="type=Warning")])
    told = [event for event in events.items if newest.has(event["involvedObject"], ref)]
    told.sort(key=_time, reverse=True)
    return [f"{_time(event)} {event.get('reason')}: {event.get('message', '').strip()}" for event in told[:_EVENTS]]


@dataclass(frozen=True)
class Newest:
    """The newest revision of a workload: its pods, and the ReplicaSet that has them where it is a Deployment."""

    pods: Sequence[Object]
    replica_set: str = ""

    def has(self, involved: Mapping[str, Any], ref: ObjectRef) -> bool:
        """Whether an event's object is the workload itself or of this revision."""
        kind, name = involved.get("kind"), str(involved.get("name", ""))
        if not (self.pods or self.replica_set):
            # What runs for it is named after it: a Job of a HelmChart, pods that are gone by now.
            return name.startswith(f"{ref.name}-") or (kind, name) == (ref.kind, ref.name)
        if kind == "Pod":
            # A pod of a StatefulSet has the name of the one before it.
            mine = involved.get("uid") in {pod["metadata"].get("uid") for pod in self.pods}
            return mine or bool(self.replica_set and name.startswith(f"{self.replica_set}-"))
        # A ReplicaSet that may not create pods reports it under its own name.
        return (kind, name) in ((ref.kind, ref.name), ("ReplicaSet", self.replica_set))


def _newest(client: Client, ref: ObjectRef) -> Newest:
    if ref.kind == "Pod":
        return Newest(read_all(client, [Query("v1", "Pod", ref.name, ref.namespace)])[0].items)
    owner = client.find(ref)
    labels = ((owner or {}).get("spec", {}).get("selector") or {}).get("matchLabels")
    if not labels:
        return Newest([])
    selector = selector_text({"matchLabels": labels})
    queries = [Query("v1", "Pod", namespace=ref.namespace, label_selector=selector)]
    if ref.kind == "Deployment":
        queries.append(Query("apps/v1", "ReplicaSet", namespace=ref.namespace, label_selector=selector))
    pods, *sets = read_all(client, queries)
    return newest_of(pods.items, [each for answer in sets for each in answer.items])


def newest_of(pods: Sequence[Object], replica_sets: Sequence[Object] = ()) -> Newest:
    """The newest revision among the pods of one workload. Without ReplicaSets, that of the pod that was made last."""
    latest = max(replica_sets, key=_revision, default=None)
    if latest:
        name = str(latest["metadata"]["name"])
        return Newest([pod for pod in pods if name in _owners(pod)], name)
    made_last = max(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp") or ""), default=None)
    revision = _revision_label(made_last) if made_last else ""
    return Newest([pod for pod in pods if _revision_label(pod) == revision])


def _revision(replica_set: Object) -> int:
    annotations = replica_set["metadata"].get("annotations") or {}
    return int(annotations.get("deployment.kubernetes.io/revision", 0))


def _owners(pod: Object) -> list[str]:
    return [str(owner.get("name")) for owner in pod["metadata"].get("ownerReferences") or []]


def _revision_label(pod: Object) -> str:
    labels = pod["metadata"].get("labels") or {}
    return str(labels.get("pod-template-hash") or labels.get("controller-revision-hash") or "")


def _log(client: Client, pod: Object, alone: bool) -> list[str]:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    container, restarted = _in_the_way(pod)
    path = client.path(ObjectRef("v1", "Pod", name, namespace), "log")
    query: dict[str, Any] = {"tailLines": _LOG_LINES, "container": container}
    try:
        text = client.request("GET", path, query=query | ({"previous": "true"} if restarted else {}), text=True)
    except errors.ApiError:
        return [f"log of Pod {namespace}/{name}: none to be had"] if alone else []
    return [f"log of Pod {namespace}/{name} ({container}): {line[:300]}" for line in text.splitlines()]


def _in_the_way(pod: Object) -> tuple[str, bool]:
    """The container that keeps the pod from being ready, and whether it is its former run that failed.

    Init containers run one after the other, so the first that has not succeeded is the one.
    """
    status = pod.get("status", {})
    for state in status.get("initContainerStatuses") or []:
        done = (state.get("state") or {}).get("terminated") or {}
        if not state.get("ready") and done.get("reason") != "Completed":
            return state["name"], "waiting" in (state.get("state") or {}) and bool(state.get("restartCount"))
    states = status.get("containerStatuses") or []
    failing = next((state for state in states if not state.get("ready")), None)
    if failing:
        return failing["name"], bool(failing.get("restartCount"))
    return pod["spec"]["containers"][0]["name"], False


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _time(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")
