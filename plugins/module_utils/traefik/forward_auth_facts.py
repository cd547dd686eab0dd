# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the templates of a fallback proxy need, out of what was found. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import owner_of
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy import Policy
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth, forward_auth_headers
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_routes as routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import (
    entry_points_of,
    public_ports,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import Situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import Wish
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

# On our own Service: the emergency login is taken from what applications get, by our wish and not by the target's.
HIDDEN_ANNOTATION = "resilient.traefik/login"
# Sites that are asked before and after a switch where none are named.
MOST_HOSTS = 20
_PERSON = "Mozilla/5.0"
_FALLBACK_STATUS = {"allow": 200, "basic": 401, "deny": 503}
_DNS_NAMES = (
    ("kube-system", "kube-dns"),
    ("kube-system", "rke2-coredns-rke2-coredns"),
    ("openshift-dns", "dns-default"),
)
_DNS_LABEL = ("k8s-app", "kube-dns")
# A check asks about the next host where the target does not know one.
_MOST_CHECK_HOSTS = 4


@dataclass(frozen=True)
class Surroundings:
    """What is the same for all proxies."""

    found: Found
    cluster_domain: str
    dns: Mapping[str, Any]
    entry_point: str


def dns_service(services: forward_auth.Services) -> Object | None:
    """The Service of the cluster's DNS: by the usual names, else by its label and port."""
    for place in _DNS_NAMES:
        if place in services:
            return services[place]
    key, value = _DNS_LABEL
    labelled = [each for each in services.values() if (each["metadata"].get("labels") or {}).get(key) == value]
    return next((each for each in labelled if forward_auth.service_port(each, 53)), None)


def dns_facts(given: str, service: Object | None) -> dict[str, Any]:
    """``address``, and for a fence ``namespace`` and ``selector`` of its pods and ``ports`` where they may listen."""
    if given or service is None:
        return {"address": given, "namespace": "", "selector": {}, "ports": _dns_ports([])}
    spec = service["spec"]
    targets = [port.get("targetPort") for port in spec.get("ports") or [] if port["port"] == 53]
    return {
        "address": str(spec.get("clusterIP", "")),
        "namespace": service["metadata"]["namespace"],
        "selector": spec.get("selector") or {},
        "ports": _dns_ports(targets),
    }


def traefik_facts(workload: Workload | None, entry_point: str) -> dict[str, Any]:
    """Which Traefik it is, its pods for a fence, and where sites are asked. Empty texts where there is none."""
    if workload is None:
        return {"namespace": "", "name": "", "version": "", "host_network": False, "selector": {}, "entry_point": ""}
    pod = workload.item["spec"]["template"]["spec"]
    chosen = entry_point or _public_entry_point(workload)
    return {
        "namespace": workload.ref.namespace,
        "name": workload.ref.name,
        "version": workload.version,
        "https": static.is_on(workload.arguments, f"entrypoints.{chosen}.http.tls") or chosen != _plain(workload),
        "host_network": bool(pod.get("hostNetwork")),
        "selector": (workload.item["spec"].get("selector") or {}).get("matchLabels") or {},
        "entry_point": chosen,
    }


def proxy_facts(wish: Wish, there: Situation, around: Surroundings) -> dict[str, Any]:
    """The wish, without secrets, with what was found for it. Parts that were not found are empty."""
    found = around.found
    hosts, others = _hosts(wish, there, found)
    headers, warnings, user_names = _headers(wish, there, found)
    host = _target_host(there, around.cluster_domain)
    check_host = str(wish.given.get("check_host") or (hosts[0] if hosts else "localhost"))
    check_hosts = list(dict.fromkeys([check_host, *hosts]))[:_MOST_CHECK_HOSTS]
    requests = _site_requests(hosts, around)
    return {
        **wish.given,
        "users_secret": wish.users_secret,
        "path": there.path,
        "policy": wish.policy_of(there.path, host, check_hosts, user_names),
        "asks_for_login": wish.asks_for_login,
        "one_a_node": wish.one_a_node,
        "behind": there.behind,
        "address": _own_address(wish, there, around.cluster_domain),
        "middleware": _middleware(there, headers),
        "target": there.place
        | {"pod_port": there.pod_port, "selector": ((there.service or {}).get("spec") or {}).get("selector") or {}},
        "hides_login": bool(user_names),
        "hosts": hosts,
        "hosts_left_out": others,
        "site_requests": requests,
        "site_points": _site_points(requests, found.workload),
        "guarded_hosts": [host for host in hosts if wish.fallback_of(host) != "allow"],
        **checks(wish, there, hosts, check_host),
        "dns": dict(around.dns),
        "traefik": traefik_facts(found.workload, around.entry_point),
        "warnings": warnings,
    }


def checks(wish: Wish, there: Situation, hosts: Sequence[str], check_host: str) -> dict[str, Any]:
    """What proves the proxy: ``questions`` to its pods as Traefik asks them, and ``objects``, checks of cluster_check.

    A question has the ``request``, ``fallback`` (the status that the fallback gives), ``failures`` (statuses of the
    target that lead to it), ``doubtful`` (those that lead to it where every host gets them), and the Services
    ``target`` and ``proxy`` that are asked.
    """
    special = [host for host in wish.policy.get("hosts") or {} if host in hosts]
    asked = [_question(wish, there, host, "a person", _PERSON) for host in dict.fromkeys([check_host, *special])]
    if wish.given.get("bot_user_agent"):
        asked.append(_question(wish, there, check_host, "a bot", str(wish.given["bot_user_agent"])))
    return {"questions": asked, "objects": _objects(wish, there)}


def _question(wish: Wish, there: Situation, host: str, who: str, agent: str) -> dict[str, Any]:
    headers = {"X-Forwarded-Host": host, "X-Forwarded-Proto": "https", "X-Forwarded-Method": "GET"}
    request = {
        "name": f"{wish.name}: {who} asks for {host}",
        "path": there.path,
        "headers": headers | {"X-Forwarded-Uri": "/", "X-Forwarded-For": "192.0.2.1", "User-Agent": agent},
        "expect": {"status": []},
    }
    return {
        "request": request,
        "fallback": _FALLBACK_STATUS.get(wish.fallback_of(host), 503),
        "failures": [int(each) for each in wish.given.get("fallback_on") or [] if str(each).isdigit()],
        "doubtful": wish.check_failures,
        "target": {
            "namespace": there.place.get("namespace", ""),
            "name": there.place.get("service", ""),
            "port": str(there.place.get("port", "")),
        },
        "proxy": {"namespace": wish.namespace, "name": wish.name, "port": "http"},
    }


def _site_requests(hosts: Sequence[str], around: Surroundings) -> list[dict[str, Any]]:
    """Each host where visitors ask for it; one that no route names, where everybody is led."""
    requests: list[dict[str, Any]] = []
    for host in hosts:
        sites = [site for site in around.found.sites if site.host == host]
        asked = [request for site in sites if site.entrances for request in site.requests()]
        if around.entry_point:
            asked = [
                request | {"entry_points": [around.entry_point]}
                for request in asked
                if around.entry_point.lower() in request["entry_points"]
            ]
        requests += asked or ([] if sites and not around.entry_point else [_unknown_site(host, around)])
    return [
        {key: value for key, value in each.items() if key != "expect"} | {"headers": {"User-Agent": _PERSON}}
        for each in requests
    ]


def _unknown_site(host: str, around: Surroundings) -> dict[str, Any]:
    facts = traefik_facts(around.found.workload, around.entry_point)
    scheme = {"scheme": "https", "validate_certs": False} if facts.get("https") else {"scheme": "http"}
    return {"name": host, "host": host, "entry_points": [facts["entry_point"]], **scheme}


def _site_points(requests: Sequence[Mapping[str, Any]], workload: Workload | None) -> list[dict[str, Any]]:
    """Points for http_check: the entry points of requests, at each replica."""
    if workload is None:
        return []
    place = {"namespace": workload.ref.namespace, "workload": workload.ref.name}
    names = dict.fromkeys(name for request in requests for name in request["entry_points"])
    return [{"traefik": place | {"entry_point": name}} for name in names]


def _objects(wish: Wish, there: Situation) -> list[dict[str, Any]]:
    place = {"namespace": wish.namespace, "name": wish.name}
    nodes = {"nodes_at_least": wish.replicas} if wish.one_a_node else {}
    found: list[dict[str, Any]] = [
        {
            "name": f"{wish.name}: its pods serve" + (", each on a node of its own" if nodes else ""),
            "object": {"api_version": "apps/v1", "kind": "Deployment", **place},
            "expect": {"ready": True, **nodes},
        },
    ]
    if wish.replicas > 1:
        found.append(
            {
                "name": f"{wish.name}: a node with one of its pods can be drained",
                "object": {"api_version": "policy/v1", "kind": "PodDisruptionBudget", **place},
                "expect": {"disruptions_allowed_at_least": 1},
            }
        )
    return found


def _dns_ports(targets: list[Any]) -> list[dict[str, Any]]:
    numbers = sorted({53, *(each for each in targets if isinstance(each, int))})
    return [{"port": number, "protocol": protocol} for number in numbers for protocol in ("UDP", "TCP")]


def _plain(workload: Workload) -> str:
    return "web" if "web" in workload.entry_points else next(iter(sorted(workload.entry_points)), "")


def _public_entry_point(workload: Workload) -> str:
    """web, or where it leads everybody."""
    name = _plain(workload)
    to = workload.arguments.get(f"entrypoints.{name}.http.redirections.entrypoint.to", "").lower()
    if not to or to in workload.entry_points:
        return to or name
    points = entry_points_of(workload.arguments, public_ports(workload.item, []))
    return (points[name].leads_to if name in points else "") or name


def _hosts(wish: Wish, there: Situation, found: Found) -> tuple[list[str], int]:
    given = [str(host) for host in wish.given.get("hosts") or []]
    if there.middleware is None:
        return given, 0
    known, others = routing.hosts_behind(found.routes, routing.qualified_name(there.middleware))
    if given:
        # Those that are named for all proxies may be behind another one's middleware.
        unclear = others or "hosts" in wish.own or bool(routing.unread_providers(found.settings))
        return [host for host in given if unclear or host in known], 0
    return known[:MOST_HOSTS], max(0, len(known) - MOST_HOSTS)


def _target_host(there: Situation, cluster_domain: str) -> str:
    if not there.place:
        return "unknown"
    return f"{there.place['service']}.{there.place['namespace']}.svc.{cluster_domain}:{there.place['port']}"


def _own_address(wish: Wish, there: Situation, cluster_domain: str) -> str:
    """The final dot keeps Traefik from asking DNS for the name in every search domain: seconds, on the lab."""
    port = wish.given.get("port", 9000)
    return f"http://{wish.name}.{wish.namespace}.svc.{cluster_domain}.:{port}{there.path}"


def _headers(wish: Wish, there: Situation, found: Found) -> tuple[dict[str, Any], list[str], list[str]]:
    """What the middleware is to take from answers, warnings, and the users whose logins are hidden."""
    if there.middleware is None:
        return {"list": [], "pattern": ""}, [], []
    spec = there.middleware["spec"]["forwardAuth"]
    before = [str(name) for name in spec.get("authResponseHeaders") or []]
    identity, warnings = [str(name) for name in wish.given.get("identity_headers") or []], []
    if identity and not wish.asks_for_login and _loses_identity(there.middleware, identity, found):
        warnings.append(
            f"Middleware {there.middleware['metadata']['name']} stands behind another ForwardAuth middleware in a "
            "chain: it does not take identity headers from requests there, which that one has set. Let it come first"
        )
        identity = []
    hidden = wish.asks_for_login and bool(wish.given.get("hide_login", True)) and _may_hide(wish, before, found)
    names = list(wish.user_names) if hidden else []
    user_header = [str(wish.policy.get("user_header", Policy.user_header))] if wish.asks_for_login else []
    wanted = [*identity, *user_header, forward_auth_headers.MARK, *[forward_auth_headers.LOGIN] * bool(names)]
    own = str(spec.get("authResponseHeadersRegex") or "")
    pattern = forward_auth_headers.with_families(own, [*identity, forward_auth_headers.MARK])
    listed = forward_auth_headers.response_headers(before, wanted)
    return {"list": listed, "pattern": pattern}, warnings, names


def _loses_identity(middleware: Object, identity: list[str], found: Found) -> bool:
    lower = {name.lower() for name in identity}
    others = [
        routing.qualified_name(each)
        for each in found.middlewares
        if forward_auth.is_forward_auth(each)
        and lower & {str(name).lower() for name in each["spec"]["forwardAuth"].get("authResponseHeaders") or []}
    ]
    return routing.comes_after(found.routes, routing.qualified_name(middleware), others)


def _may_hide(wish: Wish, before: list[str], found: Found) -> bool:
    """The target rules over Authorization where its middleware listed the header before us."""
    own = found.services.get((wish.namespace, wish.name))
    ours = bool(own) and HIDDEN_ANNOTATION in ((own or {})["metadata"].get("annotations") or {})
    return ours or forward_auth_headers.LOGIN.lower() not in [name.lower() for name in before]


def _middleware(there: Situation, headers: Mapping[str, Any]) -> dict[str, Any]:
    if there.middleware is None:
        return {}
    spec = there.middleware["spec"]["forwardAuth"]
    return {
        "namespace": there.middleware["metadata"]["namespace"],
        "name": there.middleware["metadata"]["name"],
        "owner": owner_of(there.middleware),
        "response_headers": headers["list"],
        "response_headers_pattern": headers["pattern"],
        "before": {
            name: spec[name] for name in ("address", "authResponseHeaders", "authResponseHeadersRegex") if name in spec
        },
    }
