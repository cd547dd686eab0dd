# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Traefik's entry points as visitors meet them: with TLS or without, and where one only sends everybody on. Pure.

Read in Traefik's source, 3.6.10 and 3.7.9: an entry point's redirection is a router that matches everything and goes
before all others, so no route is ever reached there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import serves
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import chain
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static

EntryPoints = Mapping[str, "EntryPoint"]


@dataclass(frozen=True)
class EntryPoint:
    """``tls`` is that of all its routers. ``redirects`` is what it sends everybody to, as the setting says it.

    ``leads_to`` is the entry point that listens there, empty when there is no redirection or none is known to.
    ``middlewares`` go before those of its routers, by qualified name.
    """

    name: str
    port: int
    tls: bool = False
    redirects: str = ""
    leads_to: str = ""
    middlewares: tuple[str, ...] = ()


def entry_points_of(settings: Mapping[str, str], public: Mapping[int, int]) -> dict[str, EntryPoint]:
    """Every TCP entry point by its name in lower case. ``public`` has the pods' port behind each public one."""
    ports = static.entry_points(dict(settings))
    return {name: _entry_point(name, port, settings, ports, public) for name, port in ports.items()}


def default_names(settings: Mapping[str, str]) -> list[str]:
    """The entry points of routers that name none: those that are marked so, else all but the internal ones."""
    ports = static.entry_points(dict(settings))
    marked = [name for name in ports if _says(settings, f"entrypoints.{name}.asdefault")]
    return marked or public_names(settings)


def believed(settings: Mapping[str, str], entry_point: str) -> tuple[bool, list[str]]:
    """Return whether an entry point takes X-Forwarded headers from anybody, and the networks whose it takes."""
    below = f"entrypoints.{entry_point}.forwardedheaders"
    given = dict(settings)
    return static.is_on(given, f"{below}.insecure"), static.listed(given, f"{below}.trustedips")


def public_names(settings: Mapping[str, str]) -> list[str]:
    """The TCP entry points by which visitors may come in: neither the internal one nor that of the metrics."""
    metrics = settings.get("metrics.prometheus.entrypoint", static.INTERNAL).lower()
    return [name for name in static.entry_points(dict(settings)) if name not in (static.INTERNAL, metrics)]


def usual_entry_point(settings: Mapping[str, str], public: Mapping[int, int]) -> str:
    """Where a site is asked that no route names: ``web`` or where it sends everybody, else one with TLS.

    Empty where there is none.

    ``public`` are the public ports as ``public_ports`` gives them; where any of them leads to an entry point, the
    others are for internal use and do not count.
    """
    points = entry_points_of(settings, public)
    names = sorted(name for name in public_names(settings) if name in points)
    exposed = [name for name in names if points[name].port in public.values()]
    names = exposed or names
    if "web" in names:
        return points["web"].leads_to or "web"
    names.sort(key=lambda name: (bool(points[name].redirects), not points[name].tls))
    return (points[names[0]].leads_to or names[0]) if names else ""


def public_ports(workload: Object, services: Iterable[Object]) -> dict[int, int]:
    """By public port the port of Traefik's pods behind it: what their Services and their nodes' ports make public."""
    containers = workload["spec"]["template"]["spec"]["containers"]
    given = [port for container in containers for port in container.get("ports") or []]
    found: dict[int, int] = {}
    for service in services:
        here = service["metadata"].get("namespace") == workload["metadata"].get("namespace")
        for port in service["spec"].get("ports") or [] if here and serves(workload, service) else []:
            number = target_port(workload, port)
            if number:
                found.setdefault(int(port["port"]), number)
    for port in given:
        if port.get("hostPort"):
            found[int(port["hostPort"])] = int(port["containerPort"])
    return found


def target_port(workload: Object, port: Mapping[str, Any]) -> int:
    """Return the port of the workload's pods that a port of a Service leads to, 0 where they have none of that name."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    containers = workload["spec"]["template"]["spec"]["containers"]
    given = [each for container in containers for each in container.get("ports") or []]
    return next((int(each["containerPort"]) for each in given if each.get("name") == target), 0)


def _entry_point(
    name: str, port: int, settings: Mapping[str, str], ports: Mapping[str, int], public: Mapping[int, int]
) -> EntryPoint:
    to = settings.get(f"entrypoints.{name}.http.redirections.entrypoint.to", "").strip()
    return EntryPoint(
        name=name,
        port=port,
        tls=static.is_on(dict(settings), f"entrypoints.{name}.http.tls"),
        redirects=to,
        leads_to=_listening_at(to, ports, public) if to else "",
        middlewares=tuple(
            each
            for setting, value in settings.items()
            if setting == f"entrypoints.{name}.http.middlewares"
            or setting.startswith(f"entrypoints.{name}.http.middlewares.")
            for each in chain.from_text(value)
        ),
    )


def _listening_at(to: str, ports: Mapping[str, int], public: Mapping[int, int]) -> str:
    """Which entry point ``websecure`` or ``:443`` means, by its public port, else by its own."""
    if to.lower() in ports:
        return to.lower()
    number = to.removeprefix(":")
    if not to.startswith(":") or not number.isdigit():
        return ""
    wanted = public.get(int(number), int(number))
    return next((name for name, port in ports.items() if port == wanted), "")


def _says(settings: Mapping[str, Any], name: str) -> bool:
    return str(settings.get(name, "")).lower() in ("true", "1", "t")
