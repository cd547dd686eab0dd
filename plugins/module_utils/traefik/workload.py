# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Traefik workload: which Deployment or DaemonSet it is, its static settings and its replicas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import read_pods
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.static_files import Finder, mounted_settings

_KINDS = ("Deployment", "DaemonSet")
_LABEL = "app.kubernetes.io/name=traefik"
# traefik, library/traefik, and the mirrored-library-traefik of k3s; not traefik-forward-auth and the like.
_IMAGE = re.compile(r"(?:^|[/-])traefik$")


@dataclass(frozen=True)
class Replica:
    """One Traefik pod. ``ports`` are its container's by name."""

    name: str
    namespace: str
    node: str
    ip: str
    ready: bool
    ports: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"replica {self.namespace}/{self.name}"


@dataclass
class Workload:
    """A Traefik workload as it was read. ``replicas`` are its pods that run and are not on their way out.

    ``version`` is the image's (``3.7.9``, empty when its tag says none). ``arguments`` are the static settings by
    lower-case flag name, whatever their ``source`` (``arguments``, ``environment`` or the file's name), and
    ``entry_points`` their TCP ports. ``wanted`` is the number of replicas that there should be.
    """

    ref: ObjectRef
    version: str
    replicas: list[Replica]
    entry_points: dict[str, int]
    arguments: dict[str, str]
    source: str
    image: str
    wanted: int
    item: Object

    @property
    def ready(self) -> list[Replica]:
        """The replicas that are ready."""
        return [replica for replica in self.replicas if replica.ready]

    @property
    def container(self) -> str:
        """The name of the container that runs Traefik."""
        return str(_container(self.item)["name"])

    def port(self, entry_point: str) -> int:
        """The entry point's TCP port. Raises BadArgument naming those that there are."""
        port = self.entry_points.get(entry_point.lower())
        if port is None:
            known = ", ".join(sorted(self.entry_points)) or "none"
            raise errors.BadArgument(
                f"entry_point: {self.ref} has no TCP entry point {entry_point!r}; it has: {known} (from its "
                f"{self.source})"
            )
        return port


def find_workload(client: Client, namespace: str | None = None, name: str | None = None) -> Workload:
    """The one Traefik workload of the cluster, or of the namespace, or the one of that name.

    Found by the label app.kubernetes.io/name=traefik or else by its image. Raises BadArgument when there is none or
    more than one, naming them; Forbidden.
    """
    candidates = _candidates(client, namespace or "", name or "")
    if len(candidates) != 1:
        raise _not_one(candidates, namespace, name)
    return _workload(client, candidates[0])


def refresh_replicas(client: Client, workload: Workload) -> list[Replica]:
    """The replicas as they are now; the workload keeps them too."""
    workload.replicas = _replicas(read_pods(client, workload.item))
    return workload.replicas


def is_traefik(item: Object) -> bool:
    """Whether a Deployment or DaemonSet runs Traefik, by its label or the image of a container."""
    name, _equals, value = _LABEL.partition("=")
    return (item["metadata"].get("labels") or {}).get(name) == value or bool(_container(item, strict=True))


def workload_of(finder: Finder, item: Object, pods: Iterable[Object]) -> Workload:
    """The workload of a Deployment or DaemonSet; ``pods`` are its own. ``finder`` has the ConfigMap of its settings."""
    workload = _described(finder, item)
    workload.replicas = _replicas(pods)
    return workload


def _candidates(client: Client, namespace: str, name: str) -> list[Object]:
    if namespace and name:
        found = [client.find(ObjectRef("apps/v1", kind, name, namespace)) for kind in _KINDS]
        return [item for item in found if item]
    labelled = _list(client, namespace, _LABEL)
    if name:
        labelled = [item for item in labelled if item["metadata"]["name"] == name]
    if labelled:
        return labelled
    everything = _list(client, namespace, "")
    if name:
        return [item for item in everything if item["metadata"]["name"] == name]
    return [item for item in everything if _container(item, strict=True)]


def _list(client: Client, namespace: str, selector: str) -> list[Object]:
    queries = [Query("apps/v1", kind, namespace=namespace, label_selector=selector) for kind in _KINDS]
    return [item for answer in read_found(client, queries) for item in answer.items]


def _not_one(candidates: list[Object], namespace: str | None, name: str | None) -> errors.BadArgument:
    if candidates:
        listed = ", ".join(str(ref_of(item)) for item in candidates)
        return errors.BadArgument(
            f"workload: more than one Traefik found: {listed}. Say which by its namespace and its name."
        )
    where = f"in namespace {namespace}" if namespace else "in the cluster"
    what = f"Deployment or DaemonSet {name}" if name else f"Deployment or DaemonSet with {_LABEL} or a Traefik image"
    return errors.BadArgument(f"workload: no {what} {where}. Set namespace and workload to where Traefik runs.")


def _workload(client: Client, item: Object) -> Workload:
    workload = _described(client, item)
    refresh_replicas(client, workload)
    return workload


def _described(finder: Finder, item: Object) -> Workload:
    container = _container(item)
    arguments, source = _settings(finder, item, container)
    image = str(container.get("image", ""))
    labels = item["metadata"].get("labels") or {}
    wanted = item["spec"].get("replicas", 1)
    if item["kind"] == "DaemonSet":
        wanted = item.get("status", {}).get("desiredNumberScheduled", 0)
    return Workload(
        ref=ref_of(item),
        version=version_of(image) or version_of(":" + labels.get("app.kubernetes.io/version", "")),
        replicas=[],
        entry_points=static.entry_points(arguments),
        arguments=arguments,
        source=source,
        image=image,
        wanted=wanted,
        item=item,
    )


def version_of(image: str) -> str:
    """The version in an image's tag (``docker.io/traefik:v3.7.9@sha256:...`` is 3.7.9), empty when there is none."""
    found = re.search(r":v?(\d+(?:\.\d+)+[\w.-]*)(?:@|$)", image)
    return found[1] if found else ""


def _container(item: Object, strict: bool = False) -> Object:
    """The container that runs Traefik: by image, else by name, else (unless ``strict``) the first."""
    containers: list[Object] = item["spec"]["template"]["spec"]["containers"]
    by_image = [each for each in containers if _IMAGE.search(re.sub(r"(:[^/]*)?(@.*)?$", "", each.get("image", "")))]
    if by_image or strict:
        return by_image[0] if by_image else {}
    return next((each for each in containers if each["name"] == "traefik"), containers[0])


def _settings(finder: Finder, item: Object, container: Object) -> tuple[static.Settings, str]:
    """File, flags, environment: the first that says anything is the one that Traefik takes."""
    flags = static.from_flags([*container.get("command", [])[1:], *container.get("args", [])])
    pod = item["spec"]["template"]["spec"]
    from_file = mounted_settings(finder, item["metadata"]["namespace"], pod, container, flags.get("configfile", ""))
    if from_file:
        return from_file
    if flags:
        return flags, "arguments"
    given = {entry["name"]: entry.get("value", "") for entry in container.get("env") or []}
    return static.from_environment(given), "environment"


def _replicas(pods: Iterable[Object]) -> list[Replica]:
    return sorted((_replica(pod) for pod in pods if _lives(pod)), key=lambda replica: replica.name)


def _lives(pod: Object) -> bool:
    ended = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return not ended and not pod["metadata"].get("deletionTimestamp")


def _replica(pod: Object) -> Replica:
    status = pod.get("status", {})
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions") or []}
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports") or []]
    return Replica(
        name=pod["metadata"]["name"],
        namespace=pod["metadata"]["namespace"],
        node=pod["spec"].get("nodeName", ""),
        ip=status.get("podIP", ""),
        ready=conditions.get("Ready") == "True",
        ports={port.get("name", str(port["containerPort"])): port["containerPort"] for port in ports},
    )
