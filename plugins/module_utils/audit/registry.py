# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All rules of the audit by their ids. A subject's rules are in a file of their own, which is named here once."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import Rule
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules import (
    alerts,
    authentik,
    edge,
    exposure,
    hardening,
    identity,
    references,
    replicas,
    retries,
    routing,
    targets,
    traefik,
    versions,
)

_SUBJECTS = (
    *(targets, identity, references, routing, retries, traefik, edge, exposure),
    *(replicas, versions, authentik, alerts, hardening),
)
RULES: tuple[Rule, ...] = tuple(
    sorted((rule for subject in _SUBJECTS for rule in subject.BOOK.rules), key=lambda rule: rule.id)
)
BY_ID = {rule.id: rule for rule in RULES}
