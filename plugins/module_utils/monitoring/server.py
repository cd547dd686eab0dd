# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One pod of Prometheus, Alertmanager or vmalert, asked over HTTP through the API server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import (
    Answer,
    NoAnswer,
    PodPoint,
    Request,
    Session,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.metrics_text import samples

PROMETHEUS, ALERTMANAGER, VMALERT = "Prometheus", "Alertmanager", "vmalert"
_PORTS = {PROMETHEUS: 9090, ALERTMANAGER: 9093, VMALERT: 8880}
_PROGRAMS = {PROMETHEUS: "prometheus", ALERTMANAGER: "alertmanager", VMALERT: "vmalert"}
_TIMEOUT, _MAX_SECONDS = 10.0, 30.0
_LONGEST_WORDS = 1200


class Refused(errors.ResilientError):
    """The program answered that it will not; ``words`` are its own."""

    def __init__(self, message: str, words: str) -> None:
        super().__init__(message)
        self.words = words


@dataclass(frozen=True)
class Server:
    """A pod of ``program`` (Prometheus, Alertmanager or vmalert) and where its HTTP is served.

    ``owner`` is the name of the StatefulSet, Deployment or so that the pod is of.
    """

    program: str
    namespace: str
    name: str
    port: int
    prefix: str
    owner: str
    arguments: Mapping[str, str] = field(compare=False)
    pod: Object = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.program} {self.namespace}/{self.name}"

    @property
    def container(self) -> str:
        """The name of the container that runs the program."""
        return str(container_of(self)["name"])

    def as_dict(self) -> dict[str, Any]:
        """What a result tells of it."""
        return {
            "program": self.program,
            "namespace": self.namespace,
            "name": self.name,
            "port": self.port,
            "prefix": self.prefix,
        }


def server_of(pod: Object, program: str) -> Server | None:
    """The server in a pod that runs and is not on its way out; None for any other pod. Pure."""
    container = _container(pod, _PROGRAMS[program])
    metadata = pod["metadata"]
    if container is None or metadata.get("deletionTimestamp") or pod.get("status", {}).get("phase") != "Running":
        return None
    arguments = _arguments([*(container.get("command") or []), *(container.get("args") or [])])
    owners = metadata.get("ownerReferences") or [{}]
    owner = str(owners[0].get("name", metadata["name"]))
    if owners[0].get("kind") == "ReplicaSet":
        owner = owner.rpartition("-")[0]
    prefix = arguments.get("web.route-prefix", urlsplit(arguments.get("web.external-url", "")).path)
    return Server(
        program=program,
        namespace=metadata["namespace"],
        name=metadata["name"],
        port=_port(container, arguments, program),
        prefix=prefix.rstrip("/"),
        owner=owner,
        arguments=arguments,
        pod=pod,
    )


def container_of(server: Server) -> Object:
    """The container of the pod that runs the program."""
    found = _container(server.pod, _PROGRAMS[server.program])
    if found is None:
        raise AssertionError("server_of has found it")
    return found


def _container(pod: Object, program: str) -> Object | None:
    """By the image's name, whatever its registry: ``prom/prometheus``, ``quay.io/prometheus/alertmanager`` ..."""
    for container in pod["spec"]["containers"]:
        image = str(container.get("image", "")).partition("@")[0]
        name = re.sub(r":[^/:]*$", "", image).rpartition("/")[2]
        if name == program or name.endswith(f"-{program}"):
            return dict(container)
    return None


def _arguments(given: Sequence[str]) -> dict[str, str]:
    """``--name=value`` and ``--name`` by name; the last one counts."""
    found: dict[str, str] = {}
    for argument in given:
        if argument.startswith("-"):
            name, equals, value = argument.lstrip("-").partition("=")
            found[name] = value if equals else "true"
    return found


def _port(container: Object, arguments: Mapping[str, str], program: str) -> int:
    listened = arguments.get("web.listen-address", arguments.get("httpListenAddr", "")).rpartition(":")[2]
    if listened.isdigit():
        return int(listened)
    named = {each.get("name"): each["containerPort"] for each in container.get("ports") or []}
    return (
        int(next((named[name] for name in ("web", "http-web", "http", "http-metrics") if name in named), 0))
        or (_PORTS[program])
    )


class Api:
    """The HTTP API of one server over one connection. A context manager. Not thread-safe."""

    def __init__(self, client: Client, server: Server) -> None:
        self.client, self.server = client, server
        point = PodPoint(client, server.namespace, server.name, server.port)
        self._session = Session(point, timeout=_TIMEOUT, max_seconds=_MAX_SECONDS)

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_error: object) -> None:
        self._session.close()

    def ask(self, path: str, query: Mapping[str, Any] | None = None, method: str = "GET", body: Any = None) -> Answer:
        """The answer, whatever its status. Raises NoAnswer naming the server; Forbidden (pods/portforward)."""
        payload = b"" if body is None else json.dumps(body).encode()
        request = Request(
            host="localhost",
            path=self.server.prefix + path + (f"?{urlencode(query, doseq=True)}" if query else ""),
            method=method,
            headers={"Content-Type": "application/json"} if payload else {},
            body=payload,
        )
        try:
            return self._session.ask(request)
        except NoAnswer as error:
            raise NoAnswer(f"{self.server} port {self.server.port} gave no answer: {error}") from None

    def json(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """What the program tells. Raises Refused with its own words, NoAnswer."""
        answer = self.ask(path, query)
        if answer.status != 200:
            self._refuse(f"GET {path}", answer)
        return answer.json()

    def data(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """``data`` of an answer of Prometheus' API. Raises Refused with its own words, NoAnswer."""
        return self.json(path, query).get("data")

    def post(self, path: str, body: Any = None) -> None:
        """Raises Refused with the program's own words, NoAnswer."""
        answer = self.ask(path, method="POST", body=body)
        if answer.status != 200:
            self._refuse(f"POST {path}", answer)

    def metric(self, name: str) -> float | None:
        """The value of a metric without labels that the program tells of itself, None when it has none."""
        told = samples(self.ask("/metrics").text, name)
        return next((value for each, _labels, value in told if each == name), None)

    def _refuse(self, asked: str, answer: Answer) -> None:
        words = told(answer)
        raise Refused(f"{self.server} refused {asked} (HTTP {answer.status}): {words}", words)


def told(answer: Answer) -> str:
    """The program's own words in an answer that is no success, without line breaks. Pure."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    words = str(found.get("error") or found.get("message") or answer.text) if isinstance(found, dict) else answer.text
    return " ".join(words.split())[:_LONGEST_WORDS].rstrip(".") or "it gave no reason"
