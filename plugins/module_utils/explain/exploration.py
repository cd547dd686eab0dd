# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask everybody on a request's way at once: replicas, their API, certificates, ForwardAuth targets, pods behind."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.explain import asking, entrance, middlewares
from ansible_collections.resilient.traefik.plugins.module_utils.explain.backend import (
    Backend,
    DirectAnswer,
    PodState,
    pod_problem,
)
from ansible_collections.resilient.traefik.plugins.module_utils.explain.certificate import Certificate, shown_to
from ansible_collections.resilient.traefik.plugins.module_utils.explain.drops import why_dropped
from ansible_collections.resilient.traefik.plugins.module_utils.explain.facts import Facts, ReplicaState
from ansible_collections.resilient.traefik.plugins.module_utils.explain.middlewares import Effect
from ansible_collections.resilient.traefik.plugins.module_utils.explain.place import Place
from ansible_collections.resilient.traefik.plugins.module_utils.explain.reading import (
    Cluster,
    read_backends,
    service_at,
    started,
)
from ansible_collections.resilient.traefik.plugins.module_utils.explain.request import READING_METHODS, secrets_in
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routers import (
    INGRESS_PROVIDER,
    INTERNAL_PROVIDER,
    Router,
    same_name,
)
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routing import Selection
from ansible_collections.resilient.traefik.plugins.module_utils.explain.target import (
    TIMEOUT,
    Target,
    address_asked,
    question,
)
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import PodPoint, Request
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.open_api import opened
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import ApiClosed, Routing, read_each
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Replica

# An answer that is not there after so long makes the pods behind be asked too, while it is waited for.
_PATIENCE = 1.0
_CONNECT_SECONDS, _TLS_SECONDS = 1.0, 5.0
# Of each Service so many pods are asked directly.
_PODS_ASKED = 3
# Go's server takes so much more than it is told (net/http, initialReadLimitSize).
_HEADER_SLACK = 4096


@dataclass(frozen=True)
class _Way:
    """What follows from a winner: what its middlewares do, and whom they and the router lead to."""

    effects: list[Effect]
    targets: Future[list[Target]]
    backends: Future[list[Backend]]


@dataclass
class Exploration:
    """One request at one place, asked in all ways at once."""

    task: Task
    pool: ThreadPoolExecutor
    cluster: Cluster
    place: Place
    begin: float

    def facts(self, dns: Future[Any] | None) -> tuple[Facts, dict[str, float]]:
        """Ask everybody. Return the facts, and seconds: ``own`` without, ``waited`` with waiting for slow answers."""
        workload, place, params = self.cluster.workload, self.place, self.task.params
        request = place.request
        api = self.pool.submit(self._loaded)
        sends = self._sends()
        answering = started(self.pool, self._through, workload.ready if sends and place.name else [])
        certificates = started(self.pool, self._certificate, workload.ready if request.https and place.name else [])
        connecting = self.pool.submit(self._entrance, dns)
        way = self._way(place.selection.winner, reported=False)
        loaded, state = api.result()
        selection = self._merged(loaded)
        if not _same(selection.winner, place.selection.winner):
            way = self._way(selection.winner, reported=True)
        winner, effects, backends = selection.winner, way.effects, way.backends.result()
        own = time.monotonic() - self.begin
        done, _late = wait(answering, timeout=max(_PATIENCE - own, 0.2))
        early = [future.result() for future in done]
        asked = backends
        if sends and self._is_worth_asking(early, len(answering), effects):
            asked = self._ask_pods(backends, effects)
        answers = [future.result() for future in answering]
        return Facts(
            request=request,
            workload=str(workload.ref),
            replicas=self._replicas(),
            wanted=workload.wanted,
            public_port=place.port,
            entry_point=place.name,
            entrance=connecting.result(),
            selection=selection,
            loaded=loaded,
            api=state,
            unserved=place.unserved,
            dropped=why_dropped(self.cluster, winner, effects) if winner else (),
            effects=effects,
            targets=way.targets.result(),
            backends=asked,
            answers=answers,
            again=self._again(answers, asked),
            loops=self._loops(answers),
            certificates=[future.result() for future in certificates],
            trusted=place.trusted,
            loopback_trusted=place.loopback_trusted,
            proto=place.proto,
            allows_empty=self._allows_empty(winner),
            max_header_bytes=self._max_header_bytes(),
            seconds=params["seconds"],
            sent=sends,
        ), {"own": round(own, 3), "all": round(time.monotonic() - self.begin, 3)}

    def _way(self, winner: Router | None, reported: bool) -> _Way:
        """Return what the winner's middlewares do, and start to look at whom they ask and what is behind."""
        effects = self._effects(winner, reported)
        return _Way(effects, self.pool.submit(self._targets, effects), self.pool.submit(self._backends, winner))

    def _sends(self) -> bool:
        """Return whether the request is sent: one that may change something only where that is said."""
        send = self.task.params["send"]
        reads = self.place.request.method in READING_METHODS
        return send != "never" and (reads or (send == "always" and not self.task.check_mode))

    def _replicas(self) -> list[ReplicaState]:
        pods = {pod["metadata"]["name"]: pod for pod in self.cluster.pods}
        states = []
        for replica in self.cluster.workload.replicas:
            pod = pods.get(replica.name)
            problem = "" if replica.ready else (pod_problem(pod) if pod else "") or "it is not ready"
            states.append(ReplicaState(replica.name, replica.node, problem))
        return states

    def _through(self, replica: Replica) -> asking.ReplicaAnswer:
        seconds = self.task.params["seconds"]
        return asking.through_replica(self.task.client, replica, self.place.target, self.place.request, seconds)

    def _certificate(self, replica: Replica) -> Certificate:
        point = PodPoint(self.task.client, replica.namespace, replica.name, self.place.target)
        return shown_to(point, replica.name, self.place.request.hostname, _TLS_SECONDS)

    def _entrance(self, dns: Future[Any] | None) -> entrance.Entrance:
        workload, place = self.cluster.workload, self.place
        doors, words, pending = entrance.doors_of(
            workload, self.cluster.services, self.cluster.nodes, place.port, place.target
        )
        addresses, problem = dns.result() if dns else ((), "not asked")
        tried = entrance.to_try(addresses, doors)
        states = [self.pool.submit(entrance.reach, each, place.port, _CONNECT_SECONDS) for each in tried]
        return entrance.Entrance(
            dns=addresses,
            dns_problem=problem,
            doors=tuple(doors),
            empty_nodes=tuple(entrance.empty_nodes(workload, doors)),
            reached={address: state.result() for address, state in zip(tried, states, strict=True)},
            services=tuple(words),
            pending=tuple(pending),
        )

    def _loaded(self) -> tuple[dict[str, Selection], str]:
        """Return by replica what its own routers do with the request, and whether the API is open."""
        workload, client = self.cluster.workload, self.task.client
        if not workload.ready:
            return {}, "no replica is ready"
        with self._headers() as headers:
            try:
                answers, _failures = read_each(client, workload, headers)
            except ApiClosed as closed:
                return {}, f"closed: {closed}"
        return {name: self._selected(routing) for name, routing in answers.items()}, "open"

    @contextlib.contextmanager
    def _headers(self) -> Iterator[Mapping[str, str]]:
        params = self.task.params
        if not params["open_api"] or self.task.check_mode:
            yield {}
            return
        with opened(self.task.client, self.cluster.workload, self.task.writer()) as headers:
            yield headers

    def _selected(self, routing: Routing) -> Selection:
        return self.place.select_reported(routing.routers)

    def _merged(self, loaded: Mapping[str, Selection]) -> Selection:
        """Return what most replicas do, where they can be asked; else what the objects say."""
        winners = [selection for selection in loaded.values() if selection.winner]
        if not winners:
            return self.place.selection
        names = [selection.winner.name for selection in winners if selection.winner]
        common = max(names, key=names.count)
        chosen = next(each for each in winners if each.winner and each.winner.name == common)
        return replace(chosen, matching=tuple(self.place.with_object(router) for router in chosen.matching))

    def _effects(self, winner: Router | None, reported: bool) -> list[Effect]:
        """Return what the winner's chain does. A replica reports the entry point's middlewares in it already."""
        if winner is None:
            return []
        place, known = self.place, self.cluster.middlewares
        if winner.provider == INTERNAL_PROVIDER:
            return [middlewares.entry_point_redirection(winner.name, place.request, place.proto, place.redirection)]
        names = [*([] if reported else place.point_middlewares), *winner.middlewares]
        return middlewares.follow(names, known, place.request, place.proto, self.cluster.middlewares_known)

    def _backends(self, winner: Router | None) -> list[Backend]:
        if winner is None or not winner.services:
            return []
        arguments = self.cluster.workload.arguments
        return read_backends(self.task.client, winner.services, arguments, self.cluster.unread)

    def _targets(self, effects: Sequence[Effect]) -> list[Target]:
        chosen = [effect for effect in effects if effect.kind == middlewares.FORWARD_AUTH]
        return self.task.client.concurrently(self._target, chosen)

    def _target(self, effect: Effect) -> Target:
        address = address_asked(effect)
        namespace, domain = self.cluster.workload.ref.namespace, self.task.params["cluster_domain"]
        ref = service_at(self.task.client, address, namespace, domain)
        if ref is None:
            return Target(effect.name, address)
        arguments, unread = self.cluster.workload.arguments, self.cluster.unread
        (backend,) = read_backends(self.task.client, [ref], arguments, unread)
        sent = question(effect, address, self.place.proto, bool(effect.spec.get("trustForwardHeader")))
        # Traefik itself waits no longer: to wait beyond that tells nothing more.
        seconds = min(self.task.params["seconds"], TIMEOUT + 1)
        return Target(effect.name, address, self._asked_directly(backend, sent, seconds))

    def _asked_directly(self, backend: Backend, sent: Request, seconds: float) -> Backend:
        secrets = secrets_in(self.place.request)
        if not backend.ports:
            return backend

        def ask(pod: PodState) -> DirectAnswer:
            return asking.to_pod(
                self.task.client, backend.ref.namespace, pod.name, backend.ports[0], sent, seconds, secrets
            )

        pods = backend.ready[:_PODS_ASKED]
        return replace(backend, answers=tuple(self.task.client.concurrently(ask, pods)))

    def _is_worth_asking(self, early: Sequence[asking.ReplicaAnswer], wanted: int, effects: Sequence[Effect]) -> bool:
        """Return whether the pods are to be asked without Traefik: not where all is well, nor where none gets there."""
        if any(effect.status for effect in effects):
            return False
        well = (101,) if self.place.request.is_websocket else range(100, 400)
        return len(early) < wanted or any(each.status not in well for each in early)

    def _ask_pods(self, backends: Sequence[Backend], effects: Sequence[Effect]) -> list[Backend]:
        last = effects[-1].after.request if effects else self.place.request
        found = []
        for backend in backends:
            sent = last.to_send(https=backend.scheme == "https")
            found.append(self.pool.submit(self._asked_directly, backend, sent, self.task.params["seconds"]))
        return [each.result() for each in found]

    def _loops(self, answers: Sequence[asking.ReplicaAnswer]) -> bool:
        """Follow the redirections of one answer, as a browser would."""
        first = next((each for each in answers if each.leads_to), None)
        if first is None or self.place.request.method not in ("GET", "HEAD"):
            return False
        replica = next(each for each in self.cluster.workload.ready if each.name == first.replica)
        seconds = self.task.params["seconds"]
        return asking.redirects_in_a_circle(
            self.task.client, replica, self.place.target, self.place.request, first, seconds
        )

    def _again(
        self, answers: Sequence[asking.ReplicaAnswer], backends: Sequence[Backend]
    ) -> list[asking.ReplicaAnswer]:
        """Send the cookie of one replica to the others, where a cookie is to keep a session at one pod."""
        given = next((each for each in answers if each.cookie_values and each.status < 400), None)
        if given is None or not any(each.sticky for each in backends):
            return []
        others = [replica for replica in self.cluster.workload.ready if replica.name != given.replica]
        cookies = [*self.place.request.header("Cookie"), *given.cookie_values]
        extra = {"Cookie": "; ".join(cookies)}
        seconds = self.task.params["seconds"]
        found = self.task.client.concurrently(
            lambda replica: asking.through_replica(
                self.task.client, replica, self.place.target, self.place.request, seconds, extra
            ),
            others,
        )
        return [each for each in found if set(each.cookies) & set(given.cookies)]

    def _allows_empty(self, winner: Router | None) -> bool:
        if winner is None:
            return False
        provider = "kubernetesingress" if winner.provider == INGRESS_PROVIDER else "kubernetescrd"
        return self.cluster.workload.arguments.get(f"providers.{provider}.allowemptyservices", "").lower() == "true"

    def _max_header_bytes(self) -> int:
        given = self.cluster.workload.arguments.get(f"entrypoints.{self.place.name}.http.maxheaderbytes", "")
        return (int(given) if given.isdigit() else 1 << 20) + _HEADER_SLACK


def _same(reported: Router | None, made: Router | None) -> bool:
    """Return whether the router that replicas report is the one that was made of the objects."""
    if reported is None or made is None:
        return reported is made
    return same_name(reported.name, made.name, made.entry_points)
