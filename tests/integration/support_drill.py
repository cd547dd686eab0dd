"""Drills on the lab: their options, and what of the cluster a drill may not leave changed."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from tests.integration.support_whole_state import State, whole_state

IMAGE = "localhost/lab/nginx:1.31.3"
# The stand-ins of the lab are quick: what takes longer than this is not the lab's.
SECONDS, GIVE_UP_AFTER = 4, 6
EXPIRY = SECONDS + GIVE_UP_AFTER + 60
SITES = [{"host": "private.lab.test"}, {"host": "public.lab.test"}]


def options(scenario: str, **more: Any) -> dict[str, Any]:
    """Arguments of the module for a short drill on the lab."""
    given = {
        "scenario": scenario,
        "cluster": "lab",
        "image": IMAGE,
        "image_modules": [],
        "seconds": SECONDS,
        "give_up_after": GIVE_UP_AFTER,
        "expiry": EXPIRY,
        "visitors": SITES,
    }
    return given | more


def variables(**more: Any) -> dict[str, Any]:
    """Variables of the playbook for short drills."""
    prefix = "resilient_traefik_drill_"
    short = {"seconds": SECONDS, "give_up_after": GIVE_UP_AFTER, "expiry": EXPIRY} | more
    return {f"{prefix}{name}": value for name, value in short.items()}


def state_of(client: Client) -> State:
    """All objects, with what a drain changes of the nodes."""
    nodes = client.request("GET", "/api/v1/nodes")["items"]
    return whole_state(client) | {f"nodes {node['metadata']['name']}": _bare(node) for node in nodes}


def _bare(node: dict[str, Any]) -> dict[str, Any]:
    metadata = node["metadata"]
    annotations = {name: value for name, value in metadata["annotations"].items() if "drill" in name}
    # Taints for a while are the node's own.
    return {
        "labels": metadata["labels"],
        "annotations": annotations,
        "unschedulable": node["spec"].get("unschedulable"),
    }
