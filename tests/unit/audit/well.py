"""A cluster in which nothing is wrong, and ways to spoil a single thing of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Audit, Terms, audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.snapshot import Snapshot, snapshot_of

Object = dict[str, Any]
HOSTNAME = "kubernetes.io/hostname"
NODES = ("n1", "n2", "n3")
OURS = {"app.kubernetes.io/part-of": "resilient-traefik"}
HEADERS = ["X-authentik-username", "X-authentik-groups", "X-authentik-email", "X-authentik-name", "X-authentik-uid"]
CHAIN = "traefik.ingress.kubernetes.io/router.middlewares"


class World:
    """The objects, by ``Kind namespace/name``, to be changed at will."""

    def __init__(self, objects: Iterable[Object]) -> None:
        self.objects = {name_of(each): each for each in objects}

    def __getitem__(self, name: str) -> Object:
        return self.objects[name]

    def add(self, *objects: Object) -> None:
        """Add objects, or put them in the place of those of the same name."""
        self.objects |= {name_of(each): copy.deepcopy(each) for each in objects}

    def remove(self, *names: str) -> None:
        """Remove objects by their names."""
        for name in names:
            del self.objects[name]

    def arguments(self, *arguments: str) -> None:
        """Add arguments to Traefik's."""
        container(self["Deployment traefik/traefik"])["args"] += list(arguments)

    def snapshot(self, **options: Any) -> Snapshot:
        """As the audit takes it."""
        return snapshot_of(copy.deepcopy(list(self.objects.values())), **options)

    def audit(self, **terms: Any) -> Audit:
        """Judged."""
        return audit(self.snapshot(), Terms(**terms))


def name_of(item: Object) -> str:
    """``Kind namespace/name``."""
    metadata = item["metadata"]
    place = f"{metadata['namespace']}/" if "namespace" in metadata else ""
    return f"{item['kind']} {place}{metadata['name']}"


def container(workload: Object) -> Object:
    """The workload's first container."""
    found: Object = workload["spec"]["template"]["spec"]["containers"][0]
    return found


def pod_spec(workload: Object) -> Object:
    """The spec of the workload's pods."""
    found: Object = workload["spec"]["template"]["spec"]
    return found


def plain(api_version: str, kind: str, namespace: str, name: str, **rest: Any) -> Object:
    """An object of which only that is known."""
    metadata: Object = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def workload(namespace: str, name: str, replicas: int = 3, kind: str = "Deployment", **rest: Any) -> Object:
    """A workload that is spread, probed, limited, and leaves in peace."""
    labels = {"app": name}
    spec = {
        "terminationGracePeriodSeconds": 60,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": HOSTNAME,
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": labels},
            }
        ],
        "containers": [
            {
                "name": name,
                "image": f"registry.test/{name}:1.2.3",
                "ports": [{"name": "http", "containerPort": 8080}],
                "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "initialDelaySeconds": 5},
                "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 10, "failureThreshold": 3},
                "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
                "resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "128Mi"}},
            }
        ],
    } | rest
    return plain("apps/v1", kind, namespace, name) | {
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
        "status": {"readyReplicas": replicas},
    }


def pods(of: Object, nodes: Iterable[str] | None = None, priority: int = 0) -> list[Object]:
    """A Ready pod on each of the nodes."""
    name, namespace = of["metadata"]["name"], of["metadata"]["namespace"]
    owner = {"Deployment": ("ReplicaSet", f"{name}-abc12")}.get(of["kind"], (of["kind"], name))
    chosen = NODES[: of["spec"]["replicas"]] if nodes is None else list(nodes)
    found = []
    for position, node in enumerate(chosen):
        pod = plain("v1", "Pod", namespace, f"{name}-abc12-{position}")
        pod["metadata"] |= {
            "labels": of["spec"]["template"]["metadata"]["labels"],
            "ownerReferences": [{"kind": owner[0], "name": owner[1], "controller": True}],
        }
        spec = copy.deepcopy(pod_spec(of)) | {"nodeName": node, "priority": priority}
        status = {"phase": "Running", "podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]}
        found.append(pod | {"spec": spec, "status": status})
    return found


def service(namespace: str, name: str, app: str = "", port: int = 80, **rest: Any) -> Object:
    """A Service for the pods of a workload."""
    ports = [{"name": "http", "port": port, "targetPort": "http"}]
    spec = {"type": "ClusterIP", "selector": {"app": app or name}, "ports": ports} | rest
    return plain("v1", "Service", namespace, name, spec=spec)


def endpoints(of: Object, nodes: Iterable[str] = NODES, ready: bool = True) -> Object:
    """The EndpointSlice of a Service."""
    name = of["metadata"]["name"]
    piece = plain("discovery.k8s.io/v1", "EndpointSlice", of["metadata"]["namespace"], f"{name}-x1")
    piece["metadata"]["labels"] = {"kubernetes.io/service-name": name}
    return piece | {"endpoints": [{"nodeName": node, "conditions": {"ready": ready}} for node in nodes], "ports": []}


def budget(of: Object, name: str = "", **spec: Any) -> Object:
    """A PodDisruptionBudget for the pods of a workload."""
    numbers = spec or {"maxUnavailable": 1}
    metadata = of["metadata"]
    selector = {"selector": copy.deepcopy(of["spec"]["selector"])}
    return plain(
        "policy/v1", "PodDisruptionBudget", metadata["namespace"], name or metadata["name"], spec=numbers | selector
    )


def middleware(namespace: str, name: str, **spec: Any) -> Object:
    """A Middleware."""
    return plain("traefik.io/v1alpha1", "Middleware", namespace, name, spec=spec)


def ingress(namespace: str, name: str, host: str, backend: str, chain: str = "") -> Object:
    """An Ingress of one host."""
    item = plain("networking.k8s.io/v1", "Ingress", namespace, name)
    item["metadata"]["annotations"] = {CHAIN: chain} if chain else {}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": backend, "port": {"name": "http"}}}}
    return item | {"spec": {"ingressClassName": "traefik", "rules": [{"host": host, "http": {"paths": [path]}}]}}


def route(namespace: str, name: str, match: str, backend: str, *middlewares: tuple[str, str], **rest: Any) -> Object:
    """An IngressRoute of one rule."""
    one = {
        "kind": "Rule",
        "match": match,
        "middlewares": [{"namespace": place, "name": each} for place, each in middlewares],
        "services": [{"name": backend, "port": 80}],
    }
    spec = {"entryPoints": ["websecure"], "routes": [one], "tls": {}} | rest
    return plain("traefik.io/v1alpha1", "IngressRoute", namespace, name, spec=spec)


ARGUMENTS = (
    "--entryPoints.metrics.address=:9100/tcp",
    "--entryPoints.traefik.address=:8080/tcp",
    "--entryPoints.web.address=:8000/tcp",
    "--entryPoints.web.http.redirections.entryPoint.to=:443",
    "--entryPoints.web.http.redirections.entryPoint.scheme=https",
    "--entryPoints.websecure.address=:8443/tcp",
    "--entryPoints.websecure.http.tls=true",
    "--ping=true",
    "--api.dashboard=true",
    "--metrics.prometheus=true",
    "--metrics.prometheus.entrypoint=metrics",
    "--providers.kubernetescrd",
    "--providers.kubernetescrd.allowCrossNamespace=true",
    "--providers.kubernetescrd.allowEmptyServices=true",
    "--providers.kubernetesingress",
    "--providers.kubernetesingress.allowEmptyServices=true",
    "--serversTransport.forwardingTimeouts.dialTimeout=2s",
    "--serversTransport.forwardingTimeouts.responseHeaderTimeout=30s",
    *(
        f"--entryPoints.{point}.transport.lifeCycle.{name}"
        for point in ("web", "websecure", "traefik", "metrics")
        for name in ("requestAcceptGraceTimeout=10s", "graceTimeOut=30s")
    ),
)


def _traefik() -> list[Object]:
    item = workload("traefik", "traefik")
    item["metadata"]["labels"] = {"app.kubernetes.io/name": "traefik"}
    container(item).update(
        {
            "image": "docker.io/traefik:v3.7.15",
            "args": list(ARGUMENTS),
            "ports": [
                {"name": "metrics", "containerPort": 9100},
                {"name": "traefik", "containerPort": 8080},
                {"name": "web", "containerPort": 8000},
                {"name": "websecure", "containerPort": 8443},
            ],
            "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "allowPrivilegeEscalation": False},
        }
    )
    public = service("traefik", "traefik")
    public["spec"] |= {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Local",
        "ports": [
            {"name": "web", "port": 80, "targetPort": "web"},
            {"name": "websecure", "port": 443, "targetPort": "websecure"},
        ],
    }
    public["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.10"}]}}
    ingress_class = plain("networking.k8s.io/v1", "IngressClass", "", "traefik")
    ingress_class["spec"] = {"controller": "traefik.io/ingress-controller"}
    scrape = plain("monitoring.coreos.com/v1", "PodMonitor", "traefik", "traefik")
    scrape["spec"] = {"selector": {"matchLabels": {"app": "traefik"}}}
    return [item, *pods(item), public, endpoints(public), budget(item), ingress_class, scrape]


def _proxied(namespace: str, name: str, proxy: str, port: int) -> list[Object]:
    """What is asked, and our proxy in front of it."""
    target, front = workload(namespace, name), workload("traefik", proxy, 2)
    behind = service(namespace, name, port=port)
    before = service("traefik", proxy, port=port)
    front["metadata"]["labels"] = dict(OURS)
    before["metadata"] |= {
        "labels": dict(OURS),
        "annotations": {"resilient.traefik/target": f"{namespace}/{name}:{port}"},
    }
    return [
        *(target, *pods(target), behind, endpoints(behind), budget(target)),
        *(front, *pods(front), before, endpoints(before, NODES[:2]), budget(front)),
    ]


def _authentik(world: list[Object]) -> None:
    labels = {"app.kubernetes.io/name": "authentik", "app.kubernetes.io/component": "server"}
    for item in world:
        if item["kind"] == "Deployment" and item["metadata"]["name"] == "authentik-server":
            item["metadata"]["labels"] = labels
            container(item)["image"] = "ghcr.io/goauthentik/server:2026.8.0"


def _shop() -> list[Object]:
    shop = workload("shop", "shop", 2)
    front = service("shop", "shop")
    auth = {
        "address": "http://auth-proxy.traefik.svc.cluster.local.:9000/outpost.goauthentik.io/auth/traefik",
        "trustForwardHeader": True,
        "authResponseHeaders": list(HEADERS),
        "authResponseHeadersRegex": "(?i)^(x[-_]authentik[-_])",
    }
    chain = "traefik-retry@kubernetescrd,traefik-bots@kubernetescrd,traefik-auth@kubernetescrd"
    return [
        *(shop, *pods(shop), front, endpoints(front, NODES[:2])),
        middleware("traefik", "retry", retry={"attempts": 8, "initialInterval": "100ms"}),
        middleware("traefik", "bots", forwardAuth={"address": "http://bot-proxy.traefik.svc.cluster.local.:8080/auth"}),
        middleware("traefik", "auth", forwardAuth=auth),
        ingress("shop", "shop", "shop.test", "shop", chain),
        route("shop", "api", "Host(`api.test`)", "shop", ("traefik", "retry"), ("traefik", "bots")),
    ]


def _monitoring() -> list[Object]:
    prometheus = plain("monitoring.coreos.com/v1", "Prometheus", "monitoring", "main")
    prometheus["spec"] = {"ruleSelector": {}, "ruleNamespaceSelector": {}}
    rules = plain("monitoring.coreos.com/v1", "PrometheusRule", "monitoring", "traefik")
    alerts = [
        {"alert": "TraefikDown", "expr": 'absent(up{job="traefik"})'},
        {"alert": "ForwardAuthFallbackActive", "expr": "resilient_fallback_active > 0"},
    ]
    rules["spec"] = {"groups": [{"name": "traefik", "rules": alerts}]}
    return [prometheus, rules]


def _node(name: str) -> Object:
    item = plain("v1", "Node", "", name) | {"spec": {}}
    item["metadata"]["labels"] = {HOSTNAME: name}
    return item


def well() -> World:
    """Three nodes, three replicas of Traefik, two ForwardAuth services behind fallback proxies, an application."""
    objects = [
        *(plain("v1", "Namespace", "", name) for name in ("traefik", "authentik", "bots", "shop", "monitoring")),
        *(_node(name) for name in NODES),
        *_traefik(),
        *_proxied("authentik", "authentik-server", "auth-proxy", 9000),
        *_proxied("bots", "bots", "bot-proxy", 8080),
        *_shop(),
        *_monitoring(),
    ]
    _authentik(objects)
    return World(copy.deepcopy(objects))


Spoil = Callable[[World], None]


def direct(world: World) -> None:
    """Have Traefik ask authentik itself."""
    address = "http://authentik-server.authentik.svc.cluster.local.:9000/outpost.goauthentik.io/auth/traefik"
    world["Middleware traefik/auth"]["spec"]["forwardAuth"]["address"] = address
