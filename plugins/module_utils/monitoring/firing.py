# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which alerts of this collection fire now, as the running Prometheus tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.rules import is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import Api, Server


def firing(client: Client, replicas: Sequence[Server]) -> set[str]:
    """The names of the alerts that any replica of Prometheus fires. Raises NoAnswer when none of them answers."""
    answers = client.concurrently(lambda server: _alerts(client, server), replicas)
    failures = [answer for answer in answers if isinstance(answer, NoAnswer)]
    if len(failures) == len(answers):
        raise failures[0] if failures else NoAnswer("there is no Prometheus to ask")
    return {name for answer in answers if not isinstance(answer, NoAnswer) for name in names_of(answer)}


def names_of(alerts: Iterable[Mapping[str, Any]]) -> set[str]:
    """Of alerts as Prometheus' API lists them, those of this collection that fire. Pure."""
    return {
        str(alert["labels"]["alertname"])
        for alert in alerts
        if alert.get("state") == "firing" and is_ours(alert["labels"])
    }


def _alerts(client: Client, server: Server) -> list[Mapping[str, Any]] | NoAnswer:
    try:
        with Api(client, server) as api:
            found: list[Mapping[str, Any]] = api.data("/api/v1/alerts")["alerts"]
            return found
    except NoAnswer as error:
        return error
