# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Traefik's static settings as a report: entry points, providers, time limits. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.traefik.settings import (
    INTERNAL,
    Settings,
    entry_points,
    is_on,
    shown,
)

# What counts where nothing is set (reference of the install configuration, the same in 3.6 and 3.7).
_FORWARDING = {"dialtimeout": "30s", "responseheadertimeout": "0s", "idleconntimeout": "90s"}
_RESPONDING = {"readtimeout": "60s", "writetimeout": "0s", "idletimeout": "180s"}


def report(settings: Settings, source: str) -> dict[str, Any]:
    """``source``; ``entry_points`` by name: port (TCP, 0 for UDP), timeouts and the settings below them;
    ``providers`` by name with the settings below them; ``forwarding_timeouts`` of the static serversTransport;
    ``api``, ``ping`` and ``metrics`` (on or off); ``arguments``: all settings, possible secrets hidden.
    """
    everything = shown(settings)
    return {
        "source": source,
        "entry_points": _entry_points(settings, everything),
        "providers": {
            name: below(everything, f"providers.{name}")
            for name in _names(settings, "providers")
            if is_on(settings, f"providers.{name}")
        },
        "forwarding_timeouts": _FORWARDING | below(everything, "serverstransport.forwardingtimeouts"),
        "api": is_on(settings, "api"),
        "ping": is_on(settings, "ping"),
        "metrics": is_on(settings, "metrics.prometheus"),
        "arguments": everything,
    }


def below(settings: Settings, name: str) -> Settings:
    """The settings below a name, under the rest of their names."""
    prefix = f"{name}."
    return {key.removeprefix(prefix): value for key, value in settings.items() if key.startswith(prefix)}


def _entry_points(settings: Settings, everything: Settings) -> dict[str, dict[str, Any]]:
    ports = entry_points(settings)
    found: dict[str, dict[str, Any]] = {}
    for name in sorted({*_names(settings, "entrypoints"), *ports}):
        own = below(everything, f"entrypoints.{name}")
        found[name] = {
            "port": ports.get(name, 0),
            "internal": name == INTERNAL,
            "tls": is_on(settings, f"entrypoints.{name}.http.tls"),
            "timeouts": _RESPONDING | below(own, "transport.respondingtimeouts"),
            "settings": own,
        }
    return found


def _names(settings: Settings, above: str) -> list[str]:
    return sorted({key.split(".")[1] for key in settings if key.startswith(f"{above}.")})
