# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the parity exporter compares Traefik's replicas by, out of what traefik_info tells. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.replicas import (
    replicas_settings,
    selector_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.settings import INTERNAL


@dataclass(frozen=True)
class EntryPoint:
    """A TCP port of every replica, 0 for none, and whether it speaks TLS to everybody."""

    port: int
    tls: bool = False


@dataclass(frozen=True)
class Comparison:
    """Whose replicas are compared, and by what.

    ``selector`` is the workload's, as a query. ``entry_points`` are those at which sites are asked, by name; ``sites``
    have ``host`` and ``path`` each. The API is asked for at ``api``, below ``api_path``.
    """

    namespace: str
    kind: str
    name: str
    selector: str
    api: EntryPoint
    api_path: str = "/api"
    entry_points: Mapping[str, EntryPoint] = field(default_factory=dict)
    sites: tuple[Mapping[str, str], ...] = ()

    @property
    def questions(self) -> list[dict[str, str]]:
        """Each site at each entry point; ``item`` is how it is told."""
        return [
            {"item": f"{site['host']}{site['path']} at {name}", "entry_point": name, **site}
            for site in self.sites
            for name in sorted(self.entry_points)
        ]

    def as_settings(self) -> dict[str, Any]:
        """The part of the exporter's settings.js that is about Traefik."""
        return {
            **replicas_settings(self.namespace, self.kind, self.name, self.selector),
            "api": {**_told(self.api), "path": self.api_path},
            "entry_points": {name: _told(point) for name, point in self.entry_points.items()},
            "sites": len(self.sites),
            "questions": self.questions,
        }


def comparison_of(traefik: Mapping[str, Any], workload: Object, left_out: Collection[str] = ()) -> Comparison:
    """The comparison of a Traefik's replicas without the hosts ``left_out``.

    ``traefik`` is a result of traefik_info with ``sites``, ``workload`` the Deployment or DaemonSet that it is about.
    Raises BadArgument when the workload selects nothing: every pod of its namespace would be taken for a replica.
    """
    metadata = workload["metadata"]
    selector = selector_of(workload)
    settings = traefik["settings"]
    points = settings["entry_points"]
    internal = points.get(INTERNAL, {})
    asked = [point["traefik"]["entry_point"] for point in traefik["site_check"]["points"]]
    return Comparison(
        namespace=metadata["namespace"],
        kind=workload["kind"],
        name=metadata["name"],
        selector=selector,
        api=EntryPoint(internal.get("port", 0), internal.get("tls", False)),
        api_path=settings["arguments"].get("api.basepath", "").rstrip("/") + "/api",
        entry_points={
            name: EntryPoint(points[name]["port"], points[name]["tls"]) for name in asked if _tells(points[name])
        },
        sites=tuple(site for site in _sites(traefik) if site["host"] not in left_out),
    )


def _sites(traefik: Mapping[str, Any]) -> list[dict[str, str]]:
    # Patterns of paths may hold what no path may.
    places = dict.fromkeys((each["host"], each["path"]) for each in traefik["site_check"]["requests"])
    return [{"host": host, "path": quote(path, safe="/%:@!$&'()*+,;=-._~")} for host, path in places]


def _tells(point: Mapping[str, Any]) -> bool:
    """An entry point that redirects every request elsewhere tells nothing about routers; one of UDP asks nobody."""
    redirects = any(name.startswith("http.redirections.entrypoint") for name in point["settings"])
    return bool(point["port"]) and not redirects


def _told(point: EntryPoint) -> dict[str, Any]:
    return {"port": point.port, "tls": point.tls}
