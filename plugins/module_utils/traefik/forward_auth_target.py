# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which middleware a wish means, whom it asks at present, and which Service the proxy is to stand before. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy_reading import QUERY
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth import Address
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import Wish
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import qualified_name

Faults = list[tuple[str, str]]
DIRECT, BEHIND_OURS, FOREIGN, PUBLIC = "direct", "ours", "foreign", "public"


@dataclass
class Situation:
    """What is there for one wish. ``behind`` is direct, ours, foreign or public, empty when it cannot be told.

    ``copies`` are middlewares beside it that ask the same for routes of other namespaces. ``path`` is what the target
    is asked and ``query`` what goes with it; ``place`` has its namespace, service and port. ``proxy`` is the Service of
    ours that is asked now. ``faults`` are
    (option, words). ``refused`` are hosts that the target does not know, as far as it was asked.
    ``apart`` says why the target's pods do not share their sessions, empty where nothing says so.
    """

    middleware: Object | None = None
    copies: list[Object] = field(default_factory=list)
    behind: str = ""
    path: str = ""
    query: str = ""
    place: dict[str, Any] = field(default_factory=dict)
    service: Object | None = None
    proxy: Object | None = None
    pod_port: int = 0
    apart: str = ""
    refused: tuple[str, ...] = ()
    faults: Faults = field(default_factory=list)

    @property
    def middlewares(self) -> list[Object]:
        """All that are to ask the proxy: the middleware and its copies."""
        return [self.middleware, *self.copies] if self.middleware is not None else []

    @property
    def asked_path(self) -> str:
        """The path with its query, as it stands in an address."""
        return f"{self.path}?{self.query}" if self.query else self.path


def situation(wish: Wish, found: Found, cluster_domain: str) -> Situation:
    """The wish's middleware and target, with every fault on the way there."""
    result = Situation()
    result.path = str(wish.given.get("path") or "")
    result.middleware, result.copies = _middleware(wish, found, cluster_domain, result.faults)
    if result.middleware is None:
        return result
    result.path = result.path or forward_auth.asked_by(result.middleware).path or "/"
    _find_target(wish, found, cluster_domain, result)
    if result.place:
        _look_at_service(wish, found, result)
    return result


def _middleware(wish: Wish, found: Found, cluster_domain: str, faults: Faults) -> tuple[Object | None, list[Object]]:
    """Return the middleware, and its copies for routes of other namespaces; None and nothing where none is meant."""
    if wish.exactly:
        return _found_before(wish, found)
    given = wish.given.get("middleware") or {}
    namespace, name = str(given.get("namespace") or ""), str(given.get("name") or "")
    path = str(wish.given.get("path", ""))
    if not (name or path):
        faults.append(("middleware", "neither its name nor the path that it asks is given"))
        return None, []
    known = forward_auth.chosen(found.middlewares, namespace, name, path)
    matching = forward_auth.preferred(known, found.traefik_namespace, found.used)
    where = f" in namespace {namespace}" if namespace else ""
    what = f"named {name}" if name else f"that asks {path}"
    if not matching:
        faults.append(("middleware", f"there is no ForwardAuth middleware {what}{where}; {_there_are(found)}"))
        return None, []
    if not forward_auth.is_forward_auth(matching[0]):
        kinds = ", ".join(sorted(matching[0].get("spec") or {})) or "nothing"
        faults.append(("middleware", f"{_shown(matching[0])} is not a ForwardAuth middleware, it has {kinds}"))
        return None, []
    matching = [each for each in matching if forward_auth.is_forward_auth(each)]
    if len(matching) > 1 and not (_are_used(matching, found.used) and _ask_the_same(matching, found, cluster_domain)):
        listed = ", ".join(map(_shown, matching))
        faults.append(
            (
                "middleware",
                f"more than one middleware {what}{where}: {listed}; give each an entry in the list of proxies",
            )
        )
        return None, []
    return matching[0], matching[1:]


def _found_before(wish: Wish, found: Found) -> tuple[Object | None, list[Object]]:
    """Return the very middlewares that were found for a wish, in their order."""
    by_place = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in found.middlewares}
    middlewares = [by_place[place] for place in wish.exactly]
    return middlewares[0], middlewares[1:]


def _are_used(middlewares: Sequence[Object], used: Collection[str]) -> bool:
    return all(qualified_name(each) in used for each in middlewares)


def _ask_the_same(middlewares: Sequence[Object], found: Found, cluster_domain: str) -> bool:
    """Whether all lead to one path of one Service, some perhaps through this proxy already."""
    return len({found.asked(each, cluster_domain) for each in middlewares}) == 1 and all(
        found.asked_in_the_end(each, cluster_domain) for each in middlewares
    )


def _there_are(found: Found) -> str:
    known = sorted(_shown(each) for each in found.middlewares if forward_auth.is_forward_auth(each))
    return f"there are {', '.join(known)}" if known else "there is none in the cluster"


def _find_target(wish: Wish, found: Found, cluster_domain: str, result: Situation) -> None:
    middleware = result.middleware or {}
    asked = forward_auth.asked_by(middleware)
    service = found.service_behind(middleware, cluster_domain)
    result.query = asked.query
    if asked.query and not QUERY.match(asked.query):
        words = f"{_shown(middleware)} asks {asked.shown}, whose query has signs that no URL has; write them as %.."
        result.faults.append(("middleware", words))
    if asked.path.rstrip("/") != result.path.rstrip("/"):
        result.faults.append(("path", f"{_shown(middleware)} asks {asked.shown}, and the path here is another one"))
    named = wish.given.get("target") or {}
    if is_ours(service):
        result.behind, result.proxy = BEHIND_OURS, service
        remembered = forward_auth.remembered_target(service or {})
        result.place = _named_place(named, middleware) or remembered or _outpost(wish, found)
        if not result.place:
            words = (
                f"{_shown(middleware)} asks a proxy of this collection that does not say whom it stands before; name it"
            )
            result.faults.append(("target", words))
        return
    result.place = _named_place(named, middleware)
    if result.place:
        _compare(asked, service, result)
    else:
        _take_what_is_asked(wish, asked, service, cluster_domain, result)


def _outpost(wish: Wish, found: Found) -> dict[str, Any]:
    """authentik's own Service, where a proxy stands before it and nothing says so and there is exactly one."""
    outposts = [each for each in found.services.values() if forward_auth.is_outpost(each)]
    if not wish.given.get("authentik") or len(outposts) != 1:
        return {}
    metadata = outposts[0]["metadata"]
    return {"namespace": metadata["namespace"], "service": metadata["name"], "port": 0}


def _named_place(named: Mapping[str, Any], middleware: Object) -> dict[str, Any]:
    if not named.get("service"):
        return {}
    namespace = str(named.get("namespace") or middleware["metadata"]["namespace"])
    return {"namespace": namespace, "service": str(named["service"]), "port": int(named.get("port") or 0)}


def _compare(asked: Address, service: Object | None, result: Situation) -> None:
    """The address must mean the named target."""
    if service is not None and _place(service) == f"{result.place['namespace']}/{result.place['service']}":
        result.behind = DIRECT
        return
    if service is None and "." in asked.host:
        # An address from outside, which may lead back into the cluster: whoever names the target knows where to.
        result.behind = PUBLIC
        return
    result.behind = FOREIGN
    what = f"Service {_place(service)}" if service else "no Service of this cluster"
    words = (
        f"{_shown(result.middleware or {})} asks {asked.shown} ({what}), which is neither the target nor this proxy; "
        "make the target fit, or lead the middleware back to the target first"
    )
    result.faults.append(("target", words))


def _take_what_is_asked(
    wish: Wish, asked: Address, service: Object | None, cluster_domain: str, result: Situation
) -> None:
    name = _shown(result.middleware or {})
    if service is None:
        result.behind = FOREIGN
        words = f"{name} asks {asked.shown}, which is no Service of this cluster; name the Service that is to be asked"
        if ".svc." in f"{asked.host}.":
            words += f", or the domain of this cluster with cluster_domain, which is {cluster_domain} here"
        result.faults.append(("target", words))
        return
    if wish.given.get("authentik") and not forward_auth.is_authentik(service):
        result.behind = FOREIGN
        words = (
            f"{name} asks {asked.shown}, and Service {_place(service)} is not authentik's: somebody else's proxy seems "
            "to stand before it. Name that Service as the target if this one is to stand before the other, else "
            "authentik's"
        )
        result.faults.append(("target", words))
        return
    if asked.scheme == "https":
        words = f"{name} asks {asked.shown}, and the proxy asks by http; name the Service and its port for http"
        result.faults.append(("target", words))
        return
    result.behind = DIRECT
    result.place = {
        "namespace": service["metadata"]["namespace"],
        "service": service["metadata"]["name"],
        "port": asked.port,
    }


def _look_at_service(wish: Wish, found: Found, result: Situation) -> None:
    place = (result.place["namespace"], result.place["service"])
    service = result.service = found.services.get(place)
    if service is None:
        result.faults.append(("target", f"there is no Service {'/'.join(place)}"))
        return
    ports = service["spec"].get("ports") or []
    asked = forward_auth.asked_by(result.middleware or {})
    if not result.place["port"] and ports:
        plain = [each for each in ports if not _speaks_tls(each, asked, result)]
        result.place["port"] = (plain or ports)[0]["port"]
    port = forward_auth.service_port(service, result.place["port"])
    if not service["spec"].get("selector"):
        words = f"Service {_place(service)} selects no pods, and the proxy asks each pod by itself; name one that does"
        result.faults.append(("target", words))
    elif port is None:
        known = ", ".join(str(each["port"]) for each in ports) or "none"
        words = f"Service {_place(service)} has no port {result.place['port']}; it has {known}"
        result.faults.append(("target", words))
    elif _speaks_tls(port, asked, result):
        words = (
            f"port {port['port']} of Service {_place(service)} speaks https, and the proxy asks by http; name the "
            "Service's port for http"
        )
        result.faults.append(("target", words))
    else:
        given = int((wish.given.get("target") or {}).get("pod_port") or 0)
        slices, workloads = found.slices.get(place, ()), _workloads_in(found, place[0])
        result.apart = forward_auth.keeps_sessions_apart(service, workloads)
        result.pod_port = given or forward_auth.pod_port(service, port, slices, workloads)
        if not result.pod_port:
            words = (
                f"the port of the pods of Service {_place(service)} cannot be told while none is there; name pod_port"
            )
            result.faults.append(("target", words))


def _speaks_tls(port: Mapping[str, Any], asked: Address, there: Situation) -> bool:
    """Whether a Service's port is for https: as it is asked now, else as it says itself.

    What Traefik asks by http today speaks it, whatever the port is called; so does what our own proxy asks.
    """
    if there.behind == DIRECT and asked.port == port["port"]:
        return asked.scheme == "https"
    remembered = forward_auth.remembered_target(there.proxy) if there.proxy is not None else {}
    if remembered and remembered == there.place:
        return False
    return (asked.scheme == "https" and asked.port == port["port"]) or forward_auth.is_of_https(port)


def _workloads_in(found: Found, namespace: str) -> list[Object]:
    return [item for (place, _name), item in found.workloads.items() if place == namespace]


def _place(item: Object | None) -> str:
    metadata = (item or {})["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


def _shown(middleware: Object) -> str:
    return f"Middleware {_place(middleware)}"
