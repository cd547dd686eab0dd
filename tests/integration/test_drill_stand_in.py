"""The drill's stand-ins as processes, and the proxy before them: visitors are counted apart from a proxy's own checks.

No cluster needed.
"""

from __future__ import annotations

import http.client
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.counters import asked, fallbacks, stood_in
from ansible_collections.resilient.traefik.plugins.module_utils.drill.healer_files import (
    MARK_HEADER,
    ready_port,
    stand_in_files,
)
from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import SESSION, Proxy, free_ports, limited

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = [pytest.mark.variation("what a drill counts, without a cluster"), pytest.mark.loopback]

# Of a visitor's number, and what is none.
MARKS = ("0", "0", "12", "", 'x" 1', "99999")
COUNTED = {"0": 2, "12": 1, "other": 3}


def get(port: int, path: str = "/", mark: str = "") -> str:
    """The body, empty where no answer comes in time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.3)
    try:
        connection.request("GET", path, headers={MARK_HEADER: mark} if mark else {})
        return connection.getresponse().read().decode()
    except TimeoutError:
        return ""
    finally:
        connection.close()


# What is asked, and where it tells its counters.
Ports = tuple[int, int]


@pytest.fixture
def stand_in(nginx: Path, tmp_path: Path) -> Iterator[Callable[[str], Ports]]:
    """Starts one of that mode."""
    started: list[subprocess.Popen[bytes]] = []

    def start(mode: str) -> Ports:
        port, beside = free_ports(2)
        for name, text in stand_in_files([], mode, port).items():
            here = text.replace("/etc/drill", str(tmp_path)).replace("/tmp/", f"{tmp_path}/")
            (tmp_path / name).write_text(here.replace(f"listen {ready_port(port)};", f"listen {beside};"))
        started.append(subprocess.Popen(limited(nginx, tmp_path, "nginx.conf")))
        eventually(lambda: _listens(beside), "it listens", 10)
        return port, beside

    yield start
    for process in started:
        process.terminate()
        process.wait(20)


def _listens(port: int) -> bool:
    try:
        get(port)
    except OSError:
        return False
    return True


@pytest.mark.parametrize(("mode", "answer"), [("well", "well\n"), ("hang", "")])
def test_a_stand_in_counts_by_visitor(stand_in: Callable[[str], Ports], mode: str, answer: str) -> None:
    port, beside = stand_in(mode)
    assert stood_in(get(beside, "/metrics")) == {}
    assert [get(port, mark=mark) for mark in MARKS] == [answer] * len(MARKS)
    # Whoever asks whether it is ready is not counted.
    get(beside)
    assert stood_in(get(beside, "/metrics")) == COUNTED


def test_what_a_proxy_passes_on_is_told_apart_from_its_checks(proxy: Proxy) -> None:
    def lines() -> list[str]:
        heads = [head for pod in proxy.pods for head in pod.heads]
        return [line for head in heads for line in head.lower().splitlines() if MARK_HEADER.lower() in line]

    checks = proxy.metric('fallback_proxy_checks_total{result="well"}')
    eventually(lambda: proxy.metric('fallback_proxy_checks_total{result="well"}') > checks + 2, "checked", 10)
    before = asked(proxy.status("/metrics").body)
    assert lines() == []
    assert proxy.ask(SESSION | {MARK_HEADER: "7"}).status == 200
    assert lines() == [f"{MARK_HEADER.lower()}: 7"]
    text = proxy.status("/metrics").body
    assert asked(text)[""] - before[""] == 1
    assert sum(fallbacks(text).values()) == 0
