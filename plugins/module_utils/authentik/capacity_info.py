# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module authentik_capacity_info: whether authentik's connections fit its pool and its database."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.authentik import capacity
from ansible_collections.resilient.traefik.plugins.module_utils.authentik import capacity_reading as reading
from ansible_collections.resilient.traefik.plugins.module_utils.authentik import workloads as authentik
from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import DEVIATED, INCONCLUSIVE, PASSED
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import Selectable
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

OPTIONS: dict[str, dict[str, Any]] = {
    "namespace": {"type": "str", "default": ""},
    "settings": {"type": "dict", "default": {}, "no_log": False},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
}
_KINDS = ("Deployment", "StatefulSet")


def run(task: Task) -> dict[str, Any]:
    """Read, count and judge. Raises BadArgument, Forbidden (workloads, Services), Unreachable."""
    workloads, services = _read(task.client, task.params["namespace"])
    parts, unread = _parts(task, workloads, services)
    settings = reading.read(parts, task.params["settings"])
    setup = reading.setup_of(parts, settings)
    faults = capacity.faults_of(setup)
    assumed = sorted(name for name, source in settings.sources.items() if source == "default" and _counts(name, setup))
    return {
        "changed": False,
        "verdict": DEVIATED if faults else INCONCLUSIVE if unread and assumed else PASSED,
        "findings": faults,
        "remedies": capacity.remedies_of(setup),
        "need": asdict(capacity.need_of(setup)),
        "settings": {name: _shown(value) for name, value in settings.values.items()},
        "sources": settings.sources,
        "assumed": assumed,
        "unread": unread,
    }


def _counts(name: str, setup: capacity.Setup) -> bool:
    return setup.pool is not None or name not in reading.POOL_SETTINGS


def _shown(value: Any) -> Any:
    return "for ever" if value == math.inf else value


def _read(client: Client, namespace: str) -> tuple[list[Object], list[Object]]:
    queries = [Query("apps/v1", kind, namespace=namespace) for kind in _KINDS] + [Query("v1", "Service")]
    *found, services = read_found(client, queries)
    return [item for answer in found for item in answer.items], services.items


def _parts(task: Task, workloads: list[Object], services: list[Object]) -> tuple[reading.Parts, list[str]]:
    """Return authentik's workloads and its pool, with the variables that count, and what could not be read."""
    ours = [item for item in workloads if authentik.is_authentik(item)]
    servers = [item for item in ours if authentik.component(item) == authentik.SERVER]
    if len(servers) != 1:
        raise BadArgument(_not_one(servers, task.params["namespace"]))
    server = servers[0]
    space = server["metadata"]["namespace"]
    workers = [item for item in ours if authentik.component(item) == authentik.WORKER]
    worker = next((item for item in workers if item["metadata"]["namespace"] == space), None)
    sources = _Sources(task.client)
    environment = {str(ref_of(item)): sources.environment(item) for item in (server, worker) if item}
    pool = _pool(task, environment[str(ref_of(server))].get(authentik.HOST, ""), space, services)
    files: list[str] = []
    if pool is not None:
        environment[str(ref_of(pool))] = sources.environment(pool)
        files = list(sources.files(pool))
    return reading.Parts(server, worker, pool, _version(server), environment, files), sorted(sources.unread)


def _not_one(servers: list[Object], namespace: str) -> str:
    if servers:
        return f"namespace: more than one authentik found: {', '.join(str(ref_of(each)) for each in servers)}. Name one"
    where = f"in namespace {namespace}" if namespace else "in the cluster"
    return (
        f"namespace: no workload of authentik's server {where}, by the chart's labels or the image goauthentik/server"
    )


def _version(server: Object) -> tuple[int, ...]:
    """By the image, else by the chart's label: a mirror's image may be called otherwise."""
    label = str((server["metadata"].get("labels") or {}).get("app.kubernetes.io/version", ""))
    return authentik.version(server) or tuple(int(part) for part in label.split(".")[:3] if part.isdigit())


def _pool(task: Task, host: str, space: str, services: list[Object]) -> Object | None:
    """Return the workload of PgBouncer behind the host that authentik names, None where there is no such one."""
    places = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in services}
    service = authentik.service_behind(host, space, places, task.params["cluster_domain"]) if host else None
    if service is None:
        return None
    # It may be in another namespace than authentik.
    queries = [Query("apps/v1", kind, namespace=service["metadata"]["namespace"]) for kind in _KINDS]
    beside = Selectable(item for answer in read_found(task.client, queries) for item in answer.items)
    of_pgbouncer = (
        each for each in beside.by(service) if any("pgbouncer" in image for image in authentik.images_of(each))
    )
    return next(of_pgbouncer, None)


class _Sources:
    """Where settings of workloads are kept, each read once. ``unread`` are those that may not be read."""

    def __init__(self, client: Client) -> None:
        self.unread: set[str] = set()
        self._client = client
        self._read: dict[Query, dict[str, str]] = {}

    def environment(self, item: Object) -> dict[str, str]:
        """Return the wanted variables of a workload's containers, wherever they come from."""
        space, found = item["metadata"]["namespace"], dict[str, str]()
        for container in item["spec"]["template"]["spec"]["containers"]:
            for source in container.get("envFrom") or []:
                prefix = source.get("prefix", "")
                whole = self._named(source, ("configMapRef", "secretRef"), space)
                found |= {f"{prefix}{key}": text for key, text in whole.items() if f"{prefix}{key}" in reading.WANTED}
            for entry in container.get("env") or []:
                value = self._value(entry, space) if entry["name"] in reading.WANTED else None
                found |= {} if value is None else {entry["name"]: value}
        return found

    def files(self, pool: Object) -> Iterator[str]:
        """Yield the pool's configuration files, out of the ConfigMaps and Secrets that it mounts."""
        space = pool["metadata"]["namespace"]
        for volume in pool["spec"]["template"]["spec"].get("volumes") or []:
            data = self._named(volume, ("configMap", "secret"), space)
            yield from (text for name, text in data.items() if name.endswith(".ini"))

    def _value(self, entry: Mapping[str, Any], space: str) -> str | None:
        source = entry.get("valueFrom")
        if source is None:
            return entry.get("value")
        fields = ("configMapKeyRef", "secretKeyRef")
        key = next((source[field]["key"] for field in fields if field in source), "")
        return self._named(source, fields, space).get(key)

    def _named(self, source: Mapping[str, Any], fields: tuple[str, str], space: str) -> dict[str, str]:
        """Return what is in the ConfigMap or the Secret of a source; ``fields`` are where it may name one of these."""
        for field, kind in zip(fields, ("ConfigMap", "Secret"), strict=True):
            if field in source:
                name = source[field].get("name") or source[field].get("secretName")
                return self._data(Query("v1", kind, name, space))
        return {}

    def _data(self, query: Query) -> dict[str, str]:
        if query not in self._read:
            (answer,) = read_all(self._client, [query])
            if answer.status == "forbidden":
                self.unread.add(str(query))
            data = (answer.items[0].get("data") or {}) if answer.items else {}
            self._read[query] = {str(key): _text(query.kind, value) for key, value in data.items()}
        return self._read[query]


def _text(kind: str, value: Any) -> str:
    return base64.b64decode(value).decode(errors="replace") if kind == "Secret" else str(value)
