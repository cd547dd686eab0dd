"""A cluster with much that is wrong, for pages and pictures."""

from __future__ import annotations

from datetime import date

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Terms
from ansible_collections.resilient.traefik.plugins.module_utils.audit.suppressions import parsed
from tests.unit.audit.well import World, direct, ingress, well


def bad() -> World:
    """authentik asked directly and alone, a dangling name, an old Traefik, and a suppression."""
    world = well()
    direct(world)
    world["Deployment authentik/authentik-server"]["spec"]["replicas"] = 1
    world.remove("PodDisruptionBudget traefik/traefik")
    chain = "traefik-auth@kubernetescrd,traefik-gone@kubernetescrd"
    world.add(*(ingress("shop", f"shop-{each}", f"shop-{each}.test", "shop", chain) for each in range(6)))
    world.arguments("--api.insecure=true", "--accessLog=true", "--accessLog.fields.headers.defaultMode=keep")
    return world


def terms() -> Terms:
    """With one suppression, on a day of its own."""
    entry = {"rule": "RT102", "object": "Deployment authentik/*", "reason": "one licence", "until": "2027-03-31"}
    given, _faults = parsed([entry])
    return Terms(suppressed=given, today=date(2026, 11, 30))
