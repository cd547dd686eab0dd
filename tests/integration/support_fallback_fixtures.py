"""The fixtures of the proxy's tests on loopback. A test module takes them in with pytest_plugins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import settings
from lab.cache import Store
from lab.image_catalogue import NGINX
from tests.integration.support_fallback import Proxy, running


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """nginx as the lab runs it."""
    store = Store(settings.from_environment().cache)
    return store.make(NGINX.made_by(), tmp_path_factory.mktemp("build") / "log") / NGINX.program


@pytest.fixture
def proxy(nginx: Path, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy with the default policy before two pods that are well."""
    with running(nginx, tmp_path) as started:
        started.seen_well()
        yield started
