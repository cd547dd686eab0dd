"""The fixture that makes accounts with few rights. A test module takes it in with pytest_plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_account import least_privilege_params, made_account


class Account(dict[str, Any]):
    """The connection options of an account. ``name`` is what it is called."""

    name = ""


MakeAccount = Callable[..., Account]


@pytest.fixture
def account(admin: Client, namespace: str) -> Iterator[MakeAccount]:
    """Makes an account with some roles of the manifest, and gives its connection options.

    What writes is bound in the test's namespace, or in those that are given.

    ``account(["lock"], ("leases", "get"))`` has the role resilient-traefik-lock without one verb.
    """
    refs: list[ObjectRef] = []

    def make(
        roles: Sequence[str], without: tuple[str, str] = ("", ""), namespaces: Sequence[str] = (namespace,)
    ) -> Account:
        name = f"least-{uuid4().hex[:8]}"
        refs.extend(made_account(admin, name, roles, without, namespaces))
        found = Account(least_privilege_params(admin, name))
        found.name = name
        return found

    yield make
    Writer(admin, check_mode=False).delete(refs)
