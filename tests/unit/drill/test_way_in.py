"""Where visitors ask: never where an entry point only sends everybody on, for that is no answer of a site."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.subject import NotRun
from ansible_collections.resilient.traefik.plugins.module_utils.drill.way_in import way_in
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import Entrance
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import Site
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

PLAIN, TLS = Entrance("web", False), Entrance("websecure", True)
REDIRECTING = {"entrypoints.web.http.redirections.entrypoint.to": "websecure"}


def traefik(**arguments: str) -> Workload:
    """One with a plain entry point and one with TLS."""
    given = {"entrypoints.web.address": ":8000", "entrypoints.websecure.address": ":8443"}
    item = {"spec": {"template": {"spec": {"containers": [{"name": "traefik"}]}}}}
    ports = {"web": 8000, "websecure": 8443}
    ref = ObjectRef("apps/v1", "Deployment", "traefik", "traefik")
    return Workload(ref, "3.7.9", [], ports, given | arguments, "arguments", "traefik:3.7.9", 3, item)


def test_guarded_sites_are_asked_where_they_are_served() -> None:
    sites = [Site("a.test", "/", (PLAIN,)), Site("b.test", "/", (PLAIN,)), Site("guarded.test", "/", (TLS,))]
    assert way_in(traefik(), sites, ["guarded.test"], "", "web") == TLS
    assert way_in(traefik(), sites, [], "", "websecure") == PLAIN
    assert way_in(traefik(), [Site("a.test", "/", (PLAIN, TLS))], [], "", "websecure") == TLS


def test_where_an_entry_point_only_redirects_nobody_is_asked() -> None:
    served = [Site("guarded.test", "/", (TLS,))]
    workload = traefik(**REDIRECTING)
    assert way_in(workload, served, ["guarded.test"], "", "web") == TLS
    with pytest.raises(
        NotRun, match=r"web sends everybody to websecure, so no answer there is one of a site.*websecure$"
    ):
        way_in(workload, served, ["guarded.test"], "web", "web")
    with pytest.raises(NotRun, match="web sends everybody to websecure; name one that serves sites"):
        way_in(workload, [], [], "", "web")


def test_sites_that_nobody_reaches_prove_nothing() -> None:
    lost = [Site("lost.test", "/", (), reason="its entry point web sends everybody to websecure")]
    with pytest.raises(NotRun, match=r"nobody reaches lost\.test: its entry point web sends everybody to websecure\."):
        way_in(traefik(**REDIRECTING), lost, ["lost.test"], "", "web")
