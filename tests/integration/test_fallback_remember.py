"""Who was asked about a moment ago is not asked about again, where that is wanted. No cluster needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import SESSION, running
from tests.integration.test_fallback_neighbours import GRACE

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback


def test_what_is_remembered_is_not_asked_again(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, **GRACE | {"remember_session_for": 3}) as proxy:
        proxy.seen_well()
        first = proxy.ask(SESSION)
        asked = [len(pod.heads) for pod in proxy.pods]
        again = [proxy.ask(SESSION, uri="/another") for _ in range(20)]
        counted = proxy.metric("fallback_proxy_remembered_total")
        seen = [
            sum(SESSION["Cookie"] in head for head in pod.heads[before:])
            for pod, before in zip(proxy.pods, asked, strict=True)
        ]
        assert (sum(seen), counted) == (0, 20)
        assert {answer.status for answer in again} == {200}
        assert [answer.header("X-Authentik-Username") for answer in again[:1]] == [first.header("X-Authentik-Username")]
        assert again[0].header("X-Auth-Fallback") is None
        assert proxy.ask({"Cookie": SESSION["Cookie"] + "x", "X-Unknown": "1"}).status == 200
        assert proxy.ask().status == 302, "a stranger is asked about"
        for pod in proxy.pods:
            pod.poison = (SESSION["Cookie"], "302")
        eventually(lambda: proxy.ask(SESSION).status == 302, "revoked, and out after that time", 4.5)
        assert proxy.ask(SESSION).status == 302, "and is not remembered any more"


def test_what_ends_a_session_is_asked_at_once(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, **GRACE | {"remember_session_for": 60}) as proxy:
        proxy.seen_well()
        assert proxy.ask(SESSION).status == 200
        for uri in ("/?X-authentik-logout=true", "/outpost.goauthentik.io/sign_out"):
            before = proxy.metric("fallback_proxy_remembered_total")
            proxy.ask(SESSION, uri=uri)
            proxy.ask(SESSION)
            assert proxy.metric("fallback_proxy_remembered_total") - before in (0, 1)
        assert proxy.ask(SESSION).status == 200
        assert proxy.metric("fallback_proxy_remembered_total") == 0
