"""Clusters that are odd and well: no rule may find anything. A false finding is a bug."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.edge import CLOUDFLARE
from tests.unit.audit.well import (
    CHAIN,
    Spoil,
    World,
    budget,
    container,
    endpoints,
    ingress,
    middleware,
    plain,
    pod_spec,
    pods,
    route,
    service,
    well,
    workload,
)

TRAEFIK = "Deployment traefik/traefik"
API = "IngressRoute shop/api"
SHOP = "Ingress shop/shop"


def _daemon_set(world: World) -> None:
    item = world[TRAEFIK]
    world.remove(TRAEFIK, *[name for name in world.objects if name.startswith("Pod traefik/traefik-")])
    item["kind"] = "DaemonSet"
    item["spec"].pop("replicas")
    item["spec"].pop("strategy")
    pod_spec(item).pop("topologySpreadConstraints")
    item["status"] = {"desiredNumberScheduled": 3, "numberAvailable": 3}
    for port in container(item)["ports"][2:]:
        port["hostPort"] = port["containerPort"] - 7920
    world.add(item, *pods(item, ["n1", "n2", "n3"]))


def _file_settings(world: World) -> None:
    own = container(world[TRAEFIK])
    tree: dict[str, Any] = {}
    for argument in own["args"]:
        name, _equals, value = argument.removeprefix("--").partition("=")
        part = tree
        *parts, last = name.split(".")
        for each in parts:
            part = part.setdefault(each, {})
            if not isinstance(part, dict):
                break
        if isinstance(part, dict):
            part[last] = value or {}
    own["args"] = []
    own["volumeMounts"] = [{"name": "static", "mountPath": "/etc/traefik"}]
    pod_spec(world[TRAEFIK])["volumes"] = [{"name": "static", "configMap": {"name": "static"}}]
    world.add(plain("v1", "ConfigMap", "traefik", "static") | {"data": {"traefik.yaml": json.dumps(tree)}})


def _tls_in_front(world: World) -> None:
    """A balancer ends TLS and is trusted; nothing redirects behind it."""
    own = container(world[TRAEFIK])
    own["args"] = [each for each in own["args"] if not each.startswith("--entryPoints.web.http")]
    for name in ("web", "websecure"):
        own["args"].append(f"--entryPoints.{name}.forwardedHeaders.trustedIPs=192.0.2.0/24")


def _lan_beside(world: World) -> None:
    """An entry point of its own Service, with another proxy in front."""
    world.arguments(
        "--entryPoints.lan.address=:9443",
        "--entryPoints.lan.http.tls=true",
        "--entryPoints.lan.transport.lifeCycle.requestAcceptGraceTimeout=10s",
        "--entryPoints.lan.transport.lifeCycle.graceTimeOut=30s",
        "--entryPoints.lan.forwardedHeaders.trustedIPs=10.0.0.0/8",
    )
    lan = service("traefik", "traefik-lan", app="traefik", type="NodePort")
    lan["spec"]["ports"] = [{"name": "lan", "port": 443, "targetPort": 9443}]
    world.add(lan)


def _file_provider(world: World) -> None:
    world[SHOP]["metadata"]["annotations"][CHAIN] += ",headers@file"
    world[API]["spec"]["routes"][0]["middlewares"].append({"name": "compress@file"})


def _plugin(world: World) -> None:
    world.arguments(
        "--experimental.plugins.sablier.moduleName=example.test/sablier",
        "--experimental.plugins.sablier.version=v1.0.0",
    )
    world.add(middleware("traefik", "sleep", plugin={"sablier": {"names": "shop"}}))
    world[SHOP]["metadata"]["annotations"][CHAIN] += ",traefik-sleep@kubernetescrd"


def _asleep(world: World) -> None:
    world["Deployment shop/shop"]["spec"]["replicas"] = 0
    world.remove("Pod shop/shop-abc12-0", "Pod shop/shop-abc12-1")
    world.add(endpoints(world["Service shop/shop"], []))


def _old_syntax_said(world: World) -> None:
    world[API]["spec"]["routes"][0] |= {"match": "Host(`a.test`, `b.test`)", "syntax": "v2"}


def _external_name(world: World) -> None:
    world.arguments("--providers.kubernetescrd.allowExternalNameServices=true")
    world.add(
        service("shop", "outside", type="ExternalName", externalName="shop.example.test", ports=[], selector=None)
    )
    world.add(route("shop", "outside", "Host(`o.test`)", "outside", ("traefik", "retry")))


def _weighted(world: World) -> None:
    split = plain("traefik.io/v1alpha1", "TraefikService", "shop", "split")
    split["spec"] = {"weighted": {"services": [{"name": "shop", "port": 80, "weight": 1}]}}
    world.add(split)
    world[API]["spec"]["routes"][0]["services"] = [{"kind": "TraefikService", "name": "split"}]


def _error_pages(world: World) -> None:
    world.add(middleware("shop", "pages", errors={"status": ["500-599"], "service": {"name": "shop", "port": 80}}))
    world[API]["spec"]["routes"][0]["middlewares"].append({"name": "pages"})


def _rules_for_an_agent(world: World) -> None:
    world.remove("Prometheus monitoring/main")


def _limits_by_admission(world: World) -> None:
    """A LimitRange gives to pods what templates do not say."""
    for name in (TRAEFIK, "Deployment traefik/auth-proxy"):
        container(world[name])["resources"] = {}


def _knative(world: World) -> None:
    world.add(plain("serving.knative.dev/v1", "Service", "shop", "gone") | {"spec": {"template": {}}})
    world.add(plain("networking.internal.knative.dev/v1alpha1", "Ingress", "shop", "inner") | {"spec": {"rules": "x"}})


def _other_class(world: World) -> None:
    world.add(
        plain("networking.k8s.io/v1", "IngressClass", "", "nginx") | {"spec": {"controller": "k8s.io/ingress-nginx"}}
    )
    item = ingress("shop", "nginx", "n.test", "gone", "nowhere@kubernetescrd")
    item["spec"]["ingressClassName"] = "nginx"
    world.add(item)


def _percentages(world: World) -> None:
    world["PodDisruptionBudget traefik/traefik"]["spec"] = {
        "minAvailable": "50%",
        "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["traefik"]}]},
    }
    world[TRAEFIK]["spec"]["strategy"]["rollingUpdate"] = {"maxUnavailable": "34%", "maxSurge": 0}


def _pods_of_an_operator(world: World) -> None:
    stray = plain("policy/v1", "PodDisruptionBudget", "authentik", "database")
    stray["spec"] = {"maxUnavailable": 1, "selector": {"matchLabels": {"cnpg.io/cluster": "authentik"}}}
    world.add(stray | {"status": {"expectedPods": 3, "currentHealthy": 3, "disruptionsAllowed": 1}})


def _two_classes(world: World) -> None:
    """A second Traefik for a class of its own: what is the one's is not the other's."""
    inner = workload("inner", "traefik")
    inner["metadata"]["labels"] = {"app.kubernetes.io/name": "traefik"}
    own, args = container(inner), list(container(world[TRAEFIK])["args"])
    own |= {key: container(world[TRAEFIK])[key] for key in ("image", "ports", "securityContext")}
    own["args"] = [
        *args,
        "--providers.kubernetescrd.ingressClass=inner",
        "--providers.kubernetesingress.ingressClass=inner",
    ]
    pod_spec(inner)["tolerations"] = []
    scrape = plain("monitoring.coreos.com/v1", "PodMonitor", "inner", "traefik")
    scrape["spec"] = {"selector": {"matchLabels": {"app": "traefik"}}}
    world.add(inner, *pods(inner), budget(inner), scrape, plain("v1", "Namespace", "", "inner"))
    world.add(
        plain("networking.k8s.io/v1", "IngressClass", "", "inner")
        | {"spec": {"controller": "traefik.io/ingress-controller"}}
    )
    item = ingress("shop", "inside", "i.test", "shop", "traefik-retry@kubernetescrd")
    item["spec"]["ingressClassName"] = "inner"
    world.add(item)


def _cloudflare(world: World) -> None:
    world.arguments(f"--entryPoints.websecure.forwardedHeaders.trustedIPs={','.join(CLOUDFLARE)}")


def _dashboard_with_a_login(world: World) -> None:
    item = route("traefik", "dashboard", "Host(`t.test`)", "", ("traefik", "retry"), ("traefik", "auth"))
    item["spec"]["routes"][0]["services"] = [{"kind": "TraefikService", "name": "api@internal"}]
    world.add(item)


def _access_log(world: World) -> None:
    world.arguments(
        "--accessLog=true",
        "--accessLog.fields.headers.defaultMode=keep",
        "--accessLog.fields.headers.names.Authorization=redact",
        "--accessLog.fields.headers.names.Cookie=drop",
    )


def _secrets_by_reference(world: World) -> None:
    secret = {"name": "CF_DNS_API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "dns", "key": "token"}}}
    path = {"name": "CF_DNS_API_TOKEN_FILE", "value": "/run/secrets/token"}
    container(world[TRAEFIK])["env"] = [secret, path]


def _another_asleep(world: World) -> None:
    """A second Traefik that nobody has removed, scaled to 0."""
    old = workload("old", "traefik", 0)
    old["metadata"]["labels"] = {"app.kubernetes.io/name": "traefik"}
    container(old)["image"] = "docker.io/traefik:v2.9.1"
    world.add(old)


ODD: list[Spoil] = [
    _daemon_set,
    _file_settings,
    _tls_in_front,
    _lan_beside,
    _file_provider,
    _plugin,
    _asleep,
    _old_syntax_said,
    _external_name,
    _weighted,
    _error_pages,
    _rules_for_an_agent,
    _limits_by_admission,
    _knative,
    _other_class,
    _percentages,
    _pods_of_an_operator,
    _two_classes,
    _cloudflare,
    _dashboard_with_a_login,
    _access_log,
    _secrets_by_reference,
    _another_asleep,
]


@pytest.mark.parametrize("spoil", ODD, ids=[each.__name__ for each in ODD])
def test_what_is_odd_is_not_wrong(well_world: World, spoil: Spoil) -> None:
    spoil(well_world)
    assert [(each.rule, str(each.ref), each.evidence) for each in well_world.audit().findings] == []


@pytest.fixture
def well_world() -> World:
    return well()
