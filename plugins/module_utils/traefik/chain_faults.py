# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why Traefik would drop an object's routers: for a middleware that is to come into a chain, or one that is in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import scope
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain import MiddlewareName
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, crd_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.reference_faults import Known, Rules, faults
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.references import (
    Reference,
    of_ingress,
    references_of,
)


def unservable(item: Object, middleware: MiddlewareName, settings: Mapping[str, str]) -> str:
    """Why the object's routers would be dropped with the middleware in their chain, empty when they would not."""
    namespace = item["metadata"]["namespace"]
    if item["kind"] == "Ingress":
        return scope.no_foreign_names(namespace, settings)
    rules = scope.rules(settings)
    if middleware.name and middleware.namespace != namespace and not rules.cross_namespace:
        return f"{middleware} is in another namespace, and {scope.CRD}.allowCrossNamespace is off"
    allowed = rules.cross_provider_namespaces
    if not middleware.name and allowed is not None and namespace not in allowed:
        return f"namespace {namespace} is not among {scope.CRD}.crossProviderNamespaces"
    return ""


@dataclass(frozen=True)
class Middlewares:
    """All Middlewares of the cluster, with those that an earlier task of the same play brings (``planned``)."""

    objects: Mapping[ObjectRef, Object]
    qualified: frozenset[str]

    def broken(self, item: Object, settings: Mapping[str, str]) -> str:
        """What is wrong with the chains of an Ingress or IngressRoute as they are, empty when nothing is."""
        # An Ingress names middlewares of any namespace, whatever the CRD provider's rules are.
        of_ingresses = Rules(cross_namespace=True)
        rules = of_ingresses if item["kind"] == "Ingress" else scope.rules(settings)
        return "; ".join(faults(_chain_of(item), Known(self.objects, qualified=self.qualified), rules))


def _chain_of(item: Object) -> list[Reference]:
    references = of_ingress(item) if item["kind"] == "Ingress" else references_of(item)
    return [each for each in references if each.kind == "Middleware"]


def read_middlewares(client: Client, planned: Collection[MiddlewareName]) -> Middlewares:
    """One list. Raises Forbidden."""
    (answer,) = read_found(client, [Query(API_VERSION, "Middleware")])
    objects = {ref_of(item): item for item in answer.items}
    for name in planned:
        objects.setdefault(ObjectRef(API_VERSION, "Middleware", name.name, name.namespace), {})
    return Middlewares(objects, frozenset(crd_id(ref.namespace, ref.name) for ref in objects))


def without_broken(
    items: Sequence[Object], middleware: MiddlewareName, known: Middlewares, settings: Mapping[str, str]
) -> tuple[list[Object], dict[ObjectRef, str]]:
    """The objects whose routers live with the middleware in their chains, and why each of the others does not."""
    left: dict[ObjectRef, str] = {}
    for item in items:
        reason = unservable(item, middleware, settings) or known.broken(item, settings)
        if reason:
            left[ref_of(item)] = reason
    return [item for item in items if ref_of(item) not in left], left
