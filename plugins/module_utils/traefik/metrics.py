# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a replica's Prometheus metrics tell about its configuration and traffic. Pure but for ``scrape``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import (
    NoAnswer,
    PodPoint,
    Request,
    Session,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.metrics_text import samples
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Replica, Workload

_TIMEOUT, _MAX_SECONDS = 5.0, 15.0


def scrape(client: Client, workload: Workload, replica: Replica) -> str:
    """The replica's /metrics. Raises NoAnswer, also when there are none; NotFound, Forbidden."""
    port, request = where(workload)
    point = PodPoint(client, replica.namespace, replica.name, port)
    with Session(point, timeout=_TIMEOUT, max_seconds=_MAX_SECONDS) as session:
        answer = session.ask(request)
    if answer.status != 200:
        entry_point = static.metrics_entry_point(workload.arguments)
        raise NoAnswer(f"/metrics on entry point {entry_point} answers HTTP {answer.status}")
    return answer.text


def where(workload: Workload) -> tuple[int, Request]:
    """The port and the request that every replica answers with its metrics. Raises NoAnswer when there are none."""
    entry_point = static.metrics_entry_point(workload.arguments)
    port = workload.entry_points.get(entry_point.lower())
    if not port:
        raise NoAnswer("metrics.prometheus is off, or routed by hand: there is no port to ask")
    https = static.is_on(workload.arguments, f"entrypoints.{entry_point.lower()}.http.tls")
    return port, Request(host="localhost", path="/metrics", https=https, verify=False)


def summary(text: str) -> dict[str, Any]:
    """``reloads`` (how often the configuration was loaded), ``last_reload`` and ``started`` (ISO 8601, UTC, empty when
    unknown), ``requests`` (a list of service, code, count) and ``open_connections`` by entry point.
    """
    found: dict[str, Any] = {"reloads": 0, "last_reload": "", "started": "", "requests": [], "open_connections": {}}
    requests: dict[tuple[str, str], int] = {}
    for name, labels, value in samples(text):
        if name == "traefik_config_reloads_total":
            found["reloads"] = int(value)
        elif name == "traefik_config_last_reload_success":
            found["last_reload"] = _time(value)
        elif name == "process_start_time_seconds":
            found["started"] = _time(value)
        elif name == "traefik_service_requests_total":
            key = labels.get("service", ""), labels.get("code", "")
            requests[key] = requests.get(key, 0) + int(value)
        elif name == "traefik_open_connections":
            entry_point = labels.get("entrypoint", "")
            found["open_connections"][entry_point] = found["open_connections"].get(entry_point, 0) + int(value)
    found["requests"] = [
        {"service": service, "code": code, "count": count} for (service, code), count in sorted(requests.items())
    ]
    return found


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds > 0 else ""
