# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""References of Traefik's objects that one Traefik cannot follow. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ansible_collections.resilient.traefik.plugins.module_utils.traefik import scope
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.reference_faults import Known, faults
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.references import Reference

if TYPE_CHECKING:
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.traefiks import Traefik

_SECRETS = ("Secret", "ConfigMap")


def broken(cluster: Cluster, traefik: Traefik) -> Iterator[tuple[Reference, str]]:
    """References that this Traefik cannot follow, with the reason. Secrets are not read, so they are not judged."""
    rules = scope.rules(traefik.settings)
    known = Known(cluster.by_ref, qualified=frozenset(cluster.middlewares))
    for reference in cluster.references:
        if reference.kind in _SECRETS or reference.source in traefik.overlooked or _is_elsewhere(cluster, reference):
            continue
        # TLSOptions have qualified names of their own.
        if reference.provider and reference.kind != "Middleware":
            continue
        for fault in faults([reference], known, rules):
            yield reference, fault.removeprefix(f"{reference.source}: {reference.path}: ")


def _is_elsewhere(cluster: Cluster, reference: Reference) -> bool:
    """Whether what is named may be there, and only not in what was read: other files, or a kind that is forbidden."""
    known = reference.target in cluster.by_ref or reference.name in cluster.middlewares
    return not known and not cluster.snapshot.knows(reference.kind)
