"""Deliveries that the lab does not have: a Helm release, and the HelmChart of k3s."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_opening import info
from tests.integration.support_own_traefik import OwnTraefik
from tests.integration.support_playbook import Player

pytest_plugins = ["tests.integration.support_fixtures"]


def _crd(kind: str) -> Object:
    """A CustomResourceDefinition of k3s, as far as it is looked at."""
    plural = f"{kind.lower()}s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.helm.cattle.io"},
        "spec": {"group": "helm.cattle.io", "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _released(namespace: str) -> list[Object]:
    """A Traefik as a Helm release leaves it, with the Secrets of two revisions."""
    (_account, _files, workload) = OwnTraefik(namespace, name="edge", replicas=0).objects("traefik:v3.7.9")
    workload["metadata"] = workload["metadata"] | {
        "annotations": {"meta.helm.sh/release-name": "edge", "meta.helm.sh/release-namespace": namespace},
        "labels": {"helm.sh/chart": "traefik-41.3.0_up1", "app.kubernetes.io/managed-by": "Helm"},
    }
    return [workload, _revision(namespace, 9, "superseded"), _revision(namespace, 10, "deployed")]


def _revision(namespace: str, number: int, status: str) -> Object:
    labels = {"owner": "helm", "name": "edge", "status": status, "version": str(number)}
    metadata = {"name": f"sh.helm.release.v1.edge.v{number}", "namespace": namespace, "labels": labels}
    data = {"release": "not looked into"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "helm.sh/release.v1",
        "stringData": data,
    }


def test_a_helm_release_and_the_chart_of_k3s(
    admin: Client, player: Player, namespace: str, cleaned: Callable[[ObjectRef], None]
) -> None:
    writer = Writer(admin, check_mode=False)
    writer.apply(_released(namespace))
    by_helm = player.play(info(namespace=namespace)).tasks[0].result["delivery"]
    assert by_helm == {
        "kind": "helm",
        "owner": f"Helm release {namespace}/edge",
        "release": "edge",
        "namespace": namespace,
        "chart": "traefik",
        "chart_version": "41.3.0+up1",
        "revision": 10,
        "status": "deployed",
        "helm_chart": "",
        "helm_chart_config": "",
        "note": "",
    }
    crds = [_crd("HelmChart"), _crd("HelmChartConfig")]
    for crd in crds:
        cleaned(ref_of(crd))
    writer.apply(crds)
    wait_until_ready(admin, [ref_of(crd) for crd in crds], 30, print)
    metadata = {"name": "edge", "namespace": namespace}
    api = {"apiVersion": "helm.cattle.io/v1", "metadata": metadata}
    writer.apply([api | {"kind": "HelmChart", "spec": {}}, api | {"kind": "HelmChartConfig", "spec": {}}])
    by_k3s = player.play(info(namespace=namespace)).tasks[0].result["delivery"]
    assert by_k3s == by_helm | {
        "kind": "k3s",
        "helm_chart": f"{namespace}/edge",
        "helm_chart_config": f"{namespace}/edge",
    }
