# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which routes ask ForwardAuth services, and what stands on the way there, read in one go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS, is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import selector_text
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Answer, Query, read_all, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_targets import (
    Choice,
    only_served,
    read_targets,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import (
    EntryPoint,
    default_names,
    entry_points_of,
    public_ports,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_links import Place, Surroundings
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, crd_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.other_traefiks import (
    WORKLOADS,
    OtherTraefik,
    others_beside,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import (
    ServedRoute,
    inner_chains,
    served_routes,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

_SERVICE_NAME = "kubernetes.io/service-name"
_OURS = selector_text({"matchLabels": OUR_LABELS})


@dataclass(frozen=True)
class Asking:
    """``forward_auths`` are all ForwardAuth middlewares by qualified name, ``routes`` all that this Traefik serves.

    ``chains`` are the middlewares that hold others, ``others`` the Traefiks beside it.
    """

    routes: Sequence[ServedRoute]
    forward_auths: Mapping[str, Object]
    chains: Mapping[str, Object]
    known: frozenset[str]
    points: Mapping[str, EntryPoint]
    others: Sequence[OtherTraefik] = ()
    around: Surroundings = field(default_factory=Surroundings)

    def chains_of(self, route: ServedRoute) -> list[tuple[str, ...]]:
        """The chain of a route at each of its entry points; where all of these only redirect, its own."""
        entrances = route.entrances(self.points)
        return [route.chain_at(each.entry_point, self.points, self.chains) for each in entrances] or [route.middlewares]

    def routes_with(self, name: str) -> list[ServedRoute]:
        """The routes with the middleware in any of their chains."""
        return [route for route in self.routes if any(name in names for names in self.chains_of(route))]

    def comes_after_identity(self, middleware: Object) -> bool:
        """Whether the middleware stands behind another one that sets identity headers, in any chain."""
        own = crd_id(middleware["metadata"]["namespace"], middleware["metadata"]["name"])
        others = {
            name
            for name, each in self.forward_auths.items()
            if name != own and each["spec"]["forwardAuth"].get("authResponseHeaders")
        }
        return any(
            others & set(names[: names.index(own)])
            for route in self.routes
            for names in self.chains_of(route)
            if own in names
        )

    def unknown_names(self) -> list[str]:
        """Middlewares of chains that are no objects here: of other providers, or not there."""
        names = {name for route in self.routes for chain in self.chains_of(route) for name in chain}
        return sorted(name for name in names if name not in self.known)


def asking_of(client: Client, workload: Workload, cluster_domain: str) -> Asking:
    """Reads everything. Raises Forbidden: what may not be read is not proved."""
    everything = Choice(("Ingress", "IngressRoute"), [""], frozenset(), "")
    queries = [
        Query(API_VERSION, "Middleware"),
        Query("v1", "Service"),
        Query("discovery.k8s.io/v1", "EndpointSlice"),
        Query("v1", "ConfigMap", label_selector=_OURS),
        Query("networking.k8s.io/v1", "NetworkPolicy"),
        *(Query("apps/v1", kind) for kind in WORKLOADS),
    ]
    targets, answers = read_targets(client, everything), read_found(client, queries)
    middlewares, services, slices, config_maps, policies, *of_kinds = (answer.items for answer in answers)
    workloads = [item for items in of_kinds for item in items]
    points = entry_points_of(workload.arguments, public_ports(workload.item, services))
    around = Surroundings(
        services=_by_place(services),
        slices=_by_service(slices),
        deployments=_by_place(item for item in workloads if item["kind"] == "Deployment" and is_ours(item)),
        config_maps=_by_place(config_maps),
        policies=policies,
        namespaces=_labels_of_namespaces(client),
        cluster_domain=cluster_domain,
        traefik_namespace=workload.ref.namespace,
    )
    served = only_served(targets, workload.arguments)
    return Asking(
        routes=served_routes(served.items, middlewares, default_names(workload.arguments)),
        forward_auths={_name(each): each for each in middlewares if forward_auth.is_forward_auth(each)},
        chains=inner_chains(middlewares),
        known=frozenset(map(_name, middlewares)),
        points=points,
        others=others_beside(client, workload, workloads, targets, middlewares),
        around=_with_pods(client, around, [each for each in middlewares if forward_auth.is_forward_auth(each)]),
    )


def _with_pods(client: Client, around: Surroundings, forward_auths: Iterable[Object]) -> Surroundings:
    """The same with the pods and Secrets of the namespaces concerned: of whom is asked, and of our proxies."""
    spaces = {namespace for namespace, _name in around.deployments}
    for middleware in forward_auths:
        service = around.service_behind(middleware)
        if service is not None:
            spaces.add(service["metadata"]["namespace"])
            target = forward_auth.remembered_target(service)
            spaces |= {target["namespace"]} if target else set()
    pods = [item for answer in read_found(client, _pods(spaces)) for item in answer.items]
    secrets = read_all(client, _secrets(around))
    return replace(
        around,
        pods=_by_place(pods),
        secrets=_by_place(item for answer in secrets for item in answer.items),
        unread={_place(answer): answer.message for answer in secrets if answer.status == "forbidden"},
    )


def _labels_of_namespaces(client: Client) -> dict[str, Mapping[str, str]]:
    """Only where they may be listed: their names, which most policies go by, are known anyway."""
    (answer,) = read_all(client, [Query("v1", "Namespace")])
    return {item["metadata"]["name"]: item["metadata"].get("labels") or {} for item in answer.items}


def _pods(namespaces: Iterable[str]) -> list[Query]:
    return [Query("v1", "Pod", namespace=namespace) for namespace in sorted(namespaces)]


def _secrets(around: Surroundings) -> list[Query]:
    return [
        Query("v1", "Secret", str(volume["secret"]["secretName"]), namespace)
        for (namespace, _name), item in around.deployments.items()
        for volume in item["spec"]["template"]["spec"].get("volumes") or []
        if volume["name"] == "users" and "secret" in volume
    ]


def _place(answer: Answer) -> Place:
    return answer.query.namespace, answer.query.name


def _by_place(items: Iterable[Object]) -> dict[Place, Object]:
    return {(item["metadata"].get("namespace", ""), item["metadata"]["name"]): item for item in items}


def _by_service(slices: Iterable[Object]) -> dict[Place, list[Object]]:
    found: dict[Place, list[Object]] = {}
    for piece in slices:
        service = str((piece["metadata"].get("labels") or {}).get(_SERVICE_NAME, ""))
        found.setdefault((piece["metadata"]["namespace"], service), []).append(piece)
    return found


def _name(middleware: Object) -> str:
    return crd_id(middleware["metadata"]["namespace"], middleware["metadata"]["name"])
