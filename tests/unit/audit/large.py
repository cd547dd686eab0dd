"""A large cluster: 2,000 Ingresses, 500 IngressRoutes, 500 middlewares and 1,000 Services, in 100 namespaces."""

from __future__ import annotations

from typing import Any

from tests.unit.audit.well import World, endpoints, ingress, middleware, pods, route, service, well, workload


def large(namespaces: int = 100, applications: int = 10) -> World:
    """The well cluster with so many applications in each of so many more namespaces.

    For each there are two Ingresses, and for every other one an IngressRoute. A tenth of the routes has a weakness.
    """
    world = well()
    chain = "traefik-retry@kubernetescrd,traefik-bots@kubernetescrd,traefik-auth@kubernetescrd"
    for number in range(namespaces):
        place = f"team-{number}"
        world.add(*_namespace(place, applications))
        for each in range(2 * applications):
            own = chain if each % 10 else chain.replace("traefik-retry@kubernetescrd,", "")
            world.add(ingress(place, f"site-{each}", f"site-{each}.{place}.test", f"app-{each % applications}", own))
        for each in range(applications // 2):
            world.add(middleware(place, f"own-{each}", headers={"customRequestHeaders": {"X-Team": place}}))
            middlewares = (("traefik", "retry"), (place, f"own-{each}"))
            world.add(route(place, f"api-{each}", f"Host(`api-{each}.{place}.test`)", f"app-{each}", *middlewares))
    return world


def _namespace(place: str, applications: int) -> list[Any]:
    found: list[Any] = []
    for each in range(applications):
        app, front = workload(place, f"app-{each}", 2), service(place, f"app-{each}")
        found += [app, *pods(app), front, endpoints(front, ("n1", "n2"))]
    return found
