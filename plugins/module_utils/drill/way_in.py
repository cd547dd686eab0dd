# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""At which entry point a drill's visitors ask, and by which scheme: where the sites are served, never where one only
sends everybody on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ansible_collections.resilient.traefik.plugins.module_utils.drill.subject import NotRun
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import (
    entry_points_of,
    public_ports,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import Entrance
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import Site
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload


def way_in(workload: Workload, sites: Sequence[Site], hosts: Sequence[str], wanted: str, usual: str) -> Entrance:
    """The entrance of most of the ``hosts``, or of most sites where there are none; of equals the ``usual`` one.

    ``wanted`` is the entry point that the user names. Raises NotRun when it only sends everybody on, or when no visitor
    reaches any of the sites.
    """
    points = entry_points_of(workload.arguments, public_ports(workload.item, []))
    if wanted:
        workload.port(wanted)
        if points[wanted.lower()].redirects:
            raise NotRun(
                f"entry_point: {wanted} sends everybody to {points[wanted.lower()].redirects}, so no answer there is "
                f"one of a site. Name the entry point that sites are served at: {_others(wanted, workload)}"
            )
    about = [site for site in sites if site.host in hosts] or list(sites)
    found = Counter(entrance for site in about for entrance in site.entrances)
    chosen = [each for each in found if not wanted or each.entry_point == wanted.lower()]
    if chosen:
        best = max(found[each] for each in chosen)
        equals = [each for each in chosen if found[each] == best]
        return next((each for each in equals if each.entry_point == usual.lower()), equals[0])
    if about and not wanted:
        raise NotRun(f"visitors: nobody reaches {about[0].host}: {about[0].reason}. Nothing could be measured.")
    name = (wanted or usual).lower()
    if points[name].redirects:
        raise NotRun(f"entry_point: {name} sends everybody to {points[name].redirects}; name one that serves sites")
    return Entrance(name, points[name].tls)


def _others(wanted: str, workload: Workload) -> str:
    return ", ".join(sorted(name for name in workload.entry_points if name != wanted.lower()))
