"""Which applications behind routes end at once, without a preStop hook."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import Forbidden, NotFound
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.backends import Backend, backends_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.leaving import leavers
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.leaving_cluster import advice_on

TRAEFIK = "traefik.io/v1alpha1"
SLEEP: dict[str, Any] = {"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}


def _meta(name: str, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace} | more}


def _ingress(*ports: dict[str, Any], service: str = "api", default: str = "") -> Object:
    paths = [{"backend": {"service": {"name": service, "port": port}}} for port in ports]
    spec: dict[str, Any] = {"rules": [{"http": {"paths": paths}}, {"host": "empty.test"}]}
    if default:
        spec["defaultBackend"] = {"service": {"name": default, "port": {"number": 80}}}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": spec} | _meta("web")


def _route(*services: dict[str, Any], name: str = "routed") -> Object:
    spec = {"routes": [{"match": "Host(`a.test`)", "services": list(services)}]}
    return {"apiVersion": TRAEFIK, "kind": "IngressRoute", "spec": spec} | _meta(name)


def _weighted(name: str, *services: dict[str, Any]) -> Object:
    spec = {"weighted": {"services": list(services)}}
    return {"apiVersion": TRAEFIK, "kind": "TraefikService", "spec": spec} | _meta(name)


def _service(name: str = "api", target: int | str = "http", namespace: str = "shop", **selector: str) -> Object:
    ports = [{"name": "web", "port": 80, "targetPort": target}, {"name": "metrics", "port": 90, "targetPort": 9090}]
    spec = {"selector": selector or {"app": name}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "spec": spec} | _meta(name, namespace)


def _container(name: str = "api", *ports: dict[str, Any], **more: Any) -> Object:
    return {"name": name, "ports": list(ports or ({"name": "http", "containerPort": 8080},))} | more


def _workload(*containers: Object, kind: str = "Deployment", name: str = "api", namespace: str = "shop") -> Object:
    template = {"metadata": {"labels": {"app": name, "more": "x"}}, "spec": {"containers": list(containers)}}
    return {"apiVersion": "apps/v1", "kind": kind, "spec": {"template": template}} | _meta(name, namespace)


def _lacking(*containers: Object, service: Object | None = None, port: int | str | None = 80) -> list[str]:
    backends = {Backend("shop", "api", port): ["Ingress shop/web"]}
    found = leavers(backends, [service or _service()], [_workload(*containers)])
    return [name for each in found for name in each.containers]


def test_backends_of_ingresses_and_routes() -> None:
    cross = {"name": "pay", "namespace": "bank", "port": "http"}
    circle = {"name": "one", "kind": "TraefikService"}
    found = backends_of(
        [
            _ingress({"number": 80}, {"name": "web"}, {"number": 80}, default="rest"),
            _route({"name": "api", "port": 80}, cross),
            _route(circle, {"name": "api@internal", "kind": "TraefikService"}, name="split"),
        ],
        [_weighted("one", circle, {"name": "two", "kind": "TraefikService"}), _weighted("two", {"name": "far"})],
    )
    assert found == {
        Backend("shop", "rest", 80): ["Ingress shop/web"],
        Backend("shop", "api", 80): ["Ingress shop/web", "IngressRoute shop/routed"],
        Backend("shop", "api", "web"): ["Ingress shop/web"],
        Backend("bank", "pay", "http"): ["IngressRoute shop/routed"],
        Backend("shop", "far", None): ["IngressRoute shop/split"],
    }


def test_what_ends_at_once_is_named_with_the_remedy() -> None:
    backends = {
        Backend("shop", "api", 80): ["Ingress shop/web"],
        Backend("shop", "api", "web"): ["IngressRoute shop/b"],
    }
    (found,) = leavers(backends, [_service()], [_workload(_container())])
    assert str(found) == (
        "Deployment shop/api: no preStop in container api: when a pod ends, Traefik leads requests to it for a moment "
        "longer, and a retry may meet it again: add lifecycle.preStop.sleep.seconds: 5 (Kubernetes 1.30 and newer; "
        "exec sleep before)"
    )
    assert found.as_dict() == {
        "kind": "Deployment",
        "namespace": "shop",
        "name": "api",
        "containers": ["api"],
        "services": ["api"],
        "routes": ["Ingress shop/web", "IngressRoute shop/b"],
    }


@pytest.mark.parametrize(
    "more",
    [
        SLEEP,
        {"lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}}},
        {"args": ["--shutdown-delay-duration=10s"]},
        {"args": ["--entryPoints.web.transport.lifeCycle.requestAcceptGraceTimeout=10"]},
        {"env": [{"name": "SHUTDOWN_DELAY", "value": "5"}]},
        {"env": [{"name": "PRE_STOP_SLEEP_SECONDS", "value": "5"}]},
    ],
)
def test_what_stays_for_a_while_is_not(more: dict[str, Any]) -> None:
    assert _lacking(_container(**more)) == []


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"lifecycle": {"postStart": {"exec": {"command": ["true"]}}}},
        {"lifecycle": {"preStop": {"sleep": {"seconds": 0}}}},
        {"args": ["--shutdown-delay=0s", "--shutdown-timeout=30s", "--graceful-timeout", "30"]},
        {"env": [{"name": "SHUTDOWN_DELAY", "valueFrom": {}}, {"name": "WAIT", "value": "5"}]},
    ],
)
def test_what_only_seems_to_stay_is(more: dict[str, Any]) -> None:
    assert _lacking(_container(**more)) == ["api"]


def test_only_the_container_that_serves_counts() -> None:
    sidecar = _container("sidecar", {"name": "metrics", "containerPort": 9090})
    assert _lacking(_container(**SLEEP), sidecar) == []
    assert _lacking(_container(), sidecar | SLEEP) == ["api"]
    assert _lacking(_container(**SLEEP), sidecar, port="metrics") == ["sidecar"]
    assert _lacking(_container(**SLEEP), sidecar, port=None) == ["sidecar"]
    assert _lacking(_container(**SLEEP), service=_service(target=8080)) == []


def test_a_port_that_no_container_declares() -> None:
    """One that stays may be the one that serves: only where none does it can be told."""
    other, metrics = _service(target=3000), {"name": "metrics", "containerPort": 9090}
    assert _lacking(_container("a", metrics), _container("b", metrics), service=other) == ["a", "b"]
    assert _lacking(_container("a", metrics), _container("b", metrics, **SLEEP), service=other) == []


def test_a_native_sidecar_may_serve() -> None:
    workload = _workload({"name": "api"})
    workload["spec"]["template"]["spec"]["initContainers"] = [
        _container("mesh", restartPolicy="Always"),
        _container("setup"),
    ]
    (found,) = leavers({Backend("shop", "api", 80): ["r"]}, [_service()], [workload])
    assert found.containers == ("mesh",)


class Cluster(Client):
    """Lists what it was given; ``refused`` kinds may not be read."""

    def __init__(self, *items: Object, refused: str = "") -> None:
        super().__init__({})
        self.items, self.refused, self.asked = items, refused, list[str]()
        self._resources = {}

    def request(self, method: str, path: str, **more: Any) -> Any:
        plural = path.rpartition("/")[2]
        self.asked.append(path)
        if plural == "v1alpha1":
            kinds = {"kind": "TraefikService", "name": "traefikservices", "namespaced": True}
            return {"resources": [kinds]}
        if plural == self.refused:
            raise Forbidden(f"{plural} is forbidden", status=403, reason="Forbidden", causes=[])
        place = path.partition("/namespaces/")[2].partition("/")[0]
        wanted = [each for each in self.items if f"{each['kind'].lower()}s" == plural]
        selector = dict(pair.split("=") for pair in (more["query"].get("labelSelector") or "").split(",") if pair)
        if method != "GET":
            raise NotFound("no", status=404, reason="NotFound", causes=[])
        return {
            "items": [
                dict(each)
                for each in wanted
                if place in ("", each["metadata"]["namespace"])
                and selector.items() <= (each["metadata"].get("labels") or {}).items()
            ]
        }


def test_five_hundred_routes_are_a_few_lists_and_a_few_lines() -> None:
    names = [f"app{number:03}" for number in range(500)]
    routes, items = [], list[Object]()
    for name in names:
        routes += [_route({"name": name, "namespace": name, "port": 80}, name=f"{name}-{each}") for each in "ab"]
        items += [_service(name, namespace=name), _workload(_container(), name=name, namespace=name)]
    cluster = Cluster(*items)
    told = advice_on(cluster, routes).as_dict()
    assert len(told["advice"]) == 21
    assert told["advice"][0].startswith("Deployment app000/app000: no preStop")
    assert told["advice"][-1] == "and 480 more workloads without preStop (without_pre_stop has all)"
    assert [each["name"] for each in told["without_pre_stop"]] == names
    assert told["without_pre_stop"][0]["routes"] == ["IngressRoute shop/app000-a", "IngressRoute shop/app000-b"]
    assert len(cluster.asked) == 4


def test_pods_of_other_owners_are_looked_at_themselves() -> None:
    owner: dict[str, Any] = {"ownerReferences": [{"kind": "Rollout", "name": "api", "controller": True}]}
    labels: dict[str, Any] = {"labels": {"app": "api"}}
    pods = [
        {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [_container()]}} | _meta(name, **labels, **more)
        for name, more in (("api-1", owner), ("api-2", owner), ("alone", {}))
    ]
    ended = pods[2] | {"status": {"phase": "Succeeded"}} | _meta("ended", **labels)
    found = advice_on(Cluster(_service(), *pods, ended), [_route({"name": "api", "port": 80})]).found
    assert [(each.kind, each.name) for each in found] == [("Pod", "alone"), ("Rollout", "api")]


@pytest.mark.parametrize("refused", ["services", "deployments", "traefikservices", "pods"])
def test_what_may_not_be_read_is_said(refused: str) -> None:
    routes = [_route({"name": "api", "port": 80}), _route({"name": "one", "kind": "TraefikService"})]
    cluster = Cluster(_service(), _service("bare"), _workload(_container(), kind="StatefulSet"), refused=refused)
    routes.append(_route({"name": "bare", "port": 80}))
    told = advice_on(cluster, routes).as_dict()["advice"]
    wanted = f"not looked at, so applications without preStop may be missing here: {refused} is forbidden"
    assert told[-1] == wanted
    assert len(told) == (1 if refused == "services" else 2)


def test_nothing_is_said_of_what_has_no_pods() -> None:
    nobody = _service("nobody") | {"spec": {"type": "ExternalName", "externalName": "a.test"}}
    routes = [_route({"name": "nobody", "port": 80}, {"name": "gone", "port": 80})]
    assert advice_on(Cluster(nobody), routes).as_dict() == {"advice": [], "without_pre_stop": []}
