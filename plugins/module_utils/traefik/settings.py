# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Traefik's static settings out of what a pod is given: flags, variables or a file. Pure.

Traefik takes the first of file, flags and environment that says anything at all, and never mixes them (v2 and v3,
cmd/traefik: loaders in this order). Names are the flags' own in lower case, dots between the parts.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

Settings = dict[str, str]
# The internal entry point, which Traefik makes itself for the API, ping or metrics where nobody defines it.
INTERNAL = "traefik"
_INTERNAL_ADDRESS = ":8080"
# What there is when nobody defines any entry point at all (seen on 3.7.9).
_DEFAULT, _DEFAULT_ADDRESS = "http", ":80"
_SECRET = re.compile(r"(token|password|secret|apikey|credential)[^.]*$|\.users\b|headers\.[^.]+$")


def from_flags(arguments: Iterable[str]) -> Settings:
    """``--entryPoints.web.address=:8000`` as ``{"entrypoints.web.address": ":8000"}``; a bare flag is ``"true"``.

    A value may also follow as the next argument. One dash or two are the same. Later ones win.
    """
    settings: Settings = {}
    name = ""
    for argument in arguments:
        if argument.startswith("-"):
            name, equals, value = argument.lstrip("-").partition("=")
            name = _normal(name)
            settings[name] = value if equals else "true"
            name = "" if equals else name
        elif name:
            settings[name], name = argument, ""
    return settings


def from_environment(variables: Mapping[str, str]) -> Settings:
    """``TRAEFIK_ENTRYPOINTS_WEB_ADDRESS`` as ``entrypoints.web.address``."""
    prefix = "TRAEFIK_"
    return {
        _normal(name.removeprefix(prefix).replace("_", ".")): value
        for name, value in variables.items()
        if name.upper().startswith(prefix)
    }


def from_file(text: str, name: str) -> Settings:
    """A static configuration file, YAML or (by its name) TOML. Raises ValueError when it is neither."""
    try:
        tree = tomllib.loads(text) if name.endswith(".toml") else yaml.safe_load(text)
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{name} cannot be read: {str(error).splitlines()[0]}") from None
    return dict(_flat(tree or {}, ""))


def entry_points(settings: Settings) -> dict[str, int]:
    """TCP port by entry point, those too that Traefik makes by itself."""
    ports: dict[str, int] = {}
    for name, value in settings.items():
        found = re.fullmatch(r"entrypoints\.([^.]+)\.address", name)
        if found and (port := _tcp_port(value)):
            ports[found[1]] = port
    named = {name.split(".")[1] for name in settings if name.startswith("entrypoints.")}
    if not named:
        ports[_DEFAULT] = _tcp_port(_DEFAULT_ADDRESS)
    if INTERNAL not in named and _needs_internal(settings):
        ports[INTERNAL] = _tcp_port(_INTERNAL_ADDRESS)
    return ports


def is_on(settings: Settings, name: str) -> bool:
    """Whether a switch is on, or something below it is set (``--api.dashboard`` turns ``api`` on)."""
    value = settings.get(name)
    if value is not None:
        return value.lower() not in ("false", "0", "f")
    return any(other.startswith(f"{name}.") for other in settings)


def listed(settings: Settings, name: str) -> list[str]:
    """The values of a list, given with commas (``a,b``) or by position (``name[0]=a``)."""
    values = settings.get(name, "").split(",")
    values += [value for other, value in settings.items() if re.fullmatch(re.escape(name) + r"\.\d+", other)]
    return [value.strip() for value in values if value.strip()]


def metrics_entry_point(settings: Settings) -> str:
    """The entry point that answers /metrics, empty when Prometheus metrics are off or routed by hand."""
    if not is_on(settings, "metrics.prometheus") or settings.get("metrics.prometheus.manualrouting") == "true":
        return ""
    return settings.get("metrics.prometheus.entrypoint", INTERNAL)


def shown(settings: Settings) -> Settings:
    """The settings with what may be a secret hidden, sorted."""
    return {name: "<hidden>" if _SECRET.search(name) else value for name, value in sorted(settings.items())}


def _needs_internal(settings: Settings) -> bool:
    if settings.get("api.insecure") == "true":
        return True
    if is_on(settings, "ping") and settings.get("ping.entrypoint", INTERNAL) == INTERNAL:
        return settings.get("ping.manualrouting") != "true"
    return metrics_entry_point(settings) == INTERNAL


def _tcp_port(address: str) -> int:
    """The port of ``[host]:port[/protocol]``, 0 for UDP and for what is no address."""
    found = re.fullmatch(r".*:(\d+)(?:/(tcp|udp))?", address.strip(), re.IGNORECASE)
    return int(found[1]) if found and (found[2] or "tcp").lower() == "tcp" else 0


def _normal(name: str) -> str:
    return re.sub(r"\[(\d+)\]", r".\1", name).lower()


def _flat(tree: Any, path: str) -> Iterable[tuple[str, str]]:
    if isinstance(tree, Mapping):
        if not tree and path:
            yield path, "true"
        for key, value in tree.items():
            yield from _flat(value, f"{path}.{key}".strip(".").lower())
    elif isinstance(tree, list) and not any(isinstance(item, (Mapping, list)) for item in tree):
        yield path, ",".join(map(_word, tree))
    elif isinstance(tree, list):
        for position, value in enumerate(tree):
            yield from _flat(value, f"{path}.{position}")
    elif tree is not None:
        yield path, _word(tree)
    elif path:
        yield path, "true"


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
