"""Sabotages of the way from a route to the pods of a target: whom is asked, and what is taken from whom."""

from __future__ import annotations

from typing import Any

from tests.integration.sabotages.changes import Edit, Make, listed, put
from tests.integration.sabotages.places import (
    AUTH,
    BLOCKER,
    BOTS,
    OUTPOST,
    middleware,
    one_pod,
    service,
    traefik_kind,
)
from tests.integration.sabotages.sabotage import Sabotage

LOGIN, BLOCK = middleware("authentik-forward-auth"), middleware("ai-bot-block")
RETRY = {"name": "retry", "namespace": "traefik"}
AREA = "forward_auth"


def _without(*names: str) -> Any:
    lower = [name.lower() for name in names]
    return listed(
        "spec.forwardAuth.authResponseHeaders", lambda had: [each for each in had if each.lower() not in lower]
    )


def _middleware(name: str, **spec: Any) -> Make:
    item = {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "Middleware",
        "metadata": {"name": name, "namespace": "apps"},
        "spec": spec,
    }
    return Make(traefik_kind("middlewares", "apps"), item)


def route(name: str, *middlewares: dict[str, str]) -> Make:
    """One more site of the lab's application, ``NAME.lab.test``, with these middlewares."""
    rule = {"match": f"Host(`{name}.lab.test`)", "kind": "Rule", "middlewares": list(middlewares)}
    item = {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "IngressRoute",
        "metadata": {"name": name, "namespace": "apps"},
        "spec": {"routes": [rule | {"services": [{"name": "httpbin", "port": "http"}]}]},
    }
    return Make(traefik_kind("ingressroutes", "apps"), item)


def _fence(namespace: str, direction: str, labels: dict[str, str]) -> Make:
    """A NetworkPolicy of somebody else that lets nothing through."""
    item = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "saboteur", "namespace": namespace},
        "spec": {"podSelector": {"matchLabels": labels}, "policyTypes": [direction]},
    }
    return Make(f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies", item)


def _service_port(field: str, value: Any) -> Any:
    return put(f"spec.ports[name=http].{field}", value)


SABOTAGES = [
    Sabotage(
        "the login's question is led back to the outpost",
        1,
        AREA,
        ("Middleware traefik/authentik-forward-auth: a proxy stands before whom it asks", OUTPOST),
        (Edit(LOGIN, put("spec.forwardAuth.address", OUTPOST)),),
        drill="forward_auth_hung",
    ),
    Sabotage(
        "the bot blocker's question is led back to it",
        2,
        AREA,
        ("Middleware traefik/ai-bot-block: a proxy stands before whom it asks", BLOCKER),
        (Edit(BLOCK, put("spec.forwardAuth.address", BLOCKER)),),
        drill="bot_block_down",
    ),
    Sabotage(
        "the proxy's mark is taken from clients",
        1,
        AREA,
        ("Middleware traefik/ai-bot-block: it takes identity headers", "not X-Auth-Fallback"),
        (Edit(BLOCK, _without("X-Auth-Fallback")),),
    ),
    Sabotage(
        "one identity header is taken from clients",
        2,
        AREA,
        ("from nobody but the proxy: not X-authentik-uid",),
        (Edit(LOGIN, _without("X-authentik-uid")),),
    ),
    Sabotage(
        "the login's user header is taken from clients",
        3,
        AREA,
        ("from nobody but the proxy: not X-authentik-username",),
        (Edit(LOGIN, _without("X-authentik-username")),),
    ),
    Sabotage(
        "other spellings of identity headers are taken from clients",
        3,
        AREA,
        ("other spellings of identity headers", "none, which lets"),
        (Edit(LOGIN, put("spec.forwardAuth.authResponseHeadersRegex", None)),),
    ),
    Sabotage(
        "the address has another port of the proxy",
        4,
        AREA,
        ("Middleware traefik/authentik-forward-auth: its address is the proxy's port", "port 9113 of"),
        (
            Edit(
                LOGIN,
                put(
                    "spec.forwardAuth.address",
                    f"http://{AUTH}.traefik.svc.cluster.local.:9113/outpost.goauthentik.io/auth/traefik",
                ),
            ),
        ),
    ),
    Sabotage(
        "the Service's port leads elsewhere",
        4,
        AREA,
        ("Middleware traefik/ai-bot-block: its address is the proxy's port", "leads to status"),
        (Edit(service(BOTS), _service_port("targetPort", "status")),),
    ),
    Sabotage(
        "the Service has another port",
        3,
        AREA,
        ("Middleware traefik/ai-bot-block: its address is the proxy's port", "no port 8080: 9001"),
        (Edit(service(BOTS), _service_port("port", 9001)),),
    ),
    Sabotage(
        "a route asks the outpost by a middleware of its own",
        1,
        AREA,
        ("Middleware apps/copy: a proxy stands before whom it asks", "IngressRoute apps/copied"),
        (_middleware("copy", forwardAuth={"address": OUTPOST}), route("copied", RETRY, {"name": "copy"})),
    ),
    Sabotage(
        "a route asks the outpost in a chain of middlewares",
        2,
        AREA,
        ("Middleware apps/inner: a proxy stands before whom it asks", "IngressRoute apps/chained"),
        (
            _middleware("inner", forwardAuth={"address": OUTPOST}),
            _middleware("outer", chain={"middlewares": [{"name": "inner"}]}),
            route("chained", RETRY, {"name": "outer"}),
        ),
    ),
    Sabotage(
        "a middleware of the same name in another namespace is used",
        3,
        AREA,
        ("Middleware apps/authentik-forward-auth: a proxy stands before whom it asks", "IngressRoute apps/namesake"),
        (
            _middleware("authentik-forward-auth", forwardAuth={"address": OUTPOST}),
            route("namesake", RETRY, {"name": "authentik-forward-auth"}),
        ),
    ),
    Sabotage(
        "a route names a middleware that is not there, so no replica serves it",
        4,
        AREA,
        ("IngressRoute apps/dangling", ": every replica has its router", "no router"),
        (route("dangling", RETRY, {"name": "gone"}, {"name": "ai-bot-block", "namespace": "traefik"}),),
    ),
    Sabotage(
        "a pod has an old configuration",
        3,
        AREA,
        ("has the configuration of the policy", "(0000000000)"),
        (Edit(one_pod(AUTH), put("metadata.annotations[resilient.traefik/configuration]", "0" * 64)),),
    ),
    Sabotage(
        "a pod has not loaded the emergency logins",
        3,
        AREA,
        ("has loaded the emergency logins", f"it was changed since {AUTH}-"),
        (Edit(one_pod(AUTH), put("metadata.annotations[resilient.traefik/users]", "1")),),
    ),
    Sabotage(
        "somebody's fence keeps Traefik from asking anybody",
        1,
        AREA,
        (f"Traefik may ask the pods of Deployment traefik/{BOTS}", "NetworkPolicy traefik/saboteur lets"),
        (_fence("traefik", "Egress", {"app.kubernetes.io/instance": "traefik-traefik"}),),
    ),
    Sabotage(
        "somebody's fence keeps a proxy from its target",
        2,
        AREA,
        (f"Deployment traefik/{AUTH} may ask the pods of its target", "NetworkPolicy authentik/saboteur lets"),
        (_fence("authentik", "Ingress", {"app.kubernetes.io/component": "server"}),),
    ),
]
