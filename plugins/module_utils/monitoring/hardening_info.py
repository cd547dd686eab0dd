# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module hardening_info: what hardening brought to the cluster, to be compared with later."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import field_ownership
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import hardening
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import find_workload

OPTIONS: dict[str, dict[str, Any]] = {
    "traefik_namespace": {"type": "str"},
    "traefik_name": {"type": "str"},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
    "most_routes": {"type": "int", "default": 300},
    "before": {"type": "list", "elements": "dict", "default": []},
    "renew": {"type": "bool", "default": True},
}
_KINDS = ("Middleware", "Deployment", "PodDisruptionBudget", "Ingress", "IngressRoute")


def run(task: Task) -> dict[str, Any]:
    """The record and the rights to compare with it. Raises BadArgument, Forbidden, Unreachable."""
    params = task.params
    workload = find_workload(task.client, params["traefik_namespace"], params["traefik_name"])
    record = hardening.record_of(_found(task.client, workload.item), params["cluster_domain"])
    before = [] if params["renew"] else recorded_in(params["before"])
    gone, going = absent_namespaces(task.client, [*before, *record])
    before, record = _outside(before, gone | going), _outside(record, gone | going)
    if not params["renew"]:
        record = hardening.merged(before, record, written_by_us(task.client, before, record))
    taken, left_out = hardening.limited(record, params["most_routes"])
    if going:
        task.warnings.append(f"not recorded, as they are being deleted: namespaces {', '.join(sorted(going))}")
    return {
        "changed": False,
        "objects": taken,
        "left_out": left_out,
        "terminating_namespaces": sorted(going),
        "rights": hardening.rights_of(taken),
    }


def recorded_in(config_maps: Sequence[Mapping[str, Any]]) -> list[Object]:
    """The record in the newest of the exporter's configurations; empty where there is none that can be read."""
    newest = sorted(config_maps, key=lambda each: str(each["metadata"].get("creationTimestamp", "")))[-1:]
    for each in newest:
        text = str((each.get("data") or {}).get("settings.js", ""))
        try:
            settings = json.loads(text.removeprefix("export default ").rstrip().removesuffix(";"))
            objects = settings["hardening"]["objects"]
        except (ValueError, KeyError):
            return []
        return [{key: value for key, value in item.items() if key != "in_turn"} for item in objects]
    return []


def absent_namespaces(client: Client, record: Sequence[Object]) -> tuple[set[str], set[str]]:
    """Return the namespaces of the record that are gone, and those that are being deleted.

    Nothing in the former can be read, and no Role be brought to either.
    """
    names = sorted({each["namespace"] for each in record})
    found = client.concurrently(lambda name: client.find(ObjectRef("v1", "Namespace", name)), names)
    by_name = dict(zip(names, found, strict=True))
    gone = {name for name, item in by_name.items() if not item}
    return gone, {name for name, item in by_name.items() if item and item["metadata"].get("deletionTimestamp")}


def _outside(record: Sequence[Object], namespaces: set[str]) -> list[Object]:
    return [each for each in record if each["namespace"] not in namespaces]


def _found(client: Client, workload: Object) -> hardening.Found:
    queries = [Query(hardening.RESOURCES[kind].api_version, kind) for kind in _KINDS]
    answers = read_found(client, [*queries, Query("v1", "Service")])
    items = {answer.query.kind: answer.items for answer in answers}
    return hardening.Found(
        workload,
        middlewares=items["Middleware"],
        services={(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in items["Service"]},
        deployments=items["Deployment"],
        budgets=items["PodDisruptionBudget"],
        routes=[*items["Ingress"], *items["IngressRoute"]],
    )


def written_by_us(client: Client, before: Sequence[Object], now: Sequence[Object]) -> list[tuple[str, str]]:
    """Of fields that are not as they were recorded, those that this collection wrote last, and nobody else."""
    present = {each["path"]: {one["name"]: one for one in each["fields"]} for each in now}
    changed = [
        (each, [one for one in each["fields"] if present[each["path"]].get(one["name"]) != one])
        for each in before
        if each["path"] in present
    ]
    asked = [(each, fields) for each, fields in changed if fields]
    items = client.concurrently(lambda each: client.find(_ref(each[0])), asked)
    return [
        (each["path"], one["name"])
        for (each, fields), item in zip(asked, items, strict=True)
        for one in fields
        if item and _is_ours_alone(item, one["path"])
    ]


def _ref(recorded: Object) -> ObjectRef:
    kind = recorded["kind"]
    return ObjectRef(hardening.RESOURCES[kind].api_version, kind, recorded["name"], recorded["namespace"])


def _is_ours_alone(item: Object, path: Iterable[Any]) -> bool:
    keys = tuple(
        f"f:{step}" if isinstance(step, str) else f"k:{json.dumps(step, separators=(',', ':'))}" for step in path
    )
    owned = field_ownership.owned_paths(item, ours=True)
    return any(each[: len(keys)] == keys for each in owned) and not field_ownership.owners_at(item, keys)
