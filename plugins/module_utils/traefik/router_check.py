# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether every Traefik replica has a router for given sites: by its own 404, which it answers when it has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer, PodPoint, Request, Session
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import Entrance
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import Site
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Replica, Workload

# What Traefik, 3.0 to 3.7, answers where no router fits. An application behind it may answer 404 in its own words.
NO_ROUTER = "404 page not found"
# A site that answers nothing within this time has a router: one that has none answers at once.
_SECONDS = 3.0


def without_router(client: Client, workload: Workload, sites: Sequence[Site]) -> dict[str, list[str]]:
    """By host the replicas that have no router for it where visitors ask for it; hosts with none such are left out.

    A host that no visitor reaches is without one at every replica. Raises Forbidden (pods/portforward).
    """
    pairs = [(site, replica) for site in sites for replica in workload.ready]
    missing = client.concurrently(lambda pair: _has_no_router(client, workload, pair[1], pair[0]), pairs)
    found: dict[str, list[str]] = {}
    for (site, replica), lacks in zip(pairs, missing, strict=True):
        if lacks and replica.name not in found.get(site.host, []):
            found.setdefault(site.host, []).append(replica.name)
    return found


def nowhere(missing: Mapping[str, Sequence[str]], replicas: int) -> set[str]:
    """The hosts that none of that many replicas has a router for."""
    return {host for host, names in missing.items() if len(names) == replicas}


def held_against(missing: Mapping[str, list[str]], asked: int, replicas: int) -> dict[str, list[str]]:
    """What is missing, without hosts that no replica has a router for, unless that is all hosts that were ``asked``.

    Where nothing is known of before, such a host has a flaw of its own: its Service is gone, or it asks for a header.
    """
    flawed = nowhere(missing, replicas)
    kept = {} if len(flawed) == asked else flawed
    return {host: names for host, names in missing.items() if host not in kept}


def _has_no_router(client: Client, workload: Workload, replica: Replica, site: Site) -> bool:
    return all(_answers_404_itself(client, workload, replica, site, entrance) for entrance in site.entrances)


def _answers_404_itself(client: Client, workload: Workload, replica: Replica, site: Site, entrance: Entrance) -> bool:
    point = PodPoint(client, replica.namespace, replica.name, workload.port(entrance.entry_point))
    try:
        with Session(point, timeout=_SECONDS, max_seconds=_SECONDS) as session:
            answer = session.ask(Request(host=site.host, path=site.path, https=entrance.https, verify=False))
    except NoAnswer:
        return False
    return answer.status == 404 and answer.body.decode(errors="replace").strip() == NO_ROUTER
