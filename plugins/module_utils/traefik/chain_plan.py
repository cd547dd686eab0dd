# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What becomes of the chains of one Ingress or IngressRoute, and the smallest patch for it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import chain
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import CHAIN_ANNOTATION


@dataclass(frozen=True)
class Edit:
    """What is to happen to every chain: ``place`` says where the middleware goes, None that it goes away."""

    middleware: chain.MiddlewareName
    place: chain.Place | None

    def of(self, names: Sequence[str]) -> list[str]:
        """The chain afterwards. Raises chain.OtherMissing."""
        if self.place is None:
            return chain.without_middleware(names, self.middleware.qualified)
        return chain.with_middleware(names, self.middleware.qualified, self.place)


@dataclass(frozen=True)
class ChainChange:
    """One chain of an object, ``at`` its place in it."""

    at: str
    before: list[str]
    after: list[str]

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class Plan:
    """The chains of one object that change, and the patch that does it; without changes there is none."""

    item: Object
    changes: list[ChainChange]
    patch: Patch | None


def plan(item: Object, edit: Edit) -> Plan:
    """The plan for an Ingress or an IngressRoute. Raises chain.OtherMissing when a chain lacks the other middleware."""
    return _plan_ingress(item, edit) if item["kind"] == "Ingress" else _plan_routes(item, edit)


def _again(edit: Edit) -> Callable[[Object], Patch | None]:
    def renewed(newer: Object) -> Patch | None:
        return plan(newer, edit).patch

    return renewed


def _plan_ingress(item: Object, edit: Edit) -> Plan:
    metadata = item["metadata"]
    annotations = metadata.get("annotations") or {}
    before = chain.from_text(annotations.get(CHAIN_ANNOTATION))
    change = ChainChange(f"annotation {CHAIN_ANNOTATION}", before, edit.of(before))
    if not change.changed:
        return Plan(item, [], None)
    text = ",".join(change.after)
    kept = {name: value for name, value in annotations.items() if name != CHAIN_ANNOTATION}
    after = {**item, "metadata": {**metadata, "annotations": kept | ({CHAIN_ANNOTATION: text} if text else {})}}
    # Only this annotation is named: all others, and the rest of the object, keep their owners.
    body = {"metadata": {"annotations": {CHAIN_ANNOTATION: text or None}}}
    return Plan(item, [change], Patch(item, body, after, _again(edit)))


def _plan_routes(item: Object, edit: Edit) -> Plan:
    namespace = item["metadata"]["namespace"]
    changes: list[ChainChange] = []
    body: list[dict[str, Any]] = []
    routes: list[Object] = []
    for number, route in enumerate(item["spec"].get("routes") or []):
        references = route.get("middlewares") or []
        before = chain.from_references(references, namespace)
        change = ChainChange(f"spec.routes[{number}]", before, edit.of(before))
        if change.changed:
            changes.append(change)
            references = chain.as_references(change.after, references, namespace, edit.middleware)
            body.append(_replacement(f"/spec/routes/{number}/middlewares", references))
            route = {name: value for name, value in route.items() if name != "middlewares"}
            route |= {"middlewares": references} if references else {}
        routes.append(route)
    if not changes:
        return Plan(item, [], None)
    after = {**item, "spec": {**item["spec"], "routes": routes}}
    return Plan(item, changes, Patch(item, body, after, _again(edit)))


def _replacement(path: str, references: list[dict[str, Any]]) -> dict[str, Any]:
    """``add`` replaces what is there."""
    return {"op": "add", "path": path, "value": references} if references else {"op": "remove", "path": path}


def entry_point_arguments(arguments: Sequence[str], entry_point: str, edit: Edit) -> tuple[list[str], ChainChange]:
    """Traefik's arguments with the entry point's chain as wanted, and what changed of the chain.

    Every form is read (one dash or two, any case, the value as the next argument, one by one as ``[0]``), and one
    argument written. Raises chain.OtherMissing.
    """
    kept: list[str] = []
    before: list[str] = []
    at = -1
    wanted = f"entrypoints.{entry_point}.http.middlewares".lower()
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        name, equals, value = argument.lstrip("-").partition("=")
        if not argument.startswith("-") or name.lower().split("[")[0] != wanted:
            kept.append(argument)
            continue
        at = len(kept) if at < 0 else at
        before += chain.from_text(value if equals else rest.pop(0) if rest else "")
    change = ChainChange(f"--entryPoints.{entry_point}.http.middlewares", before, edit.of(before))
    if not change.changed:
        return list(arguments), change
    position = at if at >= 0 else len(kept)
    written = [f"--entryPoints.{entry_point}.http.middlewares={','.join(change.after)}"] if change.after else []
    return [*kept[:position], *written, *kept[position:]], change
