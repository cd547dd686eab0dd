# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A snapshot with its parts put together: pods to workloads, Services to pods, routes to Traefik. No I/O.

What several rules need is worked out once, when the first one asks. Rules run in one thread, so nothing is locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils import disruption
from ansible_collections.resilient.traefik.plugins.module_utils.audit.snapshot import FILES, Snapshot
from ansible_collections.resilient.traefik.plugins.module_utils.audit.targets import Target, targets_of
from ansible_collections.resilient.traefik.plugins.module_utils.audit.traefiks import Traefik, traefiks_of
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.workloads import is_authentik
from ansible_collections.resilient.traefik.plugins.module_utils.kube import readiness
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import WORKLOADS, Selectable, serving_nodes
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.nodes import usable_nodes
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, crd_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.references import (
    Reference,
    of_ingress,
    references_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import ServedRoute

HOSTNAME = "kubernetes.io/hostname"
_ZONE = "topology.kubernetes.io/zone"
Place = tuple[str, str]


class Cluster:
    """Everything that rules ask of a snapshot."""

    def __init__(self, snapshot: Snapshot, cluster_domain: str = "cluster.local") -> None:
        self.snapshot = snapshot
        self.cluster_domain = cluster_domain
        self._behind: dict[Place, list[Object]] = {}
        self._references: dict[int, list[Reference]] = {}

    @property
    def is_live(self) -> bool:
        """Whether it was read from a cluster, so that pods and nodes are known."""
        return self.snapshot.source != FILES

    # --- objects ---

    @cached_property
    def by_ref(self) -> dict[ObjectRef, Object]:
        """Every object by its identity."""
        return {ref_of(item): item for items in self.snapshot.objects.values() for item in items}

    def find(self, ref: ObjectRef) -> Object | None:
        """The object, None when there is none."""
        return self.by_ref.get(ref)

    @cached_property
    def services(self) -> dict[Place, Object]:
        """Services by namespace and name."""
        return {place_of(item): item for item in self.snapshot.of("Service")}

    def namespaces_of(self, kind: str) -> set[str]:
        """The namespaces that have objects of the kind."""
        return {place_of(item)[0] for item in self.snapshot.of(kind)}

    @cached_property
    def service_by_address(self) -> dict[str, Object]:
        """Services by each of their cluster addresses."""
        found = {}
        for service in self.snapshot.of("Service"):
            for address in service["spec"].get("clusterIPs") or [service["spec"].get("clusterIP", "")]:
                if address and address != "None":
                    found[address] = service
        return found

    @cached_property
    def workloads(self) -> dict[str, list[Object]]:
        """Deployments, StatefulSets and DaemonSets by namespace."""
        return by_namespace(self.snapshot.of(*WORKLOADS))

    def workload(self, kind: str, namespace: str, name: str) -> Object | None:
        """The workload of that kind and name."""
        return self.find(ObjectRef("apps/v1", kind, name, namespace))

    @cached_property
    def authentik_workloads(self) -> list[Object]:
        """The Deployments and StatefulSets that run authentik's server image, as server or as worker."""
        return [item for item in self.snapshot.of("Deployment", "StatefulSet") if is_authentik(item)]

    @cached_property
    def budgets(self) -> dict[str, list[Object]]:
        """PodDisruptionBudgets by namespace."""
        return by_namespace(self.snapshot.of("PodDisruptionBudget"))

    @cached_property
    def middlewares(self) -> dict[str, Object]:
        """Middlewares of the current API group by the name that routers use."""
        current = (item for item in self.snapshot.of("Middleware") if item["apiVersion"] == API_VERSION)
        return {crd_id(*place_of(item)): item for item in current}

    @cached_property
    def references(self) -> list[Reference]:
        """What Traefik's objects of the current API group refer to."""
        return [
            reference
            for kind in self.snapshot.objects
            for item in self.snapshot.of(kind)
            if item["apiVersion"] == API_VERSION
            for reference in self.named_in(item)
        ]

    def named_in(self, item: Object) -> list[Reference]:
        """What one of the snapshot's objects refers to, of an Ingress what its annotation names. Read once."""
        # The snapshot keeps its objects, so none takes the place of another one in memory.
        if id(item) not in self._references:
            self._references[id(item)] = of_ingress(item) if item["kind"] == "Ingress" else references_of(item)
        return self._references[id(item)]

    @cached_property
    def priorities(self) -> dict[str, int]:
        """The value of each PriorityClass, and that of pods without a class under the empty name."""
        classes = self.snapshot.of("PriorityClass")
        default = next((int(each.get("value", 0)) for each in classes if each.get("globalDefault")), 0)
        built_in = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
        return built_in | {each["metadata"]["name"]: int(each.get("value", 0)) for each in classes} | {"": default}

    # --- pods ---

    @cached_property
    def _pods(self) -> dict[tuple[str, str, str], list[Object]]:
        found: dict[tuple[str, str, str], list[Object]] = {}
        for pod in self.snapshot.of("Pod"):
            for owner in pod["metadata"].get("ownerReferences") or []:
                kind, name = owner["kind"], owner["name"]
                if kind == "ReplicaSet":
                    kind, name = "Deployment", name.rsplit("-", 1)[0]
                found.setdefault((kind, pod["metadata"]["namespace"], name), []).append(pod)
        return found

    def pods_of(self, workload: Object) -> list[Object]:
        """The workload's pods, those on their way out too."""
        return self._pods.get((workload["kind"], *place_of(workload)), [])

    def nodes_of(self, workload: Object) -> list[str]:
        """The nodes on which the workload's pods serve."""
        return serving_nodes(self.pods_of(workload))

    @cached_property
    def nodes(self) -> list[Object]:
        """The cluster's nodes."""
        return self.snapshot.of("Node")

    def usable_nodes(self, workload: Object) -> list[str] | None:
        """The nodes that take the workload's pods, None where no node is known."""
        return usable_nodes(self.nodes, pod_spec(workload)) if self.nodes else None

    def has_one_node(self, workload: Object) -> bool:
        """Whether there is no other node to go to: then drains end everything, whatever is set."""
        usable = self.usable_nodes(workload)
        return usable is not None and len(usable) < 2 and len(self.nodes) < 2

    @cached_property
    def namespaces(self) -> set[str]:
        """The names of the namespaces."""
        return {each["metadata"]["name"] for each in self.snapshot.of("Namespace")}

    def replicas_of(self, workload: Object) -> int:
        """How many pods the workload runs with at least: an autoscaler's least, or what it wants."""
        scaler = self.autoscalers.get((workload["kind"], *place_of(workload)))
        if scaler:
            return int(scaler["spec"].get("minReplicas", 1))
        if workload["kind"] == "DaemonSet":
            wanted = (workload.get("status") or {}).get("desiredNumberScheduled")
            nodes = self.usable_nodes(workload)
            return int(wanted) if wanted is not None else len(nodes) if nodes is not None else 2
        return int(workload["spec"].get("replicas", 1))

    @cached_property
    def autoscalers(self) -> dict[tuple[str, str, str], Object]:
        """HorizontalPodAutoscalers by kind, namespace and name of what they scale."""
        found = {}
        for item in self.snapshot.of("HorizontalPodAutoscaler"):
            target = item["spec"].get("scaleTargetRef") or {}
            found[str(target.get("kind")), item["metadata"]["namespace"], str(target.get("name"))] = item
        return found

    def priority_of(self, workload: Object) -> int:
        """The priority of the workload's pods: what admission gave them, else what their class says."""
        running = [pod["spec"]["priority"] for pod in self.pods_of(workload) if "priority" in pod["spec"]]
        if running:
            return int(min(running))
        spec = pod_spec(workload)
        name = spec.get("priorityClassName", "")
        return int(spec.get("priority", self.priorities.get(name, self.priorities[""])))

    # --- Services ---

    def behind(self, service: Object) -> list[Object]:
        """The workloads whose pods the Service selects."""
        place = place_of(service)
        if place not in self._behind:
            self._behind[place] = self._selectable_workloads.by(service)
        return self._behind[place]

    @cached_property
    def _selectable_workloads(self) -> Selectable:
        return Selectable(self.snapshot.of(*WORKLOADS))

    @cached_property
    def _before(self) -> dict[int, list[Object]]:
        found: dict[int, list[Object]] = {}
        for service in self.snapshot.of("Service"):
            for workload in self.behind(service):
                found.setdefault(id(workload), []).append(service)
        return found

    def services_before(self, workload: Object) -> list[Object]:
        """The Services that select the workload's pods."""
        return self._before.get(id(workload), [])

    @cached_property
    def slices(self) -> dict[Place, list[Object]]:
        """EndpointSlices by the namespace and name of their Service."""
        found: dict[Place, list[Object]] = {}
        for item in self.snapshot.of("EndpointSlice"):
            service = item["metadata"]["labels"].get("kubernetes.io/service-name", "")
            found.setdefault((item["metadata"]["namespace"], service), []).append(item)
        return found

    def ready_endpoints(self, service: Object) -> int | None:
        """How many endpoints take requests now; None where nothing is known of them."""
        if not self.is_live or not self.snapshot.knows("EndpointSlice"):
            return None
        return sum(
            bool((endpoint.get("conditions") or {}).get("ready", True))
            for piece in self.slices.get(place_of(service), [])
            for endpoint in piece.get("endpoints") or []
        )

    def nodes_of_service(self, place: Place) -> set[str]:
        """The nodes of the Service's ready endpoints."""
        return {
            endpoint["nodeName"]
            for piece in self.slices.get(place, [])
            for endpoint in piece.get("endpoints") or []
            if endpoint.get("nodeName") and (endpoint.get("conditions") or {}).get("ready", True)
        }

    def selected_pods(self, service: Object) -> list[Object]:
        """The pods that the Service selects."""
        return self._selectable_pods.by(service)

    @cached_property
    def _selectable_pods(self) -> Selectable:
        return Selectable(self.snapshot.of("Pod"))

    # --- disruption ---

    def budgets_of(self, workload: Object) -> list[Object]:
        """The PodDisruptionBudgets that select the workload's pods."""
        return disruption.selecting(workload, self.budgets.get(workload["metadata"]["namespace"], []))

    # --- Traefik and what it asks ---

    @cached_property
    def traefiks(self) -> list[Traefik]:
        """Every Traefik; where there is none in files, one of which nothing is known."""
        return traefiks_of(self)

    @cached_property
    def real_traefiks(self) -> list[Traefik]:
        """Those of which the workload is known. One that is scaled to 0 beside others serves nobody."""
        known = [each for each in self.traefiks if each.workload is not None]
        return [each for each in known if self.replicas_of(each.item) > 0] or known

    @cached_property
    def targets(self) -> list[Target]:
        """What ForwardAuth middlewares of served routes ask, each service once."""
        return targets_of(self)

    def proxied(self, target: Target) -> list[Object]:
        """The workloads of what our proxy stands before, none where Traefik asks the target itself."""
        there = target.stands_before
        service = self.services.get((there["namespace"], there["service"])) if there else None
        return self.behind(service) if service is not None else []

    @cached_property
    def users(self) -> dict[str, list[tuple[Traefik, ServedRoute]]]:
        """The routes by each middleware of their chains, and by the chains that hold it."""
        found: dict[str, list[tuple[Traefik, ServedRoute]]] = {}
        for traefik in self.traefiks:
            for route in traefik.routes:
                for name in traefik.named_by(route):
                    found.setdefault(name, []).append((traefik, route))
        return found

    def hosts_behind(self, name: str) -> list[str]:
        """The hosts whose routes have the middleware of that name in their chains."""
        return sorted({host for _traefik, route in self.users.get(name, ()) for host in route.hosts})

    @cached_property
    def hosts_by_service(self) -> dict[Place, set[str]]:
        """The hosts whose routes lead to a Service, by its namespace and name."""
        found: dict[Place, set[str]] = {}
        for traefik in self.traefiks:
            for route in traefik.routes:
                for place in traefik.backends_of(route):
                    found.setdefault(place, set()).update(route.hosts)
        return found


def place_of(item: Object) -> Place:
    """Namespace and name."""
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def pod_spec(workload: Object) -> dict[str, Any]:
    """The spec of the workload's pods."""
    return dict(workload["spec"]["template"]["spec"])


def by_namespace(items: Iterable[Object]) -> dict[str, list[Object]]:
    """The items by namespace."""
    found: dict[str, list[Object]] = {}
    for item in items:
        found.setdefault(item["metadata"].get("namespace", ""), []).append(item)
    return found


def is_spread(workload: Object) -> str:
    """How the pods are kept on different nodes or zones: ``required``, ``preferred`` or empty for not at all."""
    spec = pod_spec(workload)
    keys = (HOSTNAME, _ZONE)
    constraints = [each for each in spec.get("topologySpreadConstraints") or [] if each.get("topologyKey") in keys]
    apart = (spec.get("affinity") or {}).get("podAntiAffinity") or {}
    required = apart.get("requiredDuringSchedulingIgnoredDuringExecution") or []
    preferred = apart.get("preferredDuringSchedulingIgnoredDuringExecution") or []
    if any(each.get("topologyKey") in keys for each in required):
        return "required"
    if any(each.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule" for each in constraints):
        return "required"
    soft = any((each.get("podAffinityTerm") or {}).get("topologyKey") in keys for each in preferred)
    return "preferred" if constraints or soft else ""


def is_best_effort(workload: Object) -> bool:
    """Whether no container asks for anything, so that its pods are the first to be evicted."""
    containers: Sequence[Mapping[str, Any]] = pod_spec(workload)["containers"]
    return bool(containers) and not any(
        each["resources"].get("requests") or each["resources"].get("limits") for each in containers
    )


def is_running(pod: Object) -> bool:
    """Whether the pod is Ready and not on its way out."""
    return not readiness.missing(pod)
