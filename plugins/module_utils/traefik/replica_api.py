# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each Traefik replica has loaded, out of its own API on the internal entry point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import (
    Answer,
    NoAnswer,
    PodPoint,
    Request,
    Session,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import (
    Replica,
    Workload,
    refresh_replicas,
)

# The header that a guarded route asks for; routers with it in their rule are the guard's own and hold its token.
GUARD_HEADER = "X-Resilient-Traefik"
# Traefik answers with as many as are asked for (3.7, pkg/api: no upper bound); a page of 500 routers is 0.3 MB.
PAGE = 500
_TIMEOUT, _MAX_SECONDS = 5.0, 30.0
# A replica that becomes ready while the question is asked has this long to load the route that opens its API.
_SETTLE_SECONDS = 6.0
# The API shows middlewares whole, password hashes and keys of TLS and plugins included: this is all we keep of one.
_MIDDLEWARE = ("name", "type", "provider", "status", "error", "usedBy")
_FORWARD_AUTH = ("address", "authResponseHeaders", "authResponseHeadersRegex", "trustForwardHeader")
_KINDS = ("routers", "services", "middlewares")
_PROTOCOLS = ("http", "tcp", "udp")


class ApiClosed(errors.ResilientError):
    """The replicas' API cannot be asked; the message says why and how it can be opened."""


class NoReplica(errors.ResilientError):
    """No replica is ready, so nothing can be asked and nothing is proved."""


@dataclass(frozen=True)
class Routing:
    """What one replica has loaded. Each list holds the API's own objects, ``protocol`` (http, tcp, udp) added.

    Routers: name (``NAMESPACE-NAME-HASH@kubernetescrd``), provider, rule, entryPoints, service, middlewares, priority,
    status (enabled, warning, disabled), error (a list). Services: name, provider, status, type, serverStatus, error ...
    Middlewares: name, provider, type, status, error, usedBy, and of their content only whom a ForwardAuth one asks and
    which headers it takes from answers (``forwardAuth``).
    """

    replica: str
    routers: list[dict[str, Any]]
    services: list[dict[str, Any]]
    middlewares: list[dict[str, Any]]
    version: str


def read_routing(client: Client, workload: Workload, headers: Mapping[str, str]) -> list[Routing]:
    """Every ready replica's routing, in the replicas' order. ``headers`` are those that ``open_api.opened`` yields.

    Raises ApiClosed, NoReplica, NoAnswer naming the replica, Forbidden (pods/portforward).
    """
    answers, failures = read_each(client, workload, headers)
    for replica in workload.ready:
        if replica.name not in answers:
            raise failures[replica.name]
    if not workload.ready:
        raise NoReplica(
            f"{workload.ref}: none of its {len(workload.replicas)} replicas is ready (wanted: {workload.wanted})"
        )
    return [answers[replica.name] for replica in workload.ready]


def read_each(
    client: Client, workload: Workload, headers: Mapping[str, str]
) -> tuple[dict[str, Routing], dict[str, NoAnswer]]:
    """The routing of the replicas that answered, and why the others did not, by name of the replica.

    Replicas that go or come while the question is asked are left out or asked too, and ``workload`` knows them.
    Raises ApiClosed, Forbidden.
    """
    answers: dict[str, Routing] = {}
    failures: dict[str, NoAnswer] = {}
    for _left in tries(_SETTLE_SECONDS):
        missing = [replica for replica in workload.ready if replica.name not in answers]
        for replica, found in zip(missing, _ask_all(client, workload, missing, headers), strict=True):
            if isinstance(found, Routing):
                answers[replica.name] = found
            else:
                failures[replica.name] = found
        refresh_replicas(client, workload)
        if all(replica.name in answers for replica in workload.ready):
            break
    for replica in workload.ready:
        failures.setdefault(replica.name, NoAnswer(f"{replica}: became ready while the question was asked"))
    return answers, {name: failure for name, failure in failures.items() if name not in answers}


def is_open(client: Client, workload: Workload, replica: Replica, headers: Mapping[str, str]) -> bool:
    """Whether the replica answers its API to these headers. Raises NoAnswer naming it, Forbidden."""
    return not closed_because(client, workload, replica, headers)


def closed_because(client: Client, workload: Workload, replica: Replica, headers: Mapping[str, str]) -> str:
    """Why the replica does not answer its API to these headers, empty when it does. Raises NoAnswer, Forbidden."""
    try:
        with _session(client, workload, replica) as session:
            _get(session, workload, "overview", headers)
    except ApiClosed as closed:
        return str(closed)
    except NoAnswer as error:
        raise NoAnswer(f"{replica}: its internal entry point gave no answer: {error}") from None
    return ""


def _ask_all(
    client: Client, workload: Workload, replicas: Iterable[Replica], headers: Mapping[str, str]
) -> list[Routing | NoAnswer]:
    def ask(replica: Replica) -> Routing | NoAnswer:
        try:
            return _ask(client, workload, replica, headers)
        except NoAnswer as error:
            return NoAnswer(f"{replica}: its API gave no answer: {error}")
        except ApiClosed:
            if not headers:
                raise
            return NoAnswer(f"{replica}: it has not loaded the route that opens its API")

    return client.concurrently(ask, replicas)


def _ask(client: Client, workload: Workload, replica: Replica, headers: Mapping[str, str]) -> Routing:
    with _session(client, workload, replica) as session:
        overview = _get(session, workload, "overview", headers).json()
        version = _get(session, workload, "version", headers).json().get("Version", "")
        lists: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _KINDS}
        for protocol in _PROTOCOLS:
            for kind in _KINDS:
                if overview.get(protocol, {}).get(kind, {}).get("total"):
                    items = _pages(session, workload, f"{protocol}/{kind}", headers)
                    lists[kind] += [item | {"protocol": protocol} for item in items]
    return Routing(
        replica=replica.name,
        routers=[router for router in lists["routers"] if GUARD_HEADER not in router.get("rule", "")],
        services=lists["services"],
        middlewares=[_middleware(item) for item in lists["middlewares"]],
        version=version,
    )


def _middleware(item: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: item[key] for key in (*_MIDDLEWARE, "protocol") if key in item}
    asked = item.get("forwardAuth")
    if isinstance(asked, Mapping):
        kept["forwardAuth"] = {key: asked[key] for key in _FORWARD_AUTH if key in asked}
    return kept


def _pages(session: Session, workload: Workload, kind: str, headers: Mapping[str, str]) -> list[dict[str, Any]]:
    """All pages, one entry a name: a reload between two pages may show one twice."""
    items: dict[str, dict[str, Any]] = {}
    page = 1
    while True:
        answer = _get(session, workload, f"{kind}?per_page={PAGE}&page={page}", headers)
        if answer.status == 400:  # the list became shorter than the pages before
            return list(items.values())
        items |= {item["name"]: item for item in answer.json()}
        following = int(answer.headers.get("x-next-page") or 1)
        if following <= page:  # Traefik names page 1 after the last one
            return list(items.values())
        page = following


def _session(client: Client, workload: Workload, replica: Replica) -> Session:
    port = workload.entry_points.get(static.INTERNAL)
    if not port:
        raise ApiClosed(
            f"{workload.ref}: no entry point {static.INTERNAL!r} among its static settings ({workload.source}), so its "
            "API can be asked nowhere. Define it, or turn ping on, which brings it."
        )
    point = PodPoint(client, replica.namespace, replica.name, port)
    return Session(point, timeout=_TIMEOUT, max_seconds=_MAX_SECONDS)


def _get(session: Session, workload: Workload, path: str, headers: Mapping[str, str]) -> Answer:
    base = workload.arguments.get("api.basepath", "").rstrip("/")
    request = Request(
        host="localhost",
        path=f"{base}/api/{path}",
        headers=headers,
        https=static.is_on(workload.arguments, f"entrypoints.{static.INTERNAL}.http.tls"),
        verify=False,
    )
    answer = session.ask(request)
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    if (answer.status == 200 and is_json) or (answer.status == 400 and "page=" in path):
        return answer
    raise ApiClosed(
        f"{workload.ref}: its API is closed (HTTP {answer.status} for {request.path} on entry point "
        f"{static.INTERNAL!r}). open_api opens it for the time of the question."
    )
