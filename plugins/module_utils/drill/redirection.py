# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A target that hangs or cannot be reached: a Service leads elsewhere for a while, its pods are left alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.equipment import (
    Marked,
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

HANG, NOWHERE = "hang", "nowhere"
# TEST-NET-1 (RFC 5737): nobody is there.
_NOBODY = "192.0.2.1"
# Where a proxy tells how its target is.
STATUS_PORT = 9113
_TARGET_UP = re.compile(r"^fallback_proxy_target_up(?:\{.*\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Redirected(Fault):
    """A Service leads to pods that take every request and answer none, or with mode nowhere to where nobody is."""

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

    def brought(self, uid: str) -> list[Object]:
        """Stand-ins, or an address where nobody is; and the proxy's way there."""
        objects = [self._nowhere(uid)] if self.mode != HANG else self._hanging(uid)
        return [*objects, *self._way(uid)]

    def is_felt(self) -> bool:
        """Every pod of the proxy says that its target is away; without a proxy kube-proxy knows at once."""
        subject, client = self.context.subject, self.context.client
        if subject is None or subject.proxy is None:
            return True
        pods = [ref_of(pod) for pod in pods_of(client, subject.proxy)]
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

    def _hanging(self, uid: str) -> list[Object]:
        named = [port.get("targetPort") for port in self.service["spec"].get("ports") or []]
        name = next((target for target in named if isinstance(target, str)), "http")
        return stand_in(self.context.kit, uid, self.namespace(), HANG, self.port, 2, name)

    def _nowhere(self, uid: str) -> Object:
        ref, kit = ref_of(self.service), self.context.kit
        metadata = kit.meta(ref.namespace, uid=uid)
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

    def _way(self, uid: str) -> list[Object]:
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
                "metadata": kit.meta(ref.namespace, uid=uid),
                "spec": spec,
            }
        ]


def _target_is_away(client: Client, pod: ObjectRef) -> bool:
    point = PodPoint(client, pod.namespace, pod.name, STATUS_PORT)
    try:
        with Session(point, timeout=3, max_seconds=5) as session:
            text = session.ask(Request("localhost", "/metrics")).text
    except NoAnswer:
        return False
    found = _TARGET_UP.findall(text)
    return bool(found) and not any(float(value) for value in found)


def _is_brought(piece: Object) -> bool:
    return LABEL in (piece["metadata"].get("labels") or {})


def _is_own(endpoint: Mapping[str, Any], name: str) -> bool:
    """Whether a ready endpoint is a pod that is no stand-in."""
    ready = (endpoint.get("conditions") or {}).get("ready", True) is not False
    pod = str((endpoint.get("targetRef") or {}).get("name", ""))
    return ready and bool(pod) and not pod.startswith(f"{name}-")
