# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether what a probe expects holds now: asked once through each replica of Traefik, and at its application."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Answer, NoAnswer, Request, Session
from ansible_collections.resilient.traefik.plugins.module_utils.http_expectation import expectation
from ansible_collections.resilient.traefik.plugins.module_utils.http_points import Empty, Place, places_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.probes import USER_AGENT, Expected, Probe
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.router_check import NO_ROUTER
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

EDGE, BACKEND = "edge", "backend"
# RFC 6455, 1.3.
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass(frozen=True)
class Seen:
    """What one point answered to a probe. ``problem`` is empty where it is as expected; ``status`` is 0 for none."""

    probe: str
    leg: str
    point: str
    status: int
    problem: str
    no_router: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return it as the module does."""
        return {
            "probe": self.probe,
            "leg": self.leg,
            "point": self.point,
            "status": self.status,
            "problem": self.problem,
        }


@dataclass(frozen=True)
class _Question:
    probe: Probe
    leg: str
    place: Place


def ask_all(client: Client, workload: Workload, probes: Sequence[Probe], timeout: float) -> list[Seen]:
    """Ask each probe at each of its points. That an application has no pod is an answer too. Raises Forbidden."""
    questions, empty = list[_Question](), list[Seen]()
    for probe in probes:
        for leg, given in _points(workload, probe):
            try:
                questions += [_Question(probe, leg, place) for place in places_of(client, given)]
            except (BadArgument, Empty) as error:
                empty.append(Seen(probe.name, leg, "nowhere", 0, str(error)))
    return empty + client.concurrently(lambda question: _seen(question, timeout), questions)


def _points(workload: Workload, probe: Probe) -> list[tuple[str, dict[str, Any]]]:
    place = {"namespace": workload.ref.namespace, "workload": workload.ref.name, "entry_point": probe.entry_point}
    none: dict[str, Any] = {"url": None, "service": None, "pod": None, "traefik": None}
    found = [(EDGE, none | {"traefik": place})]
    if backend := probe.backend:
        service = {"namespace": backend.namespace, "name": backend.service, "port": str(backend.port)}
        found.append((BACKEND, none | {"service": service}))
    return found


def _seen(question: _Question, timeout: float) -> Seen:
    probe, leg, point = question.probe, question.leg, question.place.point
    backend = probe.backend if leg == BACKEND else None
    key = base64.b64encode(os.urandom(16)).decode()
    request = Request(
        host=backend.host if backend else probe.host,
        path=backend.path if backend else probe.path,
        method=probe.method,
        headers={"User-Agent": USER_AGENT, **probe.headers, **(_upgrade(probe, key) if probe.websocket else {})},
        https=backend.tls if backend else probe.tls,
        verify=False,
    )
    try:
        with Session(point, timeout=timeout, max_seconds=timeout) as session:
            answer = session.ask(request)
    except NoAnswer as error:
        return Seen(probe.name, leg, point.name, 0, f"no answer: {error}")
    if not backend and is_no_router(answer):
        return Seen(probe.name, leg, point.name, 404, "Traefik has no router for it", no_router=True)
    problem = _problem(backend.expected if backend else probe.expected, answer, key if probe.websocket else "")
    return Seen(probe.name, leg, point.name, answer.status, problem)


def is_no_router(answer: Answer) -> bool:
    """Return whether it is what Traefik says where no router fits."""
    headers = answer.headers
    plain = headers.get("content-type", "").startswith("text/plain") and "nosniff" in headers.get(
        "x-content-type-options", ""
    )
    return answer.status == 404 and plain and answer.text.strip() in ("", NO_ROUTER)


def _upgrade(probe: Probe, key: str) -> dict[str, str]:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    return headers | ({"Sec-WebSocket-Protocol": probe.subprotocol} if probe.subprotocol else {})


def accept_key(key: str) -> str:
    """Return what a server has to answer to a WebSocket's key (RFC 6455, 4.2.2)."""
    return base64.b64encode(hashlib.sha1(f"{key}{_MAGIC}".encode(), usedforsecurity=False).digest()).decode()


def _problem(expected: Expected, answer: Answer, key: str) -> str:
    if key and answer.status != 101:
        return f"expected status 101, came {answer.status}"
    if key and answer.headers.get("sec-websocket-accept") != accept_key(key):
        return "the accept key of the WebSocket is wrong"
    return expectation(expected.as_request(), "expect").problem(answer)
