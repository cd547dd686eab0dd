# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules on hardening that was led back, on what drills left, and on fields that nothing can mean."""

from __future__ import annotations

from collections.abc import Iterator

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
from ansible_collections.resilient.traefik.plugins.module_utils.drill.marker import LABEL, MARKED_KINDS
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import is_ours, owner_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import crd_id

BOOK = RuleBook()


@BOOK.rule(
    "RT901",
    "fallback-proxy-bypassed",
    title="A fallback proxy is there, and nobody asks it",
    severity=(HIGH, HIGH),
    visitors="500 after 30 s on every site behind the middleware when the service hangs, as before hardening",
    why="The middleware's address was led back, by Helm, Argo CD, Flux, authentik itself or by hand.",
    remedy="ansible-playbook resilient.traefik.harden --tags auth,bot_block, and make the change where the middleware "
    "comes from (resilient_traefik_render_to)",
    tag="auth",
)
def bypassed(cluster: Cluster) -> Iterator[Hit]:
    asked = {place_of(target.service) for target in cluster.targets if target.service is not None}
    for service in cluster.snapshot.of("Service"):
        there = forward_auth.remembered_target(service) if is_ours(service) else {}
        if not there or place_of(service) in asked:
            continue
        target = f"{there['namespace']}/{there['service']}"
        direct = [each for each in cluster.targets if each.name == target]
        for middleware in (each for target_ in direct for each in target_.middlewares):
            hosts = [host for each in direct for host in each.hosts]
            evidence = f"asks {target}; {ref_of(service)}, which stands before it, is asked by nobody"
            owner = owner_of(middleware)
            more = f" (it belongs to {owner})" if owner else ""
            yield hit(middleware, "spec.forwardAuth.address", evidence + more, hosts=hosts)


@BOOK.rule(
    "RT902",
    "retry-led-back",
    title="The retry middleware of the hardening is in no chain any more",
    severity=(MEDIUM, LOW),
    visitors="502 on some requests for up to two seconds whenever a pod of an application ends",
    why="The chains were led back by whoever brings the Ingresses and IngressRoutes.",
    remedy="ansible-playbook resilient.traefik.harden --tags retry, or take it over where the routes come from.",
    tag="retry",
)
def retry_led_back(cluster: Cluster) -> Iterator[Hit]:
    for name, middleware in cluster.middlewares.items():
        if is_ours(middleware) and middleware["spec"].get("retry") is not None and name not in cluster.users:
            yield hit(middleware, "", f"no route names {crd_id(*place_of(middleware))}")


@BOOK.rule(
    "RT904",
    "drill-left-behind",
    title="A drill is under way, or its fault was left behind",
    severity=(CRITICAL, CRITICAL),
    visitors="the fault, now",
    why="The object carries the mark of a drill. A drill takes it away when it ends, and so does the cluster itself "
    "after the drill's expiry.",
    remedy="Where no drill runs: ansible-playbook resilient.traefik.drill --tags heal",
    source="docs/drill.md",
)
def left_behind(cluster: Cluster) -> Iterator[Hit]:
    for _version, kind in MARKED_KINDS:
        for item in cluster.snapshot.of(kind):
            mark = item["metadata"]["labels"].get(LABEL)
            # What a drill brought itself carries the label too, and is removed with it.
            if mark and not is_ours(item):
                yield hit(item, f"metadata.labels[{LABEL}]", f"it is in drill {mark}")


@BOOK.rule(
    "RT905",
    "node-left-cordoned",
    title="A node takes no pods, and the rest is too few for what has to be spread",
    severity=(MEDIUM, LOW),
    visitors="nothing, until a replica of Traefik has to move and finds no room",
    why="A cordoned node is left out by the scheduler. Replicas that need a node of their own stay Pending.",
    remedy="kubectl uncordon it when its maintenance is over.",
)
def cordoned(cluster: Cluster) -> Iterator[Hit]:
    off = [each for each in cluster.nodes if each["spec"].get("unschedulable")]
    for node in off:
        for traefik in cluster.real_traefiks:
            usable = cluster.usable_nodes(traefik.item) or []
            if traefik.item["kind"] == "Deployment" and len(usable) < cluster.replicas_of(traefik.item):
                evidence = f"{len(usable)} nodes are left for {cluster.replicas_of(traefik.item)} replicas of Traefik"
                yield hit(node, "spec.unschedulable", evidence, hosts=traefik.hosts)


@BOOK.rule(
    "RT991",
    "field-of-wrong-type",
    title="A field has a type that its kind does not allow",
    severity=(MEDIUM, MEDIUM),
    visitors="nothing of what the file means to change: the API server refuses it",
    why="A text in place of a list, a number in place of a text: the audit leaves such a field out.",
    remedy="Give the field the type that its definition has.",
)
def wrong_type(cluster: Cluster) -> Iterator[Hit]:
    if cluster.is_live:
        return
    for ref, malformed in cluster.snapshot.malformed:
        item = cluster.find(ref)
        if item is not None:
            yield hit(item, malformed.field, f"expected {malformed.expected}")
