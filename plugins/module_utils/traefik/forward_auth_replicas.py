# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each replica of Traefik makes of routes and ForwardAuth middlewares: by its API where that is open, by requests.

Requests show that a replica has a router (it answers its own 404 for what it has none for) and whom it asks: each
carries a word that nobody else knows, and the proxy counts the questions in which it meets that. So what visitors ask
through the other replicas proves nothing for this one.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer, PodPoint, Request, Session
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import last_writer
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth import address_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_asking import Asking
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_links import Proxy
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import crd_id, normalized, router_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import (
    ApiClosed,
    Routing,
    read_each,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.router_check import NO_ROUTER
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import (
    Entrance,
    ServedRoute,
    resolved,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Replica, Workload

# As plugin_utils/nginx_engine/probes.js knows it.
_PROBE = "resilient-traefik-probe"
_STATUS_PORT = 9113
_SECONDS = 5.0
_PERSON = {"User-Agent": "Mozilla/5.0 (resilient.traefik verification)"}
_COMPARED = ("address", "authResponseHeaders", "authResponseHeadersRegex", "trustForwardHeader")


@dataclass(frozen=True)
class Felt:
    """What came of questions through each replica: how many were asked, counted by the proxy, and what was answered."""

    route: str = ""
    before: Sequence[str] = ()
    counted: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    statuses: frozenset[int] = frozenset()
    problem: str = ""


@dataclass(frozen=True)
class Replicas:
    """The ready replicas. ``routings`` are what their API tells, empty with a ``reason`` where it tells nothing.

    ``without`` has by route the replicas that have no router for it, ``felt`` by qualified name of the middleware what
    its proxy counted.
    """

    names: Sequence[str]
    routings: Mapping[str, Routing]
    reason: str
    without: Mapping[ServedRoute, Sequence[str]]
    felt: Mapping[str, Felt]

    @property
    def by_api(self) -> bool:
        """Whether every replica told what it has loaded."""
        return bool(self.names) and set(self.names) <= set(self.routings)

    def loaded_checks(self, middleware: Object, client: Client) -> list[Check]:
        """Whether each replica has the middleware as the API server has it; nothing where their API tells nothing."""
        if not self.by_api:
            return []
        name, wanted = _name(middleware), middleware["spec"]["forwardAuth"]
        wrong = []
        for replica, routing in self.routings.items():
            entry = next((each for each in routing.middlewares if each["name"] == name), None)
            if entry is None or entry.get("error"):
                wrong.append(f"{replica} has not loaded it: {entry.get('error') if entry else 'it knows none'}")
                continue
            has = entry.get("forwardAuth") or {}
            other = [key for key in _COMPARED if _plain(has.get(key)) != _plain(wanted.get(key))]
            if other:
                asks = address_of(str(has.get("address"))).shown
                wrong.append(f"{replica} has another {', '.join(other)} ({asks})")
        writer = last_writer(client.find(ref_of(middleware)) or {}, ("f:spec", "f:forwardAuth")) if wrong else ""
        return [
            Check(
                f"{ref_of(middleware)}: each replica has it as it is",
                not wrong,
                f"{address_of(str(wanted.get('address'))).shown} in {len(self.names)} replicas",
                "; ".join([*wrong, f"written last by {writer}"] if wrong else [f"in {', '.join(self.names)}"]),
            )
        ]

    def unknown_askers(self, names: Sequence[str], left_alone: Sequence[str]) -> str:
        """Say which of the middlewares that are no objects here ask somebody, or may do so; empty where none does."""
        left = [name for name in names if name not in left_alone]
        remedy = "name each that may ask without a proxy in resilient_traefik_left_alone"
        if self.by_api:
            asking = {
                each["name"]
                for routing in self.routings.values()
                for each in routing.middlewares
                if each.get("forwardAuth")
            }
            found = [name for name in left if name in asking]
            return f"of other providers, which no proxy can stand before: {', '.join(found)}; {remedy}" if found else ""
        told = "of other providers, and with the replicas' API closed it is not known whether they ask somebody"
        return f"{told}: {', '.join(left)}; {remedy}" if left else ""

    def felt_check(self, middleware: Object, note: str) -> Check:
        """Whether requests through each replica made the proxy count. ``note`` is added to what was found."""
        felt = self.felt.get(_name(middleware), Felt(problem="nothing was asked"))
        name = f"{ref_of(middleware)}: each replica asks the proxy"
        expected = "as many questions at the proxy as requests through each replica"
        told = ", ".join(f"{replica}: {counted} of {sent}" for replica, (sent, counted) in felt.counted.items())
        silent = [replica for replica, (sent, counted) in felt.counted.items() if counted < sent]
        passed = not felt.problem and not silent and set(felt.counted) == set(self.names) and bool(self.names)
        found = "; ".join(part for part in (felt.problem, told, felt.route, note) if part)
        if not passed and felt.before and not felt.problem:
            answered = ", ".join(map(str, sorted(felt.statuses)))
            found = f"{', '.join(felt.before)} comes before it and answered {answered}; {found}"
            # What stands before it lets no stranger through: then what the replica has loaded is all there is to see.
            passed = self.by_api
        return Check(name, passed, expected, found)


def ask_replicas(
    client: Client, workload: Workload, found: Asking, requests: int, to_be_felt: Sequence[tuple[Object, Proxy]]
) -> Replicas:
    """Looks at every ready replica. Raises Forbidden (pods/portforward)."""
    routings, reason = _by_api(client, workload)
    asking = {route for name in found.forward_auths for route in found.routes_with(name)}
    complete = {replica.name for replica in workload.ready} <= set(routings)
    without = (
        {} if complete else _without_router(client, workload, found, [each for each in found.routes if each in asking])
    )
    felt = {
        _name(middleware): _feel(client, workload, found, requests, middleware, proxy)
        for middleware, proxy in to_be_felt
    }
    return Replicas([replica.name for replica in workload.ready], routings, reason, without, felt)


def router_check(route: ServedRoute, found: Asking, replicas: Replicas, left_out: bool) -> Check:
    """Whether every replica has the route's router, with the ForwardAuth middlewares of its chain."""
    wanted = [
        name
        for name in dict.fromkeys(n for chain in found.chains_of(route) for n in chain)
        if name in found.forward_auths
    ]
    name, expected = f"{route}: every replica has its router", f"a router that asks {', '.join(wanted)}"
    if not replicas.by_api:
        # Whom it asks is proved once a middleware, by the questions that its proxy counts.
        expected = "an answer other than Traefik's own 404"
    unreached = route.not_reached(found.points)
    if unreached:
        return Check(name, False, expected, f"not proved: {unreached}")
    if replicas.by_api:
        wrong = _router_faults(route, found, replicas, wanted)
        told = f"in {', '.join(replicas.names)}, by their API"
        return Check(name, not wrong, expected, "; ".join(wrong) or told)
    if route.unaskable:
        told = f"not proved: {route.unaskable}, which no plain request brings, and the replicas' API tells nothing"
        return Check(name, False, expected, told)
    lacking = replicas.without.get(route, ())
    if lacking and left_out:
        return Check(name, True, expected, "left out: its host is among hosts_left_out")
    told = f"answered by {', '.join(replicas.names)} at {_entrances(route, found)}"
    return Check(name, not lacking and bool(replicas.names), expected, "; ".join(lacking) or told)


def _entrances(route: ServedRoute, found: Asking) -> str:
    return ", ".join(
        f"{each.entry_point} ({'https' if each.https else 'http'})" for each in route.entrances(found.points)
    )


def _by_api(client: Client, workload: Workload) -> tuple[dict[str, Routing], str]:
    if not workload.ready:
        return {}, "no replica is ready"
    try:
        routings, failures = read_each(client, workload, {})
    except ApiClosed:
        return {}, "it is closed"
    return routings, "; ".join(map(str, failures.values()))


def _router_faults(route: ServedRoute, found: Asking, replicas: Replicas, wanted: Sequence[str]) -> list[str]:
    own, wrong = _router_name(route), list[str]()
    for replica, routing in replicas.routings.items():
        routers = [each for each in routing.routers if _is_of(each["name"], own, route)]
        if not routers:
            wrong.append(f"{replica} has no router {own}")
        for router in routers:
            names = set(resolved(router.get("middlewares") or [], found.chains))
            lacking = [name for name in wanted if name not in names]
            if router.get("status", "enabled") == "disabled":
                wrong.append(f"{replica}: {router['name']} is disabled: {router.get('error')}")
            elif lacking:
                wrong.append(f"{replica}: {router['name']} does not ask {', '.join(lacking)}")
    return wrong


def _router_name(route: ServedRoute) -> str:
    if route.ref.kind == "Ingress":
        return f"{normalized(f'{route.ref.namespace}-{route.ref.name}-{route.rule}')}@kubernetes"
    return router_id(route.ref.namespace, route.ref.name, route.rule)


def _is_of(name: str, own: str, route: ServedRoute) -> bool:
    """An entry point with settings of its own has a copy of the router, named after it."""
    return name == own or any(name == f"{entry_point}-{own}" for entry_point in route.entry_points)


def _without_router(
    client: Client, workload: Workload, found: Asking, routes: Sequence[ServedRoute]
) -> dict[ServedRoute, list[str]]:
    questions = [
        (route, replica, entrance)
        for route in routes
        if not route.unaskable
        for replica in workload.ready
        for entrance in route.entrances(found.points)
    ]
    told = client.concurrently(lambda each: _no_router(client, found, *each), questions)
    missing: dict[ServedRoute, list[str]] = {}
    for (route, replica, entrance), problem in zip(questions, told, strict=True):
        if problem:
            missing.setdefault(route, []).append(f"{replica.name} at {entrance.entry_point}: {problem}")
    return missing


def _no_router(client: Client, found: Asking, route: ServedRoute, replica: Replica, entrance: Entrance) -> str:
    point = PodPoint(client, replica.namespace, replica.name, found.points[entrance.entry_point].port)
    try:
        with Session(point, timeout=_SECONDS, max_seconds=_SECONDS) as session:
            answer = session.ask(_request(route, entrance))
    except NoAnswer as error:
        return f"no answer: {error}"
    if answer.status == 404 and answer.text.strip() == NO_ROUTER:
        return "it has no router for it (404)"
    return ""


def _request(route: ServedRoute, entrance: Entrance) -> Request:
    return Request(route.host, route.path, headers=_PERSON, https=entrance.https, verify=False)


class _Chosen(NamedTuple):
    """A route, an entrance to it, and the ForwardAuth middlewares before the one that is to be felt."""

    route: ServedRoute
    entrance: Entrance
    before: list[str]


def _feel(client: Client, workload: Workload, found: Asking, requests: int, middleware: Object, proxy: Proxy) -> Felt:
    name = _name(middleware)
    chosen = _route_to_feel(found, name)
    if chosen is None:
        return Felt(problem="no route that uses it can be asked by a plain request")
    route, entrance = chosen.route, chosen.entrance
    counted: dict[str, tuple[int, int]] = {}
    statuses: set[int] = set()
    try:
        for replica in workload.ready:
            word = secrets.token_hex(16)
            statuses |= _ask_often(client, found, _with_word(route, word), entrance, replica, requests)
            counted[replica.name] = (requests, _met(client, proxy, word))
    except NoAnswer as error:
        return Felt(
            str(route), chosen.before, counted, frozenset(statuses), f"its pods do not tell their count: {error}"
        )
    return Felt(f"asked for {route.host}{route.path}", chosen.before, counted, frozenset(statuses))


def _route_to_feel(found: Asking, name: str) -> _Chosen | None:
    """A route and an entrance where as little as possible stands before the middleware."""
    ways: list[tuple[int, int, _Chosen]] = []
    for route in found.routes:
        for entrance in [] if route.unaskable else route.entrances(found.points):
            names = route.chain_at(entrance.entry_point, found.points, found.chains)
            if name in names:
                before = [each for each in names[: names.index(name)] if each in found.forward_auths]
                ways.append((len(before), len(ways), _Chosen(route, entrance, before)))
    return min(ways)[2] if ways else None


def _ask_often(
    client: Client, found: Asking, route: ServedRoute, entrance: Entrance, replica: Replica, requests: int
) -> set[int]:
    """The statuses, 0 for no answer, of as many requests through one replica."""
    point = PodPoint(client, replica.namespace, replica.name, found.points[entrance.entry_point].port)
    statuses: set[int] = set()
    with Session(point, timeout=_SECONDS, max_seconds=_SECONDS) as session:
        for _number in range(requests):
            try:
                statuses.add(session.ask(_request(route, entrance)).status)
            except NoAnswer:
                statuses.add(0)
    return statuses


def _with_word(route: ServedRoute, word: str) -> ServedRoute:
    return replace(route, path=f"{route.path}{'&' if '?' in route.path else '?'}{_PROBE}={word}")


def _met(client: Client, proxy: Proxy, word: str) -> int:
    """In how many questions all pods of the proxy have met the word. Raises NoAnswer."""
    return sum(client.concurrently(lambda pod: _met_by(client, pod, word), proxy.pods))


def _met_by(client: Client, pod: Object, word: str) -> int:
    ports = {
        port.get("name"): int(port["containerPort"])
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or []
    }
    metadata = pod["metadata"]
    point = PodPoint(client, metadata["namespace"], metadata["name"], ports.get("status", _STATUS_PORT))
    with Session(point, timeout=_SECONDS, max_seconds=_SECONDS) as session:
        answer = session.ask(Request("localhost", f"/probes/{word}"))
    if answer.status != 200 or not answer.text.strip().isdecimal():
        raise NoAnswer(f"{ref_of(pod)} answers {answer.status} when it is asked for what it has met")
    return int(answer.text)


def _name(middleware: Object) -> str:
    return crd_id(middleware["metadata"]["namespace"], middleware["metadata"]["name"])


def _plain(value: object) -> object:
    """What is not set is what Traefik takes it for."""
    return value or None
