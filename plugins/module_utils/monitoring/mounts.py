# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which ConfigMap or Secret a file in a server's container comes from. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import Server, container_of


@dataclass(frozen=True)
class Source:
    """A ConfigMap or Secret (``ref``), the ``key`` of a file, and the file's ``path`` in the container.

    ``fixed`` is whether the file stays as it was when the pod began: the kubelet does not renew a subPath.
    """

    ref: ObjectRef
    key: str
    path: str
    fixed: bool = False


def source_of(server: Server, path: str) -> Source | None:
    """Where the container's file comes from; None when it is no key of a ConfigMap or Secret."""
    for mount, folder, volume in _volumes(server):
        if mount.get("subPath"):
            if folder == path:
                return _source(server, volume, mount["subPath"], path, fixed=True)
        elif posixpath.dirname(path) == folder:
            return _source(server, volume, posixpath.basename(path), path)
    return None


def rule_places(server: Server, globs: Sequence[str], key: str) -> list[Source]:
    """The ConfigMaps in which a key of that name would be a rule file of the server, by its rule_files."""
    found = []
    for mount, folder, volume in _volumes(server):
        path = posixpath.join(folder, key)
        # Prometheus takes a pattern in the last part of the path only (config.go, rule_files).
        fits = any(posixpath.dirname(glob) == folder and fnmatchcase(path, glob) for glob in globs)
        if fits and not mount.get("subPath") and not (volume.get("configMap") or {}).get("items"):
            source = _source(server, volume, key, path)
            if source and source.ref.kind == "ConfigMap":
                found.append(source)
    return found


def _volumes(server: Server) -> Iterator[tuple[Object, str, Object]]:
    volumes = {volume["name"]: volume for volume in server.pod["spec"].get("volumes") or []}
    for mount in container_of(server).get("volumeMounts") or []:
        if mount["name"] in volumes:
            yield mount, posixpath.normpath(mount["mountPath"]), volumes[mount["name"]]


def _source(server: Server, volume: Object, name: str, path: str, fixed: bool = False) -> Source | None:
    """A projected volume is the union of its sources: the first that names the file, or could have it."""
    for part in (volume.get("projected") or {}).get("sources") or [volume]:
        for kind, field, named in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
            given = part.get(field)
            if given is None:
                continue
            items = {item["path"]: item["key"] for item in given.get("items") or []}
            if items and name not in items:
                continue
            ref = ObjectRef("v1", kind, given.get(named) or given.get("name", ""), server.namespace)
            return Source(ref, items.get(name, name), path, fixed)
    return None
