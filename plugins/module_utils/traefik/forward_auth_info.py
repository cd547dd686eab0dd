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
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_discovery import (
    discover,
    kind_faults,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_facts import (
    Surroundings,
    check_hosts_of,
    dns_facts,
    dns_service,
    proxy_facts,
    sites_of_wish,
    traefik_facts,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_findings import (
    cluster_faults,
    dns_faults,
    entry_point_faults,
    faults_of,
    provider_warnings,
    rights_of,
    secrets_of_others,
    warnings_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_hosts import (
    asked_of_pods,
    check_host_faults,
    refused_hosts,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_kinds import AUTH, BOT_BLOCK
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import (
    Situation,
    situation,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import (
    Wish,
    common_faults,
    wishes_from,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import qualified_name

# Where no Traefik was found, which is a finding of its own.
_USUAL_NAMESPACE = "traefik"
_API = ("default", "kubernetes")
OPTIONS: dict[str, dict[str, Any]] = {
    "proxies": {"type": "list", "elements": "dict", "default": [], "no_log": False},
    "settings": {"type": "dict", "default": {}, "no_log": False},
    "variables": {"type": "str", "default": ""},
    "traefik_namespace": {"type": "str", "default": ""},
    "traefik_name": {"type": "str", "default": ""},
    "entry_point": {"type": "str", "default": ""},
    "dns": {"type": "str", "default": ""},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
    "discover": {"type": "str", "choices": ["", AUTH, BOT_BLOCK], "default": ""},
    "left_alone": {"type": "list", "elements": "str", "default": []},
}


def run(task: Task) -> dict[str, Any]:
    """Reads once, judges, and returns findings and facts. Raises Unreachable, Unauthorized."""
    params = task.params
    wishes, found, left_out = _wished(task)
    dns = dns_service(found.services)
    traefik = traefik_facts(found.workload, params["entry_point"], found.services.values())
    dns_found = dns_facts(params["dns"], dns)
    around = Surroundings(found, params["cluster_domain"], dns_found, traefik, params["entry_point"])
    there = [situation(wish, found, params["cluster_domain"]) for wish in wishes]
    common = [*cluster_faults(found), *entry_point_faults(params["entry_point"], found), *common_faults(wishes)]
    common += secrets_of_others(wishes, found)
    common += kind_faults(params["discover"], wishes) if params["discover"] else []
    common += dns_faults(params["dns"], dns, found.services.get(_API)) if wishes else []
    findings = [_sentence(params["variables"], "", *fault) for fault in common]
    shared = _hosts_behind(found, wishes, there)
    for wish, one in zip(wishes, there, strict=True):
        about = wish.name if len(wishes) > 1 else ""
        faults = [*faults_of(wish, found, one, shared), *_unknown_hosts(task, found, wish, one)]
        findings += [_sentence(params["variables"], about, *fault) for fault in faults]
        task.warnings.extend(warnings_of(wish, found, one))
    findings += _missing_rights(task, found, wishes, there)
    task.warnings.extend(f"{words}." for words in provider_warnings(found))
    facts = [
        {**proxy_facts(wish, one, around), "role": params["discover"]} for wish, one in zip(wishes, there, strict=True)
    ]
    task.warnings.extend(warning for each in facts for warning in each.pop("warnings"))
    return {
        "changed": False,
        "findings": list(dict.fromkeys(findings)),
        "proxies": facts,
        "present": bool(facts),
        "notes": left_out,
        "middlewares": [_middleware(each, found, params["cluster_domain"]) for each in _forward_auths(found)],
        "traefik": traefik,
        "dns": dns_found,
    }


def _wished(task: Task) -> tuple[list[Wish], cluster.Found, list[str]]:
    """Return the wishes that this cluster calls for, the cluster as read for them, and what is left out."""
    params, settings, entries = task.params, dict(task.params["settings"]), task.params["proxies"]
    found = cluster.read(task.client, params["traefik_namespace"], params["traefik_name"])
    # Only a role leaves it empty: where it is not given at all, it is missing.
    if settings.get("namespace") == "":
        settings["namespace"] = found.traefik_namespace or _USUAL_NAMESPACE
    wishes, told = wishes_from(settings, entries), list[str]()
    if params["discover"]:
        said = discover(
            params["discover"], entries, wishes, found, params["cluster_domain"], params["left_alone"] or ()
        )
        told = [_sentence(params["variables"], "", "proxies", words) for words in (*said.absent, *said.unknown)]
        task.warnings.extend(told)
        wishes = said.wishes(settings)
    return wishes, cluster.with_places(task.client, found, wishes), told


def _sentence(variables: str, about: str, option: str, words: str) -> str:
    variable = f"{variables}_{option}" if variables else option
    return f"{variable}{f' ({about})' if about else ''}: {words.rstrip('.')}."


def _hosts_behind(found: cluster.Found, wishes: Sequence[Wish], there: Sequence[Situation]) -> set[str]:
    return {
        host
        for wish, one in zip(wishes, there, strict=True)
        for host in routing.hosts_behind(found.routes_that_ask(wish), *map(qualified_name, one.middlewares))[0]
    }


def _unknown_hosts(task: Task, found: cluster.Found, wish: Wish, one: Situation) -> list[tuple[str, str]]:
    """Asks the target where a check takes its word about a host for its health."""
    if not wish.check_failures or one.service is None:
        return []
    hosts = check_hosts_of(wish, one, sites_of_wish(wish, one, found))
    slices = found.slices.get((one.place["namespace"], one.place["service"]), ())
    answers = asked_of_pods(task.client, one, slices, hosts)
    one.refused = refused_hosts(wish, answers)
    return check_host_faults(wish, one, answers)


def _missing_rights(task: Task, found: cluster.Found, wishes: Sequence[Wish], there: Sequence[Situation]) -> list[str]:
    traefik = found.workload.ref.namespace if found.workload else ""
    wanted = [
        right
        for wish, one in zip(wishes, there, strict=True)
        if wish.namespace
        for right in rights_of(wish, one, traefik, wish.is_fenced)
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
    service = found.service_behind(item, cluster_domain)
    name = qualified_name(item)
    hosts, others = routing.hosts_behind(found.routes, name)
    target: Mapping[str, Any] = {}
    if is_ours(service):
        target = forward_auth.remembered_target(service or {})
    elif service:
        metadata = service["metadata"]
        target = {"namespace": metadata["namespace"], "service": metadata["name"], "port": asked.port}
    return {
        "namespace": item["metadata"]["namespace"],
        "name": item["metadata"]["name"],
        "address": asked.shown,
        "behind_proxy": is_ours(service),
        "target": dict(target),
        "owner": owner_of(item),
        "hosts": hosts,
        "other_hosts": others,
        "routes": list(dict.fromkeys(route.name for route in found.routes if name in route.middlewares)),
    }
