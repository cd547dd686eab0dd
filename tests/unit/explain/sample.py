"""Objects and facts for the tests of explain: one site behind a Traefik of three replicas, all of it well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.explain.asking import ReplicaAnswer
from ansible_collections.resilient.traefik.plugins.module_utils.explain.backend import Backend, DirectAnswer, PodState
from ansible_collections.resilient.traefik.plugins.module_utils.explain.facts import Facts, ReplicaState
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routers import Router, ServiceRef, Settings
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routing import Selection
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest

HOST = "app.example.test"
REPLICAS = ("traefik-abc", "traefik-def", "traefik-ghi")
REQUEST = SiteRequest(HOST, https=False)
REF = ServiceRef("Service", "shop", "web", 80)
ROUTER = Router(
    name="shop-app-app-example-test@kubernetes",
    rule=f'Host("{HOST}") && PathPrefix("/")',
    syntax="v3",
    priority=45,
    entry_points=("web",),
    tls=False,
    ref=ObjectRef("networking.k8s.io/v1", "Ingress", "app", "shop"),
    services=(REF,),
)
SETTINGS = Settings({}, "3.7.13")
CRASH = "CrashLoopBackOff: Error, exit code 1"


def answers(*statuses: int, **more: Any) -> tuple[ReplicaAnswer, ...]:
    """Return what came through each replica; one status is that of all three."""
    given = statuses * 3 if len(statuses) == 1 else statuses
    common = {"seconds": 0.01} | more
    return tuple(
        ReplicaAnswer(name, f"node-{name[-3:]}", status, **common) for name, status in zip(REPLICAS, given, strict=True)
    )


def backend(*direct: DirectAnswer, **more: Any) -> Backend:
    """Return the site's backend, two pods of which are ready."""
    pods = tuple(PodState(f"web-{number}", "node-abc", f"10.0.0.{number}", True) for number in (1, 2))
    return replace(Backend(REF, endpoints=2, ports=(8080,), pods=pods, answers=direct), **more)


def empty_backend() -> Backend:
    """Return the site's backend without a ready pod."""
    pods = tuple(PodState(f"web-{number}", "node-abc", "", False, CRASH) for number in (1, 2))
    problem = f"Service shop/web has no endpoints: 0 of 2 pods ready: {CRASH}"
    return backend(pods=pods, endpoints=0, ports=(), problem=problem)


def facts(**more: Any) -> Facts:
    """Return the facts of the site while all is well, but for what is given."""
    well = Facts(
        request=REQUEST,
        replicas=[ReplicaState(name, f"node-{name[-3:]}") for name in REPLICAS],
        wanted=3,
        selection=Selection((ROUTER,), why="it is the only router that takes it"),
        backends=[backend()],
        answers=answers(200),
    )
    return replace(well, **more)


def ingress(name: str = "app", host: str = HOST, path: str = "/", **annotations: str) -> Object:
    """Return an Ingress; annotations are those of Traefik's routers, by the last part of their names."""
    backend_of = {"service": {"name": "web", "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend_of}]}}
    prefix = "traefik.ingress.kubernetes.io/router."
    named = {f"{prefix}{key.replace('_', '.')}": value for key, value in annotations.items()}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": "shop", "annotations": named},
        "spec": {"ingressClassName": "traefik", "rules": [rule]},
    }


def ingress_route(match: str, name: str = "app", entry_points: Sequence[str] = ("web",), **more: Any) -> Object:
    """Return an IngressRoute of one route; ``tls`` is the object's, all else the route's."""
    tls = {"tls": more.pop("tls")} if "tls" in more else {}
    route = {"kind": "Rule", "match": match, "services": [{"name": "web", "port": 80}]} | more
    return {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "IngressRoute",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"entryPoints": list(entry_points), "routes": [route]} | tls,
    }


def middleware(name: str, **spec: Any) -> Object:
    """Return a Middleware of the namespace shop."""
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "Middleware", "metadata": metadata, "spec": spec}
