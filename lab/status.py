"""Says what runs, for people and for programs."""

from __future__ import annotations

from typing import Any

from lab.down import engines
from lab.kube import Kubectl
from lab.settings import LAB_FOLDER, Settings, read_record


def describe(settings: Settings) -> dict[str, Any]:
    """The lab's state as plain data.

    Keys: name, healthy (bool), source, engine, nodes (name to state), node_addresses (name to IP); kubeconfig,
    audit_log and state are paths as text.
    """
    made = read_record(settings)
    containers = {}
    engine_program = None
    for engine in engines(settings):
        found = {container.name: container.state for container in engine.containers(settings.name)}
        if found:
            containers, engine_program = found, engine.program
    running = bool(containers) and set(containers.values()) == {"running"}
    addresses = _addresses(settings) if running and made else {}
    return {
        "name": settings.name,
        "healthy": bool(addresses),
        "source": made.get("source"),
        "engine": engine_program,
        "nodes": containers,
        "node_addresses": addresses,
        "kubeconfig": str(settings.kubeconfig),
        "audit_log": str(settings.audit_log),
        "state": str(settings.state),
    }


def _addresses(settings: Settings) -> dict[str, str]:
    kubectl = Kubectl(LAB_FOLDER / "bin" / "kubectl", settings.kubeconfig)
    if not kubectl.answers():
        return {}
    nodes = kubectl.get("nodes", doing="reading the nodes")["items"]
    return {
        node["metadata"]["name"]: address["address"]
        for node in nodes
        for address in node["status"]["addresses"]
        if address["type"] == "InternalIP"
    }
