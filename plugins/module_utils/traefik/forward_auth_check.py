# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module forward_auth_check: whether a proxy stands before everybody whom Traefik's routes ask."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import last_writer
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import owner_of
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.proof.verifying import verified
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_links
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_asking import Asking, asking_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_fences import fence_checks
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_forwarded import (
    EVERYBODY,
    trust_at,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_links import Proxy, proxy_behind
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_replicas import (
    Replicas,
    ask_replicas,
    router_check,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_routes import unread_providers
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import qualified_name
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.other_traefiks import DENY
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.proof_options import (
    PROOF_OPTIONS,
    chosen_workload,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import ServedRoute
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

ALL, LISTED = "all", "listed"
OPTIONS: dict[str, dict[str, Any]] = {
    "traefik": PROOF_OPTIONS["traefik"],
    "proxies": {"type": "list", "elements": "dict", "default": [], "no_log": False},
    "required": {"type": "str", "choices": [ALL, LISTED], "default": ALL},
    "left_alone": {"type": "list", "elements": "str", "default": []},
    "hosts_left_out": {"type": "list", "elements": "str", "default": []},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
    "requests": {"type": "int", "default": 5},
    "wait_timeout": {"type": "int", "default": 0},
}
_ADDRESS = ("f:spec", "f:forwardAuth", "f:address")
# Routes that a sentence names; all of them stand in the result.
_NAMED = 3


class NotProtected(errors.ResilientError):
    """A route asks somebody whom no proxy stands before, or a link is broken; ``checks`` has all that was seen."""


@dataclass(frozen=True)
class Asked:
    """A middleware that routes use, and what stands behind its address. ``required`` is whether that has to be ours."""

    middleware: Object
    routes: Sequence[ServedRoute]
    proxy: Proxy
    required: bool

    @property
    def name(self) -> str:
        """The middleware, as messages name it."""
        return str(ref_of(self.middleware))


def run(task: Task) -> dict[str, Any]:
    """Reads, asks the replicas, and judges. Raises NotProtected with ``checks``, BadArgument, Forbidden."""
    if task.params["requests"] < 1:
        raise errors.BadArgument("requests: must be at least 1, or nothing is asked through the replicas")
    seen: dict[str, Any] = {}

    def look() -> list[Check]:
        workload = chosen_workload(task)
        found = asking_of(task.client, workload, task.params["cluster_domain"])
        asked = _asked(task, found)
        replicas = ask_replicas(task.client, workload, found, task.params["requests"], _to_be_felt(asked))
        seen.update(_facts(found, asked))
        return _checks(task, workload, found, asked, replicas)

    try:
        return verified(look, task.params["wait_timeout"], NotProtected, task.progress) | seen
    except NotProtected as failure:
        raise NotProtected(str(failure), **(failure.facts | seen)) from None


def _asked(task: Task, found: Asking) -> list[Asked]:
    """The ForwardAuth middlewares that any route uses, by name."""
    params, asked = task.params, list[Asked]()
    for name, middleware in sorted(found.forward_auths.items()):
        routes = found.routes_with(name)
        if routes:
            proxy = proxy_behind(middleware, found.around)
            target = forward_auth_links.target_of(proxy, found.around)
            listed = params["required"] == ALL or any(_is_about(each, middleware, target) for each in params["proxies"])
            metadata = middleware["metadata"]
            alone = f"{metadata['namespace']}/{metadata['name']}" in params["left_alone"]
            asked.append(Asked(middleware, routes, proxy, listed and not alone))
    return asked


def _is_about(proxy: Mapping[str, Any], middleware: Object, target: forward_auth_links.Place) -> bool:
    """Whether a wished proxy is for the middleware: by name, or because that asks the same target in the end."""
    metadata, named = middleware["metadata"], proxy.get("middleware") or {}
    place = proxy.get("target") or {}
    by_name = (named.get("namespace"), named.get("name")) == (metadata["namespace"], metadata["name"])
    return by_name or bool(target[1] and (place.get("namespace"), place.get("service")) == target)


def _other_askers(each: Asked, found: Asking, proxies: Sequence[Mapping[str, Any]]) -> list[Workload]:
    """Return the Traefiks beside this one that serve routes with the middleware and are not to be denied."""
    target = forward_auth_links.target_of(each.proxy, found.around)
    denied = {
        name
        for proxy in proxies
        if _is_about(proxy, each.middleware, target)
        for name, answer in (proxy.get("other_traefiks") or {}).items()
        if answer == DENY
    }
    name = qualified_name(each.middleware)
    return [other.workload for other in found.others if other.name not in denied and other.asks([name])]


def _to_be_felt(asked: Sequence[Asked]) -> list[tuple[Object, Proxy]]:
    return [(each.middleware, each.proxy) for each in asked if each.proxy.ours and each.required]


def _checks(task: Task, workload: Workload, found: Asking, asked: Sequence[Asked], replicas: Replicas) -> list[Check]:
    checks = [_replicas_check(workload, replicas)]
    for each in asked:
        if not each.required:
            continue
        if not each.proxy.ours:
            checks.append(_unprotected(task.client, each))
            continue
        checks += replicas.loaded_checks(each.middleware, task.client)
        checks += forward_auth_links.link_checks(
            each.middleware,
            each.proxy,
            found.around,
            behind_another=found.comes_after_identity(each.middleware),
        )
        others = _other_askers(each, found, task.params["proxies"])
        checks += fence_checks(each.name, workload, each.proxy, found.around, others)
        checks.append(forward_auth_links.trust_check(each.name, each.middleware, _insecure(workload)))
        checks.append(
            replicas.felt_check(each.middleware, forward_auth_links.notes_on_policies(each.proxy, found.around))
        )
    needed = {route for each in asked if each.required for route in each.routes}
    left_out = set(task.params["hosts_left_out"])
    for route in found.routes:
        if route in needed:
            checks.append(router_check(route, found, replicas, bool(left_out & set(route.hosts))))
    unknown = replicas.unknown_askers(found.unknown_names(), task.params["left_alone"])
    complete = not unread_providers(workload.arguments)
    nobody = not asked and not task.params["proxies"] and complete and bool(found.routes)
    checks.append(_sum(asked, found, unknown, nobody=nobody))
    return checks


def _replicas_check(workload: Workload, replicas: Replicas) -> Check:
    ready = len(replicas.names)
    how = "by their API" if replicas.by_api else f"by requests, for their API tells nothing: {replicas.reason}"
    found = f"{ready} of {workload.wanted}, looked at {how}"
    return Check(f"{workload.ref}: there are replicas to look at", ready > 0, "ready replicas", found)


def _unprotected(client: Client, each: Asked) -> Check:
    """Nothing but a proxy passes, and who led the question elsewhere is named."""
    whole = client.find(ref_of(each.middleware)) or each.middleware
    writer, owner = last_writer(whole, _ADDRESS), owner_of(whole)
    told = f"{each.proxy.name}; its address was written last by {writer or 'somebody unknown'}"
    told += f" ({owner})" if owner else ""
    return Check(
        f"{each.name}: a proxy stands before whom it asks",
        False,
        "the address of a proxy of this collection",
        f"{told}; {_routes(each.routes)} depend on it",
    )


def _sum(asked: Sequence[Asked], found: Asking, unknown: str = "", *, nobody: bool = False) -> Check:
    """How many of the routes that ask anybody are protected in all that they ask, and which are not.

    ``unknown`` says which middlewares of other providers ask somebody, or may do so. ``nobody`` says that
    all routes were seen, none of them asks anybody, and no proxy was asked for: then there is nothing to protect.
    """
    asking = {route for each in asked for route in each.routes}
    bare = {route for each in asked if not each.proxy.ours for route in each.routes}
    failing = {route for each in asked if each.required and not each.proxy.ours for route in each.routes}
    told = f"{len(asking) - len(bare)} of {len(asking)} routes that ask somebody are protected"
    wanted = [each for each in asked if not each.proxy.ours and each.required]
    others = [each for each in asked if not each.proxy.ours and not each.required]
    told += f"; not: {'; '.join(map(_bare, wanted))}" if wanted else ""
    told += f"; not asked for: {'; '.join(map(_bare, others))}" if others else ""
    told += f"; {unknown}" if unknown else ""
    passed = (bool(asking) or nobody) and not failing and not unknown
    expected = "all of them" if not others else "all of those that were asked for"
    return Check(
        "routes that ask somebody are protected",
        passed,
        expected,
        told if asking or unknown else f"none of {len(found.routes)} routes asks anybody",
    )


def _bare(each: Asked) -> str:
    return f"{each.name} -> {each.proxy.address.shown} ({_routes(each.routes)})"


def _routes(routes: Sequence[ServedRoute]) -> str:
    more = f" and {len(routes) - _NAMED} more" if len(routes) > _NAMED else ""
    return f"{'route' if len(routes) == 1 else 'routes'} {', '.join(map(str, routes[:_NAMED]))}{more}"


def _insecure(workload: Workload) -> list[str]:
    """The entry points that take X-Forwarded headers from anybody."""
    names: Collection[str] = workload.entry_points
    return [name for name in names if trust_at(workload.arguments, name)[0] == EVERYBODY]


def _facts(found: Asking, asked: Sequence[Asked]) -> dict[str, Any]:
    return {
        "middlewares": [
            {
                "namespace": each.middleware["metadata"]["namespace"],
                "name": each.middleware["metadata"]["name"],
                "address": each.proxy.address.shown,
                "protected": each.proxy.ours,
                "required": each.required,
                "routes": [str(route) for route in each.routes],
            }
            for each in asked
        ],
        "routes": {
            "served": len(found.routes),
            "asking": len({route for each in asked for route in each.routes}),
            "protected": len(
                {route for each in asked for route in each.routes}
                - {route for each in asked if not each.proxy.ours for route in each.routes}
            ),
        },
    }
