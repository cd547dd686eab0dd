# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which workloads are authentik's, which of its parts each is, and which Service is its database. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth import AUTHENTIK_NAMES, address_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import version_of

SERVER, WORKER = "server", "worker"
# The variable that names the database, or the pool before it.
HOST = "AUTHENTIK_POSTGRESQL__HOST"
_NAME, _COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"


def is_authentik(item: Object) -> bool:
    """Whether a workload runs authentik's server image, or says so by its chart's labels."""
    labels = _labels(item)
    named = labels.get(_NAME) == AUTHENTIK_NAMES[0] and labels.get(_COMPONENT) in (SERVER, WORKER)
    return named or any("goauthentik/server" in image for image in images_of(item))


def component(item: Object) -> str:
    """Return ``server`` or ``worker``, or what else the chart's label says."""
    labels = _labels(item)
    if labels.get(_COMPONENT):
        return str(labels[_COMPONENT])
    words = [word for each in _containers(item) for name in ("command", "args") for word in each.get(name) or []]
    return WORKER if WORKER in words else SERVER


def version(item: Object) -> tuple[int, ...]:
    """Return year, month and patch of authentik, empty where the image's tag does not say it."""
    for image in images_of(item):
        if "goauthentik/" in image:
            parts = version_of(image).split(".")
            if len(parts) >= 2 and all(part.isdigit() for part in parts[:3]):
                return tuple(int(part) for part in parts[:3])
    return ()


def pgbouncer_in(item: Object) -> Object | None:
    """Return the workload's container that runs PgBouncer, by its image or by the program that it starts."""
    for each in _containers(item):
        program = next(iter(each.get("command") or []), "")
        if "pgbouncer" in str(each.get("image", "")) or "pgbouncer" in program:
            return each
    return None


def images_of(item: Object) -> list[str]:
    """Return the images of a workload's containers."""
    return [str(each.get("image", "")) for each in _containers(item)]


def service_behind(
    host: str, namespace: str, services: Mapping[tuple[str, str], Object], cluster_domain: str
) -> Object | None:
    """Return the Service that a pod of ``namespace`` means by a host, None where that is none of the cluster."""
    inside = address_of(f"tcp://{host}").host.removesuffix(f".{cluster_domain}").removesuffix(".svc")
    name, _dot, place = inside.partition(".")
    return services.get((place or namespace, name))


def _labels(item: Object) -> Mapping[str, str]:
    return item["metadata"].get("labels") or {}


def _containers(item: Object) -> list[Object]:
    return list(item["spec"]["template"]["spec"]["containers"])
