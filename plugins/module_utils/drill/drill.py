# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module drill: one scenario, from the guards to the healed cluster."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill import (
    alerts,
    guard,
    inside,
    result,
    steady,
    visitors,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.conduct import conduct
from ansible_collections.resilient.traefik.plugins.module_utils.drill.context import Context
from ansible_collections.resilient.traefik.plugins.module_utils.drill.equipment import Image, Kit
from ansible_collections.resilient.traefik.plugins.module_utils.drill.expectations import (
    expectations_from,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.faults import Fault
from ansible_collections.resilient.traefik.plugins.module_utils.drill.left_over import read_labelled
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.drill.rights import fighters, needed_rights
from ansible_collections.resilient.traefik.plugins.module_utils.drill.scenarios import SCENARIOS, NoProxy, Scenario
from ansible_collections.resilient.traefik.plugins.module_utils.drill.subject import NotRun, Subject, find_subject
from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import DEVIATED, EXIT_CODES, PASSED
from ansible_collections.resilient.traefik.plugins.module_utils.drill.way_in import way_in
from ansible_collections.resilient.traefik.plugins.module_utils.kube import access
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import (
    ApiError,
    BadArgument,
    ResilientError,
    WaitTimeout,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.lease import holding_of, lease_ref
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.own_namespace import NAMESPACE
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.firing import firing
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import PROMETHEUS
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.stack import STACK_OPTIONS, find_stack
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import path_of
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_facts import traefik_facts
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import served
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload, find_workload

_LOCK = "resilient-traefik"
# Requests a second through one port-forward. Beyond that the measurement would measure itself.
TOP_RATE = 200
OPTIONS: dict[str, dict[str, Any]] = {
    "scenario": {"type": "str", "required": True, "choices": list(SCENARIOS)},
    "cluster": {"type": "str", "required": True},
    "seconds": {"type": "float", "default": 10.0},
    "rate": {"type": "float", "default": 10.0},
    "burst": {"type": "int", "default": 0},
    "give_up_after": {"type": "float", "default": 35.0},
    "leave_seconds": {"type": "float", "default": 1.0},
    "expiry": {"type": "float", "default": 300.0},
    "expect": {"type": "dict", "default": {}},
    "alerts": {"type": "dict", "default": {}},
    "prometheus": STACK_OPTIONS["prometheus"],
    "visitors": {"type": "list", "elements": "dict", "default": [], "options": visitors.OPTIONS},
    "leave_out": {"type": "list", "elements": "str", "default": []},
    "fallback_allows": {"type": "list", "elements": "str", "default": []},
    "prober": {"type": "dict", "options": inside.OPTIONS},
    "middleware": {
        "type": "dict",
        "default": {},
        "options": {"namespace": {"type": "str"}, "name": {"type": "str"}},
    },
    "replica": {"type": "str"},
    "node": {"type": "str"},
    "traefik_namespace": {"type": "str"},
    "traefik_name": {"type": "str"},
    "entry_point": {"type": "str", "default": ""},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
    "image": {"type": "str", "default": "docker.io/library/nginx:1.31.3"},
    "image_modules": {
        "type": "list",
        "elements": "str",
        "default": ["/usr/lib/nginx/modules/ngx_http_js_module.so"],
    },
    "image_pull_secrets": {"type": "list", "elements": "dict", "default": [], "no_log": False},
    "window": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "days": {"type": "list", "elements": "str"},
            "from": {"type": "str"},
            "to": {"type": "str"},
            "timezone": {"type": "str", "default": "UTC"},
        },
    },
    "production": {"type": "bool", "default": False},
    "confirm": {"type": "str", "default": ""},
    "lock_holder": {"type": "str", "default": ""},
    "wait_timeout": {"type": "float", "default": 120.0},
    "directory": {"type": "path", "default": "build"},
}
# What the phases take beside the fault: the healer's start, the steady states, the healing.
_MARGIN_SECONDS = 60.0


class DrillFailed(ResilientError):
    """The verdict is another one than passed; ``drill`` is the whole result."""


def run(task: Task) -> dict[str, Any]:
    """One drill. Raises DrillFailed with the result unless it passed, BadArgument for options that make no sense."""
    params = task.params
    scenario = SCENARIOS[params["scenario"]]
    _check_numbers(params)
    settings = {name: params[name] for name in ("seconds", "rate", "burst", "expiry")}
    told = result.Result(params["scenario"], scenario.title, settings)
    try:
        _drill(task, scenario, told)
    except NoProxy as error:
        told.verdict, told.checks = DEVIATED, [error.check]
        told.reasons.append(str(error))
    except (NotRun, steady.NotSteady, ApiError, WaitTimeout) as error:
        # Before the first change: conduct() has verdicts of its own for what comes after it.
        told.reasons.append(str(error))
    facts = {"drill": told.as_dict(), "verdict": told.verdict, "exit_code": EXIT_CODES[told.verdict]}
    if told.verdict != PASSED and not (task.check_mode and not told.reasons):
        raise DrillFailed(f"{params['scenario']}: {told.verdict}. {' '.join(told.reasons)}".strip(), **facts)
    return {"changed": False} | facts


def _check_numbers(params: dict[str, Any]) -> None:
    for name in ("seconds", "rate", "give_up_after", "wait_timeout"):
        if params[name] <= 0:
            raise BadArgument(f"{name}: must be more than 0")
    for name in ("burst", "leave_seconds"):
        if params[name] < 0:
            raise BadArgument(f"{name}: must not be less than 0")
    if params["rate"] > TOP_RATE:
        raise BadArgument(
            f"rate: must be at most {TOP_RATE} requests a second and replica; prober sends more, in the cluster"
        )


def _drill(task: Task, scenario: Scenario, told: result.Result) -> None:
    params, client = task.params, task.client
    watch = _watch(task)
    _guard(task, watch)
    traefik = find_workload(client, params["traefik_namespace"], params["traefik_name"])
    subject = _subject(task, scenario)
    context = _context(task, traefik, subject)
    fault = scenario.fault(context)
    told.subject = fault.about()
    if subject and not scenario.of_the_proxy:
        told.bare = [host for host in subject.bare if host not in params["leave_out"]]
    expected = expectations_from(scenario.expectations(context), params["expect"])
    _preflight(task, context, fault)
    asking = _visitors(task, context)
    told.replicas = [replica.name for replica in traefik.replicas]
    task.progress(f"asking {len(asking)} visitors through {len(traefik.ready)} replicas")
    told.visitors = steady.steady_visitors(context, asking, 10)
    if task.check_mode:
        return
    conduct(context, fault, expected, told, _spool(params, told), watch)


def _watch(task: Task) -> alerts.AlertWatch:
    """Raises BadArgument; NotRun where there is no Prometheus to ask."""
    expected = alerts.alerts_from(task.params["alerts"])
    if not expected:
        return alerts.AlertWatch({}, set)
    stack = find_stack(task.client, task.params)
    if not stack.prometheus:
        raise NotRun(f"alerts: {stack.faults.get(PROMETHEUS, 'no Prometheus was found')}")
    return alerts.AlertWatch(expected, partial(firing, task.client, stack.prometheus))


def _guard(task: Task, watch: alerts.AlertWatch) -> None:
    """Raises NotRun when the drill may not begin now."""
    params = task.params
    clock = task.client.clock()
    lasting = max(params["seconds"], watch.longest_wait("fires"))
    needed = lasting + params["give_up_after"] + _MARGIN_SECONDS
    faults = [
        guard.window_fault(params["window"], clock),
        guard.production_fault(params["production"], params["confirm"], params["cluster"]),
        guard.expiry_fault(params["expiry"], needed),
        _lock_fault(task),
    ]
    left = [str(ref_of(item)) for item in read_labelled(task.client)]
    if left:
        faults.append(
            f"{', '.join(left)}: in a drill already. Wait until that one is over or healed, or heal it by hand: "
            "drill.yml --tags heal"
        )
    found = [fault for fault in faults if fault]
    if found:
        raise NotRun(" ".join(found))


def _lock_fault(task: Task) -> str:
    held = holding_of(task.client.find(lease_ref(_LOCK, NAMESPACE)))
    now = task.client.clock()
    if held is None or held.is_stale(now) or held.holder == task.params["lock_holder"]:
        return ""
    return f"lock: {held.holder} has held the cluster's lock since {held.age(now)} s. Wait for that run to end."


def _subject(task: Task, scenario: Scenario) -> Subject | None:
    if not scenario.has_subject:
        return None
    params = task.params
    return find_subject(task.client, params["middleware"], scenario.path, scenario.name, params["cluster_domain"])


def _context(task: Task, traefik: Workload, subject: Subject | None) -> Context:
    params = task.params
    image = Image(params["image"], tuple(params["image_modules"]), tuple(params["image_pull_secrets"]))
    until = (task.client.clock() + timedelta(seconds=params["expiry"])).replace(microsecond=0)
    usual = traefik_facts(traefik, "")["entry_point"]
    entrance = way_in(
        traefik, served(task.client, traefik), subject.hosts if subject else (), params["entry_point"], usual
    )
    return Context(
        client=task.client,
        writer=Writer(task.client, check_mode=task.check_mode),
        traefik=traefik,
        entry_point=entrance.entry_point,
        https=entrance.https,
        kit=Kit(secrets.token_hex(4), until, image),
        params=params,
        progress=task.progress,
        subject=subject,
    )


def _preflight(task: Task, context: Context, fault: Fault) -> None:
    """Raises NotRun with everything that stands against it."""
    if context.params["prober"] and not context.subject:
        raise NotRun("prober: asks the replicas by their addresses, and in this scenario they may come and go")
    if not context.traefik.ready:
        raise NotRun(f"{context.traefik.ref}: none of its replicas is ready")
    missing = access.missing_rights(context.client, needed_rights(context, fault))
    found = [f"{words}." for words in access.findings(missing)]
    # Without the right to ask, asking about evictions is refused too, in other words.
    found = found or fault.findings()
    if found:
        raise NotRun(" ".join(found))
    task.warnings.extend(fighters(context, fault))


def _visitors(task: Task, context: Context) -> list[Visitor]:
    params = task.params
    given = visitors.visitors_from(params["visitors"], context.subject, context.https)
    if given:
        return given
    return visitors.found_visitors(context, params["leave_out"], params["fallback_allows"])


def _spool(params: dict[str, Any], told: result.Result) -> Path:
    path = path_of(Path(params["directory"]), f"drill-{told.scenario}", params["cluster"], "csv.gz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotRun(f"directory: {path.parent} cannot be made: {error.strerror}") from None
    return path
