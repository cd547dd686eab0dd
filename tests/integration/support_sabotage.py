"""Breaks one thing of the lab by hand, as others do, and puts it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.integration.lab_cluster import LabCluster, eventually, is_settled

SABOTEUR = {"fieldManager": "saboteur"}
# What a run wrote is written back in its name: a rollback leaves alone what others wrote last.
THE_RUN = {"fieldManager": "resilient.traefik"}
TRAEFIK = "/apis/apps/v1/namespaces/traefik/deployments/traefik"
# As chart 41 renders ports.web.http.redirections.
REDIRECT = (
    "--entryPoints.web.http.redirections.entryPoint.to=:443",
    "--entryPoints.web.http.redirections.entryPoint.scheme=https",
    "--entryPoints.web.http.redirections.entryPoint.permanent=true",
)


@contextmanager
def patched(cluster: LabCluster, path: str, **fields: Any) -> Iterator[None]:
    """The object with other fields by a merge patch; afterwards each top-level field's values are as before."""
    before = cluster.read(path)
    cluster.request("PATCH", path, SABOTEUR, fields)
    try:
        yield
    finally:
        cluster.request("PATCH", path, THE_RUN, _back(fields, before))


def _back(fields: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that undoes one: what was not there is null."""
    return {
        name: _back(value, before.get(name) or {}) if isinstance(value, Mapping) else before.get(name)
        for name, value in fields.items()
    }


@contextmanager
def created(cluster: LabCluster, path: str, item: Mapping[str, Any]) -> Iterator[None]:
    """An object that is there for a while."""
    cluster.request("POST", path, SABOTEUR, item)
    try:
        yield
    finally:
        cluster.request("DELETE", f"{path}/{item['metadata']['name']}")


@contextmanager
def web_redirects(cluster: LabCluster) -> Iterator[None]:
    """The lab's Traefik sends everybody from ``web`` to HTTPS, as the official chart does."""
    arguments = cluster.read(TRAEFIK)["spec"]["template"]["spec"]["containers"][0]["args"]
    _roll(cluster, [*arguments, *REDIRECT])
    try:
        yield
    finally:
        _roll(cluster, arguments)


def _roll(cluster: LabCluster, arguments: list[str]) -> None:
    containers = cluster.read(TRAEFIK)["spec"]["template"]["spec"]["containers"]
    containers[0]["args"] = arguments
    cluster.request("PATCH", TRAEFIK, SABOTEUR, {"spec": {"template": {"spec": {"containers": containers}}}})
    eventually(lambda: is_settled(cluster.read(TRAEFIK)), "Traefik is rolled out", 240)
