# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a wished proxy can be, in sentences: option, fault, remedy. Pure."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Iterator, Sequence

from ansible_collections.resilient.traefik.plugins.module_utils.kube.access import Right, rights
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import entries_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import (
    controller_of,
    is_ours,
    managing_owner_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import (
    forward_auth,
    forward_auth_chain,
    forward_auth_forwarded,
    forward_auth_headers,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_room as room
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_routes as routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import (
    PUBLIC,
    Faults,
    Situation,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import (
    DO_NOT_SCHEDULE,
    REFUSE,
    SCHEDULE_ANYWAY,
    Wish,
    ready_made,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.nodes import usable_nodes
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import qualified_name
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.other_traefiks import ALLOW, DENY
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

OLDEST = (3, 0)
_WRITE = ("get", "create", "patch")


def cluster_faults(found: Found) -> Faults:
    """What holds for every proxy: Traefik itself, and what may not be read."""
    faults: Faults = []
    if found.traefik_fault:
        faults.append(("traefik_name", found.traefik_fault.removeprefix("workload: ")))
    elif found.workload and (version := found.workload.version) and _number(version) < OLDEST:
        faults.append(
            ("traefik_name", f"{found.workload.ref} is Traefik {version}, and 3.0 is the oldest that this works with")
        )
    faults += host_network_faults(found.workload)
    return faults + [("traefik_name", message) for message in dict.fromkeys(found.unread)]


def provider_warnings(found: Found) -> list[str]:
    """What is said of providers whose routes are not among the objects that are read here."""
    return [
        f"{found.workload.ref} has {name}: its routes are not read here, so their sites are neither asked before and "
        "after the switch nor proved; name their hosts in the option hosts to have them asked"
        for name in routing.unread_providers(found.settings)
        if found.workload is not None
    ] + [
        f"{each} (nginx.ingress.kubernetes.io/auth-url): no proxy can stand before it, and it is not proved; a route "
        "with a ForwardAuth middleware in its place can be protected"
        for each in found.nginx_logins
    ]


def entry_point_faults(given: str, found: Found) -> Faults:
    """Whether Traefik listens there."""
    if not given or found.workload is None or given.lower() in found.workload.entry_points:
        return []
    known = ", ".join(sorted(found.workload.entry_points)) or "none"
    return [("entry_point", f"{found.workload.ref} has no TCP entry point {given!r}; there are {known}")]


def dns_faults(given: str, service: Object | None, api: Object | None = None) -> Faults:
    """Whether the address of the cluster's DNS is known, and one that the proxy can ask.

    ``api`` is the Service default/kubernetes, whose address is always of the cluster's first family: a DNS address by
    IPv4 that somebody gives makes the pods of no IPv6 cluster reachable.
    """
    address = given or str(((service or {}).get("spec") or {}).get("clusterIP", ""))
    of_api = str(((api or {}).get("spec") or {}).get("clusterIP", ""))
    for what, found in (("the cluster's DNS", address), ("the API server's Service default/kubernetes", of_api)):
        if ":" in found:
            return [
                (
                    "dns",
                    f"{what} has the IPv6 address {found}, so the cluster's Services have such ones first, and the "
                    "proxy's nginx listens and asks by IPv4 alone: no proxy can be brought up in this cluster",
                )
            ]
    if given or service:
        return []
    return [("dns", "no Service of the cluster's DNS was found (label k8s-app=kube-dns); give its address")]


def faults_of(wish: Wish, found: Found, there: Situation, shared_hosts: Collection[str] = ()) -> Faults:
    """Everything that stands in the way of one proxy.

    ``shared_hosts`` are those behind the middlewares of all: a host that is named for all has to be among these.
    """
    faults = [*wish.faults, *there.faults]
    if wish.name and wish.namespace:
        faults += [*_place_faults(wish, found, there), *_secret_faults(wish, found)]
        if not any(option in ("replicas", "when_unsatisfiable") for option, _words in wish.faults):
            faults += [*_node_faults(wish, found), *_room_faults(wish, found)]
    if there.middleware is not None:
        faults += _host_faults(wish, found, there.middlewares, shared_hosts)
        faults += _owner_faults(wish, there)
        faults += _other_traefik_faults(wish, found, there)
    for middleware in there.middlewares:
        faults += forward_auth_forwarded.faults_of(wish, found, middleware)
        faults += forward_auth_chain.faults_of(wish, found, middleware)
        forward_auth_spec = middleware["spec"]["forwardAuth"]
        wanted = forward_auth_headers.request_header_findings(forward_auth_spec, wish.asks_for_login)
        faults += [("middleware", f"{wish.name}: {words}") for words in wanted]
        if forward_auth_spec.get("forwardBody") and not wish.given.get("without_body"):
            faults.append(("without_body", _about_bodies(middleware)))
    return faults


def _about_bodies(middleware: Object) -> str:
    """Say why a target that is sent bodies cannot stand behind a proxy: it would decide without them."""
    return (
        f"{_shown(middleware)} has forwardBody, and the proxy hands no body on: a target that decides by it, to filter "
        "requests or to check a signature, would decide without it. Leave the middleware as it is, in "
        "resilient_traefik_left_alone, or say without_body: true where the target does not need it"
    )


def warnings_of(wish: Wish, found: Found, there: Situation) -> list[str]:
    """What works and may surprise."""
    told = list[str]()
    for middleware in there.middlewares:
        told += forward_auth_chain.warnings_of(wish, found, middleware)
        name = f"Middleware {middleware['metadata']['namespace']}/{middleware['metadata']['name']}"
        if forward_auth_forwarded.chooses_its_host(wish, found, middleware):
            told.append(
                f"{name} has trustForwardHeader: where an entry point takes forwarded headers from anybody, a client "
                "chooses by its own X-Forwarded-Host which host's fallback policy holds"
            )
        if there.behind == PUBLIC:
            told.append(
                f"{name} asks {forward_auth.asked_by(middleware).shown}, an address outside the cluster: it will ask "
                f"Service {there.place['namespace']}/{there.place['service']} through the proxy, as you named it"
            )
    if there.apart and not wish.given.get("authentik"):
        told.append(
            f"{there.apart}: the proxy leads a client to the pod that gave it a cookie. What that target keeps by the "
            "client's address is not kept together"
        )
    told += _other_traefik_warnings(wish, found, there)
    told += [
        f"a LimitRange in namespace {wish.namespace} gives the proxy's containers a CPU limit of {limit}: it will "
        "throttle them in the steady state"
        for limit in room.cpu_limits(found.ranges.get(wish.namespace, ()))
    ]
    return told


def secrets_of_others(wishes: Sequence[Wish], found: Found) -> Faults:
    """Secrets of emergency logins that a proxy mounts which is not among these."""
    wanted = {(wish.namespace, wish.name) for wish in wishes}
    return [
        (
            "users_secret",
            f"Secret {wish.namespace}/{wish.users_secret} is that of Deployment {'/'.join(place)} too, a proxy that is "
            "not among these; each has emergency logins of its own, so choose another name, or remove that proxy",
        )
        for wish in wishes
        for place, item in sorted(found.workloads.items())
        if wish.has_login and place[0] == wish.namespace and place not in wanted and is_ours(item)
        for volume in item["spec"]["template"]["spec"].get("volumes") or []
        if (volume.get("secret") or {}).get("secretName") == wish.users_secret
    ]


def rights_of(wish: Wish, there: Situation, traefik_namespace: str, uses_policy: bool) -> Iterator[Right]:
    """Exactly what the role needs to bring the proxy up, to ask it and to switch to it."""
    kinds = ["services", "deployments.apps", "poddisruptionbudgets.policy"]
    kinds += ["networkpolicies.networking.k8s.io"] * uses_policy
    yield from rights([*_WRITE, "delete", "list"], ["configmaps"], wish.namespace)
    yield from rights(_WRITE, [*kinds, *["secrets"] * (wish.asks_for_login or wish.keeps_sessions)], wish.namespace)
    yield from rights(["list"], ["pods", "endpointslices.discovery.k8s.io"], wish.namespace)
    yield from rights(["get", "create"], ["pods/portforward"], wish.namespace)
    if there.place:
        yield from rights(_WRITE, ["services"], there.place["namespace"])
        yield from rights(["list"], ["endpointslices.discovery.k8s.io"], there.place["namespace"])
        yield from rights(["get", "create"], ["pods/portforward"], there.place["namespace"])
    for middleware in there.middlewares:
        # The change is rehearsed under other names before it is made: see traefik_crd.
        kinds = ["middlewares.traefik.io", "ingressroutes.traefik.io"]
        yield from rights([*_WRITE, "list", "delete"], kinds, middleware["metadata"]["namespace"])
    if traefik_namespace:
        yield from rights(["get", "create"], ["pods/portforward"], traefik_namespace)


def _owner_faults(wish: Wish, there: Situation) -> Iterator[tuple[str, str]]:
    """A controller that puts its middleware back would undo the switch, hours later and without a word."""
    if wish.given.get("where_kept", REFUSE) != REFUSE:
        return
    for middleware in there.middlewares:
        keeper, owner = controller_of(middleware), managing_owner_of(middleware)
        if owner and not keeper:
            yield (
                "middleware",
                f"{_shown(middleware)} belongs to {owner}, whose controller may take a change back: have that one set "
                "the address, give the routes a Middleware of your own and name it here, or say where_kept: switch to "
                "switch it all the same",
            )
        if keeper:
            name = f"{middleware['metadata']['namespace']}/{middleware['metadata']['name']}"
            yield (
                "middleware",
                f"Middleware {name} is kept by {keeper}, which takes a change back within hours: give the routes a "
                "Middleware of your own and name it here, or put "
                "'traefik middleware' among the outpost's kubernetes_disabled_components and take the label "
                f"app.kubernetes.io/managed-by off. resilient_traefik_left_alone: [{name}] leaves it without a proxy, "
                "and where_kept: switch switches it all the same",
            )


def _other_traefik_faults(wish: Wish, found: Found, there: Situation) -> Iterator[tuple[str, str]]:
    """A Traefik that the proxy's fence keeps out answers 500 for each of its routes that asks."""
    names = [qualified_name(each) for each in there.middlewares]
    for other in found.others:
        if not other.asks(names):
            continue
        said = wish.other_traefiks.get(other.name)
        if said is None and wish.is_fenced:
            yield (
                "other_traefiks",
                f"{other.workload.ref} serves {other.told(names)} with the same middleware, and the proxy's "
                "NetworkPolicy would keep it out, so that each of them answered 500: say {"
                f"{other.name}: {ALLOW}}} to let it ask the proxy, or {DENY} where it is not to be trusted",
            )
        elif said != DENY:
            yield from ((option, words) for option, words in host_network_faults(other.workload))


def _other_traefik_warnings(wish: Wish, found: Found, there: Situation) -> Iterator[str]:
    names = [qualified_name(each) for each in there.middlewares]
    for other in found.others:
        said = wish.other_traefiks.get(other.name)
        if said == DENY and other.asks(names) and wish.is_fenced:
            yield f"{other.workload.ref} may not ask the proxy, as you said: it answers 500 for {other.told(names)}"
        elif other.asks(names) and (said == ALLOW or not wish.is_fenced):
            yield (
                f"{other.workload.ref} serves {other.told(names)} with the same middleware: they are not asked through "
                f"it here; run verify.yml with resilient_traefik_traefik_namespace: {other.workload.ref.namespace} and "
                f"resilient_traefik_traefik_name: {other.workload.ref.name} too"
            )
    known = {other.name for other in found.others} | {found.traefik_place}
    for name in sorted(wish.other_traefiks.keys() - known):
        yield f"other_traefiks names {name}, and there is no such Deployment or DaemonSet of Traefik"


def host_network_faults(workload: Workload | None) -> Faults:
    """Whether Traefik's pods can resolve the name of a proxy's Service."""
    if workload is None:
        return []
    pod = workload.item["spec"]["template"]["spec"]
    policy = str(pod.get("dnsPolicy") or "ClusterFirst")
    if policy == "Default" or (pod.get("hostNetwork") and policy == "ClusterFirst"):
        where = "on the host's network " if pod.get("hostNetwork") else ""
        return [
            (
                "traefik_name",
                f"{workload.ref} is {where}with dnsPolicy {policy}, so it resolves no name of the cluster, and every "
                "site behind the proxy would answer 500: set its dnsPolicy to "
                + ("ClusterFirstWithHostNet" if where else "ClusterFirst"),
            )
        ]
    return []


def _place_faults(wish: Wish, found: Found, there: Situation) -> Iterator[tuple[str, str]]:
    if f"Namespace {wish.namespace}" in found.missing:
        yield "namespace", f"there is no namespace {wish.namespace}; create it, or choose another"
    places = [("Service", (wish.namespace, wish.name), found.services)]
    places.append(("Deployment", (wish.namespace, wish.name), found.workloads))
    if there.place:
        places.append(("Service", (there.place["namespace"], f"{wish.name}-peers"), found.services))
    if wish.keeps_sessions:
        places.append(("Service", (wish.namespace, f"{wish.name}-neighbours"), found.services))
    for kind, place, known in places:
        if place in known and not is_ours(known[place]):
            yield "name", f"{kind} {'/'.join(place)} is there and not of this collection; choose another name"
    if f"PriorityClass {wish.priority_class}" in found.missing:
        yield "priority_class", f"there is no PriorityClass {wish.priority_class}; create it, or leave it empty"


def _secret_faults(wish: Wish, found: Found) -> Iterator[tuple[str, str]]:
    """A Secret that is there has to be ours, or ours to take, and usable where it would not be written anew."""
    secret = found.secrets.get((wish.namespace, wish.users_secret))
    if secret and not entries_of(secret, ours=True) and not wish.given.get("take_over_secret"):
        yield (
            "users_secret",
            f"Secret {wish.namespace}/{wish.users_secret} is there and not of this collection, and its users would be "
            "replaced; choose another name, or set take_over_secret: true to take it over (a rollback puts it back)",
        )
        return
    text = ((secret or {}).get("data") or {}).get("users")
    if text:
        _users, problems = ready_made(base64.b64decode(text), f"Secret {wish.namespace}/{wish.users_secret}")
        yield from (("users_secret", problem) for problem in problems)


def _node_faults(wish: Wish, found: Found) -> Iterator[tuple[str, str]]:
    if not found.nodes:
        return
    pod = {"tolerations": wish.given.get("tolerations") or [], "nodeSelector": wish.given.get("node_selector") or {}}
    usable = len(usable_nodes(found.nodes, pod))
    if not usable:
        yield (
            "node_selector",
            f"none of the {len(found.nodes)} nodes takes the proxy's pods (taints, cordons, node_selector)",
        )
    elif wish.one_a_node and wish.replicas > usable:
        yield (
            "replicas",
            f"{wish.replicas} replicas, one a node, need as many nodes that take pods, and there "
            f"{'is' if usable == 1 else 'are'} {usable}; lower it, or set when_unsatisfiable: {SCHEDULE_ANYWAY} "
            f"instead of {DO_NOT_SCHEDULE} and live with several on a node",
        )


def _room_faults(wish: Wish, found: Found) -> Iterator[tuple[str, str]]:
    containers = wish.containers()
    ranges = found.ranges.get(wish.namespace, ())
    try:
        for words in room.limit_findings(ranges, containers):
            yield "memory", f"{words}; change one of the two"
        present = found.workloads.get((wish.namespace, wish.name))
        there = present["spec"]["template"]["spec"]["containers"] if present else []
        number = present["spec"].get("replicas", 1) if present else 0
        defaulted = ["limits.cpu"] if room.cpu_limits(ranges) else []
        quotas = found.quotas.get(wish.namespace, ())
        for words in room.quota_findings(quotas, containers, wish.replicas + 1, there, number, defaulted):
            yield "namespace", f"{words}; raise the quota, or choose another namespace"
    except ValueError as error:
        yield "memory", str(error)


def _host_faults(
    wish: Wish, found: Found, middlewares: Sequence[Object], shared_hosts: Collection[str]
) -> Iterator[tuple[str, str]]:
    names = [qualified_name(each) for each in middlewares]
    known, others = routing.hosts_behind(found.routes, *names)
    asking = found.routes_that_ask(wish)
    # Another Traefik that may ask the proxy has its policy too; only its sites cannot be asked through this one.
    judged, others_judged = routing.hosts_behind(asking, *names)
    if others or routing.unread_providers(found.settings):
        return
    elsewhere = {host for route in asking for host in route.hosts}
    given: list[tuple[str, Sequence[str]]] = [
        ("fallback_policies", [str(host).lower().rstrip(".") for host in wish.policy.get("hosts") or {}]),
        ("session_graces", [str(host).lower().rstrip(".") for host in wish.policy.get("session_graces") or {}]),
        ("hosts", [str(host) for host in wish.given.get("hosts") or []]),
    ]
    for option, hosts in given:
        behind = known if option == "hosts" else judged
        allowed = behind if option in wish.own else {*behind, *shared_hosts}
        for host in hosts if option == "hosts" or not others_judged else ():
            if host not in allowed and "*" not in host:
                yield option, f"{host} is {_unknown(host in elsewhere)}; {_known(behind)}"


def _unknown(is_elsewhere: bool) -> str:
    if is_elsewhere:
        return "a host whose routes do not use this middleware"
    return "an unknown host: no route of the cluster names it"


def _known(hosts: Iterable[str]) -> str:
    listed = list(hosts)
    if not listed:
        return "no route uses the middleware at all"
    return f"behind the middleware are {', '.join(listed[:10])}" + (
        f" and {len(listed) - 10} more" * (len(listed) > 10)
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _shown(middleware: Object) -> str:
    return f"Middleware {middleware['metadata']['namespace']}/{middleware['metadata']['name']}"
