# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The service behind a router: endpoints, pods and why they are not ready, and how long Traefik waits. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.explain.routers import ServiceRef, service_refs
from ansible_collections.resilient.traefik.plugins.module_utils.kube.label_selector import takes
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import seconds_of

_STICKY_ANNOTATION = "traefik.ingress.kubernetes.io/service.sticky.cookie"
_SERVICE_ANNOTATION = "traefik.ingress.kubernetes.io/service."
_DEFAULT_TIMEOUTS = "serverstransport.forwardingtimeouts."
_DIAL_SECONDS = 30.0


@dataclass(frozen=True)
class PodState:
    """One pod that the Service selects. ``problem`` says why it is not ready, empty when it is."""

    name: str
    node: str
    ip: str
    ready: bool
    problem: str = ""


@dataclass(frozen=True)
class DirectAnswer:
    """What a pod answered to the request without Traefik between. ``problem`` says why there is no answer."""

    pod: str
    status: int = 0
    seconds: float = 0.0
    location: str = ""
    problem: str = ""
    not_asked: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return it as results show it."""
        return {
            "pod": self.pod,
            "status": self.status or None,
            "seconds": round(self.seconds, 3),
            "location": self.location,
            "problem": self.problem,
        }


@dataclass(frozen=True)
class Backend:
    """One service. ``endpoints`` is how many addresses Traefik sends requests to; ``ports`` are these pods' ports.

    ``response_timeout`` are the seconds for which Traefik waits for an answer, 0 for ever; ``dial_timeout`` those for a
    connection. ``problem`` says what is wrong with it: it does not exist, has no such port, no endpoints.
    """

    ref: ServiceRef
    exists: bool = True
    kind: str = "ClusterIP"
    scheme: str = "http"
    endpoints: int = 0
    ports: tuple[int, ...] = ()
    pods: tuple[PodState, ...] = ()
    problem: str = ""
    response_timeout: float = 0.0
    dial_timeout: float = _DIAL_SECONDS
    sticky: str = ""
    sticky_secure: bool = False
    native: bool = False
    answers: tuple[DirectAnswer, ...] = field(default_factory=tuple)

    @property
    def ready(self) -> list[PodState]:
        """The pods that are ready."""
        return [pod for pod in self.pods if pod.ready]

    @property
    def pods_in_words(self) -> str:
        """How many pods are ready, and why the first of the others is not."""
        if not self.pods:
            return "no pod has the labels that it selects"
        problems = [pod.problem for pod in self.pods if pod.problem]
        return f"{len(self.ready)} of {len(self.pods)} pods ready" + (f": {problems[0]}" if problems else "")

    def as_dict(self) -> dict[str, Any]:
        """Return it as results show it."""
        return {
            "service": str(self.ref),
            "type": self.kind,
            "endpoints": self.endpoints,
            "response_timeout": self.response_timeout,
            "dial_timeout": self.dial_timeout,
            "sticky_cookie": self.sticky,
            "problem": self.problem,
            "pods": [
                {"name": pod.name, "node": pod.node, "ready": pod.ready, "problem": pod.problem} for pod in self.pods
            ],
            "answers": [answer.as_dict() for answer in self.answers],
        }


def services_behind(
    refs: Iterable[ServiceRef], traefik_services: Mapping[tuple[str, str], Object], seen: frozenset[str] = frozenset()
) -> list[ServiceRef]:
    """Return the Services that a router's services lead to, TraefikServices followed. A circle ends."""
    found: list[ServiceRef] = []
    for ref in refs:
        if ref.kind != "TraefikService":
            found.append(ref)
            continue
        item = traefik_services.get((ref.namespace, ref.name))
        if item is None or str(ref) in seen:
            found.append(ref)
            continue
        found += services_behind(_inner(item, ref.namespace), traefik_services, seen | {str(ref)})
    return list({str(ref): ref for ref in found}.values())


def _inner(item: Object, namespace: str) -> tuple[ServiceRef, ...]:
    spec = item.get("spec") or {}
    entries: list[Mapping[str, Any]] = []
    for name in ("weighted", "highestRandomWeight"):
        entries += (spec.get(name) or {}).get("services") or []
    mirroring, failover = spec.get("mirroring") or {}, spec.get("failover") or {}
    entries += [mirroring] if mirroring.get("name") else []
    entries += [failover[name] for name in ("service", "fallback") if (failover.get(name) or {}).get("name")]
    return service_refs(entries, namespace)


def backend_of(
    ref: ServiceRef,
    service: Object | None,
    slices: Sequence[Object],
    pods: Sequence[Object],
    transport: Object | None,
    arguments: Mapping[str, str],
) -> Backend:
    """Return what is known of a service. ``slices`` are its EndpointSlices, ``pods`` those of its namespace."""
    options = ref.options or {}
    response, dial = timeouts(transport, arguments)
    base = Backend(ref, response_timeout=response, dial_timeout=dial)
    if service is None:
        return replace(base, exists=False, problem=f"{ref} does not exist")
    spec, annotations = service["spec"], service["metadata"].get("annotations") or {}
    port = next((each for each in spec.get("ports") or [] if ref.port in (each["port"], each.get("name"))), None)
    cookie = options.get("sticky") or {}
    named = cookie.get("cookie") if isinstance(cookie, Mapping) else None
    base = replace(
        base,
        kind=str(spec.get("type") or "ClusterIP"),
        scheme=_scheme(options, annotations, port or {}),
        sticky="cookie" if named is not None or _says(annotations, _STICKY_ANNOTATION) else "",
        sticky_secure=bool((named or {}).get("secure")) or _says(annotations, f"{_STICKY_ANNOTATION}.secure"),
        native=bool(options.get("nativeLB")) or _says(annotations, f"{_SERVICE_ANNOTATION}nativelb"),
        pods=tuple(_pod_state(pod) for pod in pods if takes(spec.get("selector"), pod["metadata"].get("labels") or {})),
    )
    if base.kind == "ExternalName":
        return replace(base, endpoints=1, problem="")
    if port is None:
        known = ", ".join(f"{each['port']}" for each in spec.get("ports") or []) or "none"
        return replace(base, problem=f"{ref.kind} {ref.namespace}/{ref.name} has no port {ref.port}; it has {known}")
    addresses, numbers = _endpoints(slices, str(port.get("name") or ""))
    base = replace(base, endpoints=len(addresses), ports=tuple(sorted(numbers)))
    if not addresses:
        why = base.pods_in_words if spec.get("selector") else "it has no selector, and nobody has written any for it"
        return replace(base, problem=f"{ref.kind} {ref.namespace}/{ref.name} has no endpoints: {why}")
    return base


def timeouts(transport: Object | None, arguments: Mapping[str, str]) -> tuple[float, float]:
    """Return for how many seconds Traefik waits for an answer, and for a connection. 0 is for ever.

    A ServersTransport inherits nothing of the static settings (3.7.13, pkg/server/service/transport.go).
    """
    if transport is not None:
        given = (transport.get("spec") or {}).get("forwardingTimeouts") or {}
        response, dial = given.get("responseHeaderTimeout"), given.get("dialTimeout")
    else:
        response = arguments.get(f"{_DEFAULT_TIMEOUTS}responseheadertimeout")
        dial = arguments.get(f"{_DEFAULT_TIMEOUTS}dialtimeout")
    return _seconds(response, 0.0), _seconds(dial, _DIAL_SECONDS)


def pod_problem(pod: Object) -> str:
    """Return why a pod is not ready, in the kubelet's or the scheduler's words; empty when it is."""
    status = pod.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or []}
    if pod["metadata"].get("deletionTimestamp"):
        return "it is being deleted"
    if conditions.get("Ready", {}).get("status") == "True":
        return ""
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return f"{scheduled.get('reason') or 'Unschedulable'}: {_line(scheduled.get('message'))}"
    for state in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        words = _container_problem(state)
        if words:
            return words
    if status.get("reason"):
        return f"{status['reason']}: {_line(status.get('message'))}"
    unready = [each["name"] for each in status.get("containerStatuses") or [] if not each.get("ready")]
    if unready:
        return f"container {unready[0]} runs and its readiness probe does not succeed"
    return str(status.get("phase") or "not ready")


def _container_problem(state: Mapping[str, Any]) -> str:
    waiting = (state.get("state") or {}).get("waiting") or {}
    ended = (state.get("state") or {}).get("terminated") or (state.get("lastState") or {}).get("terminated") or {}
    if waiting and waiting.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
        last = f"{ended.get('reason') or 'it ended'}, exit code {ended.get('exitCode')}" if ended else ""
        detail = last if "CrashLoop" in str(waiting["reason"]) and last else _line(waiting.get("message"))
        return f"{waiting['reason']}: {detail}" if detail else str(waiting["reason"])
    now = (state.get("state") or {}).get("terminated") or {}
    if now and now.get("exitCode"):
        return f"{now.get('reason') or 'Error'}: container {state.get('name')} ended with exit code {now['exitCode']}"
    return ""


def _pod_state(pod: Object) -> PodState:
    problem = pod_problem(pod)
    return PodState(
        name=str(pod["metadata"]["name"]),
        node=str(pod["spec"].get("nodeName") or ""),
        ip=str((pod.get("status") or {}).get("podIP") or ""),
        ready=not problem,
        problem=problem,
    )


def _endpoints(slices: Iterable[Object], port_name: str) -> tuple[set[str], set[int]]:
    """Return the addresses that Traefik takes (serving: ready, or ending and still ready) and their ports."""
    addresses: set[str] = set()
    numbers: set[int] = set()
    for piece in slices:
        port = next((each for each in piece.get("ports") or [] if (each.get("name") or "") == port_name), None)
        if port is None or not port.get("port"):
            continue
        for endpoint in piece.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("serving", True) is not False:
                addresses |= set(endpoint.get("addresses") or [])
                numbers.add(int(port["port"]))
    return addresses, numbers


def _scheme(options: Mapping[str, Any], annotations: Mapping[str, Any], port: Mapping[str, Any]) -> str:
    given = options.get("scheme") or annotations.get(f"{_SERVICE_ANNOTATION}serversscheme")
    if given:
        return str(given)
    return "https" if port.get("port") == 443 or str(port.get("name") or "").startswith("https") else "http"


def _says(annotations: Mapping[str, Any], name: str) -> bool:
    return str(annotations.get(name) or "").lower() == "true"


def _seconds(value: Any, default: float) -> float:
    if value in (None, ""):
        return default
    found = seconds_of(str(value))
    return default if found is None else found


def _line(text: Any) -> str:
    words = " ".join(str(text or "").split())
    return words[:160]
