"""Trouble with DNS, at the start and later. No cluster needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import SESSION, Proxy, is_challenge, running

pytest_plugins = ["tests.integration.support_fallback_fixtures"]


@pytest.mark.parametrize("mode", ["silent", "servfail", "refused", "nxdomain", "empty"])
def test_starts_without_dns_and_finds_the_target_later(nginx: Path, tmp_path: Path, mode: str) -> None:
    with running(nginx, tmp_path, names=mode) as proxy:
        assert is_challenge(proxy.ask())
        proxy.names.mode = "ok"
        eventually(lambda: proxy.ask(SESSION).status == 200, "found", 6 if mode == "silent" else 4)


@pytest.mark.parametrize(
    ("mode", "kept"), [("silent", True), ("servfail", True), ("refused", True), ("nxdomain", False), ("empty", False)]
)
def test_trouble_with_dns_later(proxy: Proxy, mode: str, kept: bool) -> None:
    """Addresses are kept where DNS itself is in trouble, and dropped where the name is gone."""
    proxy.names.mode = mode
    asked = proxy.names.asked
    eventually(lambda: proxy.names.asked >= asked + 4, "DNS was asked again", 15)
    seen = [proxy.ask(SESSION) for _ in range(5)]
    assert {answer.status for answer in seen} == ({200} if kept else {401})
    assert max(answer.seconds for answer in seen) < 0.5
    proxy.names.mode = "ok"
    eventually(lambda: proxy.ask(SESSION).status == 200, "found again", 6)
