# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The schemas of Traefik's kinds as the cluster serves them.

Taken from the API server's OpenAPI v3 document: one request for all kinds, and every user may read it, while reading
CustomResourceDefinitions needs a right of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.crd_schema import Schema, faults, kinds_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION

# A fault counts once it has stood this long: the document follows a changed definition a little later (seen on 1.34:
# 0.07 to 0.25 s), and a field that came with the task before must not be called unknown.
_PUBLISH_SECONDS = 1.0


def schema_faults(client: Client, items: Sequence[Object]) -> list[str]:
    """Each fault as ``Kind namespace/name: path: fault``, in the objects' order; see crd_schema.faults.

    Raises NotFound when the cluster serves one of the kinds not at all.
    """
    kinds = {item["kind"] for item in items}
    for kind in sorted(kinds):
        client.resource(API_VERSION, kind)
    found: list[str] = []
    for _left in tries(_PUBLISH_SECONDS):
        schemas = _schemas(client)
        found = [f"{kind}: the API server publishes no schema of it" for kind in sorted(kinds - schemas.keys())]
        found = found or _faults(items, schemas)
        if not found:
            break
    return found


def _faults(items: Iterable[Object], schemas: dict[str, Schema]) -> list[str]:
    return [f"{ref_of(item)}: {fault}" for item in items for fault in faults(item, schemas[item["kind"]])]


def _schemas(client: Client) -> dict[str, Schema]:
    return kinds_of(client.request("GET", f"/openapi/v3/apis/{API_VERSION}", about=f"schemas of {API_VERSION}"))
