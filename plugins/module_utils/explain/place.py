# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""At which entry point a request comes in, by TLS or not, and what the routers there do with it. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.explain import routers as making
from ansible_collections.resilient.traefik.plugins.module_utils.explain.entrance import (
    LOOPBACK,
    entry_point_at,
    forwarded_proto,
    public_port,
    trusts,
)
from ansible_collections.resilient.traefik.plugins.module_utils.explain.reading import Cluster
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routers import Router, Settings
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routing import Selection, select
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import rules
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import (
    EntryPoints,
    default_names,
    entry_points_of,
    public_ports,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest


@dataclass(frozen=True)
class Place:
    """Where the request comes in. ``name`` is the entry point's, empty for none; ``target`` the pods' port.

    ``trusted`` is whether X-Forwarded-* headers of the client are kept there, None where its address is not known;
    ``loopback_trusted`` whether those of the port-forward are.
    """

    request: SiteRequest
    name: str
    port: int
    target: int
    selection: Selection
    routers: Sequence[Router]
    settings: Settings
    tls_everywhere: bool
    trusted: bool | None
    loopback_trusted: bool
    point_middlewares: tuple[str, ...] = ()
    unserved: tuple[str, ...] = ()
    redirection: tuple[str, str, bool] = ("https", "443", True)

    @property
    def proto(self) -> str:
        """What X-Forwarded-Proto says behind the entry point. Of an unknown client what the port-forward gets."""
        return forwarded_proto(self.request, self.loopback_trusted if self.trusted is None else self.trusted)

    def select_reported(self, reported: Iterable[Mapping[str, Any]]) -> Selection:
        """Return what the routers that a replica reports do with the request."""
        found = making.reported(reported, self.settings)
        return select(found, self.request, self.name, self.tls_everywhere, _precedence(self.settings))

    def with_object(self, router: Router) -> Router:
        """Return a reported router with the object and the services that it comes from, where these are known."""
        for each in self.routers:
            if making.same_name(router.name, each.name, each.entry_points):
                return replace(router, ref=each.ref, services=each.services)
        return router


def placed(cluster: Cluster, request: SiteRequest, entry_point: str | None) -> Place:
    """Return where the request comes in. Without a scheme it is the one for which a router is there, TLS first.

    Raise BadArgument when there is no such entry point.
    """
    arguments = cluster.workload.arguments
    public = public_ports(cluster.workload.item, cluster.services)
    points = entry_points_of(arguments, public)
    settings = Settings(arguments, cluster.workload.version)
    made = [
        *making.routers_of(cluster.served, settings, default_names(arguments)),
        *making.redirections(points, arguments),
    ]
    if entry_point and entry_point.lower() not in points:
        known = ", ".join(sorted(points)) or "none"
        raise BadArgument(f"entry_point: {cluster.workload.ref} has no TCP entry point {entry_point!r}; it has {known}")
    schemes = [True, False] if request.https is None else [request.https]
    tried = [
        _placed(replace(request, https=https), entry_point, points, public, made, settings, cluster)
        for https in schemes
    ]
    # At a named entry point that nobody's router takes it at, its own TLS decides; else TLS goes first.
    wanted = tried[0].tls_everywhere if entry_point else True
    return min(tried, key=lambda place: (_worth(place), place.request.https is not wanted))


def _worth(place: Place) -> int:
    """Return how well the request fits there: 0 for a router of its own, 3 for nobody who knows the host."""
    winner = place.selection.winner
    if winner and winner.provider != making.INTERNAL_PROVIDER:
        return 0
    if winner:
        return 1
    return 2 if place.name and place.selection.near and not place.request.https else 3


def _placed(
    request: SiteRequest,
    entry_point: str | None,
    points: EntryPoints,
    public: Mapping[int, int],
    made: Sequence[Router],
    settings: Settings,
    cluster: Cluster,
) -> Place:
    port = public_port(request)
    name = entry_point.lower() if entry_point else entry_point_at(port, points, public)
    point = points.get(name)
    target = point.port if point else 0
    if entry_point:
        port = next((number for number, behind in public.items() if behind == target), target)
    tls = bool(point and point.tls)
    client = request.client_ip
    return Place(
        request=request,
        name=name,
        port=port,
        target=target,
        selection=select(made, request, name, tls, _precedence(settings)),
        routers=made,
        settings=settings,
        tls_everywhere=tls,
        trusted=trusts(settings.arguments, name, client),
        loopback_trusted=bool(trusts(settings.arguments, name, LOOPBACK)),
        point_middlewares=point.middlewares if point else (),
        unserved=tuple(_unserved(cluster.unserved, request, settings)),
        redirection=_redirection(settings.arguments, name, points) if point else ("https", "443", True),
    )


def _redirection(arguments: Mapping[str, str], name: str, points: EntryPoints) -> tuple[str, str, bool]:
    """Return scheme, port and permanence of an entry point's redirection (3.7.13, pkg/provider/traefik/internal.go)."""
    prefix = f"entrypoints.{name}.http.redirections.entrypoint"
    to = arguments.get(f"{prefix}.to", "")
    other = points.get(to.lower())
    port = to[1:] if to.startswith(":") else str(other.port if other else "")
    permanent = arguments.get(f"{prefix}.permanent", "true").lower() not in ("false", "0", "f")
    return arguments.get(f"{prefix}.scheme", "https").lower(), port, permanent


def _unserved(items: Iterable[tuple[Object, str]], request: SiteRequest, settings: Settings) -> Iterable[str]:
    """Yield the objects that name the host and that this Traefik does not look at, with the reason."""
    for item, reason in items:
        for router in making.routers_of([item], settings, ()):
            try:
                node = rules.parse(router.rule, router.syntax)
            except rules.RuleError:
                continue
            if rules.host_outcome(node, request, router.syntax):
                yield f"{ref_of(item)} names the host, but this Traefik does not look at it: {reason}"
                break


def _precedence(settings: Settings) -> list[str]:
    return static.listed(dict(settings.arguments), "providers.precedence")
