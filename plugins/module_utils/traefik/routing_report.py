# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the replicas' routing comes to: by provider, what has errors, where replicas differ. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import Routing

KINDS = ("routers", "services", "middlewares")
# What is kept of each; the rest is about the API's own pages.
_KEPT = {
    "routers": ("name", "protocol", "rule", "entryPoints", "service", "middlewares", "priority", "status", "error"),
    "services": ("name", "protocol", "type", "status", "error", "usedBy", "serverStatus"),
    "middlewares": ("name", "protocol", "type", "status", "error", "usedBy"),
}
# Health of servers is each replica's own view; who uses what follows from the routers.
_NOT_COMPARED = ("usedBy", "using", "serverStatus", "priorityStr")


def by_provider(routing: Routing) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """routers, services and middlewares, each by provider, sorted by name."""
    report: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for kind in KINDS:
        providers: dict[str, list[dict[str, Any]]] = {}
        for item in sorted(getattr(routing, kind), key=lambda item: (item["protocol"], item["name"])):
            kept = {key: item[key] for key in _KEPT[kind] if key in item}
            providers.setdefault(item.get("provider", ""), []).append(kept)
        report[kind] = providers
    return report


def faults(routings: Sequence[Routing]) -> list[dict[str, Any]]:
    """Everything that any replica reports an error about: kind, protocol, name, errors, replicas."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for routing in routings:
        for kind in KINDS:
            for item in getattr(routing, kind):
                if item.get("error") or item.get("status", "enabled") != "enabled":
                    key = kind, item["protocol"], item["name"]
                    fault = found.setdefault(key, {"errors": [], "replicas": [], "status": item.get("status", "")})
                    fault["errors"] += [error for error in _errors(item) if error not in fault["errors"]]
                    fault["replicas"].append(routing.replica)
    return [
        {"kind": kind, "protocol": protocol, "name": name} | fault
        for (kind, protocol, name), fault in sorted(found.items())
    ]


def parity(routings: Sequence[Routing]) -> list[dict[str, Any]]:
    """Where replicas differ: kind, protocol, name, ``missing_at`` (replicas) and ``differing`` (fields). Empty is good.

    Health of servers is left out.
    """
    differences = []
    for kind in KINDS:
        known = {_key(item) for routing in routings for item in getattr(routing, kind)}
        tables = {routing.replica: {_key(item): item for item in getattr(routing, kind)} for routing in routings}
        for key in sorted(known):
            seen = {replica: table[key] for replica, table in tables.items() if key in table}
            missing = [replica for replica in tables if replica not in seen]
            differing = _differing(list(seen.values()))
            if missing or differing:
                protocol, name = key
                about = {"kind": kind, "protocol": protocol, "name": name}
                differences.append(about | {"missing_at": missing, "differing": differing})
    return differences


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["protocol"], item["name"]


def _differing(items: Sequence[Mapping[str, Any]]) -> list[str]:
    fields = {field for item in items for field in item} - set(_NOT_COMPARED)
    return sorted(field for field in fields if len({_canonical(item.get(field)) for item in items}) > 1)


def _canonical(value: Any) -> str:
    """Servers come in any order."""
    if isinstance(value, dict) and isinstance(value.get("servers"), list):
        value = value | {"servers": sorted(json.dumps(server, sort_keys=True) for server in value["servers"])}
    return json.dumps(value, sort_keys=True)


def _errors(item: Mapping[str, Any]) -> list[str]:
    error = item.get("error") or []
    return [error] if isinstance(error, str) else list(error)
