# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module middleware_chain: a middleware's place in the chains of Ingresses and IngressRoutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Outcome, Patch
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import chain, scope
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_faults import (
    read_middlewares,
    unservable,
    without_broken,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_plan import ChainChange, Edit, Plan, plan
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_targets import (
    Choice,
    Targets,
    choice_of,
    only_served,
    read_targets,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_point_chain import change_entry_points
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.loaded import NONE, Proof
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, PROVIDER, crd_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.proof_options import (
    PROOF_OPTIONS,
    chosen_workload,
    prover,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.uptake import await_uptake
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

OPTIONS: dict[str, dict[str, Any]] = {
    "middleware": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "place": {"type": "str", "choices": [chain.FIRST, chain.LAST]},
    "before": {"type": "str"},
    "after": {"type": "str"},
    "replaces": {"type": "str"},
    "missing": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
    "kinds": {
        "type": "list",
        "elements": "str",
        "choices": ["Ingress", "IngressRoute"],
        "default": ["Ingress", "IngressRoute"],
    },
    "namespaces": {"type": "list", "elements": "str"},
    "names": {"type": "list", "elements": "str"},
    "label_selector": {"type": "str"},
    "entry_points": {"type": "list", "elements": "str"},
    "unservable": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
    "planned": {"type": "bool", "default": False},
    **PROOF_OPTIONS,
}
_RELATIVE = (chain.BEFORE, chain.AFTER, chain.REPLACES)
# How a Traefik of which nothing is known is taken to be set: its defaults, with nothing forbidden.
_UNKNOWN = {scope.CRD: "true", scope.INGRESS: "true", f"{scope.CRD}.allowcrossnamespace": "true"}


def run(task: Task) -> dict[str, Any]:
    """Changes the chains. Raises BadArgument, NotLoaded and what the writer raises."""
    edit = Edit(chain.parsed_name("middleware", task.params["middleware"]), _place(task.params))
    return _in_entry_points(task, edit) if task.params["entry_points"] else _in_routes(task, edit)


def _in_entry_points(task: Task, edit: Edit) -> dict[str, Any]:
    workload = chosen_workload(task)
    resolved = _resolved(task, edit)
    return change_entry_points(task, workload, resolved, lambda: _proved(task, workload, resolved))


def _in_routes(task: Task, edit: Edit) -> dict[str, Any]:
    workload, targets = _read_both(task, choice_of(task.params))
    settings = workload.arguments if workload else _UNKNOWN
    if edit.place is not None:
        targets = only_served(targets, settings)
        edit = _resolved(task, edit)
        targets = _servable(task, targets, edit, settings)
    plans, lacking = _plans(targets, edit, task.params["missing"])
    patches = [each.patch for each in plans if each.patch]
    proofs = _proved(task, workload, edit) if patches and edit.place is not None else []
    outcome = task.writer().patch([_guarded(patch) for patch in patches])
    task.take(outcome)
    return _result(plans, outcome, targets, lacking) | {
        "proofs": [proof.result() for proof in proofs],
        "taken_up": _taken_up(task, workload, targets, outcome),
    }


def _place(params: Mapping[str, Any]) -> chain.Place | None:
    given = {where: params[where] for where in _RELATIVE if params[where]}
    if params["state"] == "absent":
        if given or params["place"]:
            raise errors.BadArgument(f"{next(iter([*given, 'place']))}: a middleware that goes away has no place")
        return None
    for where, text in given.items():
        other = chain.parsed_name(where, text).qualified
        if other == chain.parsed_name("middleware", params["middleware"]).qualified:
            raise errors.BadArgument(f"{where}: is the middleware itself")
        return chain.Place(where, other)
    return chain.Place(params["place"] or chain.FIRST)


def _read_both(task: Task, choice: Choice) -> tuple[Workload | None, Targets]:
    """The Traefik and the targets, at once: neither needs the other to be read."""
    wants_workload = task.params["proof"] != NONE
    jobs: list[Any] = [lambda: read_targets(task.client, choice)]
    jobs += [lambda: chosen_workload(task)] if wants_workload else []
    answers = task.client.concurrently(lambda job: job(), jobs)
    return (answers[1] if wants_workload else None), answers[0]


def _resolved(task: Task, edit: Edit) -> Edit:
    """With namespace and name of a Middleware that was given as namespace-name@kubernetescrd.

    Raises BadArgument when none, or more than one, makes this name.
    """
    middleware = edit.middleware
    if middleware.name or edit.place is None or not chain.is_of_crd_provider(middleware.qualified):
        return edit
    (answer,) = read_found(task.client, [Query(API_VERSION, "Middleware")])
    refs = [ref_of(item) for item in answer.items]
    fitting = [ref for ref in refs if crd_id(ref.namespace, ref.name) == middleware.qualified]
    if len(fitting) != 1:
        found = ", ".join(map(str, fitting)) or f"no Middleware makes it in any namespace (provider {PROVIDER})"
        raise errors.BadArgument(f"middleware: {middleware.qualified} is not one Middleware: {found}")
    return Edit(chain.MiddlewareName(middleware.qualified, fitting[0].namespace, fitting[0].name), edit.place)


def _servable(task: Task, targets: Targets, edit: Edit, settings: Mapping[str, str]) -> Targets:
    """Without what would be dropped. Raises BadArgument naming the first of it, unless it is to be skipped."""
    if task.params["unservable"] == "skip":
        planned = [edit.middleware] if edit.middleware.name else []
        known = read_middlewares(task.client, planned)
        items, left = without_broken(targets.items, edit.middleware, known, settings)
        return Targets(items, targets.classes, [*targets.unserved, *(_left(ref, why) for ref, why in left.items())])
    faults = [
        f"{ref_of(item)}: {fault}" for item in targets.items if (fault := unservable(item, edit.middleware, settings))
    ]
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise errors.BadArgument(f"middleware: {faults[0]}{more}. Nothing was written.", faults=faults)
    return targets


def _left(ref: ObjectRef, reason: str) -> dict[str, str]:
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name, "reason": reason}


def _plans(targets: Targets, edit: Edit, missing: str) -> tuple[list[Plan], list[dict[str, str]]]:
    """A plan each, and those objects whose chains lack the middleware that the place is relative to."""
    plans: list[Plan] = []
    lacking: list[dict[str, str]] = []
    for item in targets.items:
        try:
            plans.append(plan(item, edit))
        except chain.OtherMissing as error:
            lacking.append(_left(ref_of(item), f"a chain does not hold {error}"))
    if lacking and missing == "fail" and edit.place:
        first = "{kind} {namespace}/{name}: {reason}".format(**lacking[0])
        more = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
        raise errors.BadArgument(
            f"{edit.place.where}: {first}{more}. Nothing was written; missing: skip leaves such objects alone.",
            left_alone=lacking,
        )
    return plans, lacking


def _proved(task: Task, workload: Workload | None, edit: Edit) -> list[Proof]:
    """That every replica has loaded the middleware: asked once, before the first chain refers to it."""
    middleware = edit.middleware
    namespace = middleware.namespace or (workload.ref.namespace if workload else "")
    ref = ObjectRef(API_VERSION, "Middleware", middleware.name or middleware.qualified, namespace)
    if middleware.name and not task.client.find(ref):
        if not task.check_mode:
            raise errors.BadArgument(f"middleware: {ref} does not exist: routers that refer to it would be dropped")
        if not task.params["planned"]:
            task.warnings.append(f"{ref} does not exist yet: outside check mode it has to, before chains refer to it")
        return []
    if workload is None:
        return [Proof(ref, NONE, [], "not asked for")]
    if task.check_mode:
        return []
    subject = {"apiVersion": API_VERSION, "kind": "Middleware", "metadata": {"name": ref.name, "namespace": namespace}}
    return prover(task, workload).prove([subject])


def _taken_up(task: Task, workload: Workload | None, targets: Targets, outcome: Outcome) -> dict[str, Any] | None:
    """How it was shown that every replica goes by the chains as they are now; None when nothing had to be."""
    if workload is None:
        return None
    changed = [change.after for change in outcome.changes if change.written and change.after]
    served = only_served(Targets(changed, targets.classes), workload.arguments).items
    return await_uptake(prover(task, workload), served).result() if served else None


def _guarded(patch: Patch) -> Patch:
    """The patch, whose renewal fails as errors of this collection do."""
    renew = patch.again

    def again(newer: Object) -> Patch | None:
        try:
            return renew(newer) if renew else None
        except chain.OtherMissing as error:
            raise errors.BadArgument(f"{ref_of(newer)}: its chain was changed meanwhile and lacks {error}") from None

    return Patch(patch.seen, patch.body, patch.after, again)


def _result(
    plans: Sequence[Plan], outcome: Outcome, targets: Targets, lacking: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    changed = [each for each in plans if each.patch]
    written = {change.ref: change for change in outcome.changes}
    return {
        "changed": outcome.changed,
        "results": [
            written[ref_of(each.item)].result() | {"chains": [_shown(change) for change in each.changes]}
            for each in changed
        ],
        "chosen": len(plans) + len(lacking) + len(targets.unserved),
        "unchanged": len(plans) - len(changed),
        # Not "skipped": Ansible takes that for the whole task.
        "left_alone": [*targets.unserved, *lacking],
        "diff": [_diff(ref_of(each.item), change) for each in changed for change in each.changes],
    }


def _shown(change: ChainChange) -> dict[str, Any]:
    return {"at": change.at, "before": change.before, "after": change.after}


def _diff(ref: ObjectRef, change: ChainChange) -> dict[str, str]:
    header = f"{ref}: {change.at}"
    return {
        "before_header": header,
        "after_header": header,
        "before": "".join(f"{name}\n" for name in change.before),
        "after": "".join(f"{name}\n" for name in change.after),
    }
