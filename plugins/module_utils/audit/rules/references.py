# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules on references of routes: what leads nowhere, what Traefik refuses, and which routers it leaves out for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster, place_of
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    CRITICAL,
    HIGH,
    LOW,
    MEDIUM,
    Hit,
    RuleBook,
    hit,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.words import listed
from ansible_collections.resilient.traefik.plugins.module_utils.audit.traefiks import Traefik
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import scope
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import CHAIN_ANNOTATION, PROVIDER, crd_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.references import Reference
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import resolved

BOOK = RuleBook()
_DROPPED = "404 on the route, or another router of the host answers: without this one's login, if it has one"
_WHY = "Traefik leaves out a router whose middleware, options or service it cannot find, and says so in its log alone."
_READ = "Traefik's source, 3.6.10 and 3.7.9, provider/kubernetes/crd"
_ANNOTATION_FIELD = f"metadata.annotations[{CHAIN_ANNOTATION}]"
_SECRETS = ("Secret", "ConfigMap")


def _crosses(cluster: Cluster, traefik: Traefik, reference: Reference) -> bool:
    """Whether the fault is that the reference leaves its namespace."""
    guarded = reference.namespace != reference.source.namespace or reference.provider == PROVIDER
    exists = reference.target in cluster.by_ref or reference.name in cluster.middlewares
    return guarded and exists and not scope.rules(traefik.settings).cross_namespace


def _hosts(traefik: Traefik, cluster: Cluster, source: Object) -> list[str]:
    """The hosts whose routes are in the object, or have it in their chains."""
    if source["kind"] == "Middleware":
        return cluster.hosts_behind(crd_id(*place_of(source)))
    return [host for route in traefik.routes_of(ref_of(source)) for host in route.hosts]


def _hits(cluster: Cluster, kinds: Iterable[str], crossing: bool) -> Iterator[Hit]:
    wanted = tuple(kinds)
    for traefik in cluster.traefiks:
        for reference, fault in traefik.broken:
            if reference.kind not in wanted or _crosses(cluster, traefik, reference) is not crossing:
                continue
            source = cluster.by_ref[reference.source]
            hosts = _hosts(traefik, cluster, source)
            if source["kind"] == "Middleware" and not hosts:
                continue
            yield hit(source, reference.path, fault, hosts=hosts)


@BOOK.rule(
    "RT301",
    "middleware-missing",
    title="A route names a middleware that does not exist",
    severity=(CRITICAL, CRITICAL),
    visitors=_DROPPED,
    why=_WHY,
    remedy="Bring the Middleware, or take its name out of the route.",
    source=_READ,
)
def middleware_missing(cluster: Cluster) -> Iterator[Hit]:
    yield from _hits(cluster, ("Middleware", "MiddlewareTCP"), crossing=False)
    for traefik in cluster.traefiks:
        for item in traefik.served:
            for reference in cluster.named_in(item) if item["kind"] == "Ingress" else []:
                if _names_nothing(cluster, reference):
                    evidence = f"names {reference.name}, and no Middleware makes this name"
                    yield hit(item, _ANNOTATION_FIELD, evidence, hosts=_hosts(traefik, cluster, item))


def _names_nothing(cluster: Cluster, reference: Reference) -> bool:
    named = reference.provider == PROVIDER and reference.name not in cluster.middlewares
    return named and cluster.snapshot.knows("Middleware")


@BOOK.rule(
    "RT302",
    "reference-across-namespaces",
    title="A route names an object of another namespace, which this Traefik does not allow",
    severity=(CRITICAL, CRITICAL),
    visitors=_DROPPED,
    why="Without providers.kubernetescrd.allowCrossNamespace Traefik refuses such references. " + _WHY,
    remedy="Set --providers.kubernetescrd.allowCrossNamespace=true, or bring the object into the route's namespace.",
    source=_READ,
)
def across_namespaces(cluster: Cluster) -> Iterator[Hit]:
    kinds = ("Middleware", "MiddlewareTCP", "Service", "TraefikService", "TLSOption", "IngressRoute")
    yield from _hits(cluster, kinds, crossing=True)


@BOOK.rule(
    "RT303",
    "ingress-middleware-without-provider",
    title="An Ingress names a middleware without its provider",
    severity=(CRITICAL, CRITICAL),
    visitors=_DROPPED,
    why="In an Ingress a name without @ is one of the Ingress provider itself, which has no middlewares. " + _WHY,
    remedy="Write NAMESPACE-NAME@kubernetescrd in the annotation.",
    source=_READ,
)
def without_provider(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.traefiks:
        for item in traefik.served:
            for reference in cluster.named_in(item) if item["kind"] == "Ingress" else []:
                if not reference.provider:
                    namespace = item["metadata"]["namespace"]
                    made = crd_id(namespace, reference.name)
                    more = f"; {made} is there" if made in cluster.middlewares else ""
                    evidence = f"names {reference.name} without @provider{more}"
                    yield hit(item, _ANNOTATION_FIELD, evidence, hosts=_hosts(traefik, cluster, item))


@BOOK.rule(
    "RT304",
    "tls-option-missing",
    title="A route names TLS options or a TLS store that do not exist",
    severity=(HIGH, HIGH),
    visitors="404 on the route, or connections with the default TLS options: without client certificates, if these "
    "were asked for",
    why=_WHY,
    remedy="Bring the TLSOption or TLSStore, or take its name out of spec.tls.",
    source=_READ,
)
def tls_option_missing(cluster: Cluster) -> Iterator[Hit]:
    yield from _hits(cluster, ("TLSOption", "TLSStore"), crossing=False)


@BOOK.rule(
    "RT305",
    "servers-transport-missing",
    title="A route names a ServersTransport that does not exist",
    severity=(HIGH, HIGH),
    visitors="500 or 404 on the route",
    why="Traefik cannot say how to reach the backend.",
    remedy="Bring the ServersTransport, or take its name out of the service.",
    source=_READ,
)
def servers_transport_missing(cluster: Cluster) -> Iterator[Hit]:
    yield from _hits(cluster, ("ServersTransport", "ServersTransportTCP"), crossing=False)


@BOOK.rule(
    "RT306",
    "route-service-missing",
    title="A route leads to a Service, or to a port of one, that does not exist",
    severity=(HIGH, HIGH),
    visitors="404 on the route; 503 where the Service is one of several",
    why=_WHY,
    remedy="Correct name and port, or bring the Service.",
    source=_READ,
)
def service_missing(cluster: Cluster) -> Iterator[Hit]:
    yield from _hits(cluster, ("Service", "TraefikService"), crossing=False)
    for traefik in cluster.traefiks:
        for item in traefik.served:
            if item["kind"] == "Ingress":
                yield from _ingress_services(cluster, traefik, item)


def _ingress_services(cluster: Cluster, traefik: Traefik, item: Object) -> Iterator[Hit]:
    namespace = item["metadata"]["namespace"]
    judged = cluster.snapshot.knows("Service")
    for path, backend in _backends(item):
        given = backend.get("service") or {}
        name, port = given.get("name"), given.get("port") or {}
        service = cluster.services.get((namespace, name or ""))
        if not name or (service is None and not judged):
            continue
        if service is None:
            evidence = f"there is no Service {namespace}/{name}"
        elif service["spec"].get("type") != "ExternalName" and not _has_port(service, port):
            known = listed(str(each["port"]) for each in service["spec"].get("ports") or []) or "none"
            evidence = (
                f"Service {namespace}/{name} has no port {port.get('name') or port.get('number')}, it has {known}"
            )
        else:
            continue
        yield hit(item, path, evidence, hosts=_hosts(traefik, cluster, item))


def _has_port(service: Object, port: Object) -> bool:
    wanted = {port.get("name"), port.get("number")} - {None, ""}
    ports = service["spec"].get("ports") or []
    return not wanted or any(wanted & {each["port"], each.get("name")} for each in ports)


def _backends(item: Object) -> Iterator[tuple[str, Object]]:
    spec = item["spec"]
    if spec.get("defaultBackend"):
        yield "spec.defaultBackend", spec["defaultBackend"]
    for at, rule in enumerate(spec.get("rules") or []):
        for position, path in enumerate((rule.get("http") or {}).get("paths") or []):
            if path.get("backend"):
                yield f"spec.rules[{at}].http.paths[{position}].backend", path["backend"]


@BOOK.rule(
    "RT311",
    "login-bypassed-by-other-router",
    title="The router with the login is left out, and another one of the same host answers without it",
    severity=(CRITICAL, CRITICAL),
    visitors="the site without its login, for everybody",
    why="A router whose middleware cannot be found is left out as a whole. Requests then match the next router of the "
    "host: a shorter path, or a pattern.",
    remedy="Repair the reference first. Then give the other router the login too, or a rule that does not take the "
    "host.",
    source=_READ,
)
def login_bypassed(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.traefiks:
        asking = {name for target in cluster.targets for name in map(_name_of, target.middlewares)}
        dropped = {reference.source for reference, _fault in traefik.broken}
        dropped |= {
            ref_of(item)
            for item in traefik.served
            if item["kind"] == "Ingress"
            for reference in cluster.named_in(item)
            if not reference.provider or _names_nothing(cluster, reference)
        }
        guarded = {
            host: route
            for route in traefik.routes
            if route.ref in dropped and asking & set(traefik.chain_of(route))
            for host in route.hosts
        }
        for route in traefik.routes:
            if route.ref in dropped or asking & set(traefik.chain_of(route)) or not guarded:
                continue
            hosts = set(route.hosts) & guarded.keys() if route.hosts else guarded.keys()
            hosts = {host for host in hosts if guarded[host].path.startswith(route.path)}
            if hosts:
                lost = guarded[min(hosts)].ref
                evidence = f"takes the requests of {lost}, whose router is left out"
                yield hit(cluster.by_ref[route.ref], "spec", evidence, hosts=hosts)


def _name_of(middleware: Object) -> str:
    return crd_id(*place_of(middleware))


@BOOK.rule(
    "RT312",
    "middleware-of-several-types",
    title="A middleware in use is of no type, or of several at once",
    severity=(CRITICAL, CRITICAL),
    visitors=_DROPPED,
    why="A Middleware object is one middleware. Traefik refuses one that is several, and every router that names it.",
    remedy="Make an object of each, and put them into a chain.",
    source="Traefik's source, 3.7.9, pkg/server/middleware",
)
def several_types(cluster: Cluster) -> Iterator[Hit]:
    for name, middleware in cluster.middlewares.items():
        kinds = sorted(key for key, value in middleware["spec"].items() if value is not None)
        if len(kinds) != 1 and name in cluster.users:
            evidence = f"it has {listed(kinds) or 'nothing'}"
            yield hit(middleware, "spec", evidence, hosts=cluster.hosts_behind(name))


@BOOK.rule(
    "RT313",
    "plugin-not-declared",
    title="A middleware in use is of a plugin that Traefik does not load",
    severity=(CRITICAL, CRITICAL),
    visitors=_DROPPED,
    why="A plugin has to be named in the static settings. Without it every router that uses the middleware is left "
    "out.",
    remedy="Declare it: --experimental.plugins.NAME.moduleName=... and .version=..., or take the middleware out.",
    source="Traefik documentation, plugins",
)
def plugin_not_declared(cluster: Cluster) -> Iterator[Hit]:
    for name, middleware in cluster.middlewares.items():
        for plugin in middleware["spec"].get("plugin") or {}:
            for traefik in cluster.real_traefiks:
                prefixes = (f"experimental.plugins.{plugin}.", f"experimental.localplugins.{plugin}.")
                if not any(
                    setting.startswith(tuple(each.lower() for each in prefixes)) for setting in traefik.settings
                ):
                    hosts = [
                        host for user, route in cluster.users.get(name, ()) if user is traefik for host in route.hosts
                    ]
                    if hosts:
                        yield hit(middleware, f"spec.plugin.{plugin}", f"plugin {plugin} is not declared", hosts=hosts)


@BOOK.rule(
    "RT314",
    "chain-within-itself",
    title="A chain of middlewares holds itself",
    severity=(HIGH, HIGH),
    visitors=_DROPPED,
    why="Traefik refuses a chain that leads back to itself, and the routers that name it.",
    remedy="Take the chain's own name out of what it holds.",
    source="Traefik's source, 3.7.9, pkg/server/middleware",
)
def chain_within_itself(cluster: Cluster) -> Iterator[Hit]:
    chains = {name: each for name, each in cluster.middlewares.items() if each["spec"].get("chain")}
    for name, middleware in chains.items():
        inner = list(resolved([name], chains))
        if name in inner and name in cluster.users:
            evidence = f"{name} leads back to itself"
            yield hit(middleware, "spec.chain.middlewares", evidence, hosts=cluster.hosts_behind(name))


@BOOK.rule(
    "RT325",
    "middlewares-of-one-name",
    title="Two Middlewares make the same name for routers",
    severity=(HIGH, MEDIUM),
    visitors="sometimes the one middleware, sometimes the other: perhaps a site without its login",
    why="Routers name a Middleware NAMESPACE-NAME, so a-b/c and a/b-c are the same to them.",
    remedy="Rename one of the two.",
    source="Traefik's source, 3.7.9, provider/kubernetes/crd",
)
def same_name(cluster: Cluster) -> Iterator[Hit]:
    for middleware in cluster.snapshot.of("Middleware"):
        name = crd_id(*place_of(middleware))
        other = cluster.middlewares.get(name)
        if other is not None and other is not middleware and other["apiVersion"] == middleware["apiVersion"]:
            yield hit(middleware, "metadata.name", f"{name} is also made by {ref_of(other)}")


@BOOK.rule(
    "RT317",
    "api-group-of-traefik-2",
    title="An object is of the API group of Traefik 2, which Traefik 3 does not read",
    severity=(MEDIUM, LOW),
    visitors="404 on its routes, unless an object of the new group has them too",
    why="Traefik 3 reads traefik.io alone. Objects of traefik.containo.us stay in the cluster and do nothing.",
    remedy="Change apiVersion to traefik.io/v1alpha1, and delete the old object.",
    source="Traefik documentation, migration from v2 to v3",
)
def old_group(cluster: Cluster) -> Iterator[Hit]:
    if not cluster.traefiks or any(each.version and each.version < (3, 0) for each in cluster.traefiks):
        return
    for item in cluster.snapshot.of("IngressRoute", "Middleware"):
        if item["apiVersion"].startswith("traefik.containo.us/"):
            yield hit(item, "apiVersion", f"apiVersion is {item['apiVersion']}")
