"""What is measured: each contender of a case does the same work and is checked to have done it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all
from bench.playing import Bench, BenchFailed, Ran
from bench.sets import CHAIN, INGRESSES, MIDDLEWARES, TWENTY_KINDS, Object, thirty_six

# One task of so few milliseconds would drown in the noise of a whole play: a play has several.
SMALL_TASKS = 10

# Seconds, or MB for memory, by name of what was measured.
Samples = dict[str, float]


@dataclass(frozen=True)
class Contender:
    """One way of doing a case's work. ``run`` takes a fresh name for what it makes."""

    name: str
    run: Callable[[str], Samples]


Case = Sequence[Contender]


@dataclass(frozen=True)
class Cluster:
    """The lab: ``fresh`` makes an empty namespace, ``crowd`` is one that holds the many objects."""

    bench: Bench
    client: Client
    crowd: str
    fresh: Callable[[str], None]


MakeCase = Callable[[Cluster], Case]


def empty_play(cluster: Cluster) -> Case:
    """The floor: what ansible-playbook costs with nothing to do."""
    return [Contender("floor", lambda name: {"floor": cluster.bench.play([]).seconds})]


def applying(cluster: Cluster) -> Case:
    """Thirty-six objects, first and again."""
    bench = cluster.bench

    def twice(label: str, apply: Callable[[list[Object]], float]) -> Contender:
        def run(name: str) -> Samples:
            cluster.fresh(name)
            objects = thirty_six(name)
            return {f"{label}, first": apply(objects), f"{label}, again": apply(objects)}

        return Contender(label, run)

    def ours(objects: list[Object]) -> float:
        return bench.play([{"resilient.traefik.apply": {"objects": objects}}]).seconds

    def one_by_one(objects: list[Object]) -> float:
        return bench.play([{"kubernetes.core.k8s": {"definition": item}} for item in objects]).seconds

    def as_list(objects: list[Object]) -> float:
        return bench.play([{"kubernetes.core.k8s": {"definition": objects}}]).seconds

    def kubectl(objects: list[Object]) -> float:
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        return bench.program("apply", "--server-side", "-f", "-", stdin=listed).seconds

    return [
        twice("apply", ours),
        twice("k8s, a task an object", one_by_one),
        twice("k8s, one task", as_list),
        twice("kubectl apply", kubectl),
    ]


def reading_kinds(cluster: Cluster) -> Case:
    """Twenty kinds, all namespaces."""
    queries = [{"api_version": version, "kind": kind} for version, kind in TWENTY_KINDS]
    return [
        Contender("read, 20 kinds", lambda name: {"read, 20 kinds": _read(cluster.bench, queries).seconds}),
        Contender(
            "k8s_info, 20 kinds",
            lambda name: {
                "k8s_info, 20 kinds": cluster.bench.play([{"kubernetes.core.k8s_info": q} for q in queries]).seconds
            },
        ),
    ]


def listing(cluster: Cluster) -> Case:
    """2,000 Ingresses and 500 Middlewares: the requests alone, and whole tasks with their memory."""
    kinds = [("networking.k8s.io/v1", "Ingress"), ("traefik.io/v1alpha1", "Middleware")]
    queries = [{"api_version": version, "kind": kind, "namespace": cluster.crowd} for version, kind in kinds]
    paths = [cluster.client.resource(*kind).path(cluster.crowd) for kind in kinds]

    def requests(name: str) -> Samples:
        client = Client({"kubeconfig": str(cluster.bench.kubeconfig)})
        start = time.perf_counter()
        answers = read_all(client, [Query(version, kind, namespace=cluster.crowd) for version, kind in kinds])
        seconds = time.perf_counter() - start
        _expect([len(answer.items) for answer in answers] == [INGRESSES, MIDDLEWARES], "the lists are not complete")
        return {"requests of read": seconds}

    def raw(name: str) -> Samples:
        return {"kubectl get --raw": sum(cluster.bench.program("get", "--raw", path).seconds for path in paths)}

    def whole(name: str) -> Samples:
        ran = _read(cluster.bench, queries)
        return {"read, 2,500 objects": ran.seconds, "memory of read": ran.added_megabytes}

    def rival(name: str) -> Samples:
        ran = cluster.bench.play([{"kubernetes.core.k8s_info": query} for query in queries])
        return {"k8s_info, 2,500 objects": ran.seconds, "memory of k8s_info": ran.added_megabytes}

    return [
        Contender("requests of read", requests),
        Contender("kubectl get --raw", raw),
        Contender("read, 2,500 objects", whole),
        Contender("k8s_info, 2,500 objects", rival),
    ]


def chaining(cluster: Cluster) -> Case:
    """A middleware goes first into 2,000 chains one by one, and out again in one task; then there is nothing to do.

    The module puts middlewares only into Ingresses that a Traefik serves, and the lab's Traefik is not to serve these:
    it would write 2,000 states meanwhile. Taking out is the same work, a list and a patch an object.
    """
    bench, client, crowd = cluster.bench, cluster.client, cluster.crowd
    ingresses = {"api_version": "networking.k8s.io/v1", "kind": "Ingress", "namespace": crowd}

    def there_and_back(name: str) -> Samples:
        one_by_one = _put_first(client, crowd, f"{crowd}-{name}@kubernetescrd")
        task = {
            "resilient.traefik.middleware_chain": {
                "middleware": f"{crowd}-{name}@kubernetescrd",
                "state": "absent",
                "kinds": ["Ingress"],
                "namespaces": [crowd],
                "proof": "none",
            }
        }
        first, again = bench.play([task]), bench.play([task])
        _expect("changed=1" in first.output and "changed=0" in again.output, first.output + again.output)
        return {"patching one by one": one_by_one, "chain, first": first.seconds, "chain, again": again.seconds}

    return [
        Contender("chain", there_and_back),
        Contender("read, 2,000 Ingresses", lambda name: {"read, 2,000 Ingresses": _read(bench, [ingresses]).seconds}),
    ]


def _put_first(client: Client, namespace: str, middleware: str) -> float:
    """Seconds of 2,000 patches over one connection, each waited for; reading the list beforehand is not counted."""
    (answer,) = read_all(client, [Query("networking.k8s.io/v1", "Ingress", namespace=namespace)])
    start = time.perf_counter()
    for item in answer.items:
        body = {"metadata": {"annotations": {CHAIN: f"{middleware},{item['metadata']['annotations'][CHAIN]}"}}}
        client.request("PATCH", client.path(ref_of(item)), body=body, content_type="application/merge-patch+json")
    return time.perf_counter() - start


def refusing(cluster: Cluster) -> Case:
    """A task that fails its arguments."""
    arguments = {"objects": [], "state": "sideways"}
    task: dict[str, Any] = {"resilient.traefik.apply": arguments, "ignore_errors": True}

    def run(name: str) -> Samples:
        ran = cluster.bench.play([task] * SMALL_TASKS)
        _expect(f"ignored={SMALL_TASKS}" in ran.output, ran.output)
        return {"argument error, ten tasks": ran.seconds}

    return [Contender("argument error, ten tasks", run)]


def secrets_shown(cluster: Cluster, name: str) -> dict[str, bool]:
    """Whether --check --diff of a changed Secret prints its old or its new value."""
    cluster.fresh(name)
    old, new = "b2xkLXZhbHVlLW9mLWE=", "bmV3LXZhbHVlLW9mLWE="
    metadata = {"name": "credentials", "namespace": name}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"password": old}}
    cluster.bench.program("apply", "-f", "-", stdin=json.dumps(secret))
    changed = secret | {"data": {"password": new}}
    plays: dict[str, dict[str, Any]] = {
        "apply": {"resilient.traefik.apply": {"objects": [changed], "on_conflict": "force"}},
        "k8s": {"kubernetes.core.k8s": {"definition": changed}},
    }
    printed = {who: cluster.bench.play([task], "--check", "--diff").output for who, task in plays.items()}
    return {who: old in output or new in output for who, output in printed.items()}


def _read(bench: Bench, queries: list[dict[str, Any]]) -> Ran:
    return bench.play([{"resilient.traefik.read": {"queries": queries}}])


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        raise BenchFailed(otherwise[-3000:])
