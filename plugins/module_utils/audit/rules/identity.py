# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules on who a request claims to be: headers that pass from clients, logins that can be gone around."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster, place_of
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    CRITICAL,
    HIGH,
    INFO,
    LOW,
    MEDIUM,
    Hit,
    RuleBook,
    hit,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.words import listed
from ansible_collections.resilient.traefik.plugins.module_utils.audit.targets import Target
from ansible_collections.resilient.traefik.plugins.module_utils.audit.traefiks import Traefik
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_kinds import AUTH, Kind, kind_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import crd_id

BOOK = RuleBook()
_ADDRESS = "spec.forwardAuth.address"


def _login_of(target: Target) -> Kind | None:
    """Return the kind of login service that is asked, None for any other service."""
    kinds = (kind_of(middleware, target.service) for middleware in target.middlewares)
    return next((kind for kind in kinds if kind is not None and kind.role == AUTH), None)


def _identity_of(target: Target) -> tuple[str, ...]:
    """Return the headers by which the service that is asked tells applications who the visitor is."""
    kind = _login_of(target)
    return kind.identity if kind else ()


def _asking(cluster: Cluster) -> Iterator[tuple[Target, Object, Object]]:
    for target in cluster.targets:
        for middleware in target.middlewares:
            yield target, middleware, middleware["spec"]["forwardAuth"]


def _pattern(given: Object) -> re.Pattern[str] | None:
    try:
        return re.compile(str(given.get("authResponseHeadersRegex") or "") or "(?!)")
    except re.error:
        # Go's expressions are not all Python's: nothing is said of those.
        return None


@BOOK.rule(
    "RT201",
    "identity-headers-from-clients",
    title="Headers that tell applications who the visitor is pass from the client",
    severity=(HIGH, HIGH),
    visitors="where the application goes by such a header anybody can be anybody, for whoever is signed in may send it",
    why="Traefik takes a header out of the client's request only where authResponseHeaders lists it.",
    remedy="List all of the service's identity headers in spec.forwardAuth.authResponseHeaders.",
    tag="auth",
    source="measured on 3.7.9",
)
def from_clients(cluster: Cluster) -> Iterator[Hit]:
    for target, middleware, given in _asking(cluster):
        wanted = _identity_of(target)
        present = {str(each).lower() for each in given.get("authResponseHeaders") or []}
        pattern = _pattern(given)
        if pattern is None:
            continue
        passing = [each for each in wanted if each.lower() not in present and not pattern.search(_canonical(each))]
        if passing:
            evidence = f"not listed: {listed(passing, 6)}"
            yield hit(middleware, "spec.forwardAuth.authResponseHeaders", evidence, hosts=target.hosts)


def _canonical(header: str) -> str:
    return "-".join(part.capitalize() for part in header.split("-"))


@BOOK.rule(
    "RT202",
    "identity-headers-with-underscores",
    title="Identity headers pass from the client when they are written with underscores",
    severity=(MEDIUM, MEDIUM),
    visitors="with applications that treat - and _ alike (PHP, WSGI, CGI) anybody can be anybody",
    why="authResponseHeaders takes exactly the listed names out of the request: X_authentik_username stays, and "
    "becomes the same variable as X-authentik-username.",
    remedy="Set authResponseHeadersRegex: (?i)^(x[-_]authentik[-_]) beside the list, as harden --tags auth does.",
    tag="auth",
    source="measured on 3.7.9",
)
def with_underscores(cluster: Cluster) -> Iterator[Hit]:
    for target, middleware, given in _asking(cluster):
        wanted = _identity_of(target)
        pattern = _pattern(given)
        if pattern is None or not wanted or not given.get("authResponseHeaders"):
            continue
        passing = [name for name in (each.replace("-", "_") for each in wanted) if not pattern.search(name)]
        if passing:
            evidence = f"{listed(passing)} in the client's request reach the application"
            yield hit(middleware, "spec.forwardAuth.authResponseHeadersRegex", evidence, hosts=target.hosts)


@BOOK.rule(
    "RT203",
    "forwarded-headers-believed",
    title="A ForwardAuth service is told what clients claim in X-Forwarded headers",
    severity=(CRITICAL, HIGH),
    visitors="anybody can have the login decide about another host, path or address than the one that he asks for",
    why="trustForwardHeader hands on X-Forwarded-*, and the entry point takes these from everybody.",
    remedy="Set trustedIPs of the entry point in place of insecure, or trustForwardHeader: false.",
    source="Traefik documentation, ForwardAuth",
)
def headers_believed(cluster: Cluster) -> Iterator[Hit]:
    for target, middleware, given in _asking(cluster):
        if not given.get("trustForwardHeader"):
            continue
        name = crd_id(*place_of(middleware))
        for traefik in {id(each): each for each, _route in target.routes}.values():
            points = _believing_points(cluster, traefik, name)
            if points:
                evidence = f"trustForwardHeader, and entry point {listed(points)} believes everybody"
                yield hit(middleware, "spec.forwardAuth.trustForwardHeader", evidence, hosts=target.hosts)


def _believing_points(cluster: Cluster, traefik: Traefik, name: str) -> list[str]:
    routes = [route for user, route in cluster.users.get(name, ()) if user is traefik]
    used = {point for route in routes for point in route.entry_points}
    return sorted(each for each in used if traefik.says(f"entrypoints.{each}.forwardedheaders.insecure"))


@BOOK.rule(
    "RT205",
    "forward-auth-without-cookie",
    title="A ForwardAuth service is not given the cookie by which it would know the visitor",
    severity=(HIGH, HIGH),
    visitors="the login again and again: a loop of redirects",
    why="authRequestHeaders names what is handed on, and nothing else is.",
    remedy="Add Cookie to spec.forwardAuth.authRequestHeaders, or leave the list out.",
    source="Traefik documentation, ForwardAuth",
)
def without_cookie(cluster: Cluster) -> Iterator[Hit]:
    for target, middleware, given in _asking(cluster):
        sent = [str(each).lower() for each in given.get("authRequestHeaders") or []]
        if sent and "cookie" not in sent and _login_of(target):
            evidence = f"hands on {listed(given['authRequestHeaders'])} alone"
            yield hit(middleware, "spec.forwardAuth.authRequestHeaders", evidence, hosts=target.hosts)


@BOOK.rule(
    "RT206",
    "forward-auth-in-plain-text",
    title="Visitors' cookies and passwords go to a ForwardAuth service outside of the cluster unencrypted",
    severity=(HIGH, HIGH),
    visitors="nothing; but whoever is on the way reads their sessions",
    why="The address is http and leads out of the cluster, and each question carries the headers of the visitor.",
    remedy="Ask by https, or ask the Service in the cluster.",
)
def plain_text(cluster: Cluster) -> Iterator[Hit]:
    for target, middleware, _given in _asking(cluster):
        host = target.address.host
        outside = target.service is None and "." in host and not host.endswith((".svc", f".{cluster.cluster_domain}"))
        if outside and host.count(".") == 1 and not cluster.snapshot.complete:
            continue
        if outside and target.address.scheme == "http" and not _is_private(host):
            yield hit(middleware, _ADDRESS, f"asks http://{host}", hosts=target.hosts)


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


@BOOK.rule(
    "RT207",
    "forward-auth-any-body",
    title="Traefik reads bodies of any size into memory for a ForwardAuth service",
    severity=(MEDIUM, LOW),
    visitors="no site answers any more once somebody has sent enough large bodies",
    why="forwardBody buffers the whole body before the request goes on, and maxBodySize is unlimited by default.",
    remedy="Set spec.forwardAuth.maxBodySize.",
    source="Traefik documentation, ForwardAuth",
)
def any_body(cluster: Cluster) -> Iterator[Hit]:
    for target, middleware, given in _asking(cluster):
        if given.get("forwardBody") and int(given.get("maxBodySize", -1)) < 0:
            yield hit(middleware, "spec.forwardAuth.maxBodySize", "forwardBody without a limit", hosts=target.hosts)


@BOOK.rule(
    "RT208",
    "forward-auth-certificate-not-checked",
    title="Traefik does not check the certificate of a ForwardAuth service",
    severity=(HIGH, MEDIUM),
    visitors="nothing; but whoever gets between the two decides who is let in",
    why="insecureSkipVerify accepts any certificate from the one that decides about every request.",
    remedy="Give its CA by spec.forwardAuth.tls.caSecret and remove insecureSkipVerify.",
)
def not_checked(cluster: Cluster) -> Iterator[Hit]:
    for target, middleware, given in _asking(cluster):
        if (given.get("tls") or {}).get("insecureSkipVerify"):
            yield hit(middleware, "spec.forwardAuth.tls.insecureSkipVerify", "it is true", hosts=target.hosts)


@BOOK.rule(
    "RT212",
    "login-over-plain-http",
    title="A site with a login is served without TLS",
    severity=(HIGH, MEDIUM),
    visitors="the site, with their session in plain text on the way",
    why="A public entry point without TLS and without a redirect answers the site itself.",
    remedy="Redirect the entry point: --entryPoints.web.http.redirections.entryPoint.to=websecure",
    source="Traefik documentation, entry points",
)
def plain_http(cluster: Cluster) -> Iterator[Hit]:
    for target in cluster.targets:
        if not _login_of(target):
            continue
        for traefik in {id(each): each for each, _route in target.routes}.values():
            if traefik.workload is None:
                continue
            for middleware in target.middlewares:
                open_hosts = _plain_hosts(cluster, traefik, crd_id(*place_of(middleware)))
                if open_hosts:
                    evidence = f"{listed(sorted(open_hosts))} answers on {listed(sorted(set(open_hosts.values())))}"
                    yield hit(traefik.item, "spec.template.spec.containers[0].args", evidence, hosts=open_hosts)


def _plain_hosts(cluster: Cluster, traefik: Traefik, name: str) -> dict[str, str]:
    return {
        host: entrance.entry_point
        for user, route in cluster.users.get(name, ())
        if user is traefik
        for entrance in route.entrances(traefik.points)
        if not entrance.https
        and entrance.entry_point in traefik.exposed
        and not route.to_https
        # Whoever is trusted stands in front, and may have ended TLS there.
        and not traefik.trusted_by(entrance.entry_point)
        for host in route.hosts
    }


@BOOK.rule(
    "RT214",
    "password-handed-on",
    title="The password of a basicAuth or digestAuth middleware is handed on to the application",
    severity=(LOW, INFO),
    visitors="nothing; but each application behind it, and its logs, see the password",
    why="removeHeader is off by default.",
    remedy="Set removeHeader: true, unless the application itself checks the password.",
    source="Traefik documentation, BasicAuth",
)
def password_handed_on(cluster: Cluster) -> Iterator[Hit]:
    for name, middleware in cluster.middlewares.items():
        for kind in ("basicAuth", "digestAuth"):
            given = middleware["spec"].get(kind)
            hosts = cluster.hosts_behind(name)
            if given is not None and not given.get("removeHeader") and hosts:
                yield hit(middleware, f"spec.{kind}.removeHeader", "it is not set", hosts=hosts)


@BOOK.rule(
    "RT216",
    "address-list-by-claimed-address",
    title="An address list goes by an address that clients can claim",
    severity=(HIGH, HIGH),
    visitors="anybody who sends the right X-Forwarded-For passes",
    why="With ipStrategy the address comes from X-Forwarded-For, and the entry point takes this from everybody.",
    remedy="Set trustedIPs of the entry point in place of insecure, or remove ipStrategy.",
    source="Traefik documentation, IPAllowList",
)
def claimed_address(cluster: Cluster) -> Iterator[Hit]:
    for name, middleware in cluster.middlewares.items():
        kind, given = _address_list(middleware)
        if given is None or not given.get("ipStrategy"):
            continue
        for traefik in cluster.traefiks:
            points = _believing_points(cluster, traefik, name)
            if points:
                evidence = f"ipStrategy, and entry point {listed(points)} believes everybody"
                yield hit(middleware, f"spec.{kind}.ipStrategy", evidence, hosts=cluster.hosts_behind(name))


def _address_list(middleware: Object) -> tuple[str, Object | None]:
    found = ((kind, middleware["spec"].get(kind)) for kind in ("ipAllowList", "ipWhiteList"))
    return next(((kind, given) for kind, given in found if given is not None), ("", None))


@BOOK.rule(
    "RT217",
    "address-list-for-everybody",
    title="An address list lets everybody in",
    severity=(MEDIUM, MEDIUM),
    visitors="the site, from everywhere",
    why="A range of 0.0.0.0/0 or ::/0 takes in all addresses.",
    remedy="Name the networks that are meant, or take the middleware out.",
)
def list_for_everybody(cluster: Cluster) -> Iterator[Hit]:
    for name, middleware in cluster.middlewares.items():
        kind, given = _address_list(middleware)
        wide = [each for each in (given or {}).get("sourceRange") or [] if each in ("0.0.0.0/0", "::/0")]
        hosts = cluster.hosts_behind(name)
        if wide and hosts:
            yield hit(middleware, f"spec.{kind}.sourceRange", f"it has {listed(wide)}", hosts=hosts)


@BOOK.rule(
    "RT626",
    "login-gone-around",
    title="The application behind a login is reached from outside without it",
    severity=(HIGH, HIGH),
    visitors="the application, without the login, by another port",
    why="Its Service is of type LoadBalancer or NodePort, or has external addresses: these do not lead through "
    "Traefik.",
    remedy="Make the Service ClusterIP, or keep the port closed by a firewall and a NetworkPolicy.",
)
def gone_around(cluster: Cluster) -> Iterator[Hit]:
    guarded: dict[tuple[str, str], set[str]] = {}
    for target in cluster.targets:
        for traefik, route in target.routes:
            for place in traefik.backends_of(route) if _login_of(target) else ():
                guarded.setdefault(place, set()).update(route.hosts)
    for place, hosts in guarded.items():
        service = cluster.services.get(place)
        for other in _siblings(cluster, service):
            kind = other["spec"].get("type", "ClusterIP")
            fenced = other["spec"].get("loadBalancerSourceRanges")
            if (kind in ("LoadBalancer", "NodePort") or other["spec"].get("externalIPs")) and not fenced:
                evidence = f"it is of type {kind} and leads to the pods behind {listed(sorted(hosts)) or ref_of(other)}"
                yield hit(other, "spec.type", evidence, hosts=hosts)


def _siblings(cluster: Cluster, service: Object | None) -> Sequence[Object]:
    """The Service and the others that lead to the same workloads."""
    if service is None:
        return []
    others = [each for workload in cluster.behind(service) for each in cluster.services_before(workload)]
    return list({id(each): each for each in [service, *others]}.values())
