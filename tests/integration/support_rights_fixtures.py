"""The fixture that makes users with rights of their own. A test module takes it in with pytest_plugins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_rights import May, Rules

_API = "rbac.authorization.k8s.io"


@pytest.fixture
def may(admin: Client) -> Iterator[May]:
    """Makes a user with these rights, by default in Traefik's namespace, and gives its connection options.

    May be called again for the same user with rights in another namespace: ``may(rules, "apps", user)``.
    """
    writer, refs = Writer(admin, check_mode=False), list[ObjectRef]()

    def make(rules: Rules, namespace: str = "traefik", user: str = "") -> dict[str, Any]:
        user = user or f"user-{uuid4().hex[:8]}"
        metadata = {"name": user, "namespace": namespace}
        role = {"apiGroup": _API, "kind": "Role", "name": user}
        subjects = [{"apiGroup": _API, "kind": "User", "name": user}]
        version = {"apiVersion": f"{_API}/v1", "metadata": metadata}
        objects: list[Object] = [
            version | {"kind": "Role", "rules": rules},
            version | {"kind": "RoleBinding", "roleRef": role, "subjects": subjects},
        ]
        refs.extend(change.ref for change in writer.apply(objects).changes)
        return {"impersonate_user": user}

    yield make
    writer.delete(refs)
