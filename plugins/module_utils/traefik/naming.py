# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How Traefik names what it makes of Kubernetes objects. Read in its source, 3.6.10 and 3.7.9, provider/kubernetes."""

from __future__ import annotations

import hashlib

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object

API_VERSION = "traefik.io/v1alpha1"
PROVIDER = "kubernetescrd"
ROUTER_ANNOTATION = "traefik.ingress.kubernetes.io/router."
CHAIN_ANNOTATION = f"{ROUTER_ANNOTATION}middlewares"
CLASS_ANNOTATION = "kubernetes.io/ingress.class"


def normalized(name: str) -> str:
    """The name with every run of other characters than letters and digits turned into one hyphen, none at the ends."""
    return "-".join("".join(char if char.isalnum() else " " for char in name).split())


def crd_id(namespace: str, name: str) -> str:
    """How routers name an object of the CRD provider: ``namespace-name@kubernetescrd``.

    Two different pairs can share one: a-b/c and a/b-c.
    """
    return f"{normalized(f'{namespace}-{name}')}@{PROVIDER}"


def qualified_name(middleware: Object) -> str:
    """Return how routes name a Middleware."""
    return crd_id(middleware["metadata"]["namespace"], middleware["metadata"]["name"])


def router_id(namespace: str, name: str, match: str, kind: str = "IngressRoute") -> str:
    """The router of one route of an IngressRoute or IngressRouteTCP: named after its rule's SHA-256."""
    key = f"{namespace}-{name}-{hashlib.sha256(match.encode()).hexdigest()[:20]}"
    return f"{normalized(key) if kind == 'IngressRoute' else key}@{PROVIDER}"
