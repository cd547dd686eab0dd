"""Each weakness as one change of the well cluster, by the rule that has to find it."""

from __future__ import annotations

from typing import Any

from tests.unit.audit.well import (
    CHAIN,
    Spoil,
    World,
    budget,
    container,
    direct,
    endpoints,
    ingress,
    middleware,
    plain,
    pod_spec,
    pods,
    route,
    service,
    workload,
)

SERVER = "Deployment authentik/authentik-server"
TRAEFIK = "Deployment traefik/traefik"
AUTH = "Middleware traefik/auth"
API = "IngressRoute shop/api"
SHOP = "Ingress shop/shop"


def _server(**spec: Any) -> Spoil:
    """authentik asked directly, its Deployment changed."""

    def spoil(world: World) -> None:
        direct(world)
        world[SERVER]["spec"] |= spec

    return spoil


def _asked_pod(**spec: Any) -> Spoil:
    def spoil(world: World) -> None:
        direct(world)
        pod_spec(world[SERVER]).update(spec)

    return spoil


def _asked_container(key: str, value: Any = None) -> Spoil:
    def spoil(world: World) -> None:
        direct(world)
        for item in (world[SERVER], *_pods_of(world, "authentik")):
            own = container(item) if item["kind"] == "Deployment" else item["spec"]["containers"][0]
            own.pop(key) if value is None else own.update({key: value})

    return spoil


def _pods_of(world: World, namespace: str) -> list[Any]:
    return [each for name, each in world.objects.items() if name.startswith(f"Pod {namespace}/")]


def _auth(**spec: Any) -> Spoil:
    return lambda world: world[AUTH]["spec"]["forwardAuth"].update(spec)


def _address(address: str) -> Spoil:
    return _auth(address=address)


def _evicted(world: World) -> None:
    direct(world)
    classes = {"tier-1": 1000, "tier-4": 10}
    world.add(
        *(
            plain("scheduling.k8s.io/v1", "PriorityClass", "", name) | {"value": value}
            for name, value in classes.items()
        )
    )
    world.add(*pods(world[SERVER], priority=10))


def _below_the_sites(world: World) -> None:
    direct(world)
    world.add(*pods(world["Deployment shop/shop"], priority=100))


def _one_node(name: str, *before: Spoil) -> Spoil:
    def spoil(world: World) -> None:
        for each in before:
            each(world)
        world.add(*pods(world[name], ["n1"] * 3))

    return spoil


def _no_endpoints(world: World) -> None:
    direct(world)
    world.add(endpoints(world["Service authentik/authentik-server"], ready=False))


def _remove(*names: str, also: Spoil | None = None) -> Spoil:
    def spoil(world: World) -> None:
        if also:
            also(world)
        world.remove(*names)

    return spoil


def _both(*spoils: Spoil) -> Spoil:
    def spoil(world: World) -> None:
        for each in spoils:
            each(world)

    return spoil


def _replicas(name: str, number: int) -> Spoil:
    return lambda world: world[name]["spec"].update(replicas=number)


def _arguments(*arguments: str) -> Spoil:
    return lambda world: world.arguments(*arguments)


def _without(*beginnings: str) -> Spoil:
    """Arguments that begin so are taken out."""

    def spoil(world: World) -> None:
        own = container(world[TRAEFIK])
        own["args"] = [each for each in own["args"] if not each.startswith(beginnings)]

    return spoil


def _traefik(key: str, value: Any = None) -> Spoil:
    def spoil(world: World) -> None:
        for item in (
            world[TRAEFIK],
            *(each for each in _pods_of(world, "traefik") if "traefik-" in each["metadata"]["name"]),
        ):
            own = container(item) if item["kind"] == "Deployment" else item["spec"]["containers"][0]
            own.pop(key, None) if value is None else own.update({key: value})

    return spoil


def _pod(name: str, **spec: Any) -> Spoil:
    return lambda world: pod_spec(world[name]).update(spec)


def _spec(name: str, **spec: Any) -> Spoil:
    return lambda world: world[name]["spec"].update(spec)


def _budget(of: str, **numbers: Any) -> Spoil:
    return lambda world: world.add(budget(world[of], **numbers))


def _second_budget(world: World) -> None:
    world.add(budget(world[TRAEFIK], "another"))


def _strange_budget(world: World) -> None:
    stray = budget(world[TRAEFIK], "stray")
    stray["spec"]["selector"] = {"matchLabels": {"app": "gone"}}
    world.add(stray)


def _chain(text: str) -> Spoil:
    return lambda world: world[SHOP]["metadata"]["annotations"].update({CHAIN: text})


def _named(*middlewares: dict[str, str]) -> Spoil:
    return lambda world: world[API]["spec"]["routes"][0].update(middlewares=list(middlewares))


def _guarded_and_catch_all(world: World) -> None:
    chain = "traefik-retry@kubernetescrd,traefik-auth@kubernetescrd,traefik-gone@kubernetescrd"
    world[SHOP]["metadata"]["annotations"][CHAIN] = chain
    world.add(route("shop", "rest", "Host(`shop.test`) && PathPrefix(`/`)", "shop", ("traefik", "retry")))


def _adds(*items: Any) -> Spoil:
    return lambda world: world.add(*items)


def _used(name: str, **spec: Any) -> Spoil:
    """A middleware in the chain of the Ingress, at its end."""

    def spoil(world: World) -> None:
        world.add(middleware("traefik", name, **spec))
        world[SHOP]["metadata"]["annotations"][CHAIN] += f",traefik-{name}@kubernetescrd"

    return spoil


def _behind(world: World, name: str) -> None:
    annotations = world[SHOP]["metadata"]["annotations"]
    annotations[CHAIN] = f"traefik-{name}@kubernetescrd,{annotations[CHAIN]}"


def _retry_second(world: World) -> None:
    world.add(middleware("traefik", "compress", compress={}))
    _behind(world, "compress")


def _host_ports(world: World) -> None:
    for port in container(world[TRAEFIK])["ports"][2:]:
        port["hostPort"] = port["containerPort"] - 7920
    world[TRAEFIK]["spec"]["strategy"]["rollingUpdate"] = {"maxUnavailable": 0, "maxSurge": 1}


def _empty_node(world: World) -> None:
    world[TRAEFIK]["spec"]["replicas"] = 2
    world.remove("Pod traefik/traefik-abc12-2")


def _pending(world: World) -> None:
    world["Service traefik/traefik"].pop("status")


def _scaler(world: World) -> None:
    scaler = plain("autoscaling/v2", "HorizontalPodAutoscaler", "traefik", "traefik")
    world.add(scaler | {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "traefik"}, "maxReplicas": 5}})


def _not_ready(world: World) -> None:
    world["Pod traefik/traefik-abc12-1"]["status"]["conditions"] = [{"type": "Ready", "status": "False"}]


def _dashboard(world: World) -> None:
    item = route("traefik", "dashboard", "Host(`traefik.test`)", "", ("traefik", "retry"))
    item["spec"]["routes"][0]["services"] = [{"kind": "TraefikService", "name": "api@internal"}]
    world.add(item)


def _public(port: str) -> Spoil:
    def spoil(world: World) -> None:
        world["Service traefik/traefik"]["spec"]["ports"].append({"name": port, "port": 9999, "targetPort": port})

    return spoil


def _believing(world: World) -> None:
    world.arguments("--entryPoints.websecure.forwardedHeaders.insecure=true")


def _allow_list(world: World) -> None:
    _believing(world)
    _used("office", ipAllowList={"sourceRange": ["192.0.2.0/24"], "ipStrategy": {"depth": 1}})(world)


def _plain_http(world: World) -> None:
    _without("--entryPoints.web.http")(world)


def _node_port(world: World) -> None:
    world.add(service("shop", "direct", app="shop", type="NodePort"))


def _old_group(world: World) -> None:
    world.add(plain("traefik.containo.us/v1alpha1", "Middleware", "shop", "old") | {"spec": {"compress": {}}})


def _transport(world: World) -> None:
    world.add(plain("traefik.io/v1alpha1", "ServersTransport", "shop", "slow") | {"spec": {}})
    world[API]["spec"]["routes"][0]["services"][0]["serversTransport"] = "slow"


def _status_retry(world: World) -> None:
    world["Middleware traefik/retry"]["spec"]["retry"]["status"] = ["503"]


def _twins(world: World) -> None:
    world.add(middleware("traefik-a", "b", compress={}), middleware("traefik", "a-b", compress={}))


def _scaled_down(world: World) -> None:
    direct(world)
    world[SERVER]["spec"]["replicas"] = 1


def _image(name: str, image: str) -> Spoil:
    return lambda world: container(world[name]).update(image=image)


def _env(name: str, *pairs: tuple[str, str]) -> Spoil:
    def spoil(world: World) -> None:
        container(world[name])["env"] = [{"name": key, "value": value} for key, value in pairs]

    return spoil


def _acme(world: World) -> None:
    world.arguments("--certificatesresolvers.le.acme.storage=/data/acme.json")


def _acme_lost(world: World) -> None:
    _acme(world)
    container(world[TRAEFIK])["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    pod_spec(world[TRAEFIK])["volumes"] = [{"name": "data", "emptyDir": {}}]


def _shared(world: World) -> None:
    other = service("shop", "mail", type="LoadBalancer")
    for item in (world["Service traefik/traefik"], other):
        item["metadata"]["annotations"] = {"metallb.io/allow-shared-ip": "edge"}
        item["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.10"}]}}
    world.add(other)


def _twice(world: World) -> None:
    world.add(route("shop", "again", "Host(`api.test`)", "shop", ("traefik", "retry")))


def _pooled(world: World) -> None:
    pool, front = workload("authentik", "pool"), service("authentik", "pool")
    container(pool)["image"] = "registry.test/pgbouncer:1.18"
    world.add(pool, *pods(pool), front, endpoints(front), budget(pool))
    _env(SERVER, ("AUTHENTIK_POSTGRESQL__HOST", "pool"), ("AUTHENTIK_POSTGRESQL__CONN_MAX_AGE", "60"))(world)


def _database(world: World) -> None:
    postgres = workload("authentik", "postgres", 1, kind="StatefulSet")
    front = service("authentik", "postgres")
    world.add(postgres, *pods(postgres), front, endpoints(front, ["n1"]))
    _env(SERVER, ("AUTHENTIK_POSTGRESQL__HOST", "postgres.authentik.svc"))(world)


def _worker(world: World) -> None:
    worker = workload("authentik", "worker", 1)
    worker["metadata"]["labels"] = {"app.kubernetes.io/name": "authentik", "app.kubernetes.io/component": "worker"}
    world.add(worker, *pods(worker))


def _rules_unlabelled(world: World) -> None:
    world["Prometheus monitoring/main"]["spec"]["ruleSelector"] = {"matchLabels": {"release": "stack"}}


def _silent_alertmanager(world: World) -> None:
    text = "route: {receiver: 'null'}\nreceivers: [{name: 'null'}]\n"
    world.add(plain("v1", "ConfigMap", "monitoring", "alertmanager") | {"data": {"alertmanager.yml": text}})


def _alertmanager_beside(world: World) -> None:
    """One Alertmanager, on the only node that has Traefik."""
    item = workload("monitoring", "alertmanager", 1, kind="StatefulSet")
    container(item)["image"] = "registry.test/alertmanager:1"
    world.add(item, *pods(item, ["n1"]))
    _one_node(TRAEFIK)(world)


def _led_back(world: World) -> None:
    direct(world)


def _marked(world: World) -> None:
    world["Deployment shop/shop"]["metadata"]["labels"] = {"resilient.traefik/drill": "drill-1"}


def _cordoned(world: World) -> None:
    world["Node n3"]["spec"]["unschedulable"] = True


def _ours_unused(world: World) -> None:
    mine = middleware("traefik", "retry-ours", retry={"attempts": 3})
    mine["metadata"]["labels"] = {"app.kubernetes.io/part-of": "resilient-traefik"}
    world.add(mine)


WEAKNESSES: list[tuple[str, str, Spoil]] = [
    ("RT101", "authentik asked directly", direct),
    ("RT102", "one pod of authentik", _scaled_down),
    ("RT103", "no budget for authentik", _remove("PodDisruptionBudget authentik/authentik-server", also=direct)),
    ("RT104", "all pods of authentik on a node", _one_node(SERVER, direct)),
    ("RT105", "authentik not spread", _asked_pod(topologySpreadConstraints=[])),
    ("RT106", "authentik in the lowest tier", _evicted),
    ("RT106", "authentik below what it guards", _below_the_sites),
    ("RT107", "authentik without requests", _asked_container("resources", {})),
    ("RT108", "no ready pod of authentik", _no_endpoints),
    (
        "RT109",
        "no such Service",
        _address("http://gone.authentik.svc.cluster.local.:9000/outpost.goauthentik.io/auth/traefik"),
    ),
    (
        "RT110",
        "no such port",
        _address("http://authentik-server.authentik.svc.cluster.local.:9001/outpost.goauthentik.io/auth/traefik"),
    ),
    ("RT111", "by a public name", _address("https://login.shop.test/outpost.goauthentik.io/auth/traefik")),
    (
        "RT112",
        "no final dot",
        _address("http://auth-proxy.traefik.svc.cluster.local:9000/outpost.goauthentik.io/auth/traefik"),
    ),
    ("RT113", "authentik without readiness", _asked_container("readinessProbe")),
    ("RT114", "authentik recreated", _server(strategy={"type": "Recreate"})),
    ("RT114", "all of authentik at once", _server(strategy={"rollingUpdate": {"maxUnavailable": "100%"}})),
    ("RT201", "headers not listed", _auth(authResponseHeaders=["X-authentik-username"], authResponseHeadersRegex="")),
    ("RT202", "no pattern", _auth(authResponseHeadersRegex="")),
    ("RT203", "insecure entry point before trustForwardHeader", _believing),
    ("RT205", "no cookie", _auth(authRequestHeaders=["Accept"])),
    ("RT206", "http to the outside", _address("http://login.shop.test/outpost.goauthentik.io/auth/traefik")),
    ("RT207", "bodies", _auth(forwardBody=True)),
    ("RT208", "certificate", _auth(tls={"insecureSkipVerify": True})),
    ("RT212", "web without a redirect", _plain_http),
    ("RT214", "password handed on", _used("basic", basicAuth={"secret": "users"})),
    ("RT216", "claimed address", _allow_list),
    ("RT217", "list of everything", _used("all", ipAllowList={"sourceRange": ["0.0.0.0/0"]})),
    ("RT301", "of an Ingress", _chain("traefik-retry@kubernetescrd,traefik-gone@kubernetescrd")),
    ("RT301", "of an IngressRoute", _named({"name": "gone"})),
    ("RT301", "within a chain", _used("stack", chain={"middlewares": [{"name": "gone"}]})),
    ("RT302", "other namespace", _without("--providers.kubernetescrd.allowCrossNamespace")),
    ("RT303", "no provider", _chain("retry")),
    ("RT304", "TLS options", _spec(API, tls={"options": {"name": "gone"}})),
    (
        "RT305",
        "transport",
        lambda world: world[API]["spec"]["routes"][0]["services"][0].update(serversTransport="gone"),
    ),
    (
        "RT306",
        "Service of an IngressRoute",
        lambda world: world[API]["spec"]["routes"][0]["services"][0].update(name="gone"),
    ),
    ("RT306", "Service of an Ingress", _adds(ingress("shop", "shop", "shop.test", "gone"))),
    ("RT306", "port of an IngressRoute", lambda world: world[API]["spec"]["routes"][0]["services"][0].update(port=81)),
    ("RT310", "entry point", _spec(API, entryPoints=["webs"])),
    ("RT311", "catch-all behind a broken login", _guarded_and_catch_all),
    ("RT312", "two in one", _used("two", compress={}, buffering={})),
    ("RT313", "plugin", _used("plug", plugin={"bouncer": {}})),
    ("RT314", "circle", _used("circle", chain={"middlewares": [{"name": "circle"}]})),
    ("RT315", "one rule twice", _twice),
    ("RT316", "class", _spec(SHOP, ingressClassName="gone")),
    (
        "RT318",
        "two hosts in one",
        lambda world: world[API]["spec"]["routes"][0].update(match="Host(`a.test`, `b.test`)"),
    ),
    ("RT318", "group", lambda world: world[API]["spec"]["routes"][0].update(match="HostRegexp(`{sub:[a-z]+}.test`)")),
    ("RT318", "Headers", lambda world: world[API]["spec"]["routes"][0].update(match="Headers(`X-A`, `b`)")),
    ("RT319", "no service", lambda world: world[API]["spec"]["routes"][0].update(services=[])),
    ("RT324", "other namespaces", _arguments("--providers.kubernetescrd.namespaces=traefik")),
    ("RT317", "old group", _old_group),
    ("RT325", "one name for two", _twins),
    ("RT401", "no retry", _named({"name": "bots", "namespace": "traefik"})),
    ("RT402", "retry second", _retry_second),
    ("RT403", "retry on a status", _status_retry),
    (
        "RT404",
        "POST twice",
        lambda world: world["Middleware traefik/retry"]["spec"]["retry"].update(retryNonIdempotentMethod=True),
    ),
    ("RT405", "one try", lambda world: world["Middleware traefik/retry"]["spec"]["retry"].update(attempts=1)),
    ("RT406", "no limit", _without("--serversTransport.forwardingTimeouts.responseHeaderTimeout")),
    ("RT407", "no limit of a transport", _transport),
    ("RT408", "dial", _without("--serversTransport.forwardingTimeouts.dialTimeout")),
    ("RT409", "read", _arguments("--entryPoints.websecure.transport.respondingTimeouts.readTimeout=0")),
    (
        "RT411",
        "no preStop of the shop",
        lambda world: container(world["Deployment shop/shop"]).pop("lifecycle") and None,
    ),
    ("RT412", "no pod of the shop", lambda world: world.add(endpoints(world["Service shop/shop"], ready=False))),
    ("RT501", "one replica", _replicas(TRAEFIK, 1)),
    ("RT502", "no budget", _remove("PodDisruptionBudget traefik/traefik")),
    ("RT503", "blocking budget", _budget(TRAEFIK, minAvailable=3)),
    ("RT504", "minAvailable 0", _budget(SERVER, minAvailable=0)),
    ("RT505", "budget for nobody", _strange_budget),
    ("RT506", "not spread", _pod(TRAEFIK, topologySpreadConstraints=[])),
    ("RT507", "one node", _one_node(TRAEFIK)),
    ("RT509", "host ports with a surge", _host_ports),
    ("RT510", "grace", _pod(TRAEFIK, terminationGracePeriodSeconds=30)),
    (
        "RT511",
        "at once",
        _both(_traefik("lifecycle"), _without("--entryPoints.websecure.transport")),
    ),
    ("RT512", "no readiness", _traefik("readinessProbe")),
    ("RT513", "ready at once", _traefik("readinessProbe", {"httpGet": {"path": "/ping", "port": 8080}})),
    ("RT514", "Local and an empty node", _empty_node),
    ("RT515", "pending", _pending),
    ("RT516", "shared address", _shared),
    ("RT517", "ACME in a file", _acme),
    ("RT518", "ACME in an emptyDir", _acme_lost),
    ("RT521", "old patch", _image(TRAEFIK, "docker.io/traefik:v3.7.2")),
    ("RT522", "latest", _image(TRAEFIK, "docker.io/traefik:latest")),
    ("RT523", "old line", _image(TRAEFIK, "docker.io/traefik:v3.5.9")),
    ("RT519", "no requests", _traefik("resources", {})),
    ("RT524", "recreated", _spec(TRAEFIK, strategy={"type": "Recreate"})),
    ("RT528", "one node of three", _pod(TRAEFIK, nodeSelector={"kubernetes.io/hostname": "n1"})),
    ("RT530", "scaled to one", _scaler),
    ("RT532", "not ready", _not_ready),
    ("RT533", "two budgets", _second_budget),
    ("RT601", "api.insecure", _arguments("--api.insecure=true")),
    ("RT602", "dashboard", _dashboard),
    ("RT603", "internal entry point", _public("traefik")),
    ("RT604", "metrics", _public("metrics")),
    ("RT605", "forwarded headers", _believing),
    ("RT606", "PROXY protocol", _arguments("--entryPoints.websecure.proxyProtocol.insecure")),
    ("RT607", "everybody", _arguments("--entryPoints.websecure.forwardedHeaders.trustedIPs=0.0.0.0/0")),
    (
        "RT608",
        "one of two",
        _both(_plain_http, _arguments("--entryPoints.websecure.forwardedHeaders.trustedIPs=192.0.2.1")),
    ),
    (
        "RT609",
        "two of Cloudflare's networks",
        _arguments("--entryPoints.websecure.forwardedHeaders.trustedIPs=173.245.48.0/20,103.21.244.0/22"),
    ),
    ("RT610", "all backends", _arguments("--serversTransport.insecureSkipVerify=true")),
    (
        "RT612",
        "TLS 1.0",
        _adds(plain("traefik.io/v1alpha1", "TLSOption", "shop", "old") | {"spec": {"minVersion": "VersionTLS10"}}),
    ),
    ("RT615", "access log", _arguments("--accessLog=true", "--accessLog.fields.headers.defaultMode=keep")),
    ("RT616", "debug", _arguments("--api.debug=true")),
    ("RT617", "root", _traefik("securityContext", {"runAsUser": 0})),
    (
        "RT620",
        "any origin",
        _used("cors", headers={"accessControlAllowOriginList": ["*"], "accessControlAllowCredentials": True}),
    ),
    ("RT624", "empty services", _without("--providers.kubernetescrd.allowEmptyServices")),
    ("RT625", "token", _traefik("env", [{"name": "CF_DNS_API_TOKEN", "value": "abc"}])),
    ("RT626", "NodePort", _node_port),
    ("RT701", "one server", _replicas(SERVER, 1)),
    ("RT702", "one worker", _worker),
    ("RT703", "no budget", _remove("PodDisruptionBudget authentik/authentik-server")),
    ("RT704", "not spread", _pod(SERVER, topologySpreadConstraints=[])),
    ("RT705", "Redis", _env(SERVER, ("AUTHENTIK_REDIS__HOST", "redis"))),
    ("RT706", "kept connections", _pooled),
    ("RT707", "hole", _image(SERVER, "ghcr.io/goauthentik/server:2025.12.3")),
    ("RT708", "old release", _image(SERVER, "ghcr.io/goauthentik/server:2025.12.4")),
    ("RT710", "plain secret", _env(SERVER, ("AUTHENTIK_SECRET_KEY", "abc"))),
    ("RT711", "one database", _database),
    ("RT801", "no rules", _remove("PrometheusRule monitoring/traefik")),
    ("RT802", "rules that nothing takes", _rules_unlabelled),
    ("RT803", "nobody", _silent_alertmanager),
    ("RT804", "no metrics", _without("--metrics.prometheus")),
    ("RT805", "no scrape", _spec("PodMonitor traefik/traefik", selector={"matchLabels": {"app": "other"}})),
    ("RT806", "one node for all", _alertmanager_beside),
    ("RT901", "led back", _led_back),
    ("RT902", "retry unused", _ours_unused),
    ("RT904", "drill", _marked),
    ("RT905", "cordoned", _cordoned),
]
