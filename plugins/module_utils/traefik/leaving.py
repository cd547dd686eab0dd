# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applications whose pods are gone the moment they are told to end, while Traefik still leads to them. Pure.

When a pod ends, Kubernetes tells its containers and takes it out of the EndpointSlices at the same time. Traefik reads
these a moment later, at most every providersThrottleDuration. Only the pod itself can bridge that: by a preStop hook.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.dependencies import pod_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import Selectable
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.backends import Backend

SLEEP_SECONDS = 5
# Settings of programs that go on to serve for a while after SIGTERM; not those that only end what has begun.
_GOES_ON = re.compile(
    r"(?:(?:shutdown|termination|pre[-_.]?stop|drain)[-_.]?(?:delay|sleep|wait)|lame[-_.]?duck"
    r"|requestacceptgracetimeout)",
    re.IGNORECASE,
)
_ZERO = re.compile(r"0*(\.0+)?[a-z]*")


@dataclass(frozen=True)
class Leaver:
    """A workload behind routes whose containers that serve end at once. ``routes`` lead to it by ``services``."""

    kind: str
    namespace: str
    name: str
    containers: tuple[str, ...]
    services: tuple[str, ...]
    routes: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.namespace}/{self.name}: no preStop in container {', '.join(self.containers)}: when a "
            "pod ends, Traefik leads requests to it for a moment longer, and a retry may meet it again: add "
            f"lifecycle.preStop.sleep.seconds: {SLEEP_SECONDS} (Kubernetes 1.30 and newer; exec sleep before)"
        )

    def as_dict(self) -> dict[str, Any]:
        """For a module's result."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def leavers(
    backends: Mapping[Backend, Sequence[str]], services: Iterable[Object], workloads: Iterable[Object]
) -> list[Leaver]:
    """One of each workload, by its place. ``workloads`` may be pods that no workload among them selects."""
    by_place = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in services}
    selectable = Selectable(workloads)
    found: dict[tuple[str, str, str], list[tuple[set[str], str, Sequence[str]]]] = {}
    for backend, routes in backends.items():
        service = by_place.get((backend.namespace, backend.service))
        if service is None:
            continue
        for workload in selectable.by(service):
            if lacking := _lacking(service, backend, workload):
                found.setdefault(_named(workload), []).append((set(lacking), backend.service, routes))
    return [
        Leaver(
            *(kind, namespace, name),
            containers=_all(container for containers, _service, _routes in cases for container in containers),
            services=_all(service for _containers, service, _routes in cases),
            routes=_all(route for _containers, _service, routes in cases for route in routes),
        )
        for (kind, namespace, name), cases in sorted(found.items(), key=lambda each: (each[0][1], each[0][2]))
    ]


def _named(workload: Object) -> tuple[str, str, str]:
    """The workload; of a pod the one that owns it."""
    ref = ref_of(workload)
    owners = workload["metadata"].get("ownerReferences") or [] if ref.kind == "Pod" else []
    owner = next((each for each in owners if each.get("controller")), None)
    return (owner["kind"], ref.namespace, owner["name"]) if owner else (ref.kind, ref.namespace, ref.name)


def _lacking(service: Object, backend: Backend, workload: Object) -> list[str]:
    """The names of the containers that serve the backend's port and end at once."""
    pod = pod_of(workload).get("spec") or {}
    sidecars = [each for each in pod.get("initContainers") or [] if each.get("restartPolicy") == "Always"]
    containers = [*(pod.get("containers") or []), *sidecars]
    serving = _declaring(containers, _targets(service, backend.port))
    ending = [each["name"] for each in serving or containers if not _goes_on(each)]
    # Where no container says that it has the port, one that stays may be the one that serves.
    return ending if serving or len(ending) == len(containers) else []


def _targets(service: Object, port: int | str | None) -> set[int | str]:
    """The pods' ports, by name or number, behind the Service's port, or behind all where none is named."""
    ports = [each for each in service["spec"].get("ports") or [] if port in (None, each["port"], each.get("name"))]
    return {each.get("targetPort") or each["port"] for each in ports}


def _declaring(containers: Iterable[Object], targets: set[int | str]) -> list[Object]:
    return [
        each
        for each in containers
        if any(targets & {port.get("name"), port.get("containerPort")} for port in each.get("ports") or [])
    ]


def _goes_on(container: Object) -> bool:
    """Whether it can be seen that the container serves on for a while after it was told to end.

    A hook of any kind counts: what its command does is not looked into.
    """
    hook = (container.get("lifecycle") or {}).get("preStop") or {}
    if "sleep" in hook:
        return bool((hook["sleep"] or {}).get("seconds"))
    settings = [*(container.get("command") or []), *(container.get("args") or [])]
    pairs = [str(each).partition("=")[::2] for each in settings]
    pairs += [(str(each.get("name")), str(each.get("value") or "")) for each in container.get("env") or []]
    return bool(hook) or any(_GOES_ON.search(name) and not _ZERO.fullmatch(value) for name, value in pairs)


def _all(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
