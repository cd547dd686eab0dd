# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module authentik_capacity_info: whether authentik's connections fit its pool and its database."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.audit.authentik import is_authentik
from ansible_collections.resilient.traefik.plugins.module_utils.authentik import capacity
from ansible_collections.resilient.traefik.plugins.module_utils.authentik import capacity_reading as reading
from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import DEVIATED, INCONCLUSIVE, PASSED
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import serves
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Answer, Query, read_all, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import version_of

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
    return setup.pool is not None or name not in (
        "pool_mode",
        "default_pool_size",
        "reserve_pool_size",
        "max_client_conn",
        "query_wait_timeout",
    )


def _shown(value: Any) -> Any:
    return "for ever" if value == math.inf else value


def _read(client: Client, namespace: str) -> tuple[list[Object], list[Object]]:
    queries = [Query("apps/v1", kind, namespace=namespace) for kind in _KINDS] + [Query("v1", "Service")]
    *found, services = read_found(client, queries)
    return [item for answer in found for item in answer.items], services.items


def _parts(task: Task, workloads: list[Object], services: list[Object]) -> tuple[reading.Parts, list[str]]:
    """Return authentik's workloads and its pool, with the variables that count, and what could not be read."""
    ours = [item for item in workloads if is_authentik(_whole(item))]
    servers = [item for item in ours if not _is_worker(item)]
    if len(servers) != 1:
        raise BadArgument(_not_one(servers, task.params["namespace"]))
    server = servers[0]
    space = server["metadata"]["namespace"]
    worker = next((item for item in ours if _is_worker(item) and item["metadata"]["namespace"] == space), None)
    unread: list[str] = []
    environment = {str(ref_of(item)): _environment(task.client, item, unread) for item in (server, worker) if item}
    host = environment[str(ref_of(server))].get(reading.HOST, "")
    pool = _pool(task, host, space, services)
    files: list[str] = []
    if pool is not None:
        environment[str(ref_of(pool))] = _environment(task.client, pool, unread)
        files = list(_files(task.client, pool, unread))
    return reading.Parts(server, worker, pool, _version(server), environment, files), sorted(set(unread))


def _whole(item: Object) -> Object:
    """Return the workload with the fields that is_authentik needs."""
    template = item["spec"]["template"]
    containers = [{"image": "", **each} for each in template["spec"]["containers"]]
    metadata = item["metadata"] | {"labels": item["metadata"].get("labels") or {}}
    return {**item, "metadata": metadata, "spec": {"template": {"spec": {"containers": containers}}}}


def _is_worker(item: Object) -> bool:
    labels = item["metadata"].get("labels") or {}
    if labels.get("app.kubernetes.io/component"):
        return bool(labels["app.kubernetes.io/component"] == "worker")
    containers = item["spec"]["template"]["spec"]["containers"]
    return any("worker" in (each.get("args") or each.get("command") or []) for each in containers)


def _not_one(servers: list[Object], namespace: str) -> str:
    if servers:
        return f"namespace: more than one authentik found: {', '.join(str(ref_of(each)) for each in servers)}. Name one"
    where = f"in namespace {namespace}" if namespace else "in the cluster"
    return (
        f"namespace: no workload of authentik's server {where}, by the chart's labels or the image goauthentik/server"
    )


def _version(server: Object) -> tuple[int, ...]:
    images = [each.get("image", "") for each in server["spec"]["template"]["spec"]["containers"]]
    labels = server["metadata"].get("labels") or {}
    texts = [version_of(image) for image in images if "authentik" in image]
    text = next(filter(None, texts), str(labels.get("app.kubernetes.io/version", "")))
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())


def _pool(task: Task, host: str, space: str, services: list[Object]) -> Object | None:
    """Return the workload of PgBouncer behind the host that authentik names, None where there is no such one."""
    inside = host.rstrip(".").removesuffix(f".{task.params['cluster_domain']}").removesuffix(".svc")
    name, _dot, place = inside.partition(".")
    behind = [
        each for each in services if (each["metadata"]["namespace"], each["metadata"]["name"]) == (place or space, name)
    ]
    queries = [Query("apps/v1", kind, namespace=place or space) for kind in _KINDS] if behind else []
    for answer in read_found(task.client, queries):
        for item in answer.items:
            images = [each.get("image", "") for each in item["spec"]["template"]["spec"]["containers"]]
            if any("pgbouncer" in image for image in images) and serves(item, behind[0]):
                return item
    return None


def _environment(client: Client, item: Object, unread: list[str]) -> dict[str, str]:
    """Return the wanted variables of a workload's containers, wherever they come from."""
    space, found = item["metadata"]["namespace"], dict[str, str]()
    for container in item["spec"]["template"]["spec"]["containers"]:
        for kind, name, prefix in _whole_sources(container):
            data = _data(client, kind, name, space, unread)
            found |= {f"{prefix}{key}": value for key, value in data.items() if f"{prefix}{key}" in reading.WANTED}
        for entry in container.get("env") or []:
            if entry["name"] in reading.WANTED:
                value = _value(client, entry, space, unread)
                found |= {} if value is None else {entry["name"]: value}
    return found


def _whole_sources(container: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for source in container.get("envFrom") or []:
        for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if field in source:
                yield kind, source[field]["name"], source.get("prefix", "")


def _value(client: Client, entry: Mapping[str, Any], space: str, unread: list[str]) -> str | None:
    for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        reference = (entry.get("valueFrom") or {}).get(field)
        if reference:
            return _data(client, kind, reference["name"], space, unread).get(reference["key"])
    return entry.get("value")


def _files(client: Client, pool: Object, unread: list[str]) -> Iterator[str]:
    """Yield the pool's configuration files, out of the ConfigMaps and Secrets that it mounts."""
    space = pool["metadata"]["namespace"]
    for volume in pool["spec"]["template"]["spec"].get("volumes") or []:
        for field, kind, key in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
            if field in volume:
                data = _data(client, kind, volume[field][key], space, unread)
                yield from (text for name, text in data.items() if name.endswith(".ini"))


def _data(client: Client, kind: str, name: str, space: str, unread: list[str]) -> dict[str, str]:
    answers: Iterable[Answer] = read_all(client, [Query("v1", kind, name, space)])
    (answer,) = answers
    if answer.status == "forbidden":
        unread.append(f"{kind} {space}/{name}")
    found = (answer.items[0].get("data") or {}) if answer.items else {}
    if kind == "ConfigMap":
        return {str(key): str(value) for key, value in found.items()}
    return {str(key): base64.b64decode(value).decode(errors="replace") for key, value in found.items()}
