# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a cluster says about objects that do not come up: newest warning events and last log lines of their pods."""

from __future__ import annotations

from collections.abc import Sequence
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
        lines = _warnings(client, ref, _pods(client, ref))
    except errors.ResilientError:
        return ""
    return " ".join(lines[0].split())[:_LONGEST_LINE] if lines else ""


def _about(client: Client, ref: ObjectRef) -> list[str]:
    pods = _pods(client, ref)
    waiting = next((pod for pod in pods if not _is_ready(pod)), None)
    return _warnings(client, ref, pods) + (_log(client, waiting) if waiting else [])


def _warnings(client: Client, ref: ObjectRef, pods: Sequence[Object]) -> list[str]:
    names = {ref.name, *(pod["metadata"]["name"] for pod in pods)}
    (events,) = read_all(client, [Query("v1", "Event", namespace=ref.namespace, field_selector="type=Warning")])
    # A ReplicaSet that may not create pods reports it under its own name, which begins with the Deployment's.
    told = [event for event in events.items if _about_one_of(event["involvedObject"].get("name", ""), names, ref)]
    told.sort(key=_time, reverse=True)
    return [f"{_time(event)} {event.get('reason')}: {event.get('message', '').strip()}" for event in told[:_EVENTS]]


def _about_one_of(name: str, names: set[str], ref: ObjectRef) -> bool:
    return name in names or name.startswith(f"{ref.name}-")


def _pods(client: Client, ref: ObjectRef) -> list[Object]:
    if ref.kind == "Pod":
        return read_all(client, [Query("v1", "Pod", ref.name, ref.namespace)])[0].items
    owner = client.find(ref)
    labels = ((owner or {}).get("spec", {}).get("selector") or {}).get("matchLabels")
    if not labels:
        return []
    selector = selector_text({"matchLabels": labels})
    return read_all(client, [Query("v1", "Pod", namespace=ref.namespace, label_selector=selector)])[0].items


def _log(client: Client, pod: Object) -> list[str]:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    container, restarted = _in_the_way(pod)
    path = client.path(ObjectRef("v1", "Pod", name, namespace), "log")
    query: dict[str, Any] = {"tailLines": _LOG_LINES, "container": container}
    try:
        text = client.request("GET", path, query=query | ({"previous": "true"} if restarted else {}), text=True)
    except errors.ApiError:
        return [f"log of Pod {namespace}/{name}: none to be had"]
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
