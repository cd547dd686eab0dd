# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each replica answers for given hosts: what can be known of its routes while its API is closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import (
    NoAnswer,
    PodPoint,
    Request,
    Session,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Replica, Workload

_TIMEOUT, _MAX_SECONDS = 5.0, 10.0


def ask_hosts(
    client: Client, workload: Workload, replicas: Sequence[Replica], hosts: Sequence[str], entry_point: str
) -> dict[str, list[dict[str, Any]]]:
    """By name of the replica, for each host (``HOST`` or ``HOST/PATH``): host, status, location, seconds, problem.

    Raises BadArgument when there is no such entry point, Forbidden (pods/portforward).
    """
    port = workload.port(entry_point)
    https = static.is_on(workload.arguments, f"entrypoints.{entry_point.lower()}.http.tls")

    def ask(question: tuple[Replica, str]) -> dict[str, Any]:
        replica, host = question
        return _answer(PodPoint(client, replica.namespace, replica.name, port), host, https)

    questions = [(replica, host) for replica in replicas for host in hosts]
    answers: dict[str, list[dict[str, Any]]] = {replica.name: [] for replica in replicas}
    for (replica, _host), answer in zip(questions, client.concurrently(ask, questions), strict=True):
        answers[replica.name].append(answer)
    return answers


def differences(answers: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Hosts that replicas answer differently: kind (``answer``), name (the host), ``statuses`` by replica."""
    by_host: dict[str, dict[str, int]] = {}
    for replica, listed in answers.items():
        for answer in listed:
            by_host.setdefault(answer["host"], {})[replica] = answer["status"]
    return [
        {"kind": "answer", "name": host, "statuses": statuses}
        for host, statuses in by_host.items()
        if len(set(statuses.values())) > 1
    ]


def _answer(point: PodPoint, host: str, https: bool) -> dict[str, Any]:
    name, _slash, path = host.partition("/")
    result: dict[str, Any] = {"host": host, "status": 0, "location": "", "seconds": 0.0, "problem": ""}
    try:
        with Session(point, timeout=_TIMEOUT, max_seconds=_MAX_SECONDS) as session:
            answer = session.ask(Request(host=name, path=f"/{path}", https=https, verify=False))
    except NoAnswer as error:
        return result | {"problem": str(error)}
    seconds = round(answer.seconds, 4)
    # What a login puts behind the question mark is not for results.
    location = answer.headers.get("location", "").partition("?")[0]
    return result | {"status": answer.status, "location": location, "seconds": seconds}
