# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules on the Traefik workload: replicas, spread, budgets, how it rolls and how a replica leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import (
    Cluster,
    is_best_effort,
    is_spread,
    pod_spec,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    HIGH,
    INFO,
    LOW,
    MEDIUM,
    Hit,
    RuleBook,
    hit,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.numbers import allowed, at_most
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.words import counted, listed, pods
from ansible_collections.resilient.traefik.plugins.module_utils.audit.traefiks import Traefik
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.findings import host_ports

BOOK = RuleBook()
_ALL_GONE = "connection refused or time-outs on every site while Traefik restarts or moves to another node"
_SPREAD_FIELD = "spec.template.spec.topologySpreadConstraints"


def container_field(traefik: Traefik) -> str:
    """The path of the container that runs Traefik."""
    containers = pod_spec(traefik.item)["containers"]
    at = next((at for at, each in enumerate(containers) if each.get("name") == traefik.known.container), 0)
    return f"spec.template.spec.containers[{at}]"


def container(traefik: Traefik) -> Object:
    """The container that runs Traefik."""
    containers: list[Object] = pod_spec(traefik.item)["containers"]
    return next((each for each in containers if each.get("name") == traefik.known.container), containers[0])


@BOOK.rule(
    "RT501",
    "traefik-single-replica",
    title="Traefik runs as a single replica",
    severity=(HIGH, MEDIUM),
    visitors=_ALL_GONE,
    why="Every update, eviction and node failure of the one replica is an outage of all sites.",
    remedy="Run two replicas or more: ansible-playbook resilient.traefik.harden --tags traefik_ha -e "
    "traefik_ha_replicas=3",
    tag="traefik_ha",
)
def single_replica(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        if cluster.replicas_of(traefik.item) == 1:
            yield hit(traefik.item, "spec.replicas", f"runs with {pods(1)}", hosts=traefik.hosts)


@BOOK.rule(
    "RT502",
    "traefik-without-pdb",
    title="No PodDisruptionBudget keeps Traefik's replicas through drains",
    severity=(HIGH, LOW),
    visitors=_ALL_GONE,
    why="An upgrade of nodes may evict all replicas at the same time.",
    remedy="ansible-playbook resilient.traefik.harden --tags traefik_ha, or a PodDisruptionBudget with "
    "maxUnavailable: 1",
    tag="traefik_ha",
)
def without_budget(cluster: Cluster) -> Iterator[Hit]:
    # A chart brings it beside the workload, so in files too one that is not there is missing.
    if "PodDisruptionBudget" in cluster.snapshot.unread:
        return
    for traefik in cluster.real_traefiks:
        replicas = cluster.replicas_of(traefik.item)
        if traefik.item["kind"] != "Deployment" or replicas < 2 or cluster.has_one_node(traefik.item):
            continue
        if not cluster.budgets_of(traefik.item):
            yield hit(traefik.item, "", f"{pods(replicas)}, no PodDisruptionBudget selects them", hosts=traefik.hosts)


@BOOK.rule(
    "RT503",
    "pdb-blocks-drains",
    title="A PodDisruptionBudget never lets a pod go, so its nodes cannot be drained",
    severity=(HIGH, MEDIUM),
    visitors="nothing, until somebody ends the blocked drain by force and takes the pods down all at once",
    why="With as many pods required as there are, each eviction is refused: upgrades of nodes hang or time out.",
    remedy="Use maxUnavailable: 1, or run one more pod than minAvailable.",
    tag="traefik_ha",
)
def blocking_budget(cluster: Cluster) -> Iterator[Hit]:
    for workload, hosts in _concerned(cluster):
        replicas = cluster.replicas_of(workload)
        for budget in cluster.budgets_of(workload):
            if replicas > 0 and allowed(budget, replicas) == 0:
                yield hit(
                    budget,
                    _number(budget),
                    f"allows no eviction of {pods(replicas)} of {ref_of(workload)}",
                    hosts=hosts,
                )


@BOOK.rule(
    "RT504",
    "pdb-keeps-nothing",
    title="A PodDisruptionBudget lets all pods go at once",
    severity=(MEDIUM, LOW),
    visitors="what it was meant to prevent: all pods of the service drained together",
    why="minAvailable 0, which a chart renders that has pdb.enabled and no number, and a maxUnavailable of all pods "
    "look like protection and are none.",
    remedy="Set maxUnavailable: 1.",
    tag="authentik_pdb",
)
def budget_of_nothing(cluster: Cluster) -> Iterator[Hit]:
    for workload, hosts in _concerned(cluster):
        replicas = cluster.replicas_of(workload)
        for budget in cluster.budgets_of(workload):
            if replicas > 1 and (allowed(budget, replicas) or 0) >= replicas:
                evidence = f"{_number(budget)[5:]} lets all {replicas} pods of {ref_of(workload)} go"
                yield hit(budget, _number(budget), evidence, hosts=hosts)


@BOOK.rule(
    "RT505",
    "pdb-for-nobody",
    title="A PodDisruptionBudget selects no pods",
    severity=(MEDIUM, LOW),
    visitors="what it was meant to prevent: all pods of the service drained together",
    why="Its selector fits no workload of its namespace, often after labels were renamed.",
    remedy="Make spec.selector fit the labels of the pods, or delete it.",
)
def budget_for_nobody(cluster: Cluster) -> Iterator[Hit]:
    if not cluster.is_live or not cluster.snapshot.knows("Pod", "Deployment", "StatefulSet", "DaemonSet"):
        return
    concerned = {workload["metadata"]["namespace"] for workload, _hosts in _concerned(cluster)}
    for budget in cluster.snapshot.of("PodDisruptionBudget"):
        namespace = budget["metadata"]["namespace"]
        fits = any(budget in cluster.budgets_of(each) for each in cluster.workloads.get(namespace, []))
        if namespace in concerned and not fits and (budget.get("status") or {}).get("expectedPods", 0) == 0:
            yield hit(budget, "spec.selector", f"fits no workload in namespace {namespace}")


@BOOK.rule(
    "RT533",
    "pods-with-two-pdbs",
    title="Two PodDisruptionBudgets select the same pods, which then cannot be evicted at all",
    severity=(HIGH, MEDIUM),
    visitors="nothing, until somebody ends the blocked drain by force",
    why="The eviction API refuses a pod that has more than one budget, whatever their numbers are.",
    remedy="Delete all but one of them.",
    source="Kubernetes, eviction subresource",
)
def two_budgets(cluster: Cluster) -> Iterator[Hit]:
    for workload, hosts in _concerned(cluster):
        budgets = cluster.budgets_of(workload)
        for budget in budgets[1:]:
            others = listed(str(ref_of(each)) for each in budgets if each is not budget)
            yield hit(budget, "spec.selector", f"selects pods of {ref_of(workload)}, as does {others}", hosts=hosts)


def _concerned(cluster: Cluster) -> list[tuple[Object, list[str]]]:
    """Traefik, what it asks, and what our proxies stand before: workloads that all sites need, with their hosts."""
    found = {id(each.item): (each.item, each.hosts) for each in cluster.real_traefiks}
    for target in cluster.targets:
        for workload in [*target.workloads, *cluster.proxied(target)]:
            found.setdefault(id(workload), (workload, target.hosts))
    return list(found.values())


def _number(budget: Object) -> str:
    spec = budget["spec"]
    return "spec.maxUnavailable" if spec.get("maxUnavailable") is not None else "spec.minAvailable"


@BOOK.rule(
    "RT506",
    "traefik-not-spread",
    title="Nothing keeps Traefik's replicas on different nodes",
    severity=(HIGH, LOW),
    visitors=_ALL_GONE,
    why="Without a spread constraint or anti-affinity the scheduler may put all replicas on one node.",
    remedy="ansible-playbook resilient.traefik.harden --tags traefik_ha",
    tag="traefik_ha",
)
def not_spread(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        item = traefik.item
        if item["kind"] != "Deployment" or cluster.replicas_of(item) < 2 or is_spread(item):
            continue
        nodes = cluster.usable_nodes(item)
        if nodes is None or len(nodes) > 1:
            # Host ports keep two of them from one node, as long as these are there.
            ports = host_ports(pod_spec(item))
            more = f"; only the host ports {listed(map(str, ports))} do" if ports else ""
            yield hit(item, _SPREAD_FIELD, f"no spread constraint, no anti-affinity{more}", hosts=traefik.hosts)


@BOOK.rule(
    "RT507",
    "traefik-on-one-node",
    title="All replicas of Traefik are on one node",
    severity=(HIGH, LOW),
    visitors=_ALL_GONE,
    why="That node's failure takes all of them.",
    remedy="ansible-playbook resilient.traefik.harden --tags traefik_ha spreads them.",
    tag="traefik_ha",
)
def on_one_node(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        nodes, running = cluster.nodes_of(traefik.item), len(cluster.pods_of(traefik.item))
        if running > 1 and len(nodes) == 1 and len(cluster.usable_nodes(traefik.item) or []) > 1:
            yield hit(traefik.item, "", f"all {pods(running)} are on node {nodes[0]}", hosts=traefik.hosts)


@BOOK.rule(
    "RT528",
    "traefik-bound-to-one-node",
    title="Only one node of several takes Traefik's pods",
    severity=(MEDIUM, INFO),
    visitors=_ALL_GONE,
    why="Its node selector, affinity or missing tolerations leave one node: when that one is drained, nothing takes "
    "over.",
    remedy="Let more nodes take it: widen spec.template.spec.nodeSelector and affinity, or add tolerations.",
)
def bound_to_one_node(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        usable = cluster.usable_nodes(traefik.item)
        ready = [each for each in cluster.nodes if not each["spec"].get("unschedulable")]
        if usable is not None and len(usable) < 2 and len(ready) > 1:
            evidence = f"of {counted(len(ready), 'node')} {'only ' + usable[0] if usable else 'none'} takes its pods"
            yield hit(traefik.item, "spec.template.spec.nodeSelector", evidence, hosts=traefik.hosts)


@BOOK.rule(
    "RT509",
    "host-ports-with-surge",
    title="Traefik holds host ports and is to be rolled with a surge pod that no node can take",
    severity=(HIGH, MEDIUM),
    visitors="nothing; but updates of Traefik, security fixes among them, never arrive",
    why="A host port can be taken once a node. Where each node has a replica, and none may go first, a new pod stays "
    "Pending for ever.",
    remedy="Set strategy.rollingUpdate.maxUnavailable: 1 and maxSurge: 0.",
    tag="traefik_ha",
)
def host_ports_with_surge(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        item, nodes = traefik.item, cluster.usable_nodes(traefik.item)
        ports = host_ports(pod_spec(item))
        strategy = item["spec"].get("strategy") or {}
        if item["kind"] != "Deployment" or not ports or strategy.get("type") == "Recreate":
            continue
        replicas = cluster.replicas_of(item)
        unavailable = at_most((strategy.get("rollingUpdate") or {}).get("maxUnavailable"), replicas)
        # The default is a quarter of them, rounded down.
        unavailable = replicas // 4 if unavailable is None else unavailable
        if unavailable == 0 and (nodes is None or replicas >= len(nodes)) and (nodes is not None or replicas > 1):
            evidence = f"host ports {listed(map(str, ports))}, {pods(replicas)}, maxUnavailable 0"
            yield hit(item, "spec.strategy.rollingUpdate.maxUnavailable", evidence)


@BOOK.rule(
    "RT510",
    "grace-periods-in-wrong-order",
    title="Traefik is killed before its own grace times are over",
    severity=(MEDIUM, LOW),
    visitors="502 and broken downloads on requests that are under way whenever a replica ends",
    why="Kubernetes counts terminationGracePeriodSeconds from before the preStop hook. Then Traefik still takes "
    "requests for requestAcceptGraceTimeout, and ends those that it has within graceTimeOut.",
    remedy="Make terminationGracePeriodSeconds more than preStop + requestAcceptGraceTimeout + graceTimeOut.",
    tag="traefik_ha",
)
def grace_order(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        period = pod_spec(traefik.item).get("terminationGracePeriodSeconds", 30)
        sleep = _sleep(container(traefik))
        accept = max(
            (_life_cycle(traefik, name, "requestacceptgracetimeout", 0) for name in traefik.points), default=0.0
        )
        grace = max((_life_cycle(traefik, name, "gracetimeout", 10) for name in traefik.points), default=0.0)
        if sleep + accept + grace > period:
            parts = f"preStop {sleep:g} s + requestAcceptGraceTimeout {accept:g} s + graceTimeOut {grace:g} s"
            evidence = f"{period} s for {parts}"
            field = "spec.template.spec.terminationGracePeriodSeconds"
            yield hit(traefik.item, field, evidence, hosts=traefik.hosts)


def _life_cycle(traefik: Traefik, point: str, name: str, default: float) -> float:
    return traefik.seconds(f"entrypoints.{point}.transport.lifecycle.{name}", default)


def _sleep(of: Object) -> float:
    hook: Any = (of.get("lifecycle") or {}).get("preStop") or {}
    return float((hook.get("sleep") or {}).get("seconds") or 0)


@BOOK.rule(
    "RT511",
    "traefik-leaves-at-once",
    title="A replica of Traefik ends the moment it is told to, while it is still asked",
    severity=(MEDIUM, LOW),
    visitors="connection refused for some seconds on part of the requests whenever a replica ends",
    why="Load balancers and kube-proxy learn a moment later that a pod is ending. Until then they go on to lead to it.",
    remedy="ansible-playbook resilient.traefik.harden --tags traefik_ha sets preStop and requestAcceptGraceTimeout.",
    tag="traefik_ha",
)
def leaves_at_once(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        own = container(traefik)
        public = traefik.exposed or traefik.points
        accepts = all(_life_cycle(traefik, name, "requestacceptgracetimeout", 0) > 0 for name in public)
        if not (own.get("lifecycle") or {}).get("preStop") and not accepts:
            evidence = "no preStop hook, and requestAcceptGraceTimeout is 0"
            yield hit(traefik.item, f"{container_field(traefik)}.lifecycle", evidence, hosts=traefik.hosts)


@BOOK.rule(
    "RT512",
    "traefik-without-readiness",
    title="Traefik has no readiness probe",
    severity=(HIGH, MEDIUM),
    visitors="connection refused or 404 on part of the requests whenever a replica starts",
    why="Without one a replica is asked as soon as its container runs, before it listens and has its routes.",
    remedy="Set --ping=true and a readinessProbe on /ping.",
    tag="traefik_ha",
)
def without_readiness(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        if not container(traefik).get("readinessProbe"):
            field = f"{container_field(traefik)}.readinessProbe"
            yield hit(traefik.item, field, "no readinessProbe", hosts=traefik.hosts)


@BOOK.rule(
    "RT513",
    "traefik-ready-before-routes",
    title="A replica of Traefik counts as ready before it can have its routes",
    severity=(LOW, INFO),
    visitors="404 on part of the requests for a second or two whenever a replica starts",
    why="/ping answers as soon as Traefik runs. Its routes are read afterwards, and no metric says when they are "
    "there.",
    remedy="ansible-playbook resilient.traefik.harden --tags traefik_ha (readiness_delay and min_ready_seconds)",
    tag="traefik_ha",
    source="measured on 3.7.9",
)
def ready_before_routes(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        probe = container(traefik).get("readinessProbe")
        wait = int((probe or {}).get("initialDelaySeconds", 0))
        if probe and wait < 3 and traefik.routes:
            field = f"{container_field(traefik)}.readinessProbe.initialDelaySeconds"
            yield hit(traefik.item, field, f"asked after {wait} s", hosts=traefik.hosts)


@BOOK.rule(
    "RT514",
    "local-traffic-policy-with-empty-nodes",
    title="Nodes without a replica of Traefik refuse what is sent to them (externalTrafficPolicy: Local)",
    severity=(MEDIUM, LOW),
    visitors="connection refused or time-outs through the addresses of these nodes",
    why="With Local a node answers only where a pod of the Service runs on it. A balancer that checks no health, DNS "
    "with the addresses of all nodes, and a shared address that moves to such a node lead there all the same.",
    remedy="Run a replica on each node that is led to, or set externalTrafficPolicy: Cluster.",
)
def local_with_empty_nodes(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        usable, serving = cluster.usable_nodes(traefik.item), cluster.nodes_of(traefik.item)
        for service in traefik.services:
            empty = sorted(set(usable or []) - set(serving))
            if service["spec"].get("externalTrafficPolicy") == "Local" and empty and serving:
                evidence = f"no replica on {listed(empty)}; there are replicas on {listed(serving)}"
                yield hit(service, "spec.externalTrafficPolicy", evidence, hosts=traefik.hosts)


@BOOK.rule(
    "RT515",
    "load-balancer-pending",
    title="Traefik's Service of type LoadBalancer has no address",
    severity=(HIGH, MEDIUM),
    visitors="nobody gets in by that Service",
    why="No load balancer has taken it: none is installed, its pool is empty, or it is of another class.",
    remedy="Look at the events of the Service. Without a load balancer use host ports or a NodePort.",
)
def pending(cluster: Cluster) -> Iterator[Hit]:
    if not cluster.is_live:
        return
    for traefik in cluster.real_traefiks:
        for service in traefik.services:
            if service["spec"].get("type") == "LoadBalancer" and not addresses(service):
                yield hit(service, "status.loadBalancer.ingress", "it is empty", hosts=traefik.hosts)


def addresses(service: Object) -> list[str]:
    """The addresses that a load balancer gave."""
    given = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return [str(each.get("ip") or each.get("hostname")) for each in given if each.get("ip") or each.get("hostname")]


@BOOK.rule(
    "RT519",
    "traefik-best-effort",
    title="Traefik asks for no memory and no CPU",
    severity=(MEDIUM, LOW),
    visitors=_ALL_GONE,
    why="Its pods are of the class BestEffort: they are the first to be evicted and killed when a node runs short.",
    remedy="Set resources.requests and resources.limits.memory of its container.",
)
def best_effort(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        running = cluster.pods_of(traefik.item)
        limited = any(each["resources"].get("requests") for pod in running for each in pod["spec"]["containers"])
        if is_best_effort(traefik.item) and not limited and cluster.snapshot.complete:
            field = f"{container_field(traefik)}.resources"
            yield hit(traefik.item, field, "no requests and no limits", hosts=traefik.hosts)


@BOOK.rule(
    "RT524",
    "traefik-recreated",
    title="An update ends all replicas of Traefik before new ones serve",
    severity=(HIGH, MEDIUM),
    visitors="connection refused on every site during each update",
    why="The strategy Recreate, and a maxUnavailable of all replicas, leave none that answers meanwhile.",
    remedy="Use RollingUpdate with maxUnavailable: 1. With ACME in a file that is not possible: see RT517.",
    tag="traefik_ha",
)
def recreated(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        item = traefik.item
        strategy, replicas = item["spec"].get("strategy") or {}, cluster.replicas_of(item)
        unavailable = (strategy.get("rollingUpdate") or {}).get("maxUnavailable")
        if item["kind"] == "Deployment" and strategy.get("type") == "Recreate":
            yield hit(item, "spec.strategy.type", "its strategy is Recreate", hosts=traefik.hosts)
        elif item["kind"] == "Deployment" and (at_most(unavailable, replicas) or 0) >= replicas > 1:
            field = "spec.strategy.rollingUpdate.maxUnavailable"
            yield hit(item, field, f"maxUnavailable {unavailable} of {pods(replicas)}", hosts=traefik.hosts)


@BOOK.rule(
    "RT530",
    "autoscaler-down-to-one",
    title="An autoscaler may scale Traefik, or what it asks, down to a single pod",
    severity=(MEDIUM, LOW),
    visitors=_ALL_GONE,
    why="minReplicas is 1 where it is not set, so at night there is one pod.",
    remedy="Set spec.minReplicas to 2 or more.",
)
def scaled_to_one(cluster: Cluster) -> Iterator[Hit]:
    for workload, hosts in _concerned(cluster):
        namespace, name = workload["metadata"]["namespace"], workload["metadata"]["name"]
        scaler = cluster.autoscalers.get((workload["kind"], namespace, name))
        if scaler is not None and scaler["spec"].get("minReplicas", 1) < 2:
            given = scaler["spec"].get("minReplicas", "not set")
            yield hit(scaler, "spec.minReplicas", f"minReplicas is {given} for {ref_of(workload)}", hosts=hosts)


@BOOK.rule(
    "RT532",
    "traefik-replicas-not-ready",
    title="Replicas of Traefik are not ready now",
    severity=(HIGH, HIGH),
    visitors="nothing yet; the next replica that goes may be the last",
    why="Fewer replicas serve than there should be.",
    remedy="kubectl describe pods says why: no node takes it, its image cannot be pulled, it crashes.",
)
def not_ready(cluster: Cluster) -> Iterator[Hit]:
    if not cluster.is_live or not cluster.snapshot.knows("Pod"):
        return
    for traefik in cluster.real_traefiks:
        wanted, ready = traefik.known.wanted, len(traefik.known.ready)
        if ready < wanted:
            severe = "no site answers" if ready == 0 else ""
            yield hit(traefik.item, "status", f"{ready} of {pods(wanted)} ready", hosts=traefik.hosts, visitors=severe)
