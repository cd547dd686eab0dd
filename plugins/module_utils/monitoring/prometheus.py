# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one Prometheus replica says about its configuration, its rules and expressions."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.loaded import Loaded
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.rules import Groups, rule_name
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import Api, Refused, Server

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

RELOADED = "prometheus_config_last_reload_successful"
RELOAD = "/-/reload"


def rule_files(api: Api) -> list[str]:
    """The patterns of its rule_files. Relative ones are taken from the folder of its configuration."""
    text = api.data("/api/v1/status/config").get("yaml", "")
    configuration = yaml.safe_load(text) or {}
    folder = api.server.arguments.get("config.file", "/etc/prometheus/prometheus.yml").rpartition("/")[0]
    given = configuration.get("rule_files") or [] if isinstance(configuration, dict) else []
    return [name if str(name).startswith("/") else f"{folder}/{name}" for name in map(str, given)]


def takes_reloads(api: Api) -> bool:
    """Whether it may be asked to reload (``--web.enable-lifecycle``)."""
    return bool(api.data("/api/v1/status/flags").get("web.enable-lifecycle") == "true")


def reloads_by_itself(server: Server) -> bool:
    """Whether something beside it, or it itself, sees new files and reloads. Pure."""
    images = [str(container.get("image", "")) for container in server.pod["spec"]["containers"]]
    features = server.arguments.get("enable-feature", "")
    return any("reload" in image for image in images) or "auto-reload-config" in features


def loaded_rules(api: Api) -> Loaded:
    """The groups that it has loaded, without the alerts that are active."""
    data = api.data("/api/v1/rules", {"exclude_alerts": "true"})
    return list((data or {}).get("groups") or [])


def refused_expressions(api: Api, groups: Groups) -> list[str]:
    """Expressions that it does not take, each with the rule's name and its own words."""
    found = []
    for group in groups:
        for rule in group["rules"]:
            try:
                formatted(api, rule["expr"])
            except Refused as refused:
                expression = " ".join(rule["expr"].split())
                found.append(f"{rule_name(rule)}: {api.server} does not take its expr `{expression}`: {refused.words}")
    return found


def formatted(api: Api, expression: str) -> str:
    """The expression as Prometheus itself writes it. Raises Refused with its own words."""
    return str(api.data("/api/v1/format_query", {"query": expression}))


class Comparison:
    """Whether two expressions mean the same to a server, each asked about once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[str, str] = {}

    def __call__(self, one: str, other: str) -> bool:
        return one == other or self._form(one) == self._form(other)

    def _form(self, expression: str) -> str:
        if expression not in self._known:
            self._known[expression] = formatted(self._api, expression)
        return self._known[expression]


def present_series(api: Api, names: set[str]) -> set[str]:
    """Those of the metrics that it has now, whatever their labels."""
    if not names:
        return set()
    query = f'count by (__name__) ({{__name__=~"{"|".join(sorted(names))}"}})'
    found = api.data("/api/v1/query", {"query": query})["result"]
    return {str(_labels(each).get("__name__")) for each in found}


def active_alertmanagers(api: Api) -> list[str]:
    """The URLs of the Alertmanagers that it sends alerts to."""
    return [str(each["url"]) for each in api.data("/api/v1/alertmanagers").get("activeAlertmanagers") or []]


def _labels(sample: Mapping[str, Any]) -> Mapping[str, Any]:
    return dict(sample.get("metric") or {})
