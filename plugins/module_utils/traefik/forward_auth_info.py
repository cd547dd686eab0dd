# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module forward_auth_info: ForwardAuth middlewares as they are, and what wished proxies need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import access
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import Forbidden
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import is_ours, owner_of
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_cluster as cluster
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_routes as routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_facts import (
    Surroundings,
    dns_facts,
    dns_service,
    proxy_facts,
    traefik_facts,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_findings import (
    cluster_faults,
    dns_faults,
    entry_point_faults,
    faults_of,
    rights_of,
    warnings_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import (
    Situation,
    situation,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import (
    Wish,
    common_faults,
    wishes_from,
)

OPTIONS: dict[str, dict[str, Any]] = {
    "proxies": {"type": "list", "elements": "dict", "default": [], "no_log": False},
    "settings": {"type": "dict", "default": {}, "no_log": False},
    "variables": {"type": "str", "default": ""},
    "traefik_namespace": {"type": "str", "default": ""},
    "traefik_name": {"type": "str", "default": ""},
    "entry_point": {"type": "str", "default": ""},
    "dns": {"type": "str", "default": ""},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
}


def run(task: Task) -> dict[str, Any]:
    """Reads once, judges, and returns findings and facts. Raises Unreachable, Unauthorized."""
    params = task.params
    wishes = wishes_from(params["settings"], params["proxies"])
    found = cluster.read(task.client, wishes, params["traefik_namespace"], params["traefik_name"])
    dns = dns_service(found.services)
    around = Surroundings(found, params["cluster_domain"], dns_facts(params["dns"], dns), params["entry_point"])
    there = [situation(wish, found, params["cluster_domain"]) for wish in wishes]
    common = [*cluster_faults(found), *entry_point_faults(params["entry_point"], found), *common_faults(wishes)]
    common += dns_faults(params["dns"], dns) if wishes else []
    findings = [_sentence(params["variables"], "", *fault) for fault in common]
    shared = _hosts_behind(found, there)
    for wish, one in zip(wishes, there, strict=True):
        about = wish.name if len(wishes) > 1 else ""
        findings += [_sentence(params["variables"], about, *fault) for fault in faults_of(wish, found, one, shared)]
        task.warnings.extend(warnings_of(wish, found, one))
    findings += _missing_rights(task, found, wishes, there)
    facts = [proxy_facts(wish, one, around) for wish, one in zip(wishes, there, strict=True)]
    task.warnings.extend(warning for each in facts for warning in each.pop("warnings"))
    return {
        "changed": False,
        "findings": list(dict.fromkeys(findings)),
        "proxies": facts,
        "middlewares": [_middleware(each, found, params["cluster_domain"]) for each in _forward_auths(found)],
        "traefik": traefik_facts(found.workload, params["entry_point"]),
        "dns": around.dns,
    }


def _sentence(variables: str, about: str, option: str, words: str) -> str:
    variable = f"{variables}_{option}" if variables else option
    return f"{variable}{f' ({about})' if about else ''}: {words.rstrip('.')}."


def _hosts_behind(found: cluster.Found, there: Sequence[Situation]) -> set[str]:
    middlewares = [routing.qualified_name(one.middleware) for one in there if one.middleware is not None]
    return {host for name in middlewares for host in routing.hosts_behind(found.routes, name)[0]}


def _missing_rights(task: Task, found: cluster.Found, wishes: Sequence[Wish], there: Sequence[Situation]) -> list[str]:
    traefik = found.workload.ref.namespace if found.workload else ""
    wanted = [
        right
        for wish, one in zip(wishes, there, strict=True)
        if wish.namespace
        for right in rights_of(wish, one, traefik, bool(wish.given.get("network_policy", True)))
    ]
    try:
        return [f"{words}." for words in access.findings(access.missing_rights(task.client, wanted))]
    except Forbidden as error:
        return [str(error)]


def _forward_auths(found: cluster.Found) -> list[Object]:
    return [each for each in found.middlewares if forward_auth.is_forward_auth(each)]


def _middleware(item: Object, found: cluster.Found, cluster_domain: str) -> dict[str, Any]:
    """The entry of RV(middlewares) for one."""
    asked = forward_auth.asked_by(item)
    service = forward_auth.service_behind(asked, found.services, cluster_domain)
    hosts, others = routing.hosts_behind(found.routes, routing.qualified_name(item))
    target: Mapping[str, Any] = {}
    if is_ours(service):
        target = forward_auth.remembered_target(service or {})
    elif service:
        metadata = service["metadata"]
        target = {"namespace": metadata["namespace"], "service": metadata["name"], "port": asked.port}
    return {
        "namespace": item["metadata"]["namespace"],
        "name": item["metadata"]["name"],
        "address": asked.url,
        "behind_proxy": is_ours(service),
        "target": dict(target),
        "owner": owner_of(item),
        "hosts": hosts,
        "other_hosts": others,
    }
