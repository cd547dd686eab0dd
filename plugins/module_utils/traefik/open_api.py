# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens the replicas' API for the time of a question, and closes it again whatever happens.

The API is opened by one IngressRoute on the internal entry point, for requests that carry a random token of 256 bits
*and* come from the pod's own loopback, which is where a port-forward enters it. Whoever reads the IngressRoute while
it lives learns a token that is of use only to those who may port-forward to Traefik's pods, who may read everything
else there too. The token is in no result, log or diff, and dies with the route.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import sys
import time
from collections.abc import Iterator

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.signals import signals_deferred
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import (
    GUARD_HEADER,
    ApiClosed,
    NoReplica,
    closed_because,
    is_open,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import (
    Replica,
    Workload,
    refresh_replicas,
)

# Its value is the time (Unix seconds) after which the route is left over from a killed controller.
EXPIRES_LABEL = "resilient.traefik/api-open-until"
LIFETIME = 600
API_VERSION, KIND = "traefik.io/v1alpha1", "IngressRoute"
# Traefik takes up changes every 2 s (providersThrottleDuration); seen on 3.7.9: open within 3 s.
WAIT_SECONDS = 30.0
_PROVIDER = "providers.kubernetescrd"


@contextlib.contextmanager
def opened(
    client: Client, workload: Workload, writer: Writer, seconds: float = WAIT_SECONDS
) -> Iterator[dict[str, str]]:
    """Yields the headers with which every ready replica answers its API; leaving it closes the API everywhere.

    ``writer`` needs no journal. Where the API is open already nothing is written and the headers are empty. Routes
    left over from killed controllers are removed. Signals that end the process wait until the API is closed.
    Raises ApiClosed when it cannot be opened (also in check mode), NoReplica, WaitTimeout when ``seconds`` are not
    enough, Forbidden (create, delete, list on ingressroutes), and ResilientError naming the route when it could not
    be removed again.
    """
    if not workload.ready:
        raise NoReplica(f"{workload.ref}: no replica is ready, so none can be asked")
    _remove_left_over(client, workload, writer)
    if all(client.concurrently(lambda replica: is_open(client, workload, replica, {}), workload.ready)):
        yield {}
        return
    token = secrets.token_urlsafe(32)
    route, headers = _route(workload, token), {GUARD_HEADER: token}
    with signals_deferred() as interruptible:
        _create(route, writer)
        try:
            with interruptible():
                _wait(client, workload, headers, seconds, wanted=True)
                yield headers
        finally:
            _close(client, workload, writer, route, headers, seconds)


def _create(route: Object, writer: Writer) -> None:
    try:
        (change,) = writer.create(route).changes
    except errors.WriteFailed as error:
        refused = isinstance(error.cause, (errors.Forbidden, errors.Invalid, errors.NotFound))
        if not refused:  # without an answer it may have been made
            _delete(writer, ref_of(route))
        raise error.cause from None
    if not change.written:
        raise ApiClosed(f"{change.ref}: the API is closed, and check mode does not open it")


def _close(
    client: Client, workload: Workload, writer: Writer, route: Object, headers: dict[str, str], seconds: float
) -> None:
    """Called while another failure may be on its way up: then both are told."""
    failure = sys.exception()
    try:
        if _delete(writer, ref_of(route)):
            _wait(client, workload, headers, seconds, wanted=False)
    except errors.ResilientError as error:
        before = f"{failure} Besides, " if isinstance(failure, errors.ResilientError) else ""
        raise errors.ResilientError(f"{before}{error}", **error.facts) from None


def _delete(writer: Writer, ref: ObjectRef) -> bool:
    try:
        return writer.delete([ref]).changes[0].written
    except errors.ResilientError as error:
        raise errors.ResilientError(
            f"{ref} opens Traefik's API and could not be deleted: {error} Delete it by hand, or run this again: it "
            f"counts as left over after {LIFETIME} s."
        ) from None


def _wait(client: Client, workload: Workload, headers: dict[str, str], seconds: float, wanted: bool) -> None:
    """Until every ready replica answers (``wanted``), or none does any more."""
    left: dict[str, str] = {}
    for _left in tries(seconds):
        seen = client.concurrently(lambda replica: _closed_because(client, workload, replica, headers), workload.ready)
        states = {str(replica): reason for replica, reason in zip(workload.ready, seen, strict=True)}
        left = {name: reason or "still open" for name, reason in states.items() if bool(reason) is wanted}
        if not left:
            return
        refresh_replicas(client, workload)
    goal = "open" if wanted else "closed again"
    details = "; ".join(f"{name}: {reason}" for name, reason in left.items())
    raise errors.WaitTimeout(
        f"the API of {workload.ref} is not {goal} at every replica after {seconds:g} s: {details} A replica that "
        "does not take up the route has not loaded its routes: look at its log."
    )


def _closed_because(client: Client, workload: Workload, replica: Replica, headers: dict[str, str]) -> str:
    try:
        return closed_because(client, workload, replica, headers)
    except NoAnswer as error:
        return str(error)


def _remove_left_over(client: Client, workload: Workload, writer: Writer) -> None:
    query = Query(API_VERSION, KIND, namespace=_namespace(workload), label_selector=EXPIRES_LABEL)
    (answer,) = read_found(client, [query])
    now = time.time()
    writer.delete(ref_of(item) for item in answer.items if _expires(item) < now)


def _expires(item: Object) -> float:
    value = item["metadata"]["labels"][EXPIRES_LABEL]
    return float(value) if value.isdigit() else 0.0


def _route(workload: Workload, token: str) -> Object:
    """The guarded route. Raises ApiClosed when this Traefik cannot have one."""
    _check(workload)
    old = workload.version.startswith("2.") or workload.arguments.get("core.defaultrulesyntax", "").lower() == "v2"
    matcher = "Headers" if old else "Header"
    rule = (
        f"{matcher}(`{GUARD_HEADER}`, `{token}`) && (ClientIP(`127.0.0.1`) || ClientIP(`::1`)) && "
        f"PathPrefix(`{workload.arguments.get('api.basepath', '').rstrip('/')}/api`)"
    )
    metadata: Object = {
        "name": f"resilient-traefik-api-{secrets.token_hex(4)}",
        "namespace": _namespace(workload),
        "labels": _labels(workload) | {EXPIRES_LABEL: str(int(time.time()) + LIFETIME)},
    }
    ingress_class = workload.arguments.get(f"{_PROVIDER}.ingressclass")
    if ingress_class:
        metadata["annotations"] = {"kubernetes.io/ingress.class": ingress_class}
    service = {"kind": "TraefikService", "name": "api@internal"}
    routes = [{"kind": "Rule", "match": rule, "services": [service]}]
    spec = {"entryPoints": [static.INTERNAL], "routes": routes}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}


def _check(workload: Workload) -> None:
    if not static.is_on(workload.arguments, "api"):
        raise ApiClosed(f"{workload.ref}: its API is off ({workload.source} without api). Set --api=true to use it.")
    if not static.is_on(workload.arguments, _PROVIDER):
        raise ApiClosed(f"{workload.ref}: without {_PROVIDER} ({workload.source}) no IngressRoute can open its API")


def _namespace(workload: Workload) -> str:
    """The workload's own where Traefik looks there, else the first that it looks at."""
    watched = static.listed(workload.arguments, f"{_PROVIDER}.namespaces")
    return workload.ref.namespace if not watched or workload.ref.namespace in watched else watched[0]


def _labels(workload: Workload) -> dict[str, str]:
    """What the provider's label selector wants to see on the route."""
    selector = workload.arguments.get(f"{_PROVIDER}.labelselector", "")
    pairs = [re.fullmatch(r"([\w./-]+)==?([\w.-]*)", part.strip()) for part in selector.split(",") if part.strip()]
    if not all(pairs):
        raise ApiClosed(
            f"{workload.ref}: {_PROVIDER}.labelselector is more than equalities: no route can be made for it"
        )
    return {pair[1]: pair[2] for pair in pairs if pair}
