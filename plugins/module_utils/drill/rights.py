# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the account that runs a drill must be allowed, and who may undo the fault. Reads only."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.resilient.traefik.plugins.module_utils.drill.context import Context
from ansible_collections.resilient.traefik.plugins.module_utils.drill.faults import Fault
from ansible_collections.resilient.traefik.plugins.module_utils.drill.inside import rights_of as inside_rights
from ansible_collections.resilient.traefik.plugins.module_utils.kube.access import Right, rights
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import owner_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all

_RBAC = "rbac.authorization.k8s.io"
# Of an account that brings objects by server-side apply and waits for them.
_BRINGING = ("get", "create", "patch")


def needed_rights(context: Context, fault: Fault) -> list[Right]:
    """Everything that the drill does."""
    return list(
        dict.fromkeys([*_of_measurement(context), *inside_rights(context), *_of_healer(fault), *fault.rights()])
    )


def _of_measurement(context: Context) -> Iterator[Right]:
    namespace = context.traefik.ref.namespace
    yield from rights(("list",), ("pods",), namespace)
    yield from rights(("get", "create"), ("pods/portforward",), namespace)


def _of_healer(fault: Fault) -> Iterator[Right]:
    """An account may only give rights that it has itself: those on the marked objects are among the fault's."""
    if not fault.needs_healer():
        return
    namespace = fault.namespace()
    spaces = {*fault.namespaces(), *(each.ref.namespace for each in fault.marked())} - {""}
    yield from rights(_BRINGING, ("serviceaccounts", "configmaps", "jobs.batch"), namespace)
    if any(not each.ref.namespace for each in fault.marked()):
        yield from rights(("get", "create", "delete"), (f"clusterroles.{_RBAC}",))
        yield from rights(_BRINGING, (f"clusterrolebindings.{_RBAC}",))
    for space in sorted(spaces):
        yield from rights(("get", "create", "delete"), (f"roles.{_RBAC}",), space)
        yield from rights(_BRINGING, (f"rolebindings.{_RBAC}",), space)


def fighters(context: Context, fault: Fault) -> list[str]:
    """Sentences about who may put back what the fault changes: owners of the objects, and autoscalers."""
    return [*_owners(fault), *_scalers(context, fault)]


def _owners(fault: Fault) -> Iterator[str]:
    for each in fault.marked():
        owner = owner_of(each.item)
        if owner:
            yield f"{each.ref} belongs to {owner}: where that undoes changes by itself the fault will not last"


def _scalers(context: Context, fault: Fault) -> Iterator[str]:
    marked = {(each.ref.kind, each.ref.name): each for each in fault.marked() if each.mark.field == "spec.replicas"}
    spaces = sorted({each.ref.namespace for each in marked.values()})
    queries = [
        Query(api_version, kind, namespace=space)
        for api_version, kind in (("autoscaling/v2", "HorizontalPodAutoscaler"), ("keda.sh/v1alpha1", "ScaledObject"))
        for space in spaces
    ]
    for answer in read_all(context.client, queries):
        for item in answer.items:
            target = item["spec"].get("scaleTargetRef") or {}
            each = marked.get((str(target.get("kind", "Deployment")), str(target.get("name"))))
            if each and item["kind"] == "ScaledObject":
                yield f"{ref_of(item)} scales {each.ref}: it may bring its pods back during the drill"
            elif each:
                yield f"{ref_of(item)} scales {each.ref}: it rests at 0 replicas, and goes on from {each.mark.before}"
