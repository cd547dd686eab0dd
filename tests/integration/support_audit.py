"""The API server's audit log: what really was written, whatever a module says."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from tests.integration.lab_cluster import eventually

WRITING = {"create", "update", "patch", "delete", "deletecollection"}


@dataclass(frozen=True)
class Write:
    """One request that was meant to change something and was no dry run. ``status`` is its HTTP code."""

    verb: str
    kind: str
    namespace: str
    name: str
    status: int


class AuditLog:
    """Follows the log from now on, over its rotation. ``client`` sends the request that marks the end of a part."""

    def __init__(self, path: Path, client: Client) -> None:
        self._path = path
        self._client = client
        self._file = _at_the_end(path)
        self._lines: list[str] = []

    def writes(self, user: str) -> list[Write]:
        """What the user wrote since the last call. Users are made up by impersonation: see support_engine."""
        marker = f"marker-{uuid4()}"
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": marker}}
        self._client.request("POST", "/api/v1/namespaces/default/configmaps", query={"dryRun": "All"}, body=body)
        eventually(lambda: self._has(marker), "the audit log has the marker")
        events = [json.loads(line) for line in self._lines]
        self._lines = []
        return [_write(event) for event in events if _is_of(event, user) and _changes(event)]

    def _has(self, marker: str) -> bool:
        self._read()
        return any(marker in line for line in self._lines)

    def _read(self) -> None:
        self._lines += _whole_lines(self._file)
        if os.fstat(self._file.fileno()).st_ino != self._path.stat().st_ino:
            self._file.close()
            self._file = self._path.open()

    def close(self) -> None:
        """Ends following."""
        self._file.close()


def _at_the_end(path: Path) -> TextIOWrapper:
    file = path.open()
    file.seek(0, os.SEEK_END)
    return file


def _whole_lines(file: TextIOWrapper) -> Iterator[str]:
    while True:
        start = file.tell()
        line = file.readline()
        if not line.endswith("\n"):
            file.seek(start)
            return
        yield line


def _is_of(event: dict[str, Any], user: str) -> bool:
    return bool((event.get("impersonatedUser") or event["user"]).get("username") == user)


def _changes(event: dict[str, Any]) -> bool:
    dry = "dryRun" in parse_qs(urlsplit(event["requestURI"]).query)
    # A review of permissions is a POST that persists nothing.
    review = (event.get("objectRef") or {}).get("apiGroup") == "authorization.k8s.io"
    return event["verb"] in WRITING and not dry and not review


def _write(event: dict[str, Any]) -> Write:
    about = event.get("objectRef") or {}
    return Write(
        event["verb"],
        about.get("resource", ""),
        about.get("namespace", ""),
        about.get("name", ""),
        (event.get("responseStatus") or {}).get("code", 0),
    )


Writes = Callable[[], list[Write]]
