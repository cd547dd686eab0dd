"""Restarts what reads its ConfigMap only when it starts, once the lab has given that ConfigMap another content."""

from __future__ import annotations

from typing import Any

from lab.kube import Kubectl

Manifest = dict[str, Any]


def with_outdated_configuration(manifests: list[Manifest], live: list[Manifest]) -> list[Manifest]:
    """The StatefulSets of which a ConfigMap among the manifests says something else than the cluster's.

    A ConfigMap that the cluster lacks counts as equal: whoever waits for it has not started. Deployments of the lab
    have ConfigMaps whose names change with the content, and need nothing.
    """
    before = {_key(config): _data(config) for config in live}
    wanted = [manifest for manifest in manifests if manifest["kind"] == "ConfigMap" and _key(manifest) in before]
    changed = {_key(config) for config in wanted if not _data(config).items() <= before[_key(config)].items()}
    sets = [manifest for manifest in manifests if manifest["kind"] == "StatefulSet"]
    return [manifest for manifest in sets if changed & _mounted(manifest)]


def read(kubectl: Kubectl, manifests: list[Manifest]) -> list[Manifest]:
    """The ConfigMaps in the cluster beside the StatefulSets among the manifests."""
    namespaces = {manifest["metadata"]["namespace"] for manifest in manifests if manifest["kind"] == "StatefulSet"}
    found: list[Manifest] = []
    for namespace in sorted(namespaces):
        listed = kubectl.get("configmaps", "--namespace", namespace, doing=f"reading the ConfigMaps of {namespace}")
        found += listed["items"]
    return found


def restart(kubectl: Kubectl, sets: list[Manifest]) -> None:
    """Begin the restart of these StatefulSets, one pod after the other."""
    for manifest in sets:
        name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
        again = ["rollout", "restart", f"statefulset/{name}", "--namespace", namespace]
        kubectl.run(*again, doing=f"restarting {name} for its new configuration")


def _key(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _data(config_map: Manifest) -> dict[str, str]:
    return config_map.get("data") or {}


def _mounted(manifest: Manifest) -> set[tuple[str, str]]:
    namespace = manifest["metadata"]["namespace"]
    volumes = manifest["spec"]["template"]["spec"].get("volumes", [])
    return {(namespace, volume["configMap"]["name"]) for volume in volumes if "configMap" in volume}
