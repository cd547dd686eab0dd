# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why Traefik leaves out a router that would take the request: references that it does not follow. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.resilient.traefik.plugins.module_utils.explain.middlewares import Effect
from ansible_collections.resilient.traefik.plugins.module_utils.explain.reading import Cluster
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routers import Router
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import scope
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.reference_faults import Known, faults
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.references import Reference, references_of


def why_dropped(cluster: Cluster, router: Router, effects: Sequence[Effect]) -> list[str]:
    """Return the reasons. What a Service lacks is told by its backend."""
    item = next((each for each in cluster.served if router.ref and ref_of(each) == router.ref), None)
    found = [effect.problem for effect in effects if effect.problem]
    if item is None:
        return found
    if item["kind"] == "Ingress":
        forbidden = scope.no_foreign_names(router.ref.namespace, cluster.workload.arguments) if router.ref else ""
        return ([forbidden] if forbidden and router.middlewares else []) + found
    references = [each for each in references_of(item) if _counts(each, item, router)]
    middlewares = {ref_of(each): each for each in cluster.middlewares.values()}
    targets = {each.target for each in references}
    unread = frozenset(ref for ref in targets if ref.kind != "Middleware" or not cluster.middlewares_known)
    known = Known(middlewares, unread, frozenset(cluster.middlewares) if cluster.middlewares_known else None)
    return list(dict.fromkeys([*faults(references, known, scope.rules(cluster.workload.arguments)), *found]))


def _counts(reference: Reference, item: Object, router: Router) -> bool:
    """Return whether a fault of the reference costs this router, and not another route of the object, its life."""
    if reference.kind == "Secret":
        return False
    return not reference.path.startswith("spec.routes") or any(
        reference.path.startswith(prefix) for prefix in _routes(item, router)
    )


def _routes(item: Object, router: Router) -> Iterator[str]:
    routes: Sequence[Mapping[str, object]] = (item.get("spec") or {}).get("routes") or []
    for position, route in enumerate(routes):
        if route.get("match") == router.rule:
            yield f"spec.routes[{position}]."
