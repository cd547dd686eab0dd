# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ForwardAuth middlewares: which they are and whom they ask. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import serves
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import crd_id

# What our own Service says of the Service that it stands before: NAMESPACE/NAME:PORT.
TARGET_ANNOTATION = "resilient.traefik/target"
# Which role keeps a proxy of ours (auth or bot_block), at its Service.
ROLE_ANNOTATION = "resilient.traefik/role"
# How authentik's Kubernetes integration and its chart label what they make.
AUTHENTIK_NAMES = ("authentik", "authentik-proxy")
_OUTPOST_IMAGE = re.compile(r"(^|/)goauthentik/proxy([:@]|$)")

# How a port says that it is for https, in a part of its name or in its appProtocol.
_OF_TLS = ("https", "tls", "ssl", "wss", "secure", "websecure")

Services = Mapping[tuple[str, str], Object]


@dataclass(frozen=True)
class Address:
    """What a middleware asks, in its parts. ``host`` is in lower case and without a final dot.

    ``query`` is what stands behind the question mark, such as the portal of Authelia (``rd=https://login.example.test``).
    """

    url: str
    scheme: str
    host: str
    port: int
    path: str
    query: str = ""

    @property
    def shown(self) -> str:
        """The address without user and password."""
        return re.sub(r"//[^/@]*@", "//", self.url)

    def place(self, cluster_domain: str, beside: str = "") -> tuple[str, str] | None:
        """Return the namespace and name of the Service whose name in the cluster the host is, None for any other host.

        ``beside`` is the namespace of whoever asks: a name of one label is looked up there, by the first of the search
        domains of a pod's resolv.conf.
        """
        labels = self.host.removesuffix(f".{cluster_domain}").removesuffix(".svc").split(".")
        if len(labels) == 2:
            return labels[1], labels[0]
        return (beside, labels[0]) if len(labels) == 1 and beside else None


def address_of(url: str) -> Address:
    """The parts of a ForwardAuth address; host empty and port 0 when it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return Address(url, "", "", 0, "")
    return Address(url, parts.scheme, host, port, parts.path, parts.query)


def is_forward_auth(middleware: Object) -> bool:
    """Whether a Middleware is one."""
    return isinstance((middleware.get("spec") or {}).get("forwardAuth"), dict)


def asked_by(middleware: Object) -> Address:
    """Whom a ForwardAuth middleware asks."""
    return address_of(str(middleware["spec"]["forwardAuth"].get("address") or ""))


def service_behind(address: Address, services: Services, cluster_domain: str, beside: str = "") -> Object | None:
    """Return the Service that the address means for a pod in the namespace ``beside``, None for anything else.

    That is by its name in the cluster or its cluster address.
    """
    place = address.place(cluster_domain, beside)
    if place and place in services:
        return services[place]
    found = [each for each in services.values() if address.host in (each["spec"].get("clusterIPs") or [])]
    return found[0] if found else None


def is_authentik(service: Object) -> bool:
    """Whether the Service leads to authentik, by its labels or those of the pods that it selects."""
    labels = [service["metadata"].get("labels") or {}, service["spec"].get("selector") or {}]
    return any(each.get("app.kubernetes.io/name") in AUTHENTIK_NAMES for each in labels)


def is_outpost(service: Object) -> bool:
    """Whether authentik's Kubernetes integration made the Service for an outpost."""
    return (service["metadata"].get("labels") or {}).get("app.kubernetes.io/name") == "authentik-proxy"


def images_behind(service: Object, workloads: Iterable[Object]) -> list[str]:
    """Return the images of the pods that a Service would select of those workloads of its namespace."""
    return [
        str(container.get("image") or "")
        for workload in workloads
        if serves(workload, service)
        for container in workload["spec"]["template"]["spec"]["containers"]
    ]


def keeps_sessions_apart(service: Object, workloads: Iterable[Object]) -> str:
    """Why the pods behind a Service do not share their sessions, in words; empty where nothing says so.

    An embedded outpost answers inside authentik's server, with its sessions in PostgreSQL; a standalone one has files.
    """
    name = f"Service {service['metadata'].get('namespace', '')}/{service['metadata']['name']}"
    if service["spec"].get("sessionAffinity", "None") != "None":
        return f"{name} has sessionAffinity {service['spec']['sessionAffinity']}"
    selected = (service["spec"].get("selector") or {}).get("app.kubernetes.io/name")
    if selected == AUTHENTIK_NAMES[1] or any(
        _OUTPOST_IMAGE.search(image) for image in images_behind(service, workloads)
    ):
        return f"{name} leads to a standalone outpost"
    return ""


def remembered_target(service: Object) -> dict[str, Any]:
    """``namespace``, ``service`` and ``port`` before which our proxy stands, as its Service says; else empty."""
    text = str((service["metadata"].get("annotations") or {}).get(TARGET_ANNOTATION, ""))
    place, _colon, port = text.rpartition(":")
    namespace, _slash, name = place.partition("/")
    return {"namespace": namespace, "service": name, "port": int(port)} if name and port.isdigit() else {}


def role_of(service: Object | None) -> str:
    """Return which role keeps a proxy of ours (auth or bot_block), as its Service says; else empty."""
    return str((((service or {}).get("metadata") or {}).get("annotations") or {}).get(ROLE_ANNOTATION) or "")


def chosen(middlewares: Iterable[Object], namespace: str, name: str, path: str) -> list[Object]:
    """The middlewares that a wish may mean: by name and namespace, without a name by the path that they ask.

    With a name those too that are no ForwardAuth middleware, so that it can be said.
    """
    inside = [each for each in middlewares if namespace in ("", each["metadata"]["namespace"])]
    if name:
        return [each for each in inside if each["metadata"]["name"] == name]
    return [each for each in inside if is_forward_auth(each) and (asked_by(each).path or "/") == (path or "/")]


def preferred(matching: Sequence[Object], traefik_namespace: str, used: Collection[str] = ()) -> list[Object]:
    """Return those of several that are meant, the one beside Traefik first.

    Those that routes use (``used``, by qualified name) are: a copy that no route uses protects nothing. Where none is
    used it is the one beside Traefik, whose middlewares are those that all may use.
    """
    ordered = sorted(matching, key=lambda each: each["metadata"]["namespace"] != traefik_namespace)
    in_use = [each for each in ordered if crd_id(each["metadata"]["namespace"], each["metadata"]["name"]) in used]
    if in_use:
        return in_use
    beside = [each for each in ordered if each["metadata"]["namespace"] == traefik_namespace]
    return beside if len(matching) > 1 and len(beside) == 1 else ordered


def service_port(service: Object, port: int) -> Object | None:
    """The Service's port of that number."""
    return next((each for each in service["spec"].get("ports") or [] if each["port"] == port), None)


def is_of_https(port: Mapping[str, Any]) -> bool:
    """Whether a Service's port says of itself that it is for https, by its protocol, its name or its number."""
    says = str(port.get("appProtocol") or port.get("name") or "").lower().rpartition("/")[2]
    return port["port"] == 443 or any(part.startswith(_OF_TLS) for part in re.split(r"[-_.]", says))


def pod_port(service: Object, port: Object, slices: Iterable[Object], workloads: Iterable[Object]) -> int:
    """The number of the pods' port behind a Service's port, 0 when nothing tells it.

    A name is looked up in the EndpointSlices of the Service, and where there is no pod in the Deployments that it would
    select.
    """
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    for piece in slices:
        for each in piece.get("ports") or []:
            if (each.get("name") or "") == (port.get("name") or "") and each.get("port"):
                return int(each["port"])
    for workload in workloads:
        if serves(workload, service):
            for container in workload["spec"]["template"]["spec"]["containers"]:
                for each in container.get("ports") or []:
                    if each.get("name") == target:
                        return int(each["containerPort"])
    return 0
