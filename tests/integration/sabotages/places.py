"""Where the objects of the hardened lab are."""

from __future__ import annotations

from collections.abc import Callable

from tests.integration.lab_cluster import LabCluster

AUTH, BOTS = "auth-proxy", "bot-block-proxy"
OUTPOST = (
    "http://ak-outpost-authentik-embedded-outpost.authentik.svc.cluster.local:9000/outpost.goauthentik.io/auth/traefik"
)
BLOCKER = "http://poison-fountain.poison-fountain.svc.cluster.local:8080/auth"


def deployment(name: str, namespace: str = "traefik") -> str:
    """A Deployment's path."""
    return f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"


def budgets(namespace: str = "traefik") -> str:
    """The path of a namespace's PodDisruptionBudgets."""
    return f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"


def budget(name: str, namespace: str = "traefik") -> str:
    """A PodDisruptionBudget's path."""
    return f"{budgets(namespace)}/{name}"


def service(name: str, namespace: str = "traefik") -> str:
    """A Service's path."""
    return f"/api/v1/namespaces/{namespace}/services/{name}"


def network_policy(name: str) -> str:
    """The path of a proxy's NetworkPolicy."""
    return f"/apis/networking.k8s.io/v1/namespaces/traefik/networkpolicies/{name}"


def traefik_kind(plural: str, namespace: str) -> str:
    """The path of a namespace's objects of a kind of Traefik's."""
    return f"/apis/traefik.io/v1alpha1/namespaces/{namespace}/{plural}"


def middleware(name: str) -> str:
    """The path of a Middleware beside Traefik."""
    return f"{traefik_kind('middlewares', 'traefik')}/{name}"


def ingress(name: str) -> str:
    """The path of an application's Ingress."""
    return f"/apis/networking.k8s.io/v1/namespaces/apps/ingresses/{name}"


def configuration(proxy: str) -> Callable[[LabCluster], str]:
    """The path of the ConfigMap that a proxy's pods have."""

    def found(cluster: LabCluster) -> str:
        volumes = cluster.read(deployment(proxy))["spec"]["template"]["spec"]["volumes"]
        name = next(each["configMap"]["name"] for each in volumes if each["name"] == "configuration")
        return f"/api/v1/namespaces/traefik/configmaps/{name}"

    return found


def one_pod(proxy: str) -> Callable[[LabCluster], str]:
    """The path of the first of a proxy's pods."""
    return lambda cluster: (
        f"/api/v1/namespaces/traefik/pods/{cluster.ready_pods('traefik', f'app.kubernetes.io/name={proxy}')[0]}"
    )
