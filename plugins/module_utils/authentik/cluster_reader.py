# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads authentik's workloads, the PgBouncer that they name, and the settings that these take from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.authentik import capacity_reading as reading
from ansible_collections.resilient.traefik.plugins.module_utils.authentik import workloads as authentik
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import Selectable
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all, read_found

_KINDS = ("Deployment", "StatefulSet")


@dataclass(frozen=True)
class Authentik:
    """One authentik. ``host`` is the database as it names it, empty where that is not known.

    ``inside`` is whether that host is a Service of the cluster. ``unread`` names the sources that may not be read.
    """

    parts: reading.Parts
    unread: list[str] = field(default_factory=list)
    host: str = ""
    inside: bool = False


def read_authentik(client: Client, namespace: str, cluster_domain: str) -> Authentik:
    """Return the one authentik of the namespace, or of the cluster where that is empty.

    Raises BadArgument for none and for several, Forbidden (workloads, Services), Unreachable.
    """
    workloads, services = _read(client, namespace)
    ours = [item for item in workloads if authentik.is_authentik(item)]
    servers = [item for item in ours if authentik.component(item) == authentik.SERVER]
    if len(servers) > 1:
        servers = _staying(client, servers)
    if len(servers) != 1:
        raise BadArgument(_not_one(servers, namespace))
    server = servers[0]
    space = server["metadata"]["namespace"]
    workers = [item for item in ours if authentik.component(item) == authentik.WORKER]
    worker = next((item for item in workers if item["metadata"]["namespace"] == space), None)
    sources = _Sources(client)
    environment = {str(ref_of(item)): sources.environment(item) for item in (server, worker) if item}
    host = environment[str(ref_of(server))].get(authentik.HOST, "")
    service = _service(host, space, services, cluster_domain)
    pool = _pool(client, service) if service else None
    files: list[str] = []
    if pool is not None:
        environment[str(ref_of(pool))] = sources.environment(pool)
        files = list(sources.files(pool))
    parts = reading.Parts(server, worker, pool, _version(server), environment, files)
    return Authentik(parts, sorted(sources.unread), host, service is not None)


def _read(client: Client, namespace: str) -> tuple[list[Object], list[Object]]:
    queries = [Query("apps/v1", kind, namespace=namespace) for kind in _KINDS] + [Query("v1", "Service")]
    *found, services = read_found(client, queries)
    return [item for answer in found for item in answer.items], services.items


def _staying(client: Client, found: list[Object]) -> list[Object]:
    """Leave out what goes away, with its namespace or by itself."""
    (answer,) = read_found(client, [Query("v1", "Namespace")])
    going = {item["metadata"]["name"] for item in answer.items if item["metadata"].get("deletionTimestamp")}
    return [
        item
        for item in found
        if not item["metadata"].get("deletionTimestamp") and item["metadata"]["namespace"] not in going
    ]


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


def _service(host: str, space: str, services: list[Object], cluster_domain: str) -> Object | None:
    places = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in services}
    return authentik.service_behind(host, space, places, cluster_domain) if host else None


def _pool(client: Client, service: Object) -> Object | None:
    """Return the workload of PgBouncer behind the Service that authentik names, None where there is no such one."""
    # It may be in another namespace than authentik.
    queries = [Query("apps/v1", kind, namespace=service["metadata"]["namespace"]) for kind in _KINDS]
    beside = Selectable(item for answer in read_found(client, queries) for item in answer.items)
    return next((each for each in beside.by(service) if authentik.pgbouncer_in(each)), None)


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
        for place, kind in zip(fields, ("ConfigMap", "Secret"), strict=True):
            if place in source:
                name = source[place].get("name") or source[place].get("secretName")
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
