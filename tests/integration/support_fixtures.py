"""Fixtures of the engine's tests. A test module takes them in with pytest_plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_engine import Audited, audited_user, namespace_object, remove
from tests.integration.support_playbook import Player


@pytest.fixture(scope="session")
def admin(kubeconfig: Path) -> Client:
    """A client with all rights."""
    return Client({"kubeconfig": str(kubeconfig)})


@pytest.fixture
def writer(admin: Client) -> Writer:
    """The one writer, for real."""
    return Writer(admin, check_mode=False)


@pytest.fixture
def player(kubeconfig: Path) -> Player:
    """Plays tasks with all rights."""
    return Player({"kubeconfig": str(kubeconfig)})


@pytest.fixture
def audited(kubeconfig: Path, admin: Client) -> Iterator[Audited]:
    """A user of the test's own: what others do on the same cluster does not count."""
    with audited_user(kubeconfig, admin) as user:
        yield user


@pytest.fixture
def namespace(admin: Client) -> Iterator[str]:
    """A fresh namespace of the test's own."""
    name = f"engine-{uuid4().hex[:8]}"
    Writer(admin, check_mode=False).apply([namespace_object(name)])
    yield name
    remove(admin, ObjectRef("v1", "Namespace", name))


@pytest.fixture
def cleaned(admin: Client) -> Iterator[Callable[[ObjectRef], None]]:
    """Takes what a test makes outside its namespace; it is removed at the end, in reverse."""
    refs: list[ObjectRef] = []
    yield refs.append
    for ref in reversed(refs):
        remove(admin, ref)
