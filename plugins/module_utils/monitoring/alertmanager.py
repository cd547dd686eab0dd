# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one Alertmanager replica says about its configuration and where alerts go, and test alerts for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer
from ansible_collections.resilient.traefik.plugins.module_utils.metrics_text import samples
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import inhibition
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import Api, Server

RELOADED = "alertmanager_config_last_reload_successful"
RELOAD = "/-/reload"
DEFAULT_FILE = "/etc/alertmanager/alertmanager.yml"
# What we say of an alert that nobody has to do anything about.
TEST_ALERT = "ResilientTraefikTest"
TEST_SUMMARY = "A test of the way that alerts take: there is nothing to do"


def configuration_file(server: Server) -> str:
    """Where its configuration is, in its container. Pure."""
    return server.arguments.get("config.file", DEFAULT_FILE)


def loaded_text(api: Api) -> str:
    """The configuration that it has loaded, secrets hidden by Alertmanager itself."""
    return str(api.json("/api/v2/status")["config"]["original"])


def lacking(api: Api, wanted: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the inhibition rules that it has not loaded."""
    return inhibition.lacking(loaded_text(api), wanted)


def post_test(api: Api, labels: Mapping[str, str], seconds: float) -> None:
    """Posts an alert that ends by itself after that many seconds. Raises Refused, NoAnswer."""
    now = datetime.now(UTC)
    alert = {
        "labels": dict(labels),
        "annotations": {"summary": TEST_SUMMARY},
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(seconds=seconds)).isoformat(),
    }
    api.post("/api/v2/alerts", [alert])


def receivers_of(api: Api, labels: Mapping[str, str]) -> list[str] | None:
    """The receivers that the alert with exactly these labels goes to; None while Alertmanager does not have it."""
    matchers = [f'{name}="{value}"' for name, value in labels.items()]
    for alert in api.json("/api/v2/alerts", {"filter": matchers}):
        if alert["labels"] == dict(labels):
            return [str(receiver["name"]) for receiver in alert["receivers"]]
    return None


def notified(api: Api) -> tuple[float, float]:
    """How many notifications were tried, and how many of these failed, over all integrations and receivers."""
    answer = api.ask("/metrics")
    if answer.status != 200:
        raise NoAnswer(f"{api.server} tells no metrics (HTTP {answer.status})")
    totals: defaultdict[str, float] = defaultdict(float)
    for name, _labels, value in samples(answer.text, "alertmanager_notifications_"):
        totals[name] += value
    return totals["alertmanager_notifications_total"], totals["alertmanager_notifications_failed_total"]
