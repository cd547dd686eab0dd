# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application of the drill's own behind every Traefik replica: it hangs, or its pods are replaced one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.counters import StandIns
from ansible_collections.resilient.traefik.plugins.module_utils.drill.equipment import Uids, stand_in, stand_in_labels
from ansible_collections.resilient.traefik.plugins.module_utils.drill.faults import Fault
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.drill.subject import pods_of
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request
from ansible_collections.resilient.traefik.plugins.module_utils.kube.access import Right
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import scope
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, CLASS_ANNOTATION

HANG, WELL = "hang", "well"
# The visitor of what a drill brings.
APPLICATION = "the drill's application"
_PORT = 8080


@dataclass(frozen=True)
class BackendFault(Fault):
    """The application: two pods that do not know how to leave, a Service and a route with the retry middleware.

    With ``hangs`` its Service leads to pods that answer nothing; otherwise it is restarted as a rollout does it.
    """

    hangs: bool
    middlewares: Sequence[Mapping[str, Any]] = field(default_factory=list)

    def about(self) -> str:
        """The application."""
        with_retry = f" with {', '.join(str(each['name']) for each in self.middlewares)}" if self.middlewares else ""
        return f"an application of the drill's own, routed as {self.host}{with_retry}"

    @property
    def host(self) -> str:
        """Its site, which exists as long as the drill. The domain is reserved for tests (RFC 2606)."""
        return f"drill-{self.context.kit.token}.test"

    def rights(self) -> list[Right]:
        """To bring it."""
        namespace = self.namespace()
        return [
            Right("patch", kind, namespace) for kind in ("deployments.apps", "services", "ingressroutes.traefik.io")
        ]

    def findings(self) -> list[str]:
        """Whether this Traefik would look at its route."""
        reason = scope.overlooked(self._route({}), self.context.traefik.arguments)
        return [f"Traefik would not serve an application of the drill: {reason}."] if reason else []

    def visitors(self) -> list[Visitor]:
        """A visitor of the application."""
        request = Request(self.host, "/", https=self.context.https, verify=False)
        return [Visitor(APPLICATION, request, "none", guarded=True)]

    def brought(self, uids: Uids) -> list[Object]:
        """The application, and where it is to hang its other pods."""
        kit, namespace = self.context.kit, self.namespace()
        objects = stand_in(kit, uids, namespace, WELL, _PORT, 2)
        if self.hangs:
            objects += stand_in(kit, uids, namespace, HANG, _PORT, 1)
        return [*objects, self._service(uids), self._route(uids)]

    def goes(self) -> list[tuple[Object, Object]]:
        """The pods that are replaced. Those that answer go on while others hang."""
        if self.hangs:
            return []
        workload = self.context.client.get(self._deployment())
        return [(workload, pod) for pod in pods_of(self.context.client, workload)]

    def stand_ins(self) -> list[StandIns]:
        """All pods of the application."""
        kit, namespace = self.context.kit, self.namespace()
        return [
            StandIns(mode, stand_in(kit, {}, namespace, mode, _PORT, 1)[1], _PORT)
            for mode in ((WELL, HANG) if self.hangs else (WELL,))
        ]

    def retries(self) -> Sequence[Mapping[str, Any]]:
        """Those of its route."""
        return self.middlewares

    def act(self) -> list[str]:
        """Leads the Service astray, or replaces the pods."""
        if self.hangs:
            self._lead_to(HANG)
            return [f"Service {self.context.kit.name} led to pods that hang"]
        client, ref = self.context.client, self._deployment()
        self.context.writer.patch([_restarting(client.get(ref))])
        wait_until_ready(client, [ref], self.context.wait_timeout, self.context.progress)
        return [f"restarted {ref}"]

    def undo(self) -> None:
        """Leads the Service to the pods that answer."""
        if self.hangs:
            self._lead_to(WELL)

    def settle(self) -> None:
        """Its pods are ready."""
        wait_until_ready(self.context.client, [self._deployment()], self.context.wait_timeout, self.context.progress)

    def _lead_to(self, mode: str) -> None:
        labels = stand_in_labels(self.context.kit, mode)
        service = self.context.client.get(ObjectRef("v1", "Service", self.context.kit.name, self.namespace()))
        self.context.writer.patch([_selecting(labels, service)])

    def _deployment(self) -> ObjectRef:
        return ObjectRef("apps/v1", "Deployment", f"{self.context.kit.name}-{WELL}", self.namespace())

    def _service(self, uids: Uids) -> Object:
        spec = {
            "selector": stand_in_labels(self.context.kit, WELL),
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        }
        metadata = self.context.kit.meta(self.namespace(), uids=uids)
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}

    def _route(self, uids: Uids) -> Object:
        arguments, metadata = self.context.traefik.arguments, self.context.kit.meta(self.namespace(), uids=uids)
        metadata["labels"] |= scope.labels_to_be_seen(arguments) or {}
        ingress_class = scope.class_to_be_seen(arguments)
        if ingress_class:
            metadata["annotations"] = {CLASS_ANNOTATION: ingress_class}
        route = {
            "kind": "Rule",
            "match": f"Host(`{self.host}`)",
            "middlewares": [dict(each) for each in self.middlewares],
            "services": [{"name": self.context.kit.name, "port": 80}],
        }
        spec = {"entryPoints": [self.context.entry_point], "routes": [route]}
        return {"apiVersion": API_VERSION, "kind": "IngressRoute", "metadata": metadata, "spec": spec}


def retry_middlewares(client: Client, namespace: str) -> list[dict[str, Any]]:
    """The retry middlewares beside Traefik that this collection brought, as a route names them.

    One whose only try is the first asks nobody again and counts for none.
    """
    (answer,) = read_found(client, [Query(API_VERSION, "Middleware", namespace=namespace)])
    ours = [item for item in answer.items if is_ours(item) and _tries_again(item.get("spec") or {})]
    return [{"name": item["metadata"]["name"], "namespace": namespace} for item in ours]


def _tries_again(spec: Mapping[str, Any]) -> bool:
    return int((spec.get("retry") or {}).get("attempts") or 0) > 1


def _restarting(deployment: Object) -> Patch:
    """As kubectl rollout restart does it."""
    annotations = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat(timespec="seconds")}
    body = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    return Patch(deployment, body, again=_restarting)


def _selecting(labels: Mapping[str, str], service: Object) -> Patch:
    body = [{"op": "replace", "path": "/spec/selector", "value": dict(labels)}]
    return Patch(service, body, again=partial(_selecting, labels))
