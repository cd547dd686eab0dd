# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How an exporter is told whose pods are Traefik's replicas. No I/O."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import selector_text


def selector_of(workload: Object) -> str:
    """Return what selects the pods of a Deployment or DaemonSet, as a query.

    Raises BadArgument when it selects nothing: every pod of its namespace would be taken for a replica.
    """
    selector = selector_text(workload["spec"].get("selector"))
    if not selector:
        metadata = workload["metadata"]
        raise BadArgument(f"{workload['kind']} {metadata['namespace']}/{metadata['name']} has no selector")
    return selector


def replicas_settings(namespace: str, kind: str, name: str, selector: str) -> dict[str, Any]:
    """Return the part of an exporter's settings.js that says where its pods are listed, and which of them count."""
    query = quote(selector, safe="")
    return {
        "workload": {"kind": kind, "name": name},
        # Any version of the list will do: then the API server answers from its memory.
        "pods_path": f"/api/v1/namespaces/{namespace}/pods?labelSelector={query}&resourceVersion=0",
    }
