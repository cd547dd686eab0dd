# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module traefik_info: the workload, how it got there, its settings, and what each replica does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import (
    host_answers,
    metrics,
    settings_report,
    sites,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.delivery import delivery_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.open_api import opened
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import (
    ApiClosed,
    Routing,
    read_each,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.routing_report import (
    by_provider,
    faults,
    parity,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import (
    Replica,
    Workload,
    find_workload,
)

OPTIONS: dict[str, dict[str, Any]] = {
    "namespace": {"type": "str"},
    "workload": {"type": "str"},
    "open_api": {"type": "bool", "default": False},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "entry_point": {"type": "str", "default": "web"},
    "routing": {"type": "bool", "default": True},
    "sites": {"type": "bool", "default": False},
}
OPEN, OPENED, CLOSED, UNKNOWN = "open", "opened", "closed", "unknown"


@dataclass
class _Asked:
    """What came of asking the API: its state and why; answers and failures by name of the replica."""

    api: str
    reason: str = ""
    answers: Mapping[str, Routing] = field(default_factory=dict)
    failures: Mapping[str, NoAnswer] = field(default_factory=dict)


def run(task: Task) -> dict[str, Any]:
    """Everything at once. Raises BadArgument when there is not exactly one Traefik, Forbidden, WaitTimeout."""
    client, params = task.client, task.params
    workload = find_workload(client, params["namespace"], params["workload"])
    asked = _ask(task, workload)
    hosts = params["hosts"]
    answers = host_answers.ask_hosts(client, workload, workload.ready, hosts, params["entry_point"]) if hosts else {}
    scraped = client.concurrently(lambda replica: _metrics(client, workload, replica), workload.ready)
    measured = {replica.name: found for replica, found in zip(workload.ready, scraped, strict=True)}
    routings = list(asked.answers.values())
    if not workload.ready:
        task.warnings.append(f"{workload.ref}: none of {workload.wanted} wanted replicas is ready: nothing was asked")
    return {
        "changed": False,
        "workload": _workload(workload, routings),
        "delivery": delivery_of(client, workload.ref).as_dict(),
        "settings": settings_report.report(workload.arguments, workload.source),
        "api": asked.api,
        "api_reason": asked.reason,
        "replicas": [
            _replica(replica)
            | measured.get(replica.name, {})
            | {"answers": answers.get(replica.name, [])}
            | _routing(replica, asked, params["routing"])
            for replica in workload.replicas
        ],
        "faults": faults(routings),
        "parity": parity(routings) + host_answers.differences(answers),
        "parity_proof": [proof for proof, known in (("api", routings), ("behaviour", answers)) if known],
    } | (sites.report(client, workload) if params["sites"] else {})


def _ask(task: Task, workload: Workload) -> _Asked:
    """The replicas' routing, the API opened for it where that is wanted and needed."""
    if not workload.ready:
        return _Asked(UNKNOWN, "no replica is ready")
    try:
        return _asked(task.client, workload, {}, OPEN)
    except ApiClosed as closed:
        if not task.params["open_api"]:
            return _Asked(CLOSED, str(closed))
        if task.check_mode:
            return _Asked(CLOSED, f"{closed} Check mode does not open it.")
    with opened(task.client, workload, task.writer()) as headers:
        return _asked(task.client, workload, headers, OPENED)


def _asked(client: Client, workload: Workload, headers: Mapping[str, str], api: str) -> _Asked:
    answers, failures = read_each(client, workload, headers)
    state = api if answers else UNKNOWN
    return _Asked(state, "; ".join(map(str, failures.values())), answers, failures)


def _metrics(client: Client, workload: Workload, replica: Replica) -> dict[str, Any]:
    try:
        return {"metrics": metrics.summary(metrics.scrape(client, workload, replica)), "metrics_problem": ""}
    except NoAnswer as error:
        return {"metrics": None, "metrics_problem": str(error)}


def _workload(workload: Workload, routings: list[Routing]) -> dict[str, Any]:
    running = sorted({routing.version for routing in routings})
    return workload.ref.as_dict() | {
        "image": workload.image,
        "version": workload.version or ", ".join(running),
        "running_versions": running,
        "wanted": workload.wanted,
        "ready": len(workload.ready),
    }


def _replica(replica: Replica) -> dict[str, Any]:
    return {
        "name": replica.name,
        "node": replica.node,
        "ip": replica.ip,
        "ready": replica.ready,
        "ports": dict(replica.ports),
        "metrics": None,
        "metrics_problem": "" if replica.ready else "the replica is not ready: it was not asked",
    }


def _routing(replica: Replica, asked: _Asked, wanted: bool) -> dict[str, Any]:
    routing, failure = asked.answers.get(replica.name), asked.failures.get(replica.name)
    return {
        "version": routing.version if routing else "",
        "routing": by_provider(routing) if routing and wanted else None,
        "problem": str(failure or ""),
    }
