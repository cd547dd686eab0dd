# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules on retries and time limits: what a pod that goes, or a backend that hangs, looks like to visitors."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster, place_of
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    HIGH,
    INFO,
    LOW,
    MEDIUM,
    Hit,
    RuleBook,
    hit,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.traefik import container_field
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.words import counted, listed
from ansible_collections.resilient.traefik.plugins.module_utils.audit.traefiks import Traefik
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import backends, forward_auth, leaving
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import seconds_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, crd_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import ServedRoute

BOOK = RuleBook()
_TIMEOUTS = "serverstransport.forwardingtimeouts"
_TRANSPORT_ANNOTATION = "traefik.ingress.kubernetes.io/service.serverstransport"


def _retries(cluster: Cluster) -> set[str]:
    return {name for name, each in cluster.middlewares.items() if each["spec"].get("retry") is not None}


@BOOK.rule(
    "RT401",
    "route-without-retry",
    title="A route has no retry: each pod of its application that ends costs visitors an error",
    severity=(MEDIUM, LOW),
    visitors="502 on some requests for up to two seconds whenever a pod of the application ends",
    why="Until Traefik has taken up that a pod is gone it leads requests to it. With a retry the next pod is asked.",
    remedy="ansible-playbook resilient.traefik.harden --tags retry",
    tag="retry",
    source="docs/retry.md, measured",
)
def without_retry(cluster: Cluster) -> Iterator[Hit]:
    retries = _retries(cluster)
    # Entry points may have a retry for all routes: where their settings are not known, nothing is said.
    for traefik in (each for each in cluster.real_traefiks if each.settings):
        for item, routes in _by_object(cluster, traefik):
            bare = [route for route in routes if not retries & set(traefik.chain_of(route))]
            if bare and _has_several_pods(cluster, traefik, bare):
                hosts = [host for route in bare for host in route.hosts]
                evidence = f"{counted(len(bare), 'route')} of {len(routes)} without a retry middleware"
                yield hit(item, "spec", evidence, hosts=hosts)


def _by_object(cluster: Cluster, traefik: Traefik) -> Iterator[tuple[Object, list[ServedRoute]]]:
    found: dict[int, tuple[Object, list[ServedRoute]]] = {}
    for route in traefik.routes:
        item = cluster.by_ref[route.ref]
        found.setdefault(id(item), (item, []))[1].append(route)
    yield from found.values()


def _has_several_pods(cluster: Cluster, traefik: Traefik, routes: list[ServedRoute]) -> bool:
    """Whether another pod is there, that a retry could reach."""
    for route in routes:
        for place in traefik.backends_of(route):
            service = cluster.services.get(place)
            if service is None and not cluster.snapshot.complete:
                return True
            if service is not None and any(cluster.replicas_of(each) > 1 for each in cluster.behind(service)):
                return True
    return False


@BOOK.rule(
    "RT402",
    "retry-not-first",
    title="A retry stands behind other middlewares of its chain",
    severity=(LOW, INFO),
    visitors="errors that a retry in front would have hidden: those of middlewares before it",
    why="A middleware is part of a try only where it stands behind the retry.",
    remedy="Put the retry first: ansible-playbook resilient.traefik.harden --tags retry",
    tag="retry",
)
def retry_not_first(cluster: Cluster) -> Iterator[Hit]:
    retries = _retries(cluster)
    for traefik in cluster.traefiks:
        for item, routes in _by_object(cluster, traefik):
            for route in routes:
                chain = traefik.chain_of(route)
                first = next((at for at, name in enumerate(chain) if name in retries), 0)
                if first > 0:
                    evidence = f"{chain[first]} comes after {listed(chain[:first])}"
                    yield hit(item, "spec", evidence, hosts=route.hosts)
                    break


@BOOK.rule(
    "RT403",
    "retry-repeats-forward-auth",
    title="A retry on a status asks the ForwardAuth service again with every try",
    severity=(MEDIUM, LOW),
    visitors="slower answers and a login service under several times its load, just when something fails",
    why="With status (Traefik 3.7 and later) a try ended by such a status is made again from the retry on, ForwardAuth "
    "included: ten requests answered 503 are twenty questions.",
    remedy="Leave spec.retry.status out, or put the retry behind the ForwardAuth middleware.",
    source="docs/retry.md, measured on 3.7.9",
)
def repeats_forward_auth(cluster: Cluster) -> Iterator[Hit]:
    asking = {name for name, each in cluster.middlewares.items() if forward_auth.is_forward_auth(each)}
    for name, middleware in cluster.middlewares.items():
        if not (middleware["spec"].get("retry") or {}).get("status"):
            continue
        hosts: set[str] = set()
        for traefik, route in cluster.users.get(name, ()):
            chain = traefik.chain_of(route)
            if name in chain and asking & set(chain[chain.index(name) + 1 :]):
                hosts.update(route.hosts or ("any host",))
        if hosts:
            status = listed(map(str, middleware["spec"]["retry"]["status"]))
            yield hit(middleware, "spec.retry.status", f"status {status}, before a ForwardAuth middleware", hosts=hosts)


@BOOK.rule(
    "RT404",
    "retry-repeats-changes",
    title="A retry repeats POST and other requests that change something",
    severity=(MEDIUM, MEDIUM),
    visitors="an order, a payment or a message twice",
    why="retryNonIdempotentMethod makes Traefik repeat what the application may have done already.",
    remedy="Take spec.retry.retryNonIdempotentMethod out.",
    source="Traefik's source, 3.7.9, pkg/middlewares/retry",
)
def repeats_changes(cluster: Cluster) -> Iterator[Hit]:
    for name, middleware in cluster.middlewares.items():
        if (middleware["spec"].get("retry") or {}).get("retryNonIdempotentMethod"):
            hosts = cluster.hosts_behind(name)
            yield hit(middleware, "spec.retry.retryNonIdempotentMethod", "it is true", hosts=hosts)


@BOOK.rule(
    "RT405",
    "retry-never-retries",
    title="A retry middleware never retries",
    severity=(MEDIUM, LOW),
    visitors="502 on some requests whenever a pod of the application ends",
    why="attempts is the total number of tries, the first one included: 1 is no retry.",
    remedy="Set spec.retry.attempts to 2 or more.",
    tag="retry",
    source="Traefik's source, 3.6.10 and 3.7.9, pkg/middlewares/retry",
)
def never_retries(cluster: Cluster) -> Iterator[Hit]:
    for name, middleware in cluster.middlewares.items():
        retry = middleware["spec"].get("retry")
        if retry is not None and int(retry.get("attempts", 0)) < 2:
            hosts = cluster.hosts_behind(name)
            if hosts:
                evidence = f"attempts is {retry.get('attempts', 'not set')}"
                yield hit(middleware, "spec.retry.attempts", evidence, hosts=hosts)


@BOOK.rule(
    "RT406",
    "no-response-header-timeout",
    title="Traefik waits for ever for a backend that does not begin its answer",
    severity=(MEDIUM, LOW),
    visitors="a page that loads and loads; browsers give up after minutes, and connections and memory of Traefik fill "
    "up",
    why="responseHeaderTimeout is 0 by default, which means no limit.",
    remedy="ansible-playbook resilient.traefik.harden --tags traefik_ha sets it to 30s; slow backends get their own.",
    tag="traefik_ha",
    source="Traefik documentation, serversTransport",
)
def no_response_timeout(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        if traefik.settings and traefik.seconds(f"{_TIMEOUTS}.responseheadertimeout", 0) == 0:
            field = f"{container_field(traefik)}.args"
            evidence = "serversTransport.forwardingTimeouts.responseHeaderTimeout is 0 or not set"
            yield hit(traefik.item, field, evidence, hosts=traefik.hosts)


@BOOK.rule(
    "RT407",
    "transport-without-response-header-timeout",
    title="A ServersTransport in use has no limit for backends that do not begin their answer",
    severity=(LOW, INFO),
    visitors="a page that loads and loads on the routes that use it",
    why="A ServersTransport does not take over Traefik's own responseHeaderTimeout: without one of its own it waits "
    "for ever.",
    remedy="Set spec.forwardingTimeouts.responseHeaderTimeout.",
    source="measured on 3.7.9",
)
def transport_without_timeout(cluster: Cluster) -> Iterator[Hit]:
    used = _transports_in_use(cluster)
    for item in cluster.snapshot.of("ServersTransport"):
        text = str((item["spec"].get("forwardingTimeouts") or {}).get("responseHeaderTimeout", ""))
        if item["apiVersion"] == API_VERSION and place_of(item) in used and not (seconds_of(text) or 0):
            field = "spec.forwardingTimeouts.responseHeaderTimeout"
            yield hit(item, field, "it is 0" if text else "it is not set")


def _transports_in_use(cluster: Cluster) -> set[tuple[str, str]]:
    used = {(each.namespace, each.name) for each in cluster.references if each.kind == "ServersTransport"}
    named = [each["metadata"]["annotations"].get(_TRANSPORT_ANNOTATION, "") for each in cluster.services.values()]
    ids = {name.strip() for name in named if name}
    return used | {place_of(each) for each in cluster.snapshot.of("ServersTransport") if crd_id(*place_of(each)) in ids}


@BOOK.rule(
    "RT408",
    "dial-timeout-too-long",
    title="Traefik tries for half a minute to reach a pod whose node is gone",
    severity=(LOW, INFO),
    visitors="a wait of up to 30 s, then 504, on part of the requests after a node failed",
    why="The address of a lost node does not refuse, it is silent: each try lasts as long as dialTimeout, 30 s by "
    "default, and a retry begins only then.",
    remedy="ansible-playbook resilient.traefik.harden --tags traefik_ha sets dialTimeout to 2s.",
    tag="traefik_ha",
    source="Traefik documentation, serversTransport",
)
def dial_timeout(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        seconds = traefik.seconds(f"{_TIMEOUTS}.dialtimeout", 30)
        if traefik.settings and (seconds == 0 or seconds > 10):
            given = f"{seconds:g} s" if f"{_TIMEOUTS}.dialtimeout" in traefik.settings else "30 s, the default"
            evidence = f"serversTransport.forwardingTimeouts.dialTimeout is {given}"
            yield hit(traefik.item, f"{container_field(traefik)}.args", evidence, hosts=traefik.hosts)


@BOOK.rule(
    "RT409",
    "entry-point-without-read-timeout",
    title="An entry point lets clients take for ever to send a request",
    severity=(MEDIUM, LOW),
    visitors="no site answers any more once somebody has opened enough connections and sends byte by byte",
    why="With readTimeout 0 a connection that never finishes its request is never closed.",
    remedy="Leave entryPoints.NAME.transport.respondingTimeouts.readTimeout at its default of 60s, or set one.",
    source="Traefik documentation, entry points",
)
def no_read_timeout(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        for name in traefik.exposed:
            setting = f"entrypoints.{name}.transport.respondingtimeouts.readtimeout"
            # Traefik 2 had no limit by default.
            default = 0 if traefik.version and traefik.version < (3, 0) else 60
            if traefik.seconds(setting, default) == 0:
                yield hit(traefik.item, f"{container_field(traefik)}.args", f"{setting} is 0", hosts=traefik.hosts)


@BOOK.rule(
    "RT411",
    "application-leaves-at-once",
    title="An application behind a route ends the moment it is told to, while Traefik still leads to it",
    severity=(LOW, INFO),
    visitors="502 on some requests during each update of the application, where no retry helps",
    why="Kubernetes tells a pod to end and takes it out of the EndpointSlices at the same moment; Traefik reads these "
    "up to two seconds later.",
    remedy="Add lifecycle.preStop.sleep.seconds: 5 to the container that serves (Kubernetes 1.30 and later).",
    source="docs/retry.md, measured",
)
def leaves_at_once(cluster: Cluster) -> Iterator[Hit]:
    hosts = cluster.hosts_by_service
    for leaver in _leavers(cluster):
        workload = cluster.workload(leaver.kind, leaver.namespace, leaver.name)
        if workload is None or cluster.replicas_of(workload) < 2:
            continue
        names = [host for service in leaver.services for host in hosts.get((leaver.namespace, service), ())]
        evidence = f"no preStop in container {listed(leaver.containers)}"
        yield hit(workload, "spec.template.spec.containers[0].lifecycle.preStop", evidence, hosts=names)


def _leavers(cluster: Cluster) -> list[leaving.Leaver]:
    items = [item for traefik in cluster.traefiks for item in traefik.served]
    found = backends.backends_of(items, cluster.snapshot.of("TraefikService"), cluster.named_in)
    return leaving.leavers(found, cluster.snapshot.of("Service"), cluster.snapshot.of("Deployment", "StatefulSet"))


@BOOK.rule(
    "RT412",
    "route-without-endpoints",
    title="No pod takes requests behind a route now",
    severity=(HIGH, HIGH),
    visitors="503 on the route, now",
    why="The Service that it leads to has no ready endpoint.",
    remedy="kubectl describe pods says why its pods are not ready, or why there is none.",
)
def no_endpoints(cluster: Cluster) -> Iterator[Hit]:
    for place, hosts in cluster.hosts_by_service.items():
        service = cluster.services.get(place)
        if service is None or service["spec"].get("type") == "ExternalName":
            continue
        # What is scaled to 0 is so on purpose, or is started by the first request.
        asleep = [each for each in cluster.behind(service) if each["spec"].get("replicas", 1) == 0]
        if cluster.ready_endpoints(service) == 0 and not asleep:
            workloads = listed(str(ref_of(each)) for each in cluster.behind(service)) or "no workload"
            evidence = f"no ready endpoint; its selector fits {workloads}"
            yield hit(service, "spec.selector", evidence, hosts=hosts)
