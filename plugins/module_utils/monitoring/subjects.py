# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What alerts are about: the Traefik workload, the ForwardAuth targets and the proxies before them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import serves
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth import Services

AUTH, BOT_BLOCK = "auth", "bot_block"
Target = dict[str, str]


def targets(
    middlewares: Sequence[Object],
    services: Services,
    deployments: Sequence[Object],
    planned: Sequence[Mapping[str, Any]],
    cluster_domain: str = "cluster.local",
    traefik_namespace: str = "",
) -> list[Target]:
    """Each ForwardAuth target with ``role``, ``namespace``, ``deployment``, ``proxy_namespace`` and ``proxy_name``.

    Behind our proxies by what their Services remember, without one by whom the middlewares ask; those of ``planned``
    (name, namespace and target of proxies that are to come) as if they were there. ``proxy_name`` is empty for a target
    without a proxy. Targets that no Deployment serves are left out: there would be no series of theirs.
    """
    found: dict[tuple[str, str], Target] = {}
    for service in services.values():
        remembered = forward_auth.remembered_target(service)
        if remembered and is_ours(service):
            _add(found, services, deployments, remembered, service["metadata"])
    for proxy in planned:
        _add(found, services, deployments, proxy.get("target") or {}, proxy)
    for middleware in middlewares:
        if forward_auth.is_forward_auth(middleware):
            address = forward_auth.asked_by(middleware)
            asked = forward_auth.service_behind(address, services, cluster_domain, traefik_namespace)
            if asked and not is_ours(asked):
                metadata = asked["metadata"]
                place = {"namespace": metadata["namespace"], "service": metadata["name"]}
                _add(found, services, deployments, place, {})
    return sorted(found.values(), key=lambda each: (each["role"], each["namespace"], each["deployment"]))


def _add(
    found: dict[tuple[str, str], Target],
    services: Services,
    deployments: Sequence[Object],
    place: Mapping[str, Any],
    proxy: Mapping[str, Any],
) -> None:
    service = services.get((str(place.get("namespace")), str(place.get("service"))))
    deployment = _deployment_of(service, deployments) if service else ""
    if service is None or not deployment:
        return
    namespace = service["metadata"]["namespace"]
    found.setdefault(
        (namespace, deployment),
        {
            "role": AUTH if forward_auth.is_authentik(service) else BOT_BLOCK,
            "namespace": namespace,
            "deployment": deployment,
            "proxy_namespace": str(proxy.get("namespace", "")),
            "proxy_name": str(proxy.get("name", "")),
        },
    )


def _deployment_of(service: Object, deployments: Sequence[Object]) -> str:
    """The name of the Deployment whose pods the Service selects, empty for none."""
    for deployment in deployments:
        metadata = deployment["metadata"]
        if metadata["namespace"] == service["metadata"]["namespace"] and serves(deployment, service):
            return str(metadata["name"])
    return ""
