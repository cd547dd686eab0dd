"""The proxy as processes: its configuration, its end, its workers and its memory. No cluster needed."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import (
    SESSION,
    Proxy,
    basic,
    engine_in,
    limited,
    running,
    write_files,
)
from tests.integration.support_fallback_target import MEMBER

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback


def test_requests_in_progress_finish_when_it_is_told_to_quit(proxy: Proxy) -> None:
    proxy.switch("slow")
    for pod in proxy.pods:
        pod.slow_seconds = 0.6
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(proxy.ask(SESSION).status))
    asking.start()
    process = proxy.processes["proxy"]
    eventually(lambda: any(MEMBER in head for pod in proxy.pods for head in pod.heads), "asked")
    process.send_signal(3)
    asking.join()
    assert answers == [200]
    assert process.wait(15) == 0


def test_the_real_nginx_takes_every_file_with_little_memory(nginx: Path, tmp_path: Path, proxy: Proxy) -> None:
    for name in ("proxy.conf", "login.conf", "quit.conf"):
        checked = subprocess.run(
            limited(nginx, tmp_path, name, "-t"), capture_output=True, text=True, timeout=20, check=False
        )
        assert checked.returncode == 0, checked.stderr
        assert "warn" not in checked.stderr, checked.stderr


LONG_NAME = ".".join(["h" * 60] * 3)
POLICIES: dict[str, dict[str, Any]] = {
    "least": {},
    "allow": {"default": "allow", "open_paths": []},
    "everything": {
        "default": "deny",
        "hosts": {f"site-{number}.{LONG_NAME}": "basic" for number in range(500)}
        | {"default": "allow", "include": "deny"},
        "check_failures": [400, 404],
        "asked_once": ["?callback=true"],
        "more_check_hosts": ["b.test", "c.test:8443"],
        "fallback_on": ["network", "timeout", 500, 502, 503, 504],
        "open_paths": ["/outpost.goauthentik.io/", "/a'b(c)!/"],
        "realm": "Say {hello}; and # $enter",
        "identity_headers": ["X-authentik-username", "Remote-User"],
        "emergency_users": ["emergency", "o'hara{}$1"],
        "trusted_hops": 10,
        "connect_within": 0.05,
    },
}


@pytest.mark.parametrize("name", POLICIES)
def test_the_real_nginx_takes_every_policy(nginx: Path, tmp_path: Path, name: str) -> None:
    write_files(tmp_path, POLICIES[name], engine_in(tmp_path, [9000, 9113, 9002, 9003, 9004, 9005], 53))
    for config in sorted(tmp_path.glob("*.conf")):
        if config.stem not in ("common", "ask", "open"):
            checked = subprocess.run(
                limited(nginx, tmp_path, config.name, "-t"), capture_output=True, text=True, timeout=20, check=False
            )
            assert checked.returncode == 0, checked.stderr
            assert "warn" not in checked.stderr, checked.stderr


def _checked_after(proxy: Proxy, seconds: float) -> bool:
    return proxy.metric("fallback_proxy_last_check_timestamp_seconds") > seconds


def test_another_worker_takes_over_from_one_that_is_killed(proxy: Proxy) -> None:
    for worker in proxy.workers():
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: len(proxy.workers()) == 2, "two workers")
        seen = proxy.metric("fallback_proxy_last_check_timestamp_seconds")
        eventually(partial(_checked_after, proxy, seen + 2), "checks go on")
        assert proxy.ask(SESSION).status == 200


def answers(proxy: Proxy) -> int:
    """The status of the proxy's health, 0 where it says nothing: the worker that stands still may have the question."""
    try:
        return proxy.status("/healthz").status
    except TimeoutError:
        return 0


@pytest.mark.slow
def test_a_proxy_whose_check_stands_still_calls_itself_unhealthy(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path) as proxy:
        proxy.seen_well()
        assert proxy.status("/healthz").status == 200
        first = min(proxy.workers())
        os.kill(first, signal.SIGSTOP)
        try:
            eventually(lambda: answers(proxy) == 503, "unhealthy", 30)
        finally:
            os.kill(first, signal.SIGCONT)
        eventually(lambda: proxy.status("/healthz").status == 200, "healthy again", 10)


def resident(proxy: Proxy) -> int:
    """The bytes that the proxy's processes hold in memory, what they share counted once."""
    found = 0
    for pid in [proxy.processes["proxy"].pid, *proxy.workers()]:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        found += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return found


@pytest.mark.slow
def test_memory_stays_where_it_was(proxy: Proxy) -> None:
    """Long URLs, large tokens and logins, in and out of the fallback, again and again: far below 192 MB."""
    for pod in proxy.pods:
        pod.jwt_bytes = 16_000
    requests = [SESSION, {"X-Forwarded-Uri": "/" * 20_000}, basic(), {"Cookie": "c" * 9_000}] * 100
    held = []
    for mode in ("ok", "500", "close", "ok", "500", "close"):
        proxy.switch(mode)
        proxy.ask_all(requests)
        held.append(resident(proxy))
    assert held[-1] < 1.2 * held[2], held
    assert max(held) < 100_000_000, held
