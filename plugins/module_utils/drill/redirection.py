# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A target that hangs or cannot be reached: the way to it leads elsewhere for a while, its pods are left alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.counters import PROXY_PORT, StandIns
from ansible_collections.resilient.traefik.plugins.module_utils.drill.equipment import (
    Marked,
    Uids,
    stand_in,
    stand_in_labels,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.faults import Fault
from ansible_collections.resilient.traefik.plugins.module_utils.drill.marker import LABEL
from ansible_collections.resilient.traefik.plugins.module_utils.drill.subject import pods_of
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer, PodPoint, Request, Session
from ansible_collections.resilient.traefik.plugins.module_utils.kube.access import Right
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until
from ansible_collections.resilient.traefik.plugins.module_utils.metrics_text import samples
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.probing import Unprovable, prove

HANG, NOWHERE = "hang", "nowhere"
# TEST-NET-1 (RFC 5737): nobody is there.
_NOBODY = "192.0.2.1"


@dataclass(frozen=True)
class Redirected(Fault):
    """The proxies' own Service leads to pods that take every request and answer none, or (nowhere) to nobody."""

    service: Object
    port: int
    mode: str

    def rights(self) -> list[Right]:
        """To patch it, and to bring where it leads."""
        ref = ref_of(self.service)
        brought = "deployments.apps" if self.mode == HANG else "endpointslices.discovery.k8s.io"
        return [Right("patch", "services", ref.namespace, ref.name), Right("patch", brought, ref.namespace)]

    def marked(self) -> list[Marked]:
        """The selector."""
        return [self._mark(self.service, "spec.selector", self._selector())]

    def namespace(self) -> str:
        """Beside the Service."""
        return ref_of(self.service).namespace

    def brought(self, uids: Uids) -> list[Object]:
        """Stand-ins, or an address where nobody is; and the proxy's way there."""
        objects = [self._nowhere(uids)] if self.mode != HANG else self._hanging(uids)
        return [*objects, *self._way(uids)]

    def stand_ins(self) -> list[StandIns]:
        """The pods that hang, where it leads to any."""
        return [StandIns(HANG, _workload_of(self.brought({})), self.port)] if self.mode == HANG else []

    def is_felt(self) -> bool:
        """Every pod of the proxy says that its target is away."""
        client = self.context.client
        pods = [ref_of(pod) for proxy in self.proxies() for pod in pods_of(client, proxy)]
        return bool(pods) and all(client.concurrently(partial(_target_is_away, client), pods))

    def settle(self) -> None:
        """The Service has ready endpoints that are its own."""
        ref = ref_of(self.service)
        query = Query(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            namespace=ref.namespace,
            label_selector=f"kubernetes.io/service-name={ref.name}",
        )

        def lacks(_service: Object | None) -> str:
            (answer,) = read_found(self.context.client, [query])
            addresses = [
                end for piece in answer.items if not _is_brought(piece) for end in piece.get("endpoints") or []
            ]
            return "" if any(_is_own(end, self.context.kit.name) for end in addresses) else "no endpoint of its own"

        wait_until(
            self.context.client, [ref], self.context.wait_timeout, self.context.progress, lacks, "led to its pods again"
        )

    def _selector(self) -> dict[str, str]:
        kit = self.context.kit
        return stand_in_labels(kit, HANG) if self.mode == HANG else {LABEL: f"{kit.token}-nobody"}

    def _hanging(self, uids: Uids) -> list[Object]:
        named = [port.get("targetPort") for port in self.service["spec"].get("ports") or []]
        name = next((target for target in named if isinstance(target, str)), "http")
        return stand_in(self.context.kit, uids, self.namespace(), HANG, self.port, 2, name)

    def _nowhere(self, uids: Uids) -> Object:
        ref, kit = ref_of(self.service), self.context.kit
        metadata = kit.meta(ref.namespace, uids=uids)
        metadata["labels"] |= {
            "kubernetes.io/service-name": ref.name,
            "endpointslice.kubernetes.io/managed-by": "resilient.traefik",
        }
        ports = [
            {"name": port.get("name", ""), "port": self.port, "protocol": "TCP"}
            for port in self.service["spec"].get("ports") or []
        ]
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": metadata,
            "addressType": "IPv4",
            "endpoints": [{"addresses": [_NOBODY], "conditions": {"ready": True}}],
            "ports": ports,
        }

    def _way(self, uids: Uids) -> list[Object]:
        """The proxy's NetworkPolicy knows the target's pods only; another one may only add to it."""
        subject = self.context.subject
        if subject is None or subject.proxy is None or self.mode != HANG:
            return []
        kit, ref = self.context.kit, ref_of(subject.proxy)
        there = {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace()}},
            "podSelector": {"matchLabels": stand_in_labels(kit, HANG)},
        }
        spec = {
            "podSelector": subject.proxy["spec"]["selector"],
            "policyTypes": ["Egress"],
            "egress": [{"to": [there], "ports": [{"port": self.port, "protocol": "TCP"}]}],
        }
        return [
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": kit.meta(ref.namespace, uids=uids),
                "spec": spec,
            }
        ]


@dataclass(frozen=True)
class Misled(Fault):
    """A middleware without a proxy asks stand-ins, or with mode nowhere an address where nobody is.

    Leading its Service elsewhere would not do: Traefik keeps its connections to the pods that it knows.
    """

    port: int
    mode: str

    def rights(self) -> list[Right]:
        """To patch it, and to bring where it leads."""
        ref = ref_of(self._middleware())
        brought = ("deployments.apps", "services") if self.mode == HANG else ()
        return [
            Right("patch", "middlewares.traefik.io", ref.namespace, ref.name),
            *(Right("patch", kind, self.namespace()) for kind in brought),
        ]

    def namespace(self) -> str:
        """Beside the middleware."""
        return ref_of(self._middleware()).namespace

    def marked(self) -> list[Marked]:
        """Whom it asks."""
        asked = forward_auth.asked_by(self._middleware())
        name = f"{self.context.kit.name}.{self.namespace()}.svc.{self.context.params['cluster_domain']}."
        host = name if self.mode == HANG else _NOBODY
        return [self._mark(self._middleware(), "spec.forwardAuth.address", f"http://{host}:{self.port}{asked.path}")]

    def brought(self, uids: Uids) -> list[Object]:
        """Stand-ins and their Service."""
        if self.mode != HANG:
            return []
        kit, namespace = self.context.kit, self.namespace()
        ports = [{"name": "http", "port": self.port, "targetPort": "http"}]
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": kit.meta(namespace, uids=uids),
            "spec": {"selector": stand_in_labels(kit, HANG), "ports": ports},
        }
        return [*stand_in(kit, uids, namespace, HANG, self.port, 2), service]

    def stand_ins(self) -> list[StandIns]:
        """The pods that hang, where it leads to any."""
        return [StandIns(HANG, _workload_of(self.brought({})), self.port)] if self.mode == HANG else []

    def act(self) -> list[str]:
        """Waits until every replica asks there."""
        self._await_replicas()
        return []

    def settle(self) -> None:
        """Every replica asks as before."""
        self._await_replicas()

    def _owner(self) -> dict[str, Any]:
        kit, namespace = self.context.kit, self.namespace()
        return kit.owner_reference(namespace, self.context.client.get(kit.owner(namespace))["metadata"]["uid"])

    def _middleware(self) -> Object:
        return self.context.subject.middleware if self.context.subject else {}

    def _await_replicas(self) -> None:
        context = self.context
        # Where Traefik's settings leave no way to ask, the steady state shows it.
        with suppress(Unprovable):
            prove(
                context.client,
                context.traefik,
                [self._middleware()],
                context.wait_timeout,
                context.progress,
                # What asks the replicas goes with the drill, should its controller die meanwhile.
                owner=self._owner(),
            )


def _target_is_away(client: Client, pod: ObjectRef) -> bool:
    point = PodPoint(client, pod.namespace, pod.name, PROXY_PORT)
    try:
        with Session(point, timeout=3, max_seconds=5) as session:
            text = session.ask(Request("localhost", "/metrics")).text
    except NoAnswer:
        return False
    found = [value for _name, _labels, value in samples(text, "fallback_proxy_target_up")]
    return bool(found) and not any(found)


def _workload_of(brought: Iterable[Object]) -> Object:
    """The one Deployment among the objects."""
    (found,) = (item for item in brought if item["kind"] == "Deployment")
    return found


def _is_brought(piece: Object) -> bool:
    return LABEL in (piece["metadata"].get("labels") or {})


def _is_own(endpoint: Mapping[str, Any], name: str) -> bool:
    """Whether a ready endpoint is a pod that is no stand-in."""
    ready = (endpoint.get("conditions") or {}).get("ready", True) is not False
    pod = str((endpoint.get("targetRef") or {}).get("name", ""))
    return ready and bool(pod) and not pod.startswith(f"{name}-")
