# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hosts that a Traefik serves, by the objects that it looks at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_targets import (
    Choice,
    only_served,
    read_targets,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

# Host(`a.test`, `b.test`), also with double quotes and as HostSNI in a TCP rule's HTTP twin; HostRegexp names no host.
_RULE = re.compile(r"\bHost\(([^)]*)\)")
_NAME = re.compile(r"[`\"']([A-Za-z0-9_.-]+)[`\"']")


def sites(client: Client, workload: Workload) -> list[dict[str, str]]:
    """``host`` and ``path`` of each host in an Ingress or IngressRoute that this Traefik serves, sorted by host.

    ``path`` is one that a route of the host names, ``/`` where none does. Patterns are left out. Raises Forbidden.
    """
    everything = Choice(("Ingress", "IngressRoute"), [""], frozenset(), "")
    targets = only_served(read_targets(client, everything), workload.arguments)
    return listed(targets.items)


def listed(items: Iterable[Object]) -> list[dict[str, str]]:
    """The sites of objects, each host once with its shortest path."""
    found: dict[str, str] = {}
    for item in items:
        of_item = _of_ingress(item) if item["kind"] == "Ingress" else _of_route(item)
        for host, path in of_item:
            if host not in found or len(path) < len(found[host]):
                found[host] = path
    return [{"host": host, "path": found[host]} for host in sorted(found)]


def _of_ingress(item: Object) -> Iterable[tuple[str, str]]:
    for rule in (item.get("spec") or {}).get("rules") or []:
        host = str(rule.get("host") or "")
        if not host or "*" in host:
            continue
        for path in (rule.get("http") or {}).get("paths") or [{}]:
            yield host.lower(), path.get("path") or "/"


def _of_route(item: Object) -> Iterable[tuple[str, str]]:
    for route in (item.get("spec") or {}).get("routes") or []:
        match = str(route.get("match") or "")
        paths = re.findall(r"\bPath(?:Prefix)?\([`\"'](/[^`\"']*)", match)
        for group in _RULE.findall(match):
            for host in _NAME.findall(group):
                yield host.lower(), paths[0] if paths else "/"


def public_entry_points(arguments: Mapping[str, str]) -> list[str]:
    """The TCP entry points that routers use by default: neither the internal one nor that of the metrics."""
    metrics = arguments.get("metrics.prometheus.entrypoint", static.INTERNAL)
    return [name for name in static.entry_points(dict(arguments)) if name not in (static.INTERNAL, metrics)]


def report(client: Client, workload: Workload) -> dict[str, Any]:
    """``sites`` and ``site_check``, as traefik_info returns them. Raises Forbidden."""
    found = sites(client, workload)
    return {"sites": found, "site_check": check_of(found, workload)}


def check_of(found: Iterable[Mapping[str, str]], workload: Workload) -> dict[str, Any]:
    """Points and requests for http_check: each site at each public entry point of each replica, any answer will do."""
    place = {"namespace": workload.ref.namespace, "workload": workload.ref.name}
    return {
        "points": [{"traefik": place | {"entry_point": name}} for name in public_entry_points(workload.arguments)],
        "requests": [
            {
                "name": site["host"],
                "host": site["host"],
                "path": site["path"],
                # What answers is asked for here, not who signed it.
                "validate_certs": False,
                "expect": {"status": []},
            }
            for site in found
        ],
    }
