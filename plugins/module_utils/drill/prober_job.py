# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Job that sends requests from within the cluster by vegeta, and what its results mean. Pure.

One Job a replica: first ``vegeta attack`` to a file, then ``vegeta encode`` of all of it to the log, as CSV
(github.com/tsenart/vegeta, v12: 12 columns, times in nanoseconds, the answer's headers in base64).
"""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.resilient.traefik.plugins.module_utils.drill import lockdown
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request, host_name
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy import FALLBACK_HEADER

ATTACK, RESULTS = "attack", "results"
_FOLDER = "/prober"
_TARGETS, _AUTHORITIES = "targets.json", "authorities.pem"
_FILE = f"{_FOLDER}/results/results.bin"
# A Job that nobody came back for goes by itself.
_KEPT_SECONDS = 600
_SLACK_SECONDS = 120
_RESOURCES = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "1Gi"}}


@dataclass(frozen=True)
class Load:
    """What each replica gets: ``rate`` requests a second for ``seconds``, given up after ``max_seconds``."""

    rate: int
    seconds: int
    max_seconds: float
    most_waiting: int = 4000


@dataclass(frozen=True)
class Place:
    """Where the Jobs run: a namespace that reaches Traefik's pods, vegeta's image, and the Secrets to pull it with."""

    namespace: str
    image: str
    pull_secrets: Sequence[Mapping[str, str]] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: dict(OUR_LABELS))


def job(name: str, place: Place, load: Load, visitors: Sequence[Visitor], address: str) -> Object:
    """The Job that asks one replica, whose port is ``address`` (IP:PORT). Raises BadArgument.

    It takes its targets from the Secret of the same name, which may come later.
    """
    requests = [visitor.request for visitor in visitors]
    container = {"image": place.image, "imagePullPolicy": "IfNotPresent", "securityContext": lockdown.CONTAINER}
    container |= {"resources": _RESOURCES}
    mounts = [
        {"name": "targets", "mountPath": f"{_FOLDER}/targets", "readOnly": True},
        {"name": "results", "mountPath": f"{_FOLDER}/results"},
    ]
    attack = {"name": ATTACK, "args": _attack(load, requests, address), "volumeMounts": mounts}
    encode = {"name": RESULTS, "args": ["encode", "-to", "csv", _FILE], "volumeMounts": mounts[1:]}
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": lockdown.POD,
        "imagePullSecrets": [dict(secret) for secret in place.pull_secrets],
        "initContainers": [container | attack],
        "containers": [container | encode],
        "volumes": [
            {"name": "targets", "secret": {"secretName": name, "defaultMode": 0o440}},
            {"name": "results", "emptyDir": {}},
        ],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": place.namespace, "labels": dict(place.labels)},
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": _KEPT_SECONDS,
            "activeDeadlineSeconds": round(load.seconds + load.max_seconds) + _SLACK_SECONDS,
            "template": {"metadata": {"labels": dict(place.labels)}, "spec": spec},
        },
    }


def targets(owner: Object, visitors: Sequence[Visitor]) -> Object:
    """The Secret with what the Job ``owner``, as the API server has it, sends; it goes with the Job."""
    metadata = owner["metadata"]
    reference = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}
    lines = [json.dumps(_target(number, visitor.request)) for number, visitor in enumerate(visitors)]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": dict(metadata.get("labels") or {}),
            "ownerReferences": [reference],
        },
        "stringData": {
            _TARGETS: "\n".join(lines) + "\n",
            _AUTHORITIES: "\n".join(sorted({visitor.request.ca for visitor in visitors} - {""})) + "\n",
        },
    }


def records_of(lines: Iterable[str], replica: str) -> Iterator[Record]:
    """What vegeta's CSV says. How late a request was it does not tell: 0. Raises ValueError when it is no such CSV."""
    for row in csv.reader(lines):
        if len(row) != 12:
            raise ValueError(f"no result of vegeta: {','.join(row)[:100]!r}")
        sent, status, latency, error, url, headers = row[0], int(row[1]), row[2], row[5], row[10], row[11]
        yield Record(
            sent=int(sent) / 1e9,
            seconds=int(latency) / 1e9,
            late=0.0,
            replica=replica,
            visitor=int(urlsplit(url).fragment),
            status=status,
            fallback=_is_fallback(headers),
            # Of an answer from 400 on, vegeta repeats the status here.
            error="" if status else error,
        )


def _attack(load: Load, requests: Sequence[Request], address: str) -> list[str]:
    for request in requests:
        if request.sni and request.sni != host_name(request.host):
            raise BadArgument(f"sni: the prober in the cluster cannot ask {request.host} under another name")
    return [
        "attack",
        "-format=json",
        f"-targets={_FOLDER}/targets/{_TARGETS}",
        f"-output={_FILE}",
        f"-rate={load.rate}/1s",
        f"-duration={load.seconds}s",
        f"-timeout={round(load.max_seconds * 1000)}ms",
        f"-max-workers={load.most_waiting}",
        "-max-body=0",
        "-redirects=-1",
        "-http2=false",
        *(f"-connect-to={way}:{address}" for way in sorted({_way(request) for request in requests})),
        *_trust(requests),
    ]


def _trust(requests: Sequence[Request]) -> list[str]:
    if any(request.https and not request.verify for request in requests):
        return ["-insecure"]
    return [f"-root-certs={_FOLDER}/targets/{_AUTHORITIES}"] if any(request.ca for request in requests) else []


def _way(request: Request) -> str:
    """The host and port that the URL means."""
    parts = urlsplit(f"//{request.host}")
    return f"{host_name(request.host)}:{parts.port or (443 if request.https else 80)}"


def _target(number: int, request: Request) -> dict[str, Any]:
    """The fragment is not sent: by it the result tells whose request it was."""
    headers = {name: [value] for name, value in request.all_headers().items() if name != "Host"}
    scheme = "https" if request.https else "http"
    return {"method": request.method, "url": f"{scheme}://{request.host}{request.path}#{number}", "header": headers}


def _is_fallback(headers: str) -> bool:
    text = base64.b64decode(headers).decode(errors="replace").lower()
    return f"{FALLBACK_HEADER.lower()}: true" in text.splitlines()
