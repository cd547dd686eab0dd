# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules on authentik itself, whoever stands in front of it: replicas, budgets, settings that do nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.resilient.traefik.plugins.module_utils.audit import authentik
from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster, is_spread, pod_spec
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    HIGH,
    INFO,
    LOW,
    MEDIUM,
    Hit,
    RuleBook,
    hit,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.words import listed, pods
from ansible_collections.resilient.traefik.plugins.module_utils.authentik import workloads
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of

BOOK = RuleBook()
_ENV = "spec.template.spec.containers[0].env"
_FALLBACK = "the fallback's answer in place of the login while it is away"
_SECRETS = re.compile(r"(__PASSWORD|SECRET_KEY|BOOTSTRAP_TOKEN|BOOTSTRAP_PASSWORD|__SECRET_KEY|TOKEN)$")
# Variables that do nothing from a version on, and what took their place.
_IGNORED = (
    (re.compile(r"AUTHENTIK_REDIS__"), (2025, 10), "authentik has used no Redis since 2025.10"),
    (re.compile(r"AUTHENTIK_WORKER__CONCURRENCY$"), (2025, 8), "it is AUTHENTIK_WORKER__THREADS since 2025.8"),
)


def _not_asked(cluster: Cluster, component: str) -> Iterator[Object]:
    """authentik's workloads that Traefik does not ask itself: rules on ForwardAuth services have those."""
    asked = {id(workload) for target in cluster.targets for workload in target.workloads}
    for item in authentik.components(cluster, component):
        if id(item) not in asked:
            yield item


@BOOK.rule(
    "RT701",
    "authentik-single-replica",
    title="authentik's server runs as a single pod",
    severity=(MEDIUM, LOW),
    visitors=_FALLBACK,
    why="A start takes half a minute and more, in which authentik answers nobody.",
    remedy="Run three: server.replicas: 3 in the chart's values.",
    source="authentik 2026.5, measured",
)
def single_server(cluster: Cluster) -> Iterator[Hit]:
    for item in _not_asked(cluster, "server"):
        if cluster.replicas_of(item) == 1:
            yield hit(item, "spec.replicas", f"runs with {pods(1)}", hosts=authentik.hosts(cluster, item))


@BOOK.rule(
    "RT702",
    "authentik-single-worker",
    title="authentik's worker runs as a single pod",
    severity=(INFO, INFO),
    visitors="mails that come late, and changes of providers that reach outposts late, while it restarts",
    why="The worker does what is done in the background.",
    remedy="Run two or more: worker.replicas: 2 in the chart's values.",
)
def single_worker(cluster: Cluster) -> Iterator[Hit]:
    for item in authentik.components(cluster, "worker"):
        if cluster.replicas_of(item) == 1:
            yield hit(item, "spec.replicas", f"runs with {pods(1)}")


@BOOK.rule(
    "RT703",
    "authentik-without-pdb",
    title="Nothing keeps authentik's servers through drains",
    severity=(MEDIUM, LOW),
    visitors=_FALLBACK,
    why="An upgrade of nodes may evict all of them at the same time.",
    remedy="ansible-playbook resilient.traefik.harden --tags authentik_pdb",
    tag="authentik_pdb",
)
def without_budget(cluster: Cluster) -> Iterator[Hit]:
    if "PodDisruptionBudget" in cluster.snapshot.unread:
        return
    for item in _not_asked(cluster, "server"):
        replicas = cluster.replicas_of(item)
        if replicas > 1 and not cluster.budgets_of(item) and not cluster.has_one_node(item):
            evidence = f"{pods(replicas)}, no PodDisruptionBudget selects them"
            yield hit(item, "", evidence, hosts=authentik.hosts(cluster, item))


@BOOK.rule(
    "RT704",
    "authentik-not-spread",
    title="Nothing keeps authentik's servers on different nodes",
    severity=(LOW, INFO),
    visitors=_FALLBACK,
    why="Without a spread constraint or anti-affinity one node's failure may take all of them.",
    remedy="Set server.topologySpreadConstraints in the chart's values, over kubernetes.io/hostname.",
)
def not_spread(cluster: Cluster) -> Iterator[Hit]:
    for item in _not_asked(cluster, "server"):
        if cluster.replicas_of(item) > 1 and not is_spread(item):
            field = "spec.template.spec.topologySpreadConstraints"
            evidence = "no spread constraint and no anti-affinity"
            yield hit(item, field, evidence, hosts=authentik.hosts(cluster, item))


@BOOK.rule(
    "RT705",
    "authentik-ignored-setting",
    title="A setting of authentik does nothing in this version",
    severity=(LOW, LOW),
    visitors="what the setting was meant to prevent",
    why="Keys are renamed and dropped between releases, and authentik says nothing about those that it does not know.",
    remedy="Take the variable out, or use the new name.",
    source="authentik's release notes, 2025.8 and 2025.10",
)
def ignored_setting(cluster: Cluster) -> Iterator[Hit]:
    for item in [*authentik.components(cluster, "server"), *authentik.components(cluster, "worker")]:
        version, names = workloads.version(item), authentik.environment(item)
        for pattern, since, why in _IGNORED:
            found = sorted(name for name in names if pattern.match(name))
            if found and version[:2] >= since:
                yield hit(item, f"{_ENV}[{found[0]}]", f"{listed(found)}: {why}")


@BOOK.rule(
    "RT706",
    "authentik-holds-pooled-connections",
    title="authentik keeps its connections, through a pool that lends them for as long as they are kept",
    severity=(HIGH, MEDIUM),
    visitors="400 for whoever is not signed in, and logins that time out, as soon as the pool is empty",
    why="With a session-mode PgBouncer each kept connection takes one of the pool for its whole life: every thread of "
    "every server and worker takes one, and the rest waits.",
    remedy="Set AUTHENTIK_POSTGRESQL__CONN_MAX_AGE to 0, or pool_mode = transaction, or enlarge default_pool_size.",
    source="measured with Django 5, psycopg 3 and PgBouncer 1.18: 132 requests in 7 s in place of 641",
)
def pooled_connections(cluster: Cluster) -> Iterator[Hit]:
    for database in authentik.databases_of(cluster):
        pools = [each for each in database.workloads if _is_pool(each)]
        for server in database.users:
            age = authentik.environment(server).get("AUTHENTIK_POSTGRESQL__CONN_MAX_AGE", "0")
            if pools and age not in ("", "0") and _mode(pools[0]) == "session":
                field = f"{_ENV}[AUTHENTIK_POSTGRESQL__CONN_MAX_AGE]"
                evidence = f"CONN_MAX_AGE is {age}, and {ref_of(pools[0])} is in session mode"
                yield hit(server, field, evidence, hosts=authentik.hosts(cluster, server))


def _is_pool(workload: Object) -> bool:
    return any("pgbouncer" in each["image"] for each in pod_spec(workload)["containers"])


def _mode(pool: Object) -> str:
    """What its variables say; PgBouncer's own default where they say nothing and no file is mounted."""
    given = authentik.environment(pool)
    named = [value for name, value in given.items() if name.endswith("POOL_MODE")]
    mounted = any(each.get("configMap") or each.get("secret") for each in pod_spec(pool).get("volumes") or [])
    return named[0] if named else "" if mounted else "session"


@BOOK.rule(
    "RT710",
    "authentik-secret-in-plain-text",
    title="A secret of authentik stands in a Deployment as plain text",
    severity=(HIGH, MEDIUM),
    visitors="nothing; but whoever may read Deployments can sign sessions, or read the database",
    why="Deployments are no Secrets: they are in Git, in logs of tools, and readable by many accounts.",
    remedy="Take it from a Secret: env with valueFrom.secretKeyRef, or the chart's authentik.existingSecret.",
)
def plain_secret(cluster: Cluster) -> Iterator[Hit]:
    for item in [*authentik.components(cluster, "server"), *authentik.components(cluster, "worker")]:
        names = sorted(
            name
            for name, value in authentik.environment(item).items()
            if name.startswith("AUTHENTIK_")
            and _SECRETS.search(name)
            and value
            and not value.startswith(("file://", "env://", "$"))
        )
        if names:
            yield hit(item, f"{_ENV}[{names[0]}]", f"{listed(names)} in plain text")


@BOOK.rule(
    "RT711",
    "auth-database-single",
    title="The database that every login needs runs as a single pod",
    severity=(MEDIUM, INFO),
    visitors="400 and 404 in place of the login while it restarts or moves; with a fallback proxy the fallback's "
    "answer",
    why="authentik asks its database about every question, and answers nobody without it.",
    remedy="Run it with a replica that takes over (an operator such as CloudNativePG), or accept it with a "
    "suppression.",
)
def single_database(cluster: Cluster) -> Iterator[Hit]:
    for database in authentik.databases_of(cluster):
        for workload in database.workloads:
            if cluster.replicas_of(workload) == 1 and len(database.workloads) == 1:
                hosts = {host for target in database.targets for host in target.hosts}
                yield hit(workload, "spec.replicas", f"runs with {pods(1)} behind {database.name}", hosts=hosts)
