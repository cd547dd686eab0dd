"""Sites in a namespace of a test's own, each with one fault, and an own Traefik whose replicas differ."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from tests.integration.support_backend import backend
from tests.integration.support_own_traefik import OwnTraefik, watching_only
from tests.integration.support_traefik import ingress, middleware, route, traefik_object

# Names of the sites whose router every replica has loaded in the end.
LOADED = ("ok", "closed", "empty", "slow", "loop", "body", "gone", "hung", "sticky")
READY = {"httpGet": {"path": "/ping", "port": 8080}, "periodSeconds": 1}


def sites(namespace: str) -> list[Object]:
    """The sites, at ``NAME.NAMESPACE.test`` on entry point web: one that is well, and one for each fault."""
    inside = f"{namespace}.svc.cluster.local"
    hung = {"address": f"http://web.{inside}/delay/9", "trustForwardHeader": False}
    gone = {"address": f"http://nobody.{inside}/", "trustForwardHeader": False}
    return [
        *_workloads(namespace),
        _service(namespace, "web", "backend", 8080),
        _service(namespace, "closed", "backend", 9999),
        _service(namespace, "empty", "crashing", 8080),
        traefik_object("ServersTransport", namespace, "hasty", {"forwardingTimeouts": {"responseHeaderTimeout": "1s"}}),
        middleware(namespace, "https", redirectScheme={"scheme": "https"}),
        middleware(namespace, "small", buffering={"maxRequestBodyBytes": 1000}),
        middleware(namespace, "gone", forwardAuth=gone),
        middleware(namespace, "hung", forwardAuth=hung),
        route(namespace, "ok", **_to("web")),
        route(namespace, "closed", **_to("closed")),
        route(namespace, "empty", **_to("empty")),
        route(namespace, "slow", **_to("web", serversTransport="hasty")),
        route(namespace, "dangling", {"name": "missing"}, **_to("web")),
        route(namespace, "loop", {"name": "https"}, **_to("web")),
        route(namespace, "body", {"name": "small"}, **_to("web")),
        route(namespace, "gone", {"name": "gone"}, **_to("web")),
        route(namespace, "hung", {"name": "hung"}, **_to("web")),
        route(namespace, "sticky", **_to("web", sticky={"cookie": {"name": "pin"}})),
        ingress(namespace, "foreign", ingress_class="nobody"),
    ]


def differing(namespace: str, image: str) -> list[Object]:
    """An own Traefik of two replicas with an open API: each looks at objects with the label ``edge-POD`` alone."""
    arguments = watching_only(
        namespace, "--api.insecure=true", "--providers.kubernetescrd.labelselector=edge-$(POD_NAME)=yes"
    )
    own = OwnTraefik(namespace, arguments, replicas=2, readiness=READY)
    objects = [*own.objects(image), own.binding()]
    deployment = next(item for item in objects if item["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["env"] = [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    return objects


def seen_by(item: Object, *pods: str) -> Object:
    """The object with the labels by which these replicas look at it."""
    return item | {"metadata": item["metadata"] | {"labels": {f"edge-{pod}": "yes" for pod in pods}}}


def _to(service: str, **more: Any) -> dict[str, Any]:
    return {"services": [{"name": service, "port": 80} | more]}


def _service(namespace: str, name: str, app: str, port: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": app}, "ports": [{"port": 80, "targetPort": port}]},
    }


def _workloads(namespace: str) -> list[Object]:
    """A backend of two pods, and one whose only pod ends at once."""
    well, crashing = backend(namespace), backend(namespace)
    well["spec"]["replicas"] = 2
    crashing["metadata"]["name"] = "crashing"
    crashing["spec"]["selector"] = {"matchLabels": {"app": "crashing"}}
    crashing["spec"]["template"]["metadata"] = {"labels": {"app": "crashing"}}
    crashing["spec"]["template"]["spec"]["containers"][0]["args"] = ["-no-such-option"]
    return [well, crashing]
