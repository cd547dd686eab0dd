"""The tier policy gives out what a namespace's label says, and follows when the label changes."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.integration.lab_cluster import LabCluster, Objects, RequestFailed, decode, eventually

pytestmark = pytest.mark.alone

PRIORITIES = {"1-cluster": 100000, "4-aux": 100}
DEFAULT_MEMORY = {"1-cluster": ("512Mi", "4Gi"), "4-aux": ("256Mi", "1Gi")}


@pytest.fixture
def namespace(cluster: LabCluster) -> Iterator[str]:
    """A fresh namespace without a tier."""
    name = f"tier-{uuid4().hex[:8]}"
    cluster.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})
    yield name
    cluster.request("DELETE", f"/api/v1/namespaces/{name}")


def set_tier(cluster: LabCluster, namespace: str, tier: str | None) -> None:
    """Label the namespace, or take the label away."""
    cluster.request("PATCH", f"/api/v1/namespaces/{namespace}", body={"metadata": {"labels": {"tier": tier}}})


def default_memory(cluster: LabCluster, namespace: str) -> tuple[str, str] | None:
    """Default and most memory of the LimitRange tier-defaults; None when there is none."""
    found: Objects = cluster.read(f"/api/v1/namespaces/{namespace}/limitranges")["items"]
    limits = [item["spec"]["limits"][0] for item in found if item["metadata"]["name"] == "tier-defaults"]
    return (limits[0]["default"]["memory"], limits[0]["max"]["memory"]) if limits else None


def await_limits(cluster: LabCluster, namespace: str, tier: str) -> None:
    """Wait until the namespace has the limits of the tier."""
    eventually(lambda: default_memory(cluster, namespace) == DEFAULT_MEMORY[tier], f"limits of {tier}", 30)


def created_pod(cluster: LabCluster, namespace: str, **spec: object) -> tuple[str, int, str]:
    """Class, priority and memory limit of a pod as the API server would store it (a dry run)."""
    eventually(lambda: cluster.read(f"/api/v1/namespaces/{namespace}/serviceaccounts")["items"], "a ServiceAccount")
    containers = [{"name": "main", "image": "none"}]
    body = {"metadata": {"name": "probe"}, "spec": {"containers": containers, **spec}}
    path = f"/api/v1/namespaces/{namespace}/pods"
    pod = decode(cluster.request("POST", path, {"dryRun": "All"}, body))["spec"]
    limits = pod["containers"][0].get("resources", {}).get("limits", {})
    return pod.get("priorityClassName", ""), pod["priority"], limits.get("memory", "")


def test_the_blockers_pods_have_their_tiers_class(cluster: LabCluster) -> None:
    pods = cluster.pods("poison-fountain", "app=poison-fountain")
    seen = {(pod["spec"]["priorityClassName"], pod["spec"]["priority"]) for pod in pods}
    tier = cluster.read("/api/v1/namespaces/poison-fountain")["metadata"]["labels"]["tier"]
    assert seen == {(f"tier-{tier}", PRIORITIES[tier])}


@pytest.mark.parametrize("tier", PRIORITIES)
def test_a_tier_gives_class_and_limits(cluster: LabCluster, namespace: str, tier: str) -> None:
    set_tier(cluster, namespace, tier)
    await_limits(cluster, namespace, tier)
    assert created_pod(cluster, namespace) == (f"tier-{tier}", PRIORITIES[tier], DEFAULT_MEMORY[tier][0])


def test_limits_follow_the_label_and_go_with_it(cluster: LabCluster, namespace: str) -> None:
    for tier in ("4-aux", "1-cluster"):
        set_tier(cluster, namespace, tier)
        await_limits(cluster, namespace, tier)
    set_tier(cluster, namespace, None)
    eventually(lambda: default_memory(cluster, namespace) is None, "no limits without a tier", 30)


def test_a_change_by_hand_is_put_right(cluster: LabCluster, namespace: str) -> None:
    set_tier(cluster, namespace, "4-aux")
    await_limits(cluster, namespace, "4-aux")
    path = f"/api/v1/namespaces/{namespace}/limitranges/tier-defaults"
    cluster.request(
        "PATCH",
        path,
        body={"spec": {"limits": [{"type": "Container", "max": {"memory": "2Mi"}, "default": {"memory": "1Mi"}}]}},
    )
    await_limits(cluster, namespace, "4-aux")


def test_a_pod_that_names_its_class_keeps_it(cluster: LabCluster, namespace: str) -> None:
    set_tier(cluster, namespace, "4-aux")
    await_limits(cluster, namespace, "4-aux")
    name, priority, _memory = created_pod(cluster, namespace, priorityClassName="tier-1-cluster")
    assert (name, priority) == ("tier-1-cluster", PRIORITIES["1-cluster"])


def test_more_than_the_tier_allows_is_refused(cluster: LabCluster, namespace: str) -> None:
    set_tier(cluster, namespace, "4-aux")
    await_limits(cluster, namespace, "4-aux")
    greedy = [{"name": "main", "image": "none", "resources": {"limits": {"memory": "2Gi"}}}]
    with pytest.raises(RequestFailed, match="maximum memory usage per Container is 1Gi"):
        created_pod(cluster, namespace, containers=greedy)


def test_without_a_tier_nothing_is_given(cluster: LabCluster, namespace: str) -> None:
    assert created_pod(cluster, namespace) == ("", 0, "")
