# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backends that may take longer than the rest: a ServersTransport each, and all that has to name it. Pure.

Read in Traefik's source, 3.6.10 and 3.7.9: an Ingress takes the ServersTransport from the Service's annotation, an
IngressRoute and a TraefikService from their own entry for the Service, where a name without @ is one of their own
namespace. A ServersTransport does not inherit the static timeouts: what it does not set is for ever.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import WISHES, seconds_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, crd_id

ANNOTATION = "traefik.ingress.kubernetes.io/service.serverstransport"


@dataclass(frozen=True)
class SlowBackend:
    """A Service, and how long it may take to begin its answer."""

    namespace: str
    service: str
    response_header_timeout: str

    @property
    def transport(self) -> str:
        """The name of its ServersTransport."""
        return f"slow-{self.service}"

    @property
    def full_name(self) -> str:
        """The ServersTransport as it is called from everywhere."""
        return crd_id(self.namespace, self.transport)

    @property
    def words(self) -> str:
        """The Service in words."""
        return f"Service {self.namespace}/{self.service}"

    def servers_transport(self) -> Object:
        """The object."""
        return {
            "apiVersion": API_VERSION,
            "kind": "ServersTransport",
            "metadata": {"name": self.transport, "namespace": self.namespace, "labels": dict(OUR_LABELS)},
            # Nothing is inherited: Traefik's own default for the dialling is 30 s.
            "spec": {
                "forwardingTimeouts": {
                    "dialTimeout": WISHES["dial_timeout"]["default"],
                    "responseHeaderTimeout": self.response_header_timeout,
                }
            },
        }


def annotated(service: Object, backend: SlowBackend) -> Object:
    """The Service with its ServersTransport named."""
    target = copy.deepcopy(service)
    annotations = target["metadata"].get("annotations") or {}
    target["metadata"]["annotations"] = annotations | {ANNOTATION: backend.full_name}
    return target


def routed(item: Object, backends: Sequence[SlowBackend]) -> Object:
    """The IngressRoute or TraefikService with the ServersTransport named wherever it names one of the Services."""
    target = copy.deepcopy(item)
    for entry, backend in _entries(target, backends):
        own = target["metadata"]["namespace"] == backend.namespace
        entry["serversTransport"] = backend.transport if own else backend.full_name
    return target


def faults(
    backends: Sequence[SlowBackend], services: Mapping[SlowBackend, Object | None], routes: Iterable[Object]
) -> list[str]:
    """What stands against it: a sentence each."""
    found = []
    for backend in backends:
        if not seconds_of(backend.response_header_timeout):
            found.append(
                f"backends: {backend.words} has response_header_timeout {backend.response_header_timeout!r}, which is "
                "no time such as 5m, or means for ever: give a time"
            )
        service = services[backend]
        if service is None:
            found.append(f"backends: there is no {backend.words}: correct its namespace and service")
            continue
        named = (service["metadata"].get("annotations") or {}).get(ANNOTATION)
        if named not in (None, backend.full_name):
            found.append(_foreign(backend, f"its annotation {ANNOTATION}", named))
    doubled = {backend.words for backend in backends if [each.words for each in backends].count(backend.words) > 1}
    found += [f"backends: {words} is given more than once" for words in sorted(doubled)]
    return found + [sentence for item in routes for sentence in _route_faults(item, backends)]


def without_timeout(transports: Iterable[Object]) -> list[str]:
    """The ServersTransports behind which a backend may keep its callers waiting for ever, in words."""
    return [
        f"{ref_of(item)} sets no forwardingTimeouts.responseHeaderTimeout and does not inherit Traefik's own: backends "
        "behind it may keep their callers for ever"
        for item in transports
        if not _waits((item.get("spec") or {}).get("forwardingTimeouts") or {})
    ]


def _waits(timeouts: Mapping[str, Any]) -> bool:
    """Whether the wait ends; a time that cannot be read is Traefik's to refuse."""
    return seconds_of(str(timeouts.get("responseHeaderTimeout", ""))) != 0


def _route_faults(item: Object, backends: Sequence[SlowBackend]) -> Iterator[str]:
    for entry, backend in _entries(item, backends):
        named = entry.get("serversTransport")
        if named not in (None, "", backend.transport, backend.full_name):
            yield _foreign(backend, str(ref_of(item)), named)


def _foreign(backend: SlowBackend, where: str, named: Any) -> str:
    return (
        f"backends: {backend.words} has a ServersTransport already, {named} (by {where}): set "
        "forwardingTimeouts.responseHeaderTimeout in that one and leave this Service out"
    )


def _entries(item: Object, backends: Sequence[SlowBackend]) -> Iterator[tuple[dict[str, Any], SlowBackend]]:
    """The parts of the object that name one of the Services, and which one."""
    known = {(backend.namespace, backend.service): backend for backend in backends}
    spec = item.get("spec") or {}
    groups = [route.get("services") for route in spec.get("routes") or []]
    groups.append((spec.get("weighted") or {}).get("services"))
    for entry in (entry for group in groups for entry in group or []):
        place = entry.get("namespace") or item["metadata"]["namespace"]
        backend = known.get((place, entry.get("name")))
        if backend and entry.get("kind", "Service") == "Service":
            yield entry, backend
