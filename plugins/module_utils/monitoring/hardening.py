# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hardening brought to the objects of a cluster, as a record that the parity exporter compares with later. Pure.

An object of the record has ``kind``, ``namespace``, ``name``, its ``path`` at the API server and ``fields``. A field
has ``name`` (how it is told), ``path`` (the keys from the top of the object; ``{"name": X}`` is the item of a list that
has this name), ``value``, and ``how`` it is compared:

- ``equal``: it is the same.
- ``holds``: what was recorded is there; more may be.
- ``headers``: as ``holds``, for names of headers.
- ``sent``: no header that was sent to the ForwardAuth service is kept back; an empty list sends all.
- ``first``: the first name of a comma-separated list.
- ``routes``: the routes of these ``matches`` begin with the ``middleware``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils import disruption
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, Resource
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import chain, forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth import Services
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import (
    API_VERSION,
    CHAIN_ANNOTATION,
    crd_id,
)

RESOURCES = {
    resource.kind: resource
    for resource in (
        Resource(API_VERSION, "Middleware", "middlewares", True),
        Resource(API_VERSION, "IngressRoute", "ingressroutes", True),
        Resource("networking.k8s.io/v1", "Ingress", "ingresses", True),
        Resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", True),
        Resource("apps/v1", "Deployment", "deployments", True),
        Resource("apps/v1", "DaemonSet", "daemonsets", True),
    )
}
ROUTES = ("Ingress", "IngressRoute")
_CONFIGURATION = "resilient.traefik/configuration"
_POD = ("spec", "template", "spec")


@dataclass(frozen=True)
class Found:
    """The objects to look at. ``workload`` is Traefik's; ``routes`` are Ingresses and IngressRoutes."""

    workload: Object
    middlewares: Sequence[Object] = ()
    services: Services = field(default_factory=dict)
    deployments: Sequence[Object] = ()
    budgets: Sequence[Object] = ()
    routes: Sequence[Object] = ()


def record_of(found: Found, cluster_domain: str = "cluster.local") -> list[Object]:
    """The record of what is there, those objects first that are no routes, each part by kind, namespace and name."""
    proxies = [each for each in found.deployments if _is_proxy(each, found.services)]
    retries = [each for each in found.middlewares if is_ours(each) and (each.get("spec") or {}).get("retry")]
    recorded = [
        *(_led_to_proxy(each) for each in found.middlewares if _asks_proxy(each, found, cluster_domain)),
        *(_recorded(each, [_field("retry", ["spec", "retry"], each["spec"]["retry"], "holds")]) for each in retries),
        *(_recorded(each, _spread(each)) for each in [found.workload]),
        *(_recorded(each, _spread(each) + _configuration(each)) for each in proxies),
        *(_recorded(each, _budget(each)) for each in found.budgets if _is_kept(each, [found.workload, *proxies])),
        *(_recorded(each, _chain(each, retries)) for each in found.routes),
    ]
    return sorted((each for each in recorded if each["fields"]), key=_order)


def merged(before: Sequence[Object], now: Sequence[Object], ours: Iterable[tuple[str, str]]) -> list[Object]:
    """The record ``now``, with what an earlier record had and the cluster has not any more.

    ``ours`` are the objects' paths with the names of fields that this collection wrote last: of these the record is
    what there is now.
    """
    by_path, written = {each["path"]: each for each in now}, set(ours)
    for former in before:
        present = by_path.get(former["path"], former | {"fields": []})
        fields = {each["name"]: each for each in present["fields"]}
        for each in former["fields"]:
            if (former["path"], each["name"]) not in written:
                fields[each["name"]] = each
        by_path[former["path"]] = former | {"fields": [fields[name] for name in sorted(fields)]}
    return sorted((each for each in by_path.values() if each["fields"]), key=_order)


def limited(record: Sequence[Object], routes: int) -> tuple[list[Object], int]:
    """The record with so many routes at most, and how many of them were left out."""
    others = [each for each in record if each["kind"] not in ROUTES]
    chosen = [each for each in record if each["kind"] in ROUTES]
    most = max(0, routes)
    return [*others, *chosen[:most]], len(chosen[most:])


def rights_of(record: Iterable[Object]) -> dict[str, list[dict[str, Any]]]:
    """By namespace the rules of a Role that may get these objects, by their names, and nothing else."""
    names: dict[str, dict[tuple[str, str], set[str]]] = {}
    for each in record:
        resource = RESOURCES[each["kind"]]
        kinds = names.setdefault(each["namespace"], {})
        kinds.setdefault((resource.api_version.partition("/")[0], resource.plural), set()).add(each["name"])
    return {
        namespace: [
            {
                "apiGroups": [group],
                "resources": [plural],
                "resourceNames": sorted(kinds[group, plural]),
                "verbs": ["get"],
            }
            for group, plural in sorted(kinds)
        ]
        for namespace, kinds in sorted(names.items())
    }


def _order(each: Object) -> tuple[bool, str, str, str]:
    return each["kind"] in ROUTES, each["kind"], each["namespace"], each["name"]


def _recorded(item: Object, fields: list[dict[str, Any]]) -> Object:
    kind, metadata = item["kind"], item["metadata"]
    return {
        "kind": kind,
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "path": RESOURCES[kind].path(metadata["namespace"], metadata["name"]),
        "fields": sorted(fields, key=lambda each: str(each["name"])),
    }


def _field(name: str, path: Sequence[Any], value: Any, how: str = "equal") -> dict[str, Any]:
    return {"name": name, "path": list(path), "how": how, "value": value}


def _is_proxy(deployment: Object, services: Services) -> bool:
    metadata = deployment["metadata"]
    service = services.get((metadata["namespace"], metadata["name"]))
    return is_ours(deployment) and service is not None and _is_before_target(service)


def _is_before_target(service: Object) -> bool:
    return is_ours(service) and bool(forward_auth.remembered_target(service))


def _asks_proxy(middleware: Object, found: Found, cluster_domain: str) -> bool:
    if not forward_auth.is_forward_auth(middleware):
        return False
    namespace = found.workload["metadata"]["namespace"]
    asked = forward_auth.service_behind(forward_auth.asked_by(middleware), found.services, cluster_domain, namespace)
    return asked is not None and _is_before_target(asked)


def _led_to_proxy(middleware: Object) -> Object:
    path, given = ["spec", "forwardAuth"], middleware["spec"]["forwardAuth"]
    fields = [
        _field("address", [*path, "address"], given["address"]),
        _field(
            "authResponseHeaders", [*path, "authResponseHeaders"], given.get("authResponseHeaders") or [], "headers"
        ),
        _field("authRequestHeaders", [*path, "authRequestHeaders"], given.get("authRequestHeaders") or [], "sent"),
    ]
    pattern = given.get("authResponseHeadersRegex")
    fields += [_field("authResponseHeadersRegex", [*path, "authResponseHeadersRegex"], pattern)] if pattern else []
    return _recorded(middleware, fields)


def _spread(workload: Object) -> list[dict[str, Any]]:
    pod = workload["spec"]["template"]["spec"]
    constraints = pod.get("topologySpreadConstraints")
    fields = [_field("topologySpreadConstraints", [*_POD, "topologySpreadConstraints"], constraints, "holds")]
    apart = (pod.get("affinity") or {}).get("podAntiAffinity") or {}
    fields += [
        _field(f"podAntiAffinity.{name}", [*_POD, "affinity", "podAntiAffinity", name], terms, "holds")
        for name, terms in apart.items()
    ]
    return [each for each in fields if each["value"]]


def _configuration(proxy: Object) -> list[dict[str, Any]]:
    template = proxy["spec"]["template"]
    digest = (template["metadata"].get("annotations") or {}).get(_CONFIGURATION)
    path = ["spec", "template", "metadata", "annotations", _CONFIGURATION]
    fields = [_field("configuration", path, digest)] if digest else []
    for volume in template["spec"].get("volumes") or []:
        if volume["name"] == "configuration" and volume.get("configMap"):
            at = [*_POD, "volumes", {"name": volume["name"]}, "configMap", "name"]
            fields.append(_field("configMap", at, volume["configMap"]["name"]))
    return fields


def _is_kept(budget: Object, workloads: Sequence[Object]) -> bool:
    """Whether the budget is ours, or keeps pods of these workloads."""
    return is_ours(budget) or any(
        each["metadata"]["namespace"] == budget["metadata"]["namespace"]
        and disruption.selects(budget, each["spec"]["template"]["metadata"].get("labels") or {})
        for each in workloads
    )


def _budget(budget: Object) -> list[dict[str, Any]]:
    spec = budget.get("spec") or {}
    return [
        _field(name, ["spec", name], spec[name])
        for name in (disruption.MIN, disruption.MAX, "selector")
        if spec.get(name) is not None
    ]


def _chain(route: Object, retries: Sequence[Object]) -> list[dict[str, Any]]:
    """Where its chains begin with one of these middlewares."""
    metadata = route["metadata"]
    for retry in retries:
        place = {"namespace": retry["metadata"]["namespace"], "name": retry["metadata"]["name"]}
        qualified = crd_id(**place)
        if route["kind"] == "Ingress":
            text = (metadata.get("annotations") or {}).get(CHAIN_ANNOTATION)
            if chain.from_text(text)[:1] == [qualified]:
                return [_field("chain", ["metadata", "annotations", CHAIN_ANNOTATION], qualified, "first")]
            continue
        matches = [
            each.get("match", "")
            for each in route["spec"].get("routes") or []
            if chain.from_references(each.get("middlewares") or [], metadata["namespace"])[:1] == [qualified]
        ]
        if matches:
            value = {"middleware": place | {"qualified": qualified}, "matches": sorted(set(matches))}
            return [_field("chain", ["spec", "routes"], value, "routes")]
    return []
