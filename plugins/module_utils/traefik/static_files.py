# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Traefik's static configuration file, where it is mounted from a ConfigMap."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static

# Where Traefik looks when no flag names a file (v2 and v3); the container's home and working folder are not known.
_FOLDER, _NAMES = "/etc/traefik", ("traefik.yml", "traefik.yaml", "traefik.toml")


class Finder(Protocol):
    """Where a single object is looked up: a cluster's client, or a set of objects that was read before."""

    def find(self, ref: ObjectRef) -> Object | None:
        """Return the object, None when there is none."""


def mounted_settings(
    client: Finder, namespace: str, pod: Mapping[str, Any], container: Mapping[str, Any], config_file: str
) -> tuple[static.Settings, str] | None:
    """The settings in the file and the file's name, None when no ConfigMap brings one.

    ``pod`` is the pod's spec, ``config_file`` the path that a flag names, empty for none. A file that is there and
    cannot be read (no ConfigMap, no permission needed and missing) leaves the settings empty, with the reason in the
    name. Raises Forbidden.
    """
    wanted = [config_file] if config_file else [posixpath.join(_FOLDER, name) for name in _NAMES]
    for path in wanted:
        for config_map, key in _sources(pod, container, path):
            found = client.find(ObjectRef("v1", "ConfigMap", config_map, namespace)) or {}
            text = (found.get("data") or {}).get(key)
            if text is not None:
                return _parsed(text, path)
    if config_file:
        return {}, f"file {config_file}, which no ConfigMap holds"
    return None


def _parsed(text: str, path: str) -> tuple[static.Settings, str]:
    try:
        return static.from_file(text, path), f"file {path}"
    except ValueError as error:
        return {}, f"file {error}"


def _sources(pod: Mapping[str, Any], container: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """ConfigMap and key that may stand behind the path."""
    volumes = {volume["name"]: volume for volume in pod.get("volumes") or []}
    for mount in container.get("volumeMounts") or []:
        config_map = volumes.get(mount["name"], {}).get("configMap")
        if not config_map:
            continue
        place = mount["mountPath"].rstrip("/")
        if mount.get("subPath") and place == path:
            yield config_map["name"], _key(config_map, mount["subPath"])
        elif not mount.get("subPath") and path.startswith(place + "/"):
            yield config_map["name"], _key(config_map, path.removeprefix(place + "/"))


def _key(config_map: Mapping[str, Any], file: str) -> str:
    """The key that the volume shows under this file name."""
    for item in config_map.get("items") or []:
        if item["path"] == file:
            return str(item["key"])
    return file
