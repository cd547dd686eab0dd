# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module alert_rules: judges rules by the Prometheus that runs, delivers them and sees them loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Outcome
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import forms, prometheus
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.chart_release import write_text, write_values
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.deliveries import (
    AUTO,
    CONFIG_MAP,
    DELIVERIES,
    FILES,
    PROMETHEUS_RULE,
    VALUES_STACK,
    VM_RULE,
    Delivery,
    deliverable,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.loaded import (
    Loaded,
    clashes,
    differences,
    same_words,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.rules import Groups, alerts_of, finished
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import PROMETHEUS, Api, Server
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.stack import (
    STACK_OPTIONS,
    Stack,
    find_stack,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.taking import Taking, taken
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

RULE_OPTIONS: dict[str, dict[str, Any]] = {
    "groups": {"type": "list", "elements": "raw", "required": True},
    "overrides": {"type": "dict", "default": {}},
    "extra_labels": {"type": "dict", "default": {}},
    "left_out": {"type": "list", "elements": "str", "default": []},
}
OPTIONS: dict[str, dict[str, Any]] = {
    **RULE_OPTIONS,
    **STACK_OPTIONS,
    "delivery": {"type": "str", "choices": list(DELIVERIES), "default": AUTO},
    "name": {"type": "str", "default": forms.NAME},
    "rules_namespace": {"type": "str"},
    "labels": {"type": "dict", "default": {}},
    "config_map": {
        "type": "dict",
        "options": {
            "name": {"type": "str", "default": ""},
            "key": {"type": "str", "no_log": False, "default": f"{forms.NAME}.yml"},
        },
        "apply_defaults": True,
    },
    "files_to": {"type": "path"},
    "only_findings": {"type": "bool", "default": False},
    "where_missing": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
    "wait_timeout": {"type": "int", "default": 180},
}
RULES_FILE = "alerts/rules.yml"


def run(task: Task) -> dict[str, Any]:
    """Judges, then delivers, or only judges. Raises ResilientError with all findings, NotTaken, WriteFailed."""
    groups, faults = rules_of(task)
    if faults:
        return _answer(task, _facts(task, True, groups, None, faults))
    stack = find_stack(task.client, task.params)
    if not stack.is_there and task.params["delivery"] != FILES:
        return _answer(task, _nothing_there(task, stack, groups))
    delivery = deliverable(task.client, stack, task.params)
    found = delivery.faults or _judged(task, stack, delivery, groups)
    facts = _facts(task, True, groups, delivery, found)
    if found or task.params["only_findings"]:
        return _answer(task, facts)
    task.warnings += delivery.notes
    return _delivered(task, stack, delivery, groups) | facts


def rules_of(task: Task) -> tuple[Groups, list[str]]:
    """The groups that RULE_OPTIONS make, and what is wrong with them."""
    params = task.params
    return finished(params["groups"], params["overrides"], params["extra_labels"], params["left_out"])


def _facts(task: Task, present: bool, groups: Groups, delivery: Delivery | None, found: list[str]) -> dict[str, Any]:
    return {
        "present": present,
        "findings": [each.rstrip(".") for each in found],
        "notes": delivery.notes if delivery else [],
        "delivery": delivery.kind if delivery else task.params["delivery"],
        "place": str(delivery) if delivery and not delivery.faults else "",
        "alerts": [rule["alert"] for rule in alerts_of(groups)],
        "groups": groups,
    }


def _nothing_there(task: Task, stack: Stack, groups: Groups) -> dict[str, Any]:
    words = f"{stack.faults.get(PROMETHEUS, '')}; or choose delivery files"
    skipped = task.params["where_missing"] == "skip" and PROMETHEUS not in stack.several
    facts = _facts(task, False, groups, None, [] if skipped else [words])
    return facts | {"notes": [f"There will be no alerts. {words}"] if skipped else []}


def _answer(task: Task, facts: dict[str, Any]) -> dict[str, Any]:
    found = facts["findings"]
    if found and not task.params["only_findings"]:
        raise errors.NothingChanged(found)
    if not task.params["only_findings"]:
        task.warnings += facts["notes"]
    return {"changed": False} | facts


def _judged(task: Task, stack: Stack, delivery: Delivery, groups: Groups) -> list[str]:
    """What the servers that run have against the rules."""
    servers, extra = _servers(stack, delivery), task.params["extra_labels"]
    found: list[str] = []
    try:
        for server in servers:
            with Api(task.client, server) as api:
                if server is servers[0] and server.program == PROMETHEUS:
                    found += [f"{_option(task, each)}{each}" for each in prometheus.refused_expressions(api, groups)]
                found += clashes(groups, prometheus.loaded_rules(api), delivery.own_file(), extra)
    except errors.ResilientError as error:
        found.append(str(error))
    if not servers:
        delivery.notes.append("no server runs that could be asked whether it takes the rules")
    return list(dict.fromkeys(found))


def _option(task: Task, refusal: str) -> str:
    name = refusal.partition(":")[0]
    changed = (task.params["overrides"].get(name) or {}).get("expr")
    return "overrides: " if changed else "groups: "


def _servers(stack: Stack, delivery: Delivery) -> list[Server]:
    return stack.vmalerts if delivery.kind == VM_RULE else stack.prometheus


# --- delivering --------------------------------------------------------------------------------------------------


def _delivered(task: Task, stack: Stack, delivery: Delivery, groups: Groups) -> dict[str, Any]:
    if delivery.ref is None:
        return _files(task, delivery, groups)
    item = _object(delivery, delivery.ref, groups)

    def write() -> Outcome:
        return task.writer().apply([item])

    if task.check_mode or not _servers(stack, delivery):
        return task.result_of(write())
    return task.result_of(taken(task, _taking(task, stack, delivery, groups), write))


def _object(delivery: Delivery, ref: ObjectRef, groups: Groups) -> Object:
    if delivery.kind == CONFIG_MAP:
        text = forms.rules_text(groups)
        return forms.rule_file(ref, delivery.key, text, delivery.labels, delivery.present)
    return forms.rule_object(ref, groups, delivery.labels)


def _taking(task: Task, stack: Stack, delivery: Delivery, groups: Groups) -> Taking:
    own = delivery.own_file()

    def lacks(api: Api) -> str:
        same = prometheus.Comparison(api) if delivery.kind != VM_RULE else same_words
        lacking = differences(groups, prometheus.loaded_rules(api), own, same, task.params["extra_labels"])
        return f"{lacking[0]}" + (f" and {len(lacking) - 1} more" if len(lacking) > 1 else "") if lacking else ""

    def state(api: Api) -> str:
        return _state(prometheus.loaded_rules(api), own)

    asked = delivery.kind == CONFIG_MAP and not any(map(prometheus.reloads_by_itself, stack.prometheus))
    return Taking(
        servers=_servers(stack, delivery),
        lacks=lacks,
        state=state,
        reload=prometheus.RELOAD if asked else "",
        reloaded=prometheus.RELOADED,
        mounted=delivery.mounted or delivery.kind == PROMETHEUS_RULE,
        what=str(delivery),
    )


def _state(loaded: Loaded, own: Callable[[str], bool]) -> str:
    """What is loaded from our file, without what changes by itself."""
    stable = ("name", "query", "duration", "labels", "annotations", "keepFiringFor")
    rules = [
        [group["name"], *(rule.get(part) for part in stable)]
        for group in loaded
        if own(str(group.get("file", "")))
        for rule in group.get("rules") or []
    ]
    return json.dumps(rules, sort_keys=True)


def _files(task: Task, delivery: Delivery, groups: Groups) -> dict[str, Any]:
    folder = Path(task.params["render_to"] or task.params["files_to"])
    # With render_to files are all that is written, so check mode is on.
    only_planned = task.check_mode and not task.params["render_to"]
    if delivery.release:
        chart = forms.STACK_CHART if delivery.kind == VALUES_STACK else forms.PROMETHEUS_CHART
        values = forms.rules_in_values(chart, groups, delivery.release.config)
        diff = write_values(folder, delivery.release.file, values, only_planned)
        task.warnings.append(
            f"the rules of {delivery.release} are in {folder / delivery.release.file}: they are loaded once its owner "
            "has upgraded it with this file"
        )
    else:
        try:
            diff = write_text(folder / RULES_FILE, f"---\n{forms.rules_text(groups)}", only_planned)
        except OSError as error:
            raise errors.BadArgument(f"files_to: {folder} cannot be written: {error.strerror}") from None
    return {"changed": diff is not None, "results": [], "diff": [diff] if diff else []}
