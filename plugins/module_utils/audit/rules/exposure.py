# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules on what Traefik shows to everybody: its API, its metrics, and whom it believes."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    CRITICAL,
    HIGH,
    LOW,
    MEDIUM,
    Hit,
    RuleBook,
    hit,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.traefik import container_field
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.words import listed
from ansible_collections.resilient.traefik.plugins.module_utils.audit.traefiks import Traefik
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import ServedRoute

BOOK = RuleBook()
_TRAEFIK_DOCS = "Traefik documentation"
_LOGINS = ("forwardAuth", "basicAuth", "digestAuth", "ipAllowList", "ipWhiteList", "plugin")


def _args(traefik: Traefik) -> str:
    return f"{container_field(traefik)}.args"


@BOOK.rule(
    "RT601",
    "api-insecure",
    title="Traefik's API and dashboard are open without a login",
    severity=(HIGH, MEDIUM),
    visitors="nothing; but every pod of the cluster, and everybody who reaches the port, reads all routes and "
    "middlewares",
    why="--api.insecure=true opens the API on the internal entry point.",
    remedy="Remove --api.insecure. Give the dashboard an IngressRoute to api@internal with a login.",
    source=_TRAEFIK_DOCS,
)
def api_insecure(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        if traefik.says("api.insecure"):
            ways = traefik.exposed.get(static.INTERNAL)
            evidence = "--api.insecure=true" + (f", reached by {listed(ways)}" if ways else "")
            yield hit(traefik.item, _args(traefik), evidence)


@BOOK.rule(
    "RT602",
    "dashboard-without-login",
    title="A route leads to Traefik's API or dashboard, from outside and without a login",
    severity=(CRITICAL, HIGH),
    visitors="everybody reads all hosts, routes and addresses of the cluster",
    why="api@internal is behind a route of a public entry point with no middleware that asks who it is.",
    remedy="Put a login (ForwardAuth, basicAuth) or an ipAllowList before it, or use an entry point that is not "
    "public.",
    source=_TRAEFIK_DOCS,
)
def dashboard_open(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        for item in traefik.served:
            for reference in cluster.named_in(item):
                if reference.kind != "TraefikService" or reference.name not in ("api@internal", "dashboard@internal"):
                    continue
                at = int(reference.path.partition("[")[2].partition("]")[0] or 0)
                route = _route_of(traefik, item, at)
                public = [name for name in (route.entry_points if route else ()) if name in traefik.exposed]
                if route and public and not _is_guarded(cluster, traefik, route):
                    evidence = f"{reference.name} on {listed(public)}, {listed(traefik.exposed[public[0]], 1)}"
                    yield hit(item, reference.path, evidence, hosts=route.hosts)


def _route_of(traefik: Traefik, item: Object, position: int) -> ServedRoute | None:
    rules = [str(each.get("match") or "") for each in item["spec"].get("routes") or []]
    wanted = rules[position] if position < len(rules) else ""
    metadata = item["metadata"]
    return next(
        (
            route
            for route in traefik.routes
            if route.rule == wanted
            and (route.ref.namespace, route.ref.name) == (metadata["namespace"], metadata["name"])
        ),
        None,
    )


def _is_guarded(cluster: Cluster, traefik: Traefik, route: ServedRoute) -> bool:
    if "ClientIP(" in route.rule or "Header(" in route.rule:
        return True
    for name in traefik.chain_of(route):
        middleware = cluster.middlewares.get(name)
        # Of another provider's middleware nothing is known: it may well be a login.
        if middleware is None or any(middleware["spec"].get(kind) is not None for kind in _LOGINS):
            return True
    return False


@BOOK.rule(
    "RT603",
    "internal-entry-point-exposed",
    title="Traefik's internal entry point is reached from outside",
    severity=(HIGH, MEDIUM),
    visitors="nothing; but /ping, and the API as soon as somebody opens it, are everybody's",
    why="A Service or host port leads to the port that the API and ping use.",
    remedy="Take the port out of the Service (chart: ports.traefik.expose.default: false) or remove its hostPort.",
    source=_TRAEFIK_DOCS,
)
def internal_exposed(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        ways = traefik.exposed.get(static.INTERNAL)
        if ways:
            yield hit(traefik.item, _args(traefik), f"entry point {static.INTERNAL}: {listed(ways)}")


@BOOK.rule(
    "RT604",
    "metrics-public",
    title="Traefik's metrics are reached from outside",
    severity=(MEDIUM, LOW),
    visitors="everybody reads hosts, services and traffic of the cluster",
    why="The entry point that answers /metrics is public.",
    remedy="Give the metrics an entry point of their own that no public Service and no host port leads to.",
    source=_TRAEFIK_DOCS,
)
def metrics_public(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        name = static.metrics_entry_point(dict(traefik.settings)).lower()
        ways = traefik.exposed.get(name) if name else None
        if ways and name != static.INTERNAL:
            yield hit(traefik.item, _args(traefik), f"entry point {name}: {listed(ways)}")


@BOOK.rule(
    "RT605",
    "forwarded-headers-insecure",
    title="Traefik believes X-Forwarded headers of everybody",
    severity=(HIGH, HIGH),
    visitors="nothing; but anybody can claim any address, host and scheme: address lists, rate limits and logins that "
    "look at them can be passed",
    why="forwardedHeaders.insecure keeps what clients send, in place of Traefik's own values.",
    remedy="Set entryPoints.NAME.forwardedHeaders.trustedIPs to the addresses of the proxy in front, or remove it.",
    source=_TRAEFIK_DOCS,
)
def forwarded_insecure(cluster: Cluster) -> Iterator[Hit]:
    yield from _believing(cluster, "forwardedheaders")


@BOOK.rule(
    "RT606",
    "proxy-protocol-insecure",
    title="Traefik believes the PROXY protocol of everybody",
    severity=(HIGH, HIGH),
    visitors="nothing; but anybody can claim any client address",
    why="proxyProtocol.insecure takes the client's address from whoever connects.",
    remedy="Set entryPoints.NAME.proxyProtocol.trustedIPs to the addresses of the load balancer.",
    source=_TRAEFIK_DOCS,
)
def proxy_protocol_insecure(cluster: Cluster) -> Iterator[Hit]:
    yield from _believing(cluster, "proxyprotocol")


def _believing(cluster: Cluster, what: str) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        for name in traefik.exposed:
            setting = f"entrypoints.{name}.{what}.insecure"
            if traefik.says(setting):
                yield hit(traefik.item, _args(traefik), f"{setting} is true", hosts=traefik.hosts)


@BOOK.rule(
    "RT607",
    "trusted-ips-everybody",
    title="trustedIPs take in the whole internet",
    severity=(HIGH, HIGH),
    visitors="nothing; but anybody can claim any address, host and scheme",
    why="A network of 0.0.0.0/0, ::/0 or nearly so is the same as insecure.",
    remedy="Name the networks of the proxy in front alone.",
    source=_TRAEFIK_DOCS,
)
def trusting_everybody(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        for name in traefik.exposed:
            for what in ("forwardedheaders", "proxyprotocol"):
                setting = f"entrypoints.{name}.{what}.trustedips"
                wide = [each for each in static.listed(dict(traefik.settings), setting) if _is_wide(each)]
                if wide:
                    yield hit(traefik.item, _args(traefik), f"{setting} has {listed(wide)}", hosts=traefik.hosts)


def _is_wide(text: str) -> bool:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return network.prefixlen < (7 if network.version == 4 else 8)


@BOOK.rule(
    "RT608",
    "trusted-ips-differ",
    title="Public entry points trust different proxies in front",
    severity=(MEDIUM, LOW),
    visitors="redirect loops or mixed content on one of them, and its address lists see the proxy's address",
    why="One entry point has trustedIPs and another one of the same entrance has none or others: one of them was "
    "forgotten when the list was changed.",
    remedy="Give both the same forwardedHeaders.trustedIPs.",
    source=_TRAEFIK_DOCS,
)
def trusting_differently(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        for service in traefik.services:
            trusted = {
                name: frozenset(traefik.trusted_by(name))
                for name, point in traefik.points.items()
                if name != static.INTERNAL and not point.redirects and _leads_to(traefik, service, name)
            }
            if len(set(trusted.values())) > 1:
                told = "; ".join(f"{name}: {listed(sorted(each)) or 'none'}" for name, each in sorted(trusted.items()))
                yield hit(traefik.item, _args(traefik), f"forwardedHeaders.trustedIPs of {told}", hosts=traefik.hosts)


def _leads_to(traefik: Traefik, service: Object, name: str) -> bool:
    """Whether the entry point is public by this Service: those of another one may have another proxy in front."""
    return any(f"of Service {service['metadata']['name']} (" in way for way in traefik.exposed.get(name, ()))


@BOOK.rule(
    "RT610",
    "certificates-of-backends-not-checked",
    title="Traefik does not check the certificates of backends",
    severity=(MEDIUM, LOW),
    visitors="nothing; but whoever gets between Traefik and a backend reads and changes everything",
    why="insecureSkipVerify accepts any certificate.",
    remedy="Give the backend's CA by rootCAs and remove insecureSkipVerify.",
    source=_TRAEFIK_DOCS,
)
def backends_not_checked(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        if traefik.says("serverstransport.insecureskipverify"):
            evidence = "serversTransport.insecureSkipVerify is true, for all backends"
            yield hit(traefik.item, _args(traefik), evidence, hosts=traefik.hosts)
    for item in cluster.snapshot.of("ServersTransport"):
        if item["apiVersion"] == API_VERSION and item["spec"].get("insecureSkipVerify"):
            yield hit(item, "spec.insecureSkipVerify", "it is true")


@BOOK.rule(
    "RT612",
    "old-tls-version",
    title="TLS options allow versions of TLS that are broken",
    severity=(MEDIUM, LOW),
    visitors="nothing; but old clients may be led to connections that can be read",
    why="TLS 1.0 and 1.1 are withdrawn (RFC 8996). Traefik's own default is 1.2.",
    remedy="Set spec.minVersion: VersionTLS12 or leave it out.",
    source="RFC 8996",
)
def old_tls(cluster: Cluster) -> Iterator[Hit]:
    for item in cluster.snapshot.of("TLSOption"):
        version = str(item["spec"].get("minVersion", ""))
        if item["apiVersion"] == API_VERSION and version in ("VersionTLS10", "VersionTLS11", "VersionSSL30"):
            yield hit(item, "spec.minVersion", f"it is {version}")


@BOOK.rule(
    "RT615",
    "secrets-in-access-log",
    title="The access log keeps all headers of requests, logins among them",
    severity=(MEDIUM, MEDIUM),
    visitors="nothing; but whoever reads logs reads passwords and session cookies",
    why="With the default mode keep each header is written, Authorization and Cookie too.",
    remedy="Set accessLog.fields.headers.defaultMode to drop, or redact Authorization, Cookie and Set-Cookie by name.",
    source=_TRAEFIK_DOCS,
)
def secrets_logged(cluster: Cluster) -> Iterator[Hit]:
    prefix = "accesslog.fields.headers."
    for traefik in cluster.real_traefiks:
        names = {key.lower(): value.lower() for key, value in traefik.settings.items() if key.startswith(prefix)}
        kept = [
            header
            for header in ("Authorization", "Cookie")
            if names.get(f"{prefix}names.{header.lower()}", names.get(f"{prefix}defaultmode", "drop")) == "keep"
        ]
        if kept and traefik.is_on("accesslog"):
            yield hit(traefik.item, _args(traefik), f"keeps {listed(kept)}")


@BOOK.rule(
    "RT616",
    "debug-open",
    title="Traefik's debug pages are on",
    severity=(MEDIUM, LOW),
    visitors="nothing; but whoever reaches the API reads memory of the process, and can slow it down",
    why="api.debug adds /debug/pprof to the API.",
    remedy="Remove --api.debug.",
    source=_TRAEFIK_DOCS,
)
def debug_open(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        if traefik.says("api.debug"):
            yield hit(traefik.item, _args(traefik), "--api.debug=true")


@BOOK.rule(
    "RT617",
    "traefik-runs-as-root",
    title="Traefik runs with more rights on its node than it needs",
    severity=(MEDIUM, LOW),
    visitors="nothing; but a hole in Traefik is a hole in the node",
    why="It needs no root: it listens on high ports, or gets NET_BIND_SERVICE alone.",
    remedy="Set runAsNonRoot: true, allowPrivilegeEscalation: false and capabilities.drop: [ALL], as the chart does.",
    source="Traefik chart 41.3.0",
)
def runs_as_root(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        pod = traefik.item["spec"]["template"]["spec"]
        at = container_field(traefik)
        for each in pod["containers"]:
            own = (pod.get("securityContext") or {}) | (each.get("securityContext") or {})
            if own.get("privileged"):
                yield hit(traefik.item, f"{at}.securityContext", f"container {each['name']} is privileged")
            elif own.get("runAsUser") == 0 and not own.get("runAsNonRoot"):
                yield hit(traefik.item, f"{at}.securityContext", f"container {each['name']} runs as user 0")


@BOOK.rule(
    "RT620",
    "cross-origin-for-everybody",
    title="A middleware lets pages of any origin act with the visitor's login",
    severity=(HIGH, HIGH),
    visitors="any page that they open can read the site in their name",
    why="accessControlAllowOriginList with * (or a pattern that takes everything) beside "
    "accessControlAllowCredentials.",
    remedy="Name the origins, or remove accessControlAllowCredentials.",
    source=_TRAEFIK_DOCS,
)
def any_origin(cluster: Cluster) -> Iterator[Hit]:
    for name, middleware in cluster.middlewares.items():
        headers = middleware["spec"].get("headers") or {}
        wide = "*" in (headers.get("accessControlAllowOriginList") or []) or any(
            each in (".*", "^.*$", ".+", "^.+$") for each in headers.get("accessControlAllowOriginListRegex") or []
        )
        if wide and headers.get("accessControlAllowCredentials"):
            hosts = cluster.hosts_behind(name)
            yield hit(
                middleware, "spec.headers.accessControlAllowCredentials", "any origin, with credentials", hosts=hosts
            )


@BOOK.rule(
    "RT625",
    "secret-in-plain-text",
    title="A secret of Traefik stands in its arguments or environment as plain text",
    severity=(HIGH, MEDIUM),
    visitors="nothing; but whoever may read Deployments, and everything that backs them up, has it",
    why="Deployments are no Secrets: they are in Git, in logs of tools, and readable by many accounts.",
    remedy="Take it from a Secret: env with valueFrom.secretKeyRef.",
    source="Kubernetes documentation, Secrets",
)
def plain_secrets(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        for name, value in static.shown(dict(traefik.settings)).items():
            given = traefik.settings[name]
            if value == "<hidden>" and given and not given.startswith(("/", "$", "urn:", "file:")) and _is_secret(name):
                yield hit(traefik.item, _args(traefik), f"{name} is set in plain text")
        pod = traefik.item["spec"]["template"]["spec"]
        for each in pod["containers"]:
            for entry in each.get("env") or []:
                if (
                    entry.get("value")
                    and _is_secret(entry["name"].lower())
                    and not entry["value"].startswith(("/", "$"))
                ):
                    field = f"{container_field(traefik)}.env[{entry['name']}]"
                    yield hit(traefik.item, field, f"{entry['name']} is set in plain text")


def _is_secret(name: str) -> bool:
    last = name.rpartition(".")[2].replace("_", "").replace("-", "")
    return last.endswith(
        ("token", "password", "secret", "secretkey", "apikey", "apitoken", "secretaccesskey", "credentials")
    )
