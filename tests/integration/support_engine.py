"""What the engine's tests share: users of their own and the objects they use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from lab import settings
from tests.integration.support_audit import AuditLog, Write
from tests.integration.support_playbook import Player


@dataclass(frozen=True)
class Audited:
    """A user of one test alone, with all rights, and what the API server saw it write."""

    name: str
    options: dict[str, Any]
    log: AuditLog

    def writes(self) -> list[Write]:
        """Its writes since the last call, dry runs not counted."""
        return self.log.writes(self.name)

    def client(self) -> Client:
        """A client of this user."""
        return Client(self.options)

    def player(self) -> Player:
        """Plays tasks as this user."""
        return Player(self.options)


@contextmanager
def audited_user(kubeconfig: Path, admin: Client) -> Iterator[Audited]:
    """A made-up user with all rights, and what the API server sees it write."""
    name = f"audited-{uuid4().hex[:8]}"
    options = {"kubeconfig": str(kubeconfig), "impersonate_user": name, "impersonate_groups": ["system:masters"]}
    named = os.environ.get("LAB_AUDIT_LOG")
    log = AuditLog(Path(named) if named else settings.from_environment().audit_log, admin)
    yield Audited(name, options, log)
    log.close()


def remove(admin: Client, ref: ObjectRef) -> None:
    """Asks for the removal of what may be there, and does not wait."""
    Writer(admin, check_mode=False).delete([ref])


def namespace_object(name: str) -> Object:
    """A bare namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def config_map(namespace: str, name: str = "settings", **data: str) -> Object:
    """A ConfigMap with these values."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def secret(namespace: str, name: str = "credentials", **values: str) -> Object:
    """A Secret with these values, as plain text."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}
