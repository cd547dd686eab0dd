# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules on whom Traefik asks by ForwardAuth: what becomes of every site when it hangs, restarts or is drained."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import (
    Cluster,
    is_best_effort,
    is_spread,
    pod_spec,
)
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
from ansible_collections.resilient.traefik.plugins.module_utils.audit.numbers import at_most
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.words import counted, listed, pods
from ansible_collections.resilient.traefik.plugins.module_utils.audit.targets import Target
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth

BOOK = RuleBook()
_MEASURED = "docs/disease.md, measured on Traefik 3.6.10, 3.7.9 and 3.7.15"
# Namespaces that are called as top-level domains are: auth.dev may well be a public name.
_DOMAINS = ("app", "cloud", "com", "dev", "home", "info", "internal", "io", "lan", "local", "net", "org", "test", "xyz")
_RESTART = "500 on every site behind it while its only pod restarts, is evicted or moves to another node"


def _asked(cluster: Cluster) -> Iterator[tuple[Target, Object]]:
    """Each target with each workload behind it: what Traefik itself asks, our own proxies too."""
    for target in cluster.targets:
        for workload in target.workloads:
            yield target, workload


@BOOK.rule(
    "RT101",
    "forward-auth-without-fallback",
    title="Traefik asks a ForwardAuth service directly, with nothing in front that answers when it does not",
    severity=(HIGH, HIGH),
    visitors="500 after 30 s on every site behind it while it hangs, 500 at once while it is gone",
    why="Traefik's ForwardAuth client waits 30 s, which no setting reaches, and answers 500 whatever goes wrong. Retry "
    "does not repeat it. Health checks do not help: a service that hangs is often Ready all the while.",
    remedy="Put a fallback proxy in front: ansible-playbook resilient.traefik.harden --tags auth,bot_block",
    tag="auth",
    source=_MEASURED,
)
def without_fallback(cluster: Cluster) -> Iterator[Hit]:
    for target in cluster.targets:
        if target.is_protected:
            continue
        for middleware in target.middlewares:
            hosts, places = target.hosts, target.namespaces
            yield hit(
                middleware,
                "spec.forwardAuth.address",
                f"asks {target.name} directly; {counted(len(hosts), 'host')} in "
                f"{counted(len(places), 'namespace')} depend on its answer",
                hosts=hosts,
            )


@BOOK.rule(
    "RT102",
    "forward-auth-single-replica",
    title="A ForwardAuth service runs as a single pod",
    severity=(HIGH, MEDIUM),
    visitors=_RESTART,
    why="With one pod every restart, eviction, node drain and roll is an outage of all sites behind the middleware.",
    remedy="Run two replicas or more, on different nodes. Where it cannot run twice, put a fallback proxy in front.",
    tag="auth",
)
def single_replica(cluster: Cluster) -> Iterator[Hit]:
    for target, workload in _asked(cluster):
        replicas = cluster.replicas_of(workload)
        if replicas == 1 and len(target.workloads) == 1:
            field = "spec.replicas"
            yield hit(workload, field, f"runs with {pods(1)} behind {target.name}", hosts=target.hosts)


@BOOK.rule(
    "RT103",
    "forward-auth-without-pdb",
    title="Nothing keeps a pod of a ForwardAuth service when nodes are drained",
    severity=(MEDIUM, LOW),
    visitors="500 on every site behind it when nodes are drained one after the other faster than its pods come up",
    why="Without a PodDisruptionBudget an eviction may take all of its pods at the same time.",
    remedy="Add a PodDisruptionBudget with maxUnavailable: 1 for its pods.",
    tag="authentik_pdb",
)
def without_budget(cluster: Cluster) -> Iterator[Hit]:
    for target, workload in _asked(cluster):
        if workload["kind"] == "DaemonSet" or cluster.replicas_of(workload) < 2 or cluster.has_one_node(workload):
            continue
        if "PodDisruptionBudget" not in cluster.snapshot.unread and not cluster.budgets_of(workload):
            yield hit(
                workload,
                "",
                f"{pods(cluster.replicas_of(workload))} behind {target.name}, no PodDisruptionBudget selects them",
                hosts=target.hosts,
            )


@BOOK.rule(
    "RT104",
    "forward-auth-on-one-node",
    title="All pods of a ForwardAuth service are on one node",
    severity=(HIGH, LOW),
    visitors="500 on every site behind it when that node fails, until new pods are Ready elsewhere (minutes)",
    why="Kubernetes takes five minutes by default before it replaces the pods of a node that does not answer.",
    remedy="Add a topologySpreadConstraint over kubernetes.io/hostname and restart the workload once.",
)
def on_one_node(cluster: Cluster) -> Iterator[Hit]:
    for target, workload in _asked(cluster):
        nodes, running = cluster.nodes_of(workload), len(cluster.pods_of(workload))
        usable = cluster.usable_nodes(workload) or []
        if running > 1 and len(nodes) == 1 and len(usable) > 1:
            yield hit(workload, "", f"all {pods(running)} are on node {nodes[0]}", hosts=target.hosts)


@BOOK.rule(
    "RT105",
    "forward-auth-not-spread",
    title="Nothing keeps the pods of a ForwardAuth service on different nodes",
    severity=(MEDIUM, LOW),
    visitors="500 on every site behind it when the one node fails on which the scheduler put all of its pods",
    why="Without a spread constraint or anti-affinity the scheduler may put all pods on one node, at the latest after "
    "a few drains.",
    remedy="Add topologySpreadConstraints with topologyKey kubernetes.io/hostname, maxSkew 1, to its pod template.",
)
def not_spread(cluster: Cluster) -> Iterator[Hit]:
    for target, workload in _asked(cluster):
        if workload["kind"] == "DaemonSet" or cluster.replicas_of(workload) < 2 or is_spread(workload):
            continue
        if len(cluster.usable_nodes(workload) or ["a", "b"]) > 1:
            field = "spec.template.spec.topologySpreadConstraints"
            yield hit(
                workload, field, f"{target.name} has no spread constraint and no anti-affinity", hosts=target.hosts
            )


@BOOK.rule(
    "RT106",
    "forward-auth-evicted-first",
    title="A ForwardAuth service is evicted before the sites that depend on it",
    severity=(HIGH, MEDIUM),
    visitors="500 on every site behind it when a node runs short of memory, though the sites themselves go on",
    why="Pods of a lower priority are preempted and evicted first. What all sites ask may not be among them.",
    remedy="Give its pods the priority of what the whole cluster stands on: ansible-playbook "
    "resilient.traefik.harden --tags tier, or priorityClassName",
    tag="tier",
)
def evicted_first(cluster: Cluster) -> Iterator[Hit]:
    for target, workload in _asked(cluster):
        own = cluster.priority_of(workload)
        places = {place for traefik, route in target.routes for place in traefik.backends_of(route)}
        guarded = {
            str(ref_of(each)): cluster.priority_of(each)
            for place in places
            if (service := cluster.services.get(place)) is not None
            for each in cluster.behind(service)
            if each is not workload
        }
        above = sorted(name for name, priority in guarded.items() if priority > own)
        # One site that was given a high priority says nothing of the others.
        above = above if 2 * len(above) >= len(guarded) else []
        evictable = own < 0 or _in_lowest_tier(cluster, own)
        if above or evictable:
            why = f"lower than that of {listed(above)}" if above else "the lowest class of the cluster"
            field = "spec.template.spec.priorityClassName"
            yield hit(workload, field, f"its pods have priority {own}, {why}", hosts=target.hosts)


def _in_lowest_tier(cluster: Cluster, priority: int) -> bool:
    """Whether there are several classes, and this is the lowest and not that of pods without a class."""
    own = sorted(value for name, value in cluster.priorities.items() if name and not name.startswith("system-"))
    return len(own) > 1 and priority == own[0] < own[-1] and priority != cluster.priorities[""]


@BOOK.rule(
    "RT107",
    "forward-auth-best-effort",
    title="A ForwardAuth service asks for no memory and no CPU",
    severity=(MEDIUM, LOW),
    visitors="500 on every site behind it when its node runs short of memory: BestEffort pods are killed first",
    why="Pods without requests and limits are of the class BestEffort, which the kubelet evicts and the kernel kills "
    "before any other.",
    remedy="Set resources.requests and resources.limits.memory for its containers.",
)
def best_effort(cluster: Cluster) -> Iterator[Hit]:
    for target, workload in _asked(cluster):
        running = cluster.pods_of(workload)
        # A LimitRange gives its values to pods, not to templates.
        limited = any(each["resources"].get("limits") for pod in running for each in pod["spec"]["containers"])
        if is_best_effort(workload) and not limited and cluster.snapshot.complete:
            field = "spec.template.spec.containers[0].resources"
            yield hit(workload, field, "no container has requests or limits", hosts=target.hosts)


@BOOK.rule(
    "RT108",
    "forward-auth-without-endpoints",
    title="No pod of a ForwardAuth service takes requests now",
    severity=(CRITICAL, CRITICAL),
    visitors="500 at once on every site behind it, now",
    why="Its Service has no ready endpoint, so every question of Traefik is refused.",
    remedy="Look at the pods: kubectl describe pods. Lead the middleware back, or take it out of the chains meanwhile.",
)
def without_endpoints(cluster: Cluster) -> Iterator[Hit]:
    for target in cluster.targets:
        if target.service is not None and cluster.ready_endpoints(target.service) == 0:
            evidence = f"none of its endpoints is ready ({pods(len(cluster.selected_pods(target.service)))} selected)"
            yield hit(target.service, "spec.selector", evidence, hosts=target.hosts)


@BOOK.rule(
    "RT109",
    "forward-auth-service-missing",
    title="A ForwardAuth address means a Service that does not exist",
    severity=(CRITICAL, CRITICAL),
    visitors="500 on every site behind it, now",
    why="The name leads to no address, so every question of Traefik fails.",
    remedy="Correct spec.forwardAuth.address, or bring the Service.",
)
def service_missing(cluster: Cluster) -> Iterator[Hit]:
    if not cluster.snapshot.knows("Service"):
        return
    for target in cluster.targets:
        host = target.address.host
        if target.service is None and _means_service(cluster, host):
            for middleware in target.middlewares:
                yield hit(middleware, "spec.forwardAuth.address", f"there is no Service {host}", hosts=target.hosts)


@BOOK.rule(
    "RT110",
    "forward-auth-port-missing",
    title="A ForwardAuth address names a port that its Service does not have",
    severity=(CRITICAL, CRITICAL),
    visitors="500 on every site behind it, now: after 30 s, or at once where the network refuses",
    why="Nothing listens on that port of the Service's address.",
    remedy="Take one of the Service's ports in spec.forwardAuth.address.",
)
def port_missing(cluster: Cluster) -> Iterator[Hit]:
    for target in cluster.targets:
        service = target.service
        # A headless Service leads to its pods, whatever port is asked for.
        if (
            service is None
            or service["spec"].get("clusterIP") == "None"
            or service["spec"].get("type") == "ExternalName"
        ):
            continue
        if forward_auth.service_port(service, target.address.port) is None:
            known = listed(str(each["port"]) for each in service["spec"].get("ports") or []) or "none"
            evidence = f"asks port {target.address.port} of Service {target.name}, which has {known}"
            for middleware in target.middlewares:
                yield hit(middleware, "spec.forwardAuth.address", evidence, hosts=target.hosts)


@BOOK.rule(
    "RT111",
    "forward-auth-by-external-name",
    title="Traefik asks a ForwardAuth service by a name outside of the cluster",
    severity=(MEDIUM, LOW),
    visitors="500 on every site behind it when DNS, the way out or the way back in through the load balancer fails",
    why="The question leaves the cluster, or comes back in through Traefik itself: more has to work than the service, "
    "and the login depends on the sites' own entrance.",
    remedy="Ask the Service by its name in the cluster: http://NAME.NAMESPACE.svc.cluster.local.:PORT/PATH",
)
def by_external_name(cluster: Cluster) -> Iterator[Hit]:
    for target in cluster.targets:
        host = target.address.host
        inside = _means_service(cluster, host) or _is_address(host)
        if target.service is None and "." in host and not inside:
            if not cluster.snapshot.complete and host.count(".") == 1:
                continue
            own = host in {name for traefik in cluster.traefiks for name in traefik.hosts}
            evidence = f"asks {host}" + (", which is a site of this Traefik itself" if own else "")
            for middleware in target.middlewares:
                yield hit(middleware, "spec.forwardAuth.address", evidence, hosts=target.hosts)


def _means_service(cluster: Cluster, host: str) -> bool:
    """Whether a name can only be that of a Service: by its ending, its namespace, or because it has no dot."""
    if host.endswith((".svc", f".svc.{cluster.cluster_domain}")):
        return True
    name, _dot, place = host.partition(".")
    if not name or ":" in host:
        return False
    return not place or (place in cluster.namespaces and place not in _DOMAINS)


def _is_address(host: str) -> bool:
    return host.replace(".", "").isdigit() or ":" in host


@BOOK.rule(
    "RT112",
    "forward-auth-name-without-final-dot",
    title="A ForwardAuth address has no final dot, so each look-up asks every search domain first",
    severity=(LOW, INFO),
    visitors="slower first requests, and seconds of waiting for every site when cluster DNS is slow",
    why="With ndots:5, as Kubernetes sets it, a name with fewer dots is tried with each search domain before it is "
    "asked as it is: four or more questions in place of one.",
    remedy="End the host with a dot: NAME.NAMESPACE.svc.cluster.local.:PORT",
    tag="auth",
    source="Kubernetes documentation, DNS for Services and Pods",
)
def without_final_dot(cluster: Cluster) -> Iterator[Hit]:
    for target in cluster.targets:
        for middleware in target.middlewares:
            url = str(middleware["spec"]["forwardAuth"].get("address") or "")
            authority = url.partition("://")[2].partition("/")[0]
            name = authority.rpartition("@")[2].partition(":")[0]
            if target.service is not None and name.endswith(f".svc.{cluster.cluster_domain}"):
                evidence = f"asks {name}, which has {name.count('.')} dots"
                yield hit(middleware, "spec.forwardAuth.address", evidence, hosts=target.hosts)


@BOOK.rule(
    "RT113",
    "forward-auth-without-readiness",
    title="A ForwardAuth service is asked before it can answer",
    severity=(MEDIUM, LOW),
    visitors="500 on every site behind it for some seconds whenever a pod of it starts",
    why="Without a readiness probe a pod takes requests as soon as its container runs.",
    remedy="Give the container that serves a readinessProbe.",
)
def without_readiness(cluster: Cluster) -> Iterator[Hit]:
    for target, workload in _asked(cluster):
        containers = pod_spec(workload)["containers"]
        if containers and not any(each.get("readinessProbe") for each in containers):
            field = "spec.template.spec.containers[0].readinessProbe"
            yield hit(workload, field, "no container has a readinessProbe", hosts=target.hosts)


@BOOK.rule(
    "RT114",
    "forward-auth-rolls-all-at-once",
    title="An update of a ForwardAuth service ends all of its pods before new ones serve",
    severity=(MEDIUM, LOW),
    visitors="500 on every site behind it during each update, for as long as it takes to start",
    why="The strategy Recreate, and a maxUnavailable of all replicas, leave no pod that answers meanwhile.",
    remedy="Use the strategy RollingUpdate with maxUnavailable: 0 or 1.",
)
def rolls_all_at_once(cluster: Cluster) -> Iterator[Hit]:
    for target, workload in _asked(cluster):
        if workload["kind"] != "Deployment":
            continue
        strategy, replicas = workload["spec"].get("strategy") or {}, cluster.replicas_of(workload)
        unavailable = (strategy.get("rollingUpdate") or {}).get("maxUnavailable")
        if strategy.get("type") == "Recreate":
            yield hit(workload, "spec.strategy.type", "its strategy is Recreate", hosts=target.hosts)
        elif (at_most(unavailable, replicas) or 0) >= replicas > 1:
            field = "spec.strategy.rollingUpdate.maxUnavailable"
            yield hit(workload, field, f"maxUnavailable {unavailable} of {replicas} replicas", hosts=target.hosts)
