# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module retry_info: whether retrying can be brought to chains, and whether it is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.proof.verifying import none_lacks, verified
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import chain, retry, scope, sites
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_faults import (
    read_middlewares,
    without_broken,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_plan import Edit, plan
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_targets import (
    API_VERSIONS,
    Choice,
    Targets,
    choice_of,
    only_served,
    read_targets,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.cluster_schemas import schema_faults
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.delivery import MANIFEST, delivery_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.leaving_cluster import Advice, advice_on
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.middleware_chain import OPTIONS as CHAIN_OPTIONS
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.proof_options import (
    PROOF_OPTIONS,
    chosen_workload,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.router_check import (
    held_against,
    nowhere,
    without_router,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

ROUTES, ENTRY_POINTS, NOWHERE = "routes", "entry_points", "none"
TRAEFIK_HA = "traefik_ha"
_CHOICE = ("kinds", "namespaces", "names", "label_selector", "entry_points")
OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "default": "retry"},
    "namespace": {"type": "str"},
    "attempts": {"type": "int", "default": 2},
    "initial_interval": {"type": "str", "default": "100ms"},
    "more": {"type": "dict", "default": {}},
    "chains": {"type": "str", "choices": [ROUTES, ENTRY_POINTS, NOWHERE], "default": ROUTES},
    **{name: CHAIN_OPTIONS[name] for name in _CHOICE},
    "traefik": PROOF_OPTIONS["traefik"],
    "ask_sites": {"type": "int", "default": 50},
    "silent_sites": {"type": "list", "elements": "str"},
    "verify": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 30},
}


class NotRetrying(errors.ResilientError):
    """A chain, the middleware or a router is not as it should be; ``checks`` has all that was checked."""


@dataclass(frozen=True)
class Case:
    """The Traefik, the Middleware that is wanted, and the chosen objects whose routers live with it."""

    workload: Workload
    wanted: Object
    targets: Targets

    @property
    def edit(self) -> Edit:
        """The middleware, first."""
        metadata = self.wanted["metadata"]
        name = chain.parsed_name("name", f"{metadata['namespace']}/{metadata['name']}")
        return Edit(name, chain.Place(chain.FIRST))


def run(task: Task) -> dict[str, Any]:
    """Reads, and with ``verify`` checks. Raises Forbidden, and with ``verify`` BadArgument and NotRetrying."""
    return _verified(task) if task.params["verify"] else _advised(task)


# --- advising ----------------------------------------------------------------------------------------------------


def _advised(task: Task) -> dict[str, Any]:
    """Whatever is wrong with the options is a finding among the others, so that all of them are told at once."""
    findings = wrong = retry.wish_faults(task.params["attempts"], task.params["initial_interval"])
    try:
        workload = chosen_workload(task)
    except errors.BadArgument as error:
        words = str(error).removeprefix("workload: ")
        return _answer(task, [*findings, f"traefik_namespace: {words.rstrip('.')}"], None)
    old = retry.version_fault(workload.version)
    findings = [*findings, old] if old else findings
    try:
        case = _case(task, workload)
    except errors.BadArgument as error:
        return _answer(task, [*findings, str(error).rstrip(".")], None)
    # Of options that are known to be wrong the API server would say the same once more.
    of_middleware = [] if wrong else _middleware_findings(task, case)
    return _answer(task, [*findings, *of_middleware, *_place_findings(task, case)], case)


def _case(task: Task, workload: Workload) -> Case:
    params = task.params
    namespace = params["namespace"] or workload.ref.namespace
    wanted = retry.middleware(namespace, params["name"], params["attempts"], params["initial_interval"], params["more"])
    case = Case(workload, wanted, Targets([], frozenset()))
    if params["chains"] != ROUTES:
        return case
    if not any(params[name] for name in ("namespaces", "names", "label_selector")):
        raise errors.BadArgument(
            "namespaces: choose Ingresses and IngressRoutes by namespaces, names or label_selector"
        )
    targets = only_served(read_targets(task.client, choice_of(params)), workload.arguments)
    known = read_middlewares(task.client, [case.edit.middleware])
    items, left = without_broken(targets.items, case.edit.middleware, known, workload.arguments)
    unserved = [*targets.unserved, *(ref.as_dict() | {"reason": reason} for ref, reason in left.items())]
    return Case(workload, wanted, Targets(items, targets.classes, unserved))


def _middleware_findings(task: Task, case: Case) -> list[str]:
    """What keeps the Middleware from being there, the API server's own objections included (a dry run)."""
    ref = ref_of(case.wanted)
    overlooked = scope.overlooked(case.wanted, case.workload.arguments)
    if overlooked:
        return [f"namespace: {case.workload.ref} does not look at {ref}: {overlooked}"]
    taken = retry.existing_fault(task.client.find(ref), ref)
    faults = [taken] if taken else schema_faults(task.client, [case.wanted])
    if faults:
        return faults
    try:
        Writer(task.client, check_mode=True).apply([case.wanted])
    except errors.ResilientError as error:
        return [str(error).rstrip(".")]
    return []


def _place_findings(task: Task, case: Case) -> list[str]:
    if task.params["chains"] == ENTRY_POINTS:
        return _entry_point_findings(task, case)
    if task.params["chains"] == ROUTES and task.params["names"]:
        # What was named one by one is not to be left out in silence.
        return [f"names: {_told(each)}" for each in case.targets.unserved]
    return []


def _entry_point_findings(task: Task, case: Case) -> list[str]:
    named = task.params["entry_points"] or []
    known = ", ".join(sorted(case.workload.entry_points))
    if not named:
        return [f"entry_points: name some of those that {case.workload.ref} has: {known}"]
    unknown = [name for name in named if name.lower() not in case.workload.entry_points]
    if unknown:
        return [f"entry_points: {case.workload.ref} has no {name}; it has {known}" for name in unknown]
    return _delivery_findings(task, case)


def _delivery_findings(task: Task, case: Case) -> list[str]:
    """Where the settings come from a place that nobody here can write to, or not rightly."""
    lacking, workload, wanted = _lacking(task, case), case.workload, case.edit.middleware.qualified
    if lacking and workload.source != "arguments":
        places = ", ".join(f"entryPoints.{name}.http.middlewares" for name in lacking)
        return [
            f"entry_points: {workload.ref} has its settings from its {workload.source}; put {wanted} first there in "
            f"{places}, once the middleware is there (chains: none)"
        ]
    if _entry_points_by(task, case) != TRAEFIK_HA:
        return []
    # A release's lists are merged at their end, and this one has to come first.
    return [
        f"entry_points: {name} has {', '.join(held)} already, from a Helm release; put {wanted} before it in the "
        "release's own values, once the middleware is there (chains: none)"
        for name in lacking
        if (held := _entry_point_chain(workload, name))
    ]


def _told(left: dict[str, Any]) -> str:
    return f"{left['kind']} {left['namespace']}/{left['name']} would be dropped or is not served: {left['reason']}"


def _answer(task: Task, findings: Sequence[str], case: Case | None) -> dict[str, Any]:
    result: dict[str, Any] = {
        "changed": False,
        "findings": [f"{finding}." for finding in findings],
        "notes": [],
        "objects": [],
        "left_alone": [],
        "chosen": 0,
        "entry_points_by": "",
        "chart_values": {},
        "silent_sites": [],
        **Advice().as_dict(),
    }
    if case is None:
        return result
    ref = case.edit.middleware
    return result | {
        "notes": retry.notes(case.workload.version, task.params["more"]),
        "objects": [case.wanted],
        "middleware": f"{ref.namespace}/{ref.name}",
        "qualified": ref.qualified,
        "left_alone": case.targets.unserved,
        "chosen": len(case.targets.items),
        "entry_points_by": _entry_points_by(task, case),
        "chart_values": {"additionalArguments": _arguments(task, case)},
        "silent_sites": [] if findings else _silent(task, case),
        **_advice(task, case).as_dict(),
    }


def _advice(task: Task, case: Case) -> Advice:
    """What the applications in scope can do themselves: a retry cannot do it for them."""
    if task.params["chains"] != ENTRY_POINTS:
        return advice_on(task.client, case.targets.items)
    everything = Choice(list(API_VERSIONS), [""], frozenset(), "")
    try:
        targets = only_served(read_targets(task.client, everything), case.workload.arguments)
    except errors.Forbidden as error:
        return Advice(unread=[f"not looked at for applications without preStop: {str(error).rstrip('.')}"])
    return advice_on(task.client, targets.items)


def _silent(task: Task, case: Case) -> list[str]:
    missing = without_router(task.client, case.workload, _sites(task, case))
    return sorted(nowhere(missing, len(case.workload.ready)))


def _entry_points_by(task: Task, case: Case) -> str:
    """Who brings an entry point's chain: the module, the role traefik_ha, or nobody because it is there already."""
    if task.params["chains"] != ENTRY_POINTS or not _lacking(task, case):
        return ""
    ours = delivery_of(task.client, case.workload.ref).kind == MANIFEST and case.workload.source == "arguments"
    return "middleware_chain" if ours else TRAEFIK_HA


def _arguments(task: Task, case: Case) -> list[str]:
    """As arguments, because charts differ in where they take the middlewares of an entry point."""
    return [f"--entryPoints.{name}.http.middlewares={case.edit.middleware.qualified}" for name in _lacking(task, case)]


def _lacking(task: Task, case: Case) -> list[str]:
    """The entry points whose chain does not begin with the middleware."""
    return [
        name
        for name in task.params["entry_points"] or []
        if _entry_point_chain(case.workload, name)[:1] != [case.edit.middleware.qualified]
    ]


def _entry_point_chain(workload: Workload, entry_point: str) -> list[str]:
    setting = f"entrypoints.{entry_point.lower()}.http.middlewares"
    values = [value for name, value in workload.arguments.items() if name == setting or name.startswith(f"{setting}.")]
    return [name for value in values for name in chain.from_text(value)]


def _sites(task: Task, case: Case) -> list[sites.Site]:
    """What the chosen objects serve; with entry points everything does depend on it, and is not asked here."""
    middlewares = sites.read_middlewares(task.client)
    return sites.sites_of(case.targets.items, middlewares, case.workload.arguments)[: task.params["ask_sites"]]


# --- verifying ---------------------------------------------------------------------------------------------------


def _verified(task: Task) -> dict[str, Any]:
    def look() -> list[Check]:
        case = _case(task, chosen_workload(task))
        there = retry.check(task.client.find(ref_of(case.wanted)), case.wanted)
        return [there, *_chain_checks(task, case), *_router_checks(task, case)]

    return verified(look, task.params["wait_timeout"], NotRetrying, task.progress)


def _chain_checks(task: Task, case: Case) -> list[Check]:
    qualified, items = case.edit.middleware.qualified, case.targets.items
    if task.params["chains"] == ENTRY_POINTS:
        lacking = _lacking(task, case)
        count = len(task.params["entry_points"] or [])
        return [none_lacks(f"{qualified} is first at the entry points", count, lacking)]
    if task.params["chains"] == NOWHERE:
        return []
    differing = [str(ref_of(item)) for item in items if plan(item, case.edit).patch]
    name = f"{qualified} is first in the chosen chains"
    if not items:
        return [Check(name, False, "a chain", "nothing that Traefik serves is chosen")]
    return [none_lacks(name, len(items), differing)]


def _router_checks(task: Task, case: Case) -> list[Check]:
    """A replica that has not loaded the middleware has no router for the sites behind it."""
    silent = task.params["silent_sites"]
    asked = [site for site in _sites(task, case) if site.host not in (silent or [])]
    if not asked:
        return []
    missing = without_router(task.client, case.workload, asked)
    if silent is None:
        missing = held_against(missing, len(asked), len(case.workload.ready))
    told = [f"{host} at {', '.join(names)}" for host, names in missing.items()]
    return [none_lacks("every replica has the routers of the sites behind it", len(asked), told)]
