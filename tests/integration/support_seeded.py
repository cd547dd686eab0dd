"""The weaknesses that the lab comes with, by the rules of the audit that find them."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Audit, Terms, audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.snapshot import read_snapshot
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client

# What lab/workloads does wrong on purpose, and the playbook harden cures. By object, as the findings name it.
SEEDED = {
    "RT101": {"Middleware traefik/ai-bot-block", "Middleware traefik/authentik-forward-auth"},
    "RT103": {"Deployment poison-fountain/poison-fountain", "Deployment authentik/goauthentik-server"},
    "RT105": {"Deployment poison-fountain/poison-fountain"},
    "RT106": {"Deployment poison-fountain/poison-fountain"},
    "RT112": {"Middleware traefik/ai-bot-block", "Middleware traefik/authentik-forward-auth"},
    "RT202": {"Middleware traefik/authentik-forward-auth"},
    "RT401": {"Ingress apps/public", "Ingress apps/private", "IngressRoute apps/api"},
    "RT406": {"Deployment traefik/traefik"},
    "RT408": {"Deployment traefik/traefik"},
    "RT502": {"Deployment traefik/traefik"},
    "RT506": {"Deployment traefik/traefik"},
    "RT511": {"Deployment traefik/traefik"},
    "RT513": {"Deployment traefik/traefik"},
}
# Seconds that tests leave out of a hardened Traefik's life, see support_books.
OF_TIME = ("RT513",)


def audited(client: Client) -> Audit:
    """The lab judged."""
    return audit(read_snapshot(client), Terms())


def seeded_in(found: Audit) -> dict[str, set[str]]:
    """Which of the lab's weaknesses were found, by rule."""
    hits: dict[str, set[str]] = {}
    for each in found.findings:
        if str(each.ref) in SEEDED.get(each.rule, ()):
            hits.setdefault(each.rule, set()).add(str(each.ref))
    return hits
