# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Temporary routes that show what a replica has loaded, with Traefik's API closed. Pure.

Traefik builds all of a router's middlewares and its service when it loads the router, and drops the router when one of
them cannot be built: its requests get 404. So a route through the objects in question that answers anything else has
loaded them. A middleware that stops every request stands first in the chain: the others are built and never run, so
no authentication service is asked, no rate is counted and no application is reached. A second route without them, the
control, tells "not loaded yet" from "cannot be loaded". Seen on 3.6.10 and 3.7.9.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import (
    API_VERSION,
    CLASS_ANNOTATION,
    router_id,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.references import references_of

# Its value is the time (Unix seconds) after which the object is left over from a killed controller.
EXPIRES_LABEL = "resilient.traefik/probe-until"
LIFETIME = 900
# What the stopping middleware answers: a status that neither Traefik nor the API server answers by itself.
STOPPED = 418
# TEST-NET-1 (RFC 5737): no client has this address, so everybody is refused.
_NOBODY = "192.0.2.1/32"
_NOOP = {"kind": "TraefikService", "name": "noop@internal"}
# Above every rule's own priority (its length), below Traefik's limit of 2^63 - 1001.
PRIORITY = 1_000_000_000
PROVABLE = ("Middleware", "TraefikService", "IngressRoute")
# A twin of a TCP or UDP route would take live traffic: its rule is all that it has.
_TWINNED = (*PROVABLE, "ServersTransport")


@dataclass(frozen=True)
class Question:
    """One route to ask for: ``path`` answers STOPPED once the replica has loaded what ``about`` names.

    ``about`` is None for the control. ``router`` and ``ingress`` are the names of the route and of its IngressRoute in
    Traefik's own messages; ``match`` is the rule that stands there for the route's own ``rule``. Of the questions of
    one ``group`` one answer is enough.
    """

    about: ObjectRef | None
    path: str
    router: str
    ingress: str
    match: str
    rule: str
    group: str = ""


@dataclass(frozen=True)
class Probe:
    """The objects of a probe and the questions that they answer. One control for each namespace."""

    objects: list[Object]
    questions: list[Question]


@dataclass(frozen=True)
class Setting:
    """What a probe needs: an entry point, the ingress class and labels that this Traefik looks for, its expiry."""

    entry_point: str
    expires: int
    ingress_class: str = ""
    labels: Mapping[str, str] | None = None


def probe_for(subjects: Sequence[Object], token: str, setting: Setting) -> Probe:
    """The probe of Middlewares, TraefikServices and IngressRoutes; others are left out.

    A subject without ``spec`` is one that is there already (a Middleware or TraefikService of that name).
    """
    objects: list[Object] = []
    questions: list[Question] = []
    for namespace in dict.fromkeys(item["metadata"]["namespace"] for item in subjects):
        routes: list[tuple[ObjectRef | None, dict[str, Any]]] = [(None, {})]
        for item in subjects:
            if item["metadata"]["namespace"] == namespace:
                routes += [(ref_of(item), route) for route in _routes_through(item)]
        asked, made = _namespace_probe(namespace, routes, token, setting)
        questions += asked
        objects += made
    return Probe(objects, questions)


def control_for(namespaces: Iterable[str], token: str, setting: Setting) -> Probe:
    """Only the control, in each of the namespaces."""
    made = [_namespace_probe(namespace, [(None, {})], token, setting) for namespace in namespaces]
    return Probe(
        [item for _asked, objects in made for item in objects], [asked for each, _objects in made for asked in each]
    )


def probe_name(token: str) -> str:
    """The name of a probe's objects; its stopping middleware has it too."""
    return f"resilient-probe-{token}"


def _routes_through(item: Object) -> list[dict[str, Any]]:
    """The parts of routes that need the object: ``middlewares``, ``services``, ``match``."""
    name = item["metadata"]["name"]
    if item["kind"] == "Middleware":
        return [{"middlewares": [{"name": name}]}]
    if item["kind"] == "TraefikService":
        return [{"services": [{"kind": "TraefikService", "name": name}]}]
    if item["kind"] == "IngressRoute":
        return [dict(route) for route in item["spec"].get("routes") or []]
    return []


def _namespace_probe(
    namespace: str, routes: Sequence[tuple[ObjectRef | None, dict[str, Any]]], token: str, setting: Setting
) -> tuple[list[Question], list[Object]]:
    name = probe_name(token)
    stop = {"ipAllowList": {"sourceRange": [_NOBODY], "rejectStatusCode": STOPPED}}
    questions, probing = [], []
    for number, (about, part) in enumerate(routes):
        path = f"/{name}/{number}"
        route = _probing_route(part, path, name)
        probing.append(route)
        router = router_id(namespace, name, route["match"])
        questions.append(Question(about, path, router, name, route["match"], str(part.get("match", ""))))
    spec = {"entryPoints": [setting.entry_point], "routes": probing}
    return questions, [
        _object("Middleware", namespace, name, stop, setting),
        _object("IngressRoute", namespace, name, spec, setting),
    ]


def _probing_route(part: Mapping[str, Any], path: str, stop: str) -> dict[str, Any]:
    own = f"Path(`{path}`)"
    rule = part.get("match")
    # The rule itself is parsed and never met: no path equals two.
    match = f"{own} || (Path(`{path}/never`) && ({rule}))" if rule else own
    syntax = {"syntax": part["syntax"]} if part.get("syntax") else {}
    return syntax | {
        "kind": "Rule",
        "match": match,
        "priority": PRIORITY,
        "middlewares": [{"name": stop}, *(part.get("middlewares") or [])],
        "services": part.get("services") or [_NOOP],
    }


def _object(kind: str, namespace: str, name: str, spec: dict[str, Any], setting: Setting) -> Object:
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "labels": {
            **(setting.labels or {}),
            EXPIRES_LABEL: str(setting.expires),
            "app.kubernetes.io/managed-by": "resilient.traefik",
        },
    }
    if kind == "IngressRoute" and setting.ingress_class:
        # spec.ingressClassName came with 3.7; the annotation is read by all versions.
        metadata["annotations"] = {CLASS_ANNOTATION: setting.ingress_class}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def rehearsal(items: Iterable[Object], token: str, setting: Setting) -> list[tuple[ObjectRef, Object]]:
    """Each object with a twin under another name, whose references to objects of the set lead to their twins.

    Proving the twins first keeps a bad change away from the objects that live traffic uses.
    """
    listed = [item for item in items if item["kind"] in _TWINNED]
    names = {ref_of(item): f"resilient-probe-{token}-{number}" for number, item in enumerate(listed)}
    return [(ref_of(item), _twin(item, names, setting)) for item in listed]


def _twin(item: Object, names: Mapping[ObjectRef, str], setting: Setting) -> Object:
    spec = copy.deepcopy(item.get("spec") or {})
    for reference in references_of(item):
        if reference.target in names:
            _rename(spec, reference.path.removeprefix("spec."), names[reference.target])
    ref = ref_of(item)
    return _object(ref.kind, ref.namespace, names[ref], spec, setting)


def _rename(spec: dict[str, Any], path: str, name: str) -> None:
    """Writes the name at a reference's path: the place is a mapping with ``name``, or the name itself."""
    *way, last = re.findall(r"[^.\[\]]+", path)
    place: Any = spec
    for key in way:
        place = place[int(key)] if isinstance(place, list) else place[key]
    key = int(last) if isinstance(place, list) else last
    if isinstance(place[key], dict):
        place[key]["name"] = name
    else:
        place[key] = name
