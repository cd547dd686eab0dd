# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules on routes that nobody reaches, that Traefik cannot read, or that take each other's requests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    HIGH,
    INFO,
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
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, CLASS_ANNOTATION
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.plain_request import plain_requests

BOOK = RuleBook()
_NOT_FOUND = "404 on the route"
# Matchers of version 3 take one value; those of version 2 took several, and had other names and patterns.
_CALL = re.compile(r"\b([A-Z][A-Za-z]+)\(((?:[^()`\"]|`[^`]*`|\"[^\"]*\")*)\)")
_TEXT = re.compile(r"`[^`]*`|\"[^\"]*\"")
_ONE_VALUE = ("Host", "HostSNI", "Path", "PathPrefix", "HostRegexp", "PathRegexp", "Method", "ClientIP")
_OF_VERSION_2 = ("Headers", "HeadersRegexp", "HostHeader")


def _routes(traefik: Traefik) -> Iterator[tuple[Object, int, Object]]:
    for item in traefik.served:
        for at, route in enumerate(item["spec"].get("routes") or [] if item["kind"] == "IngressRoute" else []):
            yield item, at, route


@BOOK.rule(
    "RT310",
    "entry-point-missing",
    title="A route names an entry point that Traefik does not have",
    severity=(HIGH, HIGH),
    visitors=_NOT_FOUND,
    why="Traefik leaves the route out of entry points that it does not know, and logs it.",
    remedy="Correct spec.entryPoints (or the annotation router.entrypoints), or define the entry point.",
    source="Traefik's source, 3.7.9",
)
def entry_point_missing(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        for item in traefik.served if traefik.settings else ():
            for route in traefik.routes_of(ref_of(item))[:1]:
                unknown = [name for name in route.entry_points if name not in traefik.points]
                if unknown and len(cluster.real_traefiks) == 1:
                    known = listed(sorted(traefik.points), 6)
                    hosts = [host for each in traefik.routes_of(route.ref) for host in each.hosts]
                    field = "spec.entryPoints" if item["kind"] == "IngressRoute" else "metadata.annotations"
                    yield hit(item, field, f"there is no entry point {listed(unknown)}; there are {known}", hosts=hosts)


@BOOK.rule(
    "RT315",
    "routes-of-one-rule",
    title="Two routes have the same rule on the same entry point, and different middlewares",
    severity=(HIGH, MEDIUM),
    visitors="the one or the other, by chance: perhaps the site without its login",
    why="Traefik orders routers by priority, which is the length of the rule. Of equal ones the name decides, which "
    "nobody chose.",
    remedy="Delete one of the two, or give them different priorities.",
    source="Traefik documentation, routers",
)
def same_rule(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.traefiks:
        seen: dict[tuple[str, str, str], tuple[Object, tuple[str, ...]]] = {}
        for item, at, given in _routes(traefik):
            rule = str(given.get("match") or "")
            routes = [each for each in traefik.routes_of(ref_of(item)) if each.rule == rule]
            for point in routes[0].entry_points if routes and rule else ():
                chain = traefik.chain_of(routes[0])
                key = (point, rule, str(given.get("priority") or ""))
                other, middlewares = seen.setdefault(key, (item, chain))
                if other is not item and set(middlewares) != set(chain):
                    evidence = f"{ref_of(other)} has the same rule on {point}, with other middlewares"
                    yield hit(item, f"spec.routes[{at}].match", evidence, hosts=routes[0].hosts)


@BOOK.rule(
    "RT316",
    "ingress-class-missing",
    title="An Ingress names an IngressClass that does not exist",
    severity=(MEDIUM, LOW),
    visitors="404 or the default site of whatever answers there",
    why="No controller looks at it.",
    remedy="Correct spec.ingressClassName, or bring the IngressClass.",
)
def class_missing(cluster: Cluster) -> Iterator[Hit]:
    if not cluster.snapshot.knows("IngressClass") or not cluster.snapshot.of("IngressClass"):
        return
    known = {each["metadata"]["name"] for each in cluster.snapshot.of("IngressClass")}
    for item in cluster.snapshot.of("Ingress"):
        name = item["spec"].get("ingressClassName")
        if name and name not in known:
            hosts = [str(each["host"]) for each in item["spec"].get("rules") or [] if each.get("host")]
            evidence = f"there is no IngressClass {name}; there is {listed(sorted(known))}"
            yield hit(item, "spec.ingressClassName", evidence, hosts=hosts)


@BOOK.rule(
    "RT318",
    "rule-of-traefik-2",
    title="A rule is written for Traefik 2, and Traefik 3 cannot read it",
    severity=(HIGH, HIGH),
    visitors=_NOT_FOUND,
    why="Matchers of version 3 take one value (Host(`a`) || Host(`b`)), and HostRegexp takes a plain expression. A "
    "rule that cannot be read takes its router along.",
    remedy="Rewrite the rule, or set core.defaultRuleSyntax to v2, or syntax: v2 at the route, for the time being.",
    source="Traefik documentation, migration from v2 to v3",
)
def rule_of_version_2(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        old = traefik.version < (3, 0) if traefik.version else True
        if old or traefik.settings.get("core.defaultrulesyntax", "").lower() == "v2":
            continue
        for item, at, route in _routes(traefik):
            match = str(route.get("match") or "")
            problem = "" if str(route.get("syntax") or "").lower() == "v2" else _old_syntax(match)
            if problem:
                yield hit(item, f"spec.routes[{at}].match", problem, hosts=plain_requests(match).hosts)


def _old_syntax(match: str) -> str:
    for name, inside in _CALL.findall(match):
        values = _TEXT.findall(inside)
        if name in _ONE_VALUE and len(values) > 1:
            return f"{name} has {len(values)} values"
        if name in _OF_VERSION_2:
            return f"there is no matcher {name} any more"
        if name == "HostRegexp" and any(re.search(r"\{[A-Za-z]\w*:", each) for each in values):
            return "HostRegexp has a named group of version 2"
    return ""


@BOOK.rule(
    "RT319",
    "route-without-service",
    title="A route leads nowhere: it has no service, or no rule",
    severity=(MEDIUM, LOW),
    visitors=_NOT_FOUND,
    why="Traefik leaves out a route without a service and one without a rule.",
    remedy="Give it a match and a service, or delete it.",
)
def without_service(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.traefiks:
        for item, at, route in _routes(traefik):
            match = str(route.get("match") or "")
            missing = [word for word, there in (("match", match), ("services", route.get("services"))) if not there]
            if missing and not item["spec"].get("parentRefs"):
                yield hit(item, f"spec.routes[{at}]", f"it has no {listed(missing)}", hosts=plain_requests(match).hosts)


@BOOK.rule(
    "RT324",
    "route-overlooked",
    title="No Traefik looks at an IngressRoute",
    severity=(MEDIUM, LOW),
    visitors=_NOT_FOUND,
    why="It is outside of the namespaces, labels or the ingress class that the provider is set to.",
    remedy="Change the object, or providers.kubernetesCRD.namespaces, labelSelector or ingressClass.",
    source="Traefik's source, 3.6.10 and 3.7.9",
)
def overlooked(cluster: Cluster) -> Iterator[Hit]:
    known = [each for each in cluster.real_traefiks if each.settings]
    for item in cluster.snapshot.of("IngressRoute") if known and len(known) == len(cluster.real_traefiks) else ():
        reasons = [each.overlooked.get(ref_of(item), "") for each in known]
        foreign = (item["spec"].get("ingressClassName") or item["metadata"]["annotations"].get(CLASS_ANNOTATION)) and (
            len(known) > 1
        )
        if item["apiVersion"] == API_VERSION and all(reasons) and not foreign:
            hosts = [
                host
                for each in item["spec"].get("routes") or []
                for host in plain_requests(str(each.get("match") or "")).hosts
            ]
            yield hit(item, "metadata", reasons[0], hosts=hosts)


@BOOK.rule(
    "RT624",
    "routes-vanish-without-endpoints",
    title="A route vanishes while its application has no ready pod",
    severity=(LOW, INFO),
    visitors="404 in place of 503 during an outage of the application; where another route takes the host, that one's "
    "page",
    why="Without allowEmptyServices Traefik leaves out routers whose Service has no endpoints. 404 is cached, and "
    "search engines forget the page.",
    remedy="Set --providers.kubernetescrd.allowEmptyServices=true and the same of kubernetesingress, as the chart "
    "does.",
    source="Traefik chart 41.3.0; Traefik documentation",
)
def empty_services(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        used = {"Ingress": scope.INGRESS, "IngressRoute": scope.CRD}
        for kind, provider in used.items():
            hosts = [host for route in traefik.routes if route.ref.kind == kind for host in route.hosts]
            if hosts and traefik.is_on(provider) and not traefik.says(f"{provider}.allowemptyservices"):
                evidence = f"{provider}.allowEmptyServices is off"
                yield hit(traefik.item, f"spec.template.spec.containers[0].args/{provider}", evidence, hosts=hosts)
