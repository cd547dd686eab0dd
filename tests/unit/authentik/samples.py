"""authentik and its PgBouncer as objects of a cluster, and what is asked for."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.authentik.capacity_reading import Parts
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.cluster_reader import Authentik
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.cluster_state import ClusterState
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.desired_state import OPTIONS, DesiredState

Object = dict[str, Any]
VERSION = (2025, 8, 4)


def desired(**given: Any) -> DesiredState:
    """What is asked for, else the defaults."""
    return DesiredState.of({name: option["default"] for name, option in OPTIONS.items()} | given)


def deployment(name: str, replicas: int, image: str = "", **container: Any) -> Object:
    """A Deployment of one container."""
    labels = {"app": name}
    pod = {"containers": [{"name": name, "image": image or "ghcr.io/goauthentik/server:2025.8.4"} | container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "sso"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def pool(**given: Any) -> Object:
    """PgBouncer's Deployment, of one pod."""
    return deployment("pgbouncer", 1, "docker.io/edoburu/pgbouncer:v1.23.1", **given)


def state(server: Object, worker: Object | None = None, pgbouncer: Object | None = None, **given: Any) -> ClusterState:
    """A cluster with these; settings stand in the containers."""
    parts = Parts(server, worker, pgbouncer, given.pop("version", VERSION), given.pop("environment", {}))
    found = Authentik(parts, given.pop("unread", []), given.pop("host", "pgbouncer"), given.pop("inside", True))
    return ClusterState(found, **given)
