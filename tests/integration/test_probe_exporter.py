"""The probe exporter tells which way of a site fails, and no other."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.probes import Expected
from tests.integration.lab_cluster import eventually
from tests.integration.support_probes import Running, Stand, running

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback

WAYS = {"public", "replica traefik-0", "replica traefik-1", "backend"}
SECONDS = 15.0


def _failing(exporter: Running) -> set[str]:
    return {way for way, value in exporter.by_leg("failing").items() if value}


def _becomes(exporter: Running, ways: set[str]) -> None:
    eventually(lambda: _failing(exporter) == ways, f"these fail: {sorted(ways)}", SECONDS)


def test_a_well_site_is_asked_by_all_three_ways(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path) as exporter:
        assert exporter.by_leg("success") == dict.fromkeys(WAYS, 1)
        assert exporter.by_leg("status") == dict.fromkeys(WAYS, 200)
        assert exporter.by_leg("failing") == dict.fromkeys(WAYS, 0)
        assert all(0 < seconds < 1 for seconds in exporter.by_leg("duration_seconds").values())
        for path in ("/readyz", "/healthz", "/fresh", "/well"):
            assert exporter.ask(path)[0] == 200, path
        assert "4 ways of 1 probes" in exporter.ask("/fresh")[1]
        method, path, headers = exporter.stand.backend.asked[0]
        assert (method, path, headers["Host"]) == ("GET", "/inside", "a.test")
        _method, _path, headers = exporter.stand.public.asked[0]
        assert headers["User-Agent"] == "resilient-traefik-probe"
        assert not [name for name in headers if name.lower().startswith("x-")], (
            "what nginx itself is told goes no further"
        )
        assert exporter.log() == ""


def _lost(stand: Stand) -> None:
    stand.replicas["traefik-1"].routed = False


def _hung(stand: Stand) -> None:
    stand.backend.hangs = True


def _error(stand: Stand) -> None:
    stand.public.status = 502


@pytest.mark.parametrize(
    ("change", "way", "words"),
    [
        pytest.param(_lost, "replica traefik-1", "Traefik has no router for it", id="a replica without the route"),
        pytest.param(_hung, "backend", "no ", id="an application that hangs"),
        pytest.param(_error, "public", "status 502", id="an error of the public way"),
    ],
)
def test_the_way_that_fails_is_told_and_no_other(
    nginx: Path, tmp_path: Path, change: Callable[[Stand], None], way: str, words: str
) -> None:
    with running(nginx, tmp_path) as exporter:
        change(exporter.stand)
        _becomes(exporter, {way})
        assert {each for each, value in exporter.by_leg("success").items() if value} == WAYS - {way}
        assert f"site {way} fails: {words}" in exporter.log()
        status, text = exporter.ask("/well")
        assert status == 503
        assert f"site {way}: {words}" in text
        site = {"public": exporter.stand.public, "backend": exporter.stand.backend} | {
            f"replica {name}": each for name, each in exporter.stand.replicas.items()
        }
        site[way].routed, site[way].hangs, site[way].status = True, False, 200
        site[way].over.set()
        _becomes(exporter, set())
        assert "is well again" in exporter.log()


def test_a_single_answer_is_not_told_as_failing(nginx: Path, tmp_path: Path) -> None:
    def thrice(stand: Stand) -> list[dict[str, Any]]:
        return [stand.settings(stand.probe(fails_after=1000))]

    with running(nginx, tmp_path, probe=thrice) as exporter:
        exporter.stand.public.status = 500
        eventually(lambda: exporter.by_leg("failures")["public"] >= 2, "two failures", SECONDS)
        assert _failing(exporter) == set()


def test_a_login_is_an_answer_unless_a_page_is_expected(nginx: Path, tmp_path: Path) -> None:
    def both(stand: Stand) -> list[dict[str, Any]]:
        page = Expected(((200, 200),), ({"name": "X-Page", "matches": "^ca"},), "^hel+o")
        return [stand.settings(stand.probe()), stand.settings(stand.probe(name="page", expected=page))]

    with running(nginx, tmp_path, probe=both) as exporter:
        exporter.stand.public.status = 302
        for site in exporter.stand.replicas.values():
            site.headers = {"X-Page": "cart"}
        eventually(lambda: "page public fails: status 302, header X-Page is missing" in exporter.log(), "told", SECONDS)
        assert "site public" not in exporter.log()
        well = [series for series, value in exporter.metrics().items() if series.startswith("success") and value]
        assert sum('leg="replica"' in series for series in well) == 4


def test_of_a_long_page_the_beginning_counts(nginx: Path, tmp_path: Path) -> None:
    def page(stand: Stand) -> list[dict[str, Any]]:
        stand.public.body = b"begin" + b"x" * 3_000_000
        return [stand.settings(stand.probe(expected=Expected(body="^begin"), replicas=False))]

    with running(nginx, tmp_path, probe=page) as exporter:
        assert exporter.by_leg("success") == {"public": 1, "backend": 1}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_websocket_is_opened_and_closed(nginx: Path, tmp_path: Path, tls: bool) -> None:
    def terminal(stand: Stand) -> list[dict[str, Any]]:
        for site in (stand.public, stand.backend, *stand.replicas.values()):
            site.subprotocol = "tty"
        return [
            stand.settings(stand.probe(websocket=True, subprotocol="tty, other", headers={"Origin": "http://a.test"}))
        ]

    with running(nginx, tmp_path, tls=tls, probe=terminal) as exporter:
        assert exporter.by_leg("success") == dict.fromkeys(WAYS, 1)
        assert exporter.by_leg("status") == dict.fromkeys(WAYS, 101)
        (frame,) = set(map(_unmasked, exporter.stand.public.frames))
        assert frame == b"\x88\x82\x03\xe8", "a masked close frame with 1000"
        _method, _path, headers = exporter.stand.public.asked[0]
        assert headers.get("Origin") == "http://a.test", headers
        assert headers["User-Agent"] == "resilient-traefik-probe"
        assert headers["Sec-WebSocket-Protocol"] == "tty, other"
        exporter.stand.public.upgrade = "wrong key"
        exporter.stand.replicas["traefik-0"].upgrade = "refused"
        exporter.stand.backend.subprotocol = "another"
        _becomes(exporter, {"public", "replica traefik-0", "backend"})
        assert "site public fails: the accept key is wrong" in exporter.log()
        assert "site replica traefik-0 fails: status 200 in place of 101" in exporter.log()
        assert "site backend fails: the subprotocol is another" in exporter.log()
        assert exporter.by_leg("success")["replica traefik-1"] == 1


def _unmasked(frame: bytes) -> bytes:
    mask, payload = frame[2:6], frame[6:]
    return frame[:2] + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def test_who_does_not_answer_the_close_frame_has_opened_all_the_same(nginx: Path, tmp_path: Path) -> None:
    def terminal(stand: Stand) -> list[dict[str, Any]]:
        stand.public.upgrade = "mute"
        return [stand.settings(stand.probe(websocket=True, replicas=False))]

    with running(nginx, tmp_path, probe=terminal, answer_within=2, interval=1) as exporter:
        assert exporter.by_leg("success") == {"public": 1, "backend": 1}


def test_the_end_of_the_certificate_is_told(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, tls=True) as exporter:
        name = 'certificate_expiry_timestamp_seconds{probe="site"}'
        eventually(lambda: name in exporter.metrics(), "the certificate is read", SECONDS)
        assert exporter.metrics()[name] == pytest.approx(time.time() + 86400, abs=120)


def test_with_no_list_of_pods_the_replicas_are_those_of_before(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path) as exporter:
        exporter.cluster.refuses = 403
        asked = len(exporter.stand.replicas["traefik-0"].asked)
        eventually(lambda: exporter.ask("/readyz")[0] == 503, "it says that it is blind", SECONDS)
        assert len(exporter.stand.replicas["traefik-0"].asked) > asked
        assert exporter.metrics()['rounds_total{result="blind"}'] > 0
        assert "the replicas are those of an earlier round" in exporter.log()


def test_nothing_is_well_where_nothing_was_asked(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, probe=lambda stand: []) as exporter:
        assert [exporter.ask(path)[0] for path in ("/readyz", "/fresh", "/well")] == [200, 503, 503]
        assert "0 ways of 0 probes" in exporter.ask("/fresh")[1]
