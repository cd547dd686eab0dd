# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module slow_backends: gives single backends more time than Traefik gives all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Outcome, Patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.put_back import json_patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha import exceptions
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.exceptions import SlowBackend
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION

_BACKEND: dict[str, dict[str, Any]] = {
    "namespace": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "response_header_timeout": {"type": "str", "default": "5m"},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "backends": {"type": "list", "elements": "dict", "required": True, "options": _BACKEND},
    "only_findings": {"type": "bool", "default": False},
}


@dataclass(frozen=True)
class _Found:
    """The Services by backend, None where there is none, and all IngressRoutes and TraefikServices."""

    services: dict[SlowBackend, Object | None]
    routes: list[Object]


def run(task: Task) -> dict[str, Any]:
    """Judges, then writes. Raises ResilientError with all findings, and the writer's errors."""
    backends = [SlowBackend(**given) for given in task.params["backends"]]
    found = _read(task, backends)
    findings = exceptions.faults(backends, found.services, found.routes)
    findings = findings or _tried(task, backends, found)
    if task.params["only_findings"]:
        return {"changed": False, "findings": findings}
    if findings:
        raise errors.NothingChanged(findings)
    return task.result_of(_write(task.writer(), backends, found)) | {"findings": []}


def _read(task: Task, backends: Sequence[SlowBackend]) -> _Found:
    refs = [ObjectRef("v1", "Service", backend.service, backend.namespace) for backend in backends]
    services = task.client.concurrently(task.client.find, refs)
    kinds = ("IngressRoute", "TraefikService", "ServersTransport")
    routes, composed, transports = read_found(task.client, [Query(API_VERSION, kind) for kind in kinds])
    task.warnings += exceptions.without_timeout(transports.items)
    return _Found(dict(zip(backends, services, strict=True)), [*routes.items, *composed.items])


def _tried(task: Task, backends: Sequence[SlowBackend], found: _Found) -> list[str]:
    try:
        _write(Writer(task.client, check_mode=True), backends, found)
    except errors.ResilientError as error:
        return [str(error).rstrip(".")]
    return []


def _write(writer: Writer, backends: Sequence[SlowBackend], found: _Found) -> Outcome:
    """The ServersTransports first: a service that names a missing one answers 500."""
    made = writer.apply([backend.servers_transport() for backend in backends])
    patches = [
        _patch(service, partial(exceptions.annotated, backend=backend))
        for backend, service in found.services.items()
        if service
    ]
    named = [item for item in found.routes if exceptions.routed(item, backends) != item]
    patches += [_patch(item, partial(exceptions.routed, backends=backends)) for item in named]
    patched = writer.patch([patch for patch in patches if patch.body])
    return Outcome([*made.changes, *patched.changes], [*made.warnings, *patched.warnings])


def _patch(item: Object, wished: Callable[[Object], Object]) -> Patch:
    """Worked out anew when somebody writes the object in between."""

    def again(newer: Object) -> Patch | None:
        renewed = _patch(newer, wished)
        return renewed if renewed.body else None

    return Patch(item, json_patch(item, wished(item)), again=again)
