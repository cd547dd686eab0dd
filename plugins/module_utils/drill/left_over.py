# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is in a drill now, or was left so by one whose controller died."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.drill.marker import LABEL, MARKED_KINDS
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found


def read_labelled(client: Client) -> list[Object]:
    """Every object of the kinds that a fault may change which carries a drill's label. Raises Forbidden.

    What a drill brought itself carries the label too.
    """
    queries = [Query(api_version, kind, label_selector=LABEL) for api_version, kind in MARKED_KINDS]
    return [item for answer in read_found(client, queries) for item in answer.items]
