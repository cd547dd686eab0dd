"""Where a request comes in by the settings and objects of a cluster, and why Traefik drops its router."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.explain.drops import why_dropped
from ansible_collections.resilient.traefik.plugins.module_utils.explain.middlewares import follow
from ansible_collections.resilient.traefik.plugins.module_utils.explain.place import Place, placed
from ansible_collections.resilient.traefik.plugins.module_utils.explain.reading import Cluster
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload
from tests.unit.explain.sample import HOST, ingress, ingress_route, middleware

POINTS = {"entrypoints.web.address": ":8000", "entrypoints.websecure.address": ":8443"}
TLS = {"entrypoints.websecure.http.tls": "true"}
REDIRECT = {"entrypoints.web.http.redirections.entrypoint.to": "websecure"}
PORTS = [
    {"name": "web", "containerPort": 8000, "hostPort": 80},
    {"name": "websecure", "containerPort": 8443, "hostPort": 443},
]


def _cluster(
    *served: Object,
    unserved: tuple[Object, ...] = (),
    known: tuple[Object, ...] = (),
    settings: Mapping[str, str] | None = None,
) -> Cluster:
    item: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "traefik", "namespace": "traefik"},
        "spec": {"template": {"metadata": {"labels": {}}, "spec": {"containers": [{"ports": PORTS}]}}},
    }
    arguments = POINTS | TLS | dict(settings or {})
    points = {"web": 8000, "websecure": 8443}
    return Cluster(
        workload=Workload(ref_of(item), "3.7.13", [], points, arguments, "arguments", "", 1, item),
        served=list(served),
        unserved=[(each, "its ingress class is nginx, not Traefik's") for each in unserved],
        middlewares={f"shop-{each['metadata']['name']}@kubernetescrd": each for each in known},
        middlewares_known=True,
        nodes=[],
        services=[],
        pods=[],
        unread=[],
    )


def _place(cluster: Cluster, entry_point: str | None = None, **given: Any) -> Place:
    return placed(cluster, SiteRequest(HOST, **given), entry_point)


def test_without_a_scheme_it_is_the_one_that_has_a_router_and_tls_goes_first() -> None:
    both = _place(_cluster(ingress()))
    assert (both.request.https, both.name, both.port, both.target) == (True, "websecure", 443, 8443)
    plain = _place(_cluster(ingress(entrypoints="web")))
    assert (plain.request.https, plain.name, plain.port, plain.target) == (False, "web", 80, 8000)
    given = _place(_cluster(ingress()), https=False)
    assert (given.request.https, given.name) == (False, "web")


def test_a_redirection_is_met_only_by_who_asks_there() -> None:
    cluster = _cluster(ingress(), settings=REDIRECT)
    assert _place(cluster).name == "websecure"
    plain = _place(cluster, https=False)
    assert plain.selection.winner is not None
    assert plain.selection.winner.name == "web-to-websecure@internal"
    assert plain.redirection == ("https", "8443", True)
    at_port = _place(
        _cluster(ingress(), settings={"entrypoints.web.http.redirections.entrypoint.to": ":443"}), https=False
    )
    assert at_port.redirection == ("https", "443", True)


def test_a_port_without_an_entry_point_is_one() -> None:
    place = placed(_cluster(ingress()), SiteRequest(f"{HOST}:9999", https=False), None)
    assert (place.name, place.port, place.target) == ("", 9999, 0)


def test_an_entry_point_that_is_named_counts_and_one_that_is_not_there_is_refused() -> None:
    place = _place(_cluster(ingress()), "WEB", https=False)
    assert (place.name, place.port) == ("web", 80)
    assert [_place(_cluster(), point).request.https for point in ("web", "websecure")] == [False, True]
    with pytest.raises(BadArgument, match="has no TCP entry point 'webb'; it has web, websecure"):
        _place(_cluster(ingress()), "webb")


def test_objects_that_traefik_does_not_look_at_are_named_where_they_have_the_host() -> None:
    place = _place(_cluster(unserved=(ingress("foreign"), ingress("other", "other.test"))))
    assert place.unserved == (
        "Ingress shop/foreign names the host, but this Traefik does not look at it: its ingress class is nginx, not "
        "Traefik's",
    )


def test_a_replicas_router_is_told_with_its_object() -> None:
    place = _place(_cluster(ingress()), https=False)
    found = place.select_reported(
        [{"name": "web-shop-app-app-example-test@kubernetes", "rule": f"Host(`{HOST}`)"} | {"entryPoints": ["web"]}]
    )
    assert found.winner is not None
    assert str(place.with_object(found.winner).ref) == "Ingress shop/app"


@pytest.mark.parametrize(
    ("item", "settings", "words"),
    [
        (ingress_route(f"Host(`{HOST}`)"), {}, ""),
        (ingress_route(f"Host(`{HOST}`)", middlewares=[{"name": "there"}]), {}, ""),
        (ingress_route(f"Host(`{HOST}`)", middlewares=[{"name": "gone"}]), {}, "Middleware shop/gone does not exist"),
        (
            ingress_route(f"Host(`{HOST}`)", middlewares=[{"name": "x", "namespace": "other"}]),
            {},
            "Middleware other/x is in another namespace than shop",
        ),
        (ingress(middlewares="shop-there@kubernetescrd"), {}, ""),
        (ingress(middlewares="shop-gone@kubernetescrd"), {}, "middleware shop-gone@kubernetescrd does not exist"),
        (
            ingress(middlewares="shop-there@kubernetescrd"),
            {"providers.kubernetesingress.crossprovidernamespaces": "other"},
            "namespace shop is not among providers.kubernetesingress.crossProviderNamespaces",
        ),
    ],
)
def test_why_a_router_is_dropped(item: Object, settings: dict[str, str], words: str) -> None:
    cluster = _cluster(item, known=(middleware("there", compress={}),), settings=settings)
    place = _place(cluster, https=False)
    winner = place.selection.winner
    assert winner is not None
    effects = follow(winner.middlewares, cluster.middlewares, place.request, place.proto)
    found = why_dropped(cluster, winner, effects)
    assert bool(found) is bool(words)
    assert words in " ".join(found)


def test_another_routes_fault_is_not_this_ones() -> None:
    item = ingress_route(f"Host(`{HOST}`)")
    item["spec"]["routes"].append({"match": "Host(`other.test`)", "middlewares": [{"name": "gone"}]})
    cluster = _cluster(item)
    winner = _place(cluster, https=False).selection.winner
    assert winner is not None
    assert why_dropped(cluster, winner, []) == []
