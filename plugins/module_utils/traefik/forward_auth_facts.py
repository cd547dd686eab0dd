# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the templates of a fallback proxy need, out of what was found. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import owner_of
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy import Policy
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth, forward_auth_headers
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_routes as routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import (
    entry_points_of,
    public_ports,
    usual_entry_point,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import Situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import Wish
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, qualified_name
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.other_traefiks import ALLOW, asker
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
# The first minor version of Kubernetes in which a Service may have it without a feature gate.
_TRAFFIC_DISTRIBUTIONS = ((34, "PreferSameNode"), (31, "PreferClose"))
# A check asks about the next host where the target does not know one.
_MOST_CHECK_HOSTS = 4


@dataclass(frozen=True)
class Surroundings:
    """What is the same for all proxies: ``traefik`` are its facts, ``entry_point`` is the one that was given."""

    found: Found
    cluster_domain: str
    dns: Mapping[str, Any]
    traefik: Mapping[str, Any]
    entry_point: str = ""


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


def traefik_facts(workload: Workload | None, entry_point: str, services: Iterable[Object] = ()) -> dict[str, Any]:
    """Which Traefik it is, its pods for a fence, and where sites are asked. Empty texts where there is none.

    ``services`` are those that may make its ports public.
    """
    if workload is None:
        return {"namespace": "", "name": "", "version": "", "host_network": False, "selector": {}, "entry_point": ""}
    pod = workload.item["spec"]["template"]["spec"]
    public = public_ports(workload.item, services)
    points = entry_points_of(workload.arguments, public)
    chosen = entry_point or usual_entry_point(workload.arguments, public)
    return {
        "namespace": workload.ref.namespace,
        "name": workload.ref.name,
        "version": workload.version,
        "https": chosen in points and (points[chosen].tls or chosen in {each.leads_to for each in points.values()}),
        "host_network": bool(pod.get("hostNetwork")),
        "selector": (workload.item["spec"].get("selector") or {}).get("matchLabels") or {},
        "entry_point": chosen,
    }


def proxy_facts(wish: Wish, there: Situation, around: Surroundings) -> dict[str, Any]:
    """The wish, without secrets, with what was found for it. Parts that were not found are empty."""
    found = around.found
    hosts, others = _hosts(wish, there, found)
    user_names = _hidden_names(wish, there, found)
    warnings, middlewares = list[str](), list[dict[str, Any]]()
    for middleware in there.middlewares:
        headers, told = _headers(wish, middleware, user_names, found)
        warnings += told
        middlewares.append(_middleware(middleware, headers))
    host, address = _target_host(there, around.cluster_domain), _own_address(wish, there, around.cluster_domain)
    check_hosts = check_hosts_of(wish, there, hosts)
    check_host = check_hosts[0]
    requests = _site_requests(hosts, around)
    return {
        **wish.given,
        "users_secret": wish.users_secret,
        "path": there.path,
        "policy": wish.policy_of(there.path, host, check_hosts, user_names)
        | ({"query": there.query} if there.query else {})
        | ({"sticky": True} if there.apart else {}),
        "asks_for_login": wish.asks_for_login,
        "keeps_sessions": wish.keeps_sessions,
        "one_a_node": wish.one_a_node,
        "behind": there.behind,
        "address": address,
        "middleware": middlewares[0] if middlewares else {},
        "middlewares": middlewares,
        **_switches(middlewares, address),
        "target": there.place
        | {"pod_port": there.pod_port, "selector": ((there.service or {}).get("spec") or {}).get("selector") or {}},
        "hides_login": bool(user_names),
        "hosts": hosts,
        "hosts_left_out": others,
        "site_requests": requests,
        "site_points": _site_points(requests, found.workload),
        "guarded_hosts": [host for host in hosts if wish.fallback_of(host) != "allow"],
        **checks(wish, there, hosts, check_host),
        "traffic_distribution": traffic_distribution(found.kubernetes),
        "dns": dict(around.dns),
        "traefik": dict(around.traefik),
        "askers": _askers(wish, found),
        "warnings": warnings,
    }


def check_hosts_of(wish: Wish, there: Situation, hosts: Sequence[str]) -> list[str]:
    """The hosts that a check asks about, one after the other: the named one, then those that the target knows."""
    given = str(wish.given.get("check_host") or "")
    by_use = sorted(hosts, key=lambda host: host in there.refused)
    return list(dict.fromkeys(each for each in (given, *by_use) if each))[:_MOST_CHECK_HOSTS] or ["localhost"]


def traffic_distribution(kubernetes: int) -> str:
    """How near a Service's traffic stays by the newest word that this minor version knows, empty for none.

    PreferSameNode is on by default from 1.34, PreferClose from 1.31. An API server drops a field that it does not know,
    and refuses a word.
    """
    return next((word for since, word in _TRAFFIC_DISTRIBUTIONS if kubernetes >= since), "")


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
        "path": there.asked_path,
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


def _askers(wish: Wish, found: Found) -> list[dict[str, Any]]:
    """Return the Traefiks that the proxy's NetworkPolicy lets in: the hardened one, and others that are named."""
    named = [other.workload for other in found.others if wish.other_traefiks.get(other.name) == ALLOW]
    return [asker(workload) for workload in [*([found.workload] if found.workload else []), *named]]


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
    scheme = {"scheme": "https", "validate_certs": False} if around.traefik.get("https") else {"scheme": "http"}
    return {"name": host, "host": host, "entry_points": [around.traefik["entry_point"]], **scheme}


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
    """Where DNS may listen: port 53, and where its Service leads, by number or name (OpenShift)."""
    numbers = sorted({53, *(each for each in targets if isinstance(each, int))})
    names = sorted({each for each in targets if isinstance(each, str)})
    return [{"port": port, "protocol": protocol} for port in (*numbers, *names) for protocol in ("UDP", "TCP")]


def sites_of_wish(wish: Wish, there: Situation, found: Found) -> list[str]:
    """The sites behind the wish's middleware, at most as many as are asked."""
    return _hosts(wish, there, found)[0]


def _hosts(wish: Wish, there: Situation, found: Found) -> tuple[list[str], int]:
    given = [str(host) for host in wish.given.get("hosts") or []]
    if there.middleware is None:
        return given, 0
    known, others = routing.hosts_behind(found.routes, *map(qualified_name, there.middlewares))
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
    return f"http://{wish.name}.{wish.namespace}.svc.{cluster_domain}.:{port}{there.asked_path}"


def _listed(middleware: Object) -> list[str]:
    return [str(name) for name in middleware["spec"]["forwardAuth"].get("authResponseHeaders") or []]


def _hidden_names(wish: Wish, there: Situation, found: Found) -> list[str]:
    """The users whose logins applications do not see: all, where every middleware that asks the proxy may hide them."""
    if not there.middlewares or not (wish.asks_for_login and wish.given.get("hide_login", True)):
        return []
    return list(wish.user_names) if all(_may_hide(wish, _listed(each), found) for each in there.middlewares) else []


def _headers(
    wish: Wish, middleware: Object, hidden_names: Sequence[str], found: Found
) -> tuple[dict[str, Any], list[str]]:
    """What the middleware is to take from answers, and warnings."""
    spec, before = middleware["spec"]["forwardAuth"], _listed(middleware)
    identity, warnings = [str(name) for name in wish.given.get("identity_headers") or []], []
    if identity and not wish.asks_for_login and _loses_identity(middleware, identity, found):
        warnings.append(
            f"Middleware {middleware['metadata']['name']} stands behind another ForwardAuth middleware in a "
            "chain: it does not take identity headers from requests there, which that one has set. Let it come first"
        )
        identity = []
    user_header = [str(wish.policy.get("user_header", Policy.user_header))] if wish.asks_for_login else []
    wanted = [*identity, *user_header, forward_auth_headers.MARK, *[forward_auth_headers.LOGIN] * bool(hidden_names)]
    own = str(spec.get("authResponseHeadersRegex") or "")
    pattern = forward_auth_headers.with_families(own, [*identity, forward_auth_headers.MARK])
    listed = forward_auth_headers.response_headers(before, wanted)
    return {"list": listed, "pattern": pattern}, warnings


def _loses_identity(middleware: Object, identity: list[str], found: Found) -> bool:
    lower = {name.lower() for name in identity}
    others = [
        qualified_name(each)
        for each in found.middlewares
        if forward_auth.is_forward_auth(each)
        and lower & {str(name).lower() for name in each["spec"]["forwardAuth"].get("authResponseHeaders") or []}
    ]
    return routing.comes_after(found.routes, qualified_name(middleware), others)


def _may_hide(wish: Wish, before: list[str], found: Found) -> bool:
    """The target rules over Authorization where its middleware listed the header before us."""
    own = found.services.get((wish.namespace, wish.name))
    ours = bool(own) and HIDDEN_ANNOTATION in ((own or {})["metadata"].get("annotations") or {})
    return ours or forward_auth_headers.LOGIN.lower() not in [name.lower() for name in before]


def _switches(middlewares: Sequence[Mapping[str, Any]], address: str) -> dict[str, list[Object]]:
    """``switch`` has the middlewares as they ask the proxy, ``switch_back`` as they are now."""
    led = [
        {
            "address": address,
            "authResponseHeaders": each["response_headers"],
            "authResponseHeadersRegex": each["response_headers_pattern"],
        }
        for each in middlewares
    ]
    return {
        "switch": [_forward_auth(each, spec) for each, spec in zip(middlewares, led, strict=True)],
        "switch_back": [_forward_auth(each, each["before"]) for each in middlewares],
    }


def _forward_auth(middleware: Mapping[str, Any], spec: Mapping[str, Any]) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": "Middleware",
        "metadata": {"name": middleware["name"], "namespace": middleware["namespace"]},
        "spec": {"forwardAuth": dict(spec)},
    }


def _middleware(middleware: Object, headers: Mapping[str, Any]) -> dict[str, Any]:
    spec = middleware["spec"]["forwardAuth"]
    return {
        "namespace": middleware["metadata"]["namespace"],
        "name": middleware["metadata"]["name"],
        "owner": owner_of(middleware),
        "response_headers": headers["list"],
        "response_headers_pattern": headers["pattern"],
        "before": {
            name: spec[name] for name in ("address", "authResponseHeaders", "authResponseHeadersRegex") if name in spec
        },
    }
