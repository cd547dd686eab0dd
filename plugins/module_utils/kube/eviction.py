# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rehearsed evictions: what the API server would say to a node drain. Nothing is ever evicted by this file."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef

_REFUSED = (429, 500)


def rehearse_eviction(client: Client, pod: ObjectRef) -> str:
    """Why the API server would not evict the pod now, in its own words; empty when it would, or the pod is gone.

    A budget without disruptions left answers 429, two budgets for one pod 500 (read in Kubernetes 1.34,
    registry/core/pod/storage/eviction.go). Raises Forbidden (pods/eviction: create) and whatever else goes wrong.
    """
    # A dry run twice over, in the query and in the options: either alone is enough for the API server.
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        "deleteOptions": {"dryRun": ["All"]},
    }
    try:
        client.request(
            "POST",
            client.path(pod, "eviction"),
            query={"dryRun": "All"},
            body=eviction,
            about=str(pod),
        )
    except errors.NotFound:
        return ""
    except errors.ApiError as error:
        if error.status not in _REFUSED:
            raise
        # Without the advice for an API server that is overloaded: this 429 is the budget's.
        return str(error).partition(" (HTTP ")[0]
    return ""
