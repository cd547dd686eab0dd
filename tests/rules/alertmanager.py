"""An Alertmanager process on loopback: alerts go in, and what it keeps silent comes out."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.rules.programs import program

_SECONDS = 20.0

Labels = Mapping[str, str]


def configuration(inhibit_rules: Sequence[Mapping[str, Any]]) -> str:
    """A whole configuration: one receiver that tells nobody, and these rules."""
    return yaml.safe_dump(
        {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}], "inhibit_rules": list(inhibit_rules)}
    )


class Alertmanager:
    """Its API."""

    def __init__(self, address: str) -> None:
        self._url = f"http://{address}/api/v2"

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            self._ask("/status")
        except OSError:
            return False
        return True

    def post(self, alerts: Sequence[Labels]) -> None:
        """Fires these alerts. Raises OSError."""
        self._ask("/alerts", [{"labels": dict(labels)} for labels in alerts])

    def silenced(self) -> dict[str, list[str]]:
        """By the label ``name`` of each alert, the names of those that inhibit it. Raises OSError."""
        alerts = self._ask("/alerts")
        names = {alert["fingerprint"]: alert["labels"]["name"] for alert in alerts}
        return {
            alert["labels"]["name"]: sorted(names[by] for by in alert["status"]["inhibitedBy"])
            for alert in alerts
            if alert["status"]["state"] == "suppressed"
        }

    def _ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def running(folder: Path, inhibit_rules: Sequence[Mapping[str, Any]]) -> Iterator[Alertmanager]:
    """A process with these rules, ended afterwards. Raises AssertionError with its log when it does not come up."""
    (folder / "alertmanager.yml").write_text(configuration(inhibit_rules))
    address = f"127.0.0.1:{_free_port()}"
    options = [f"--web.listen-address={address}", "--cluster.listen-address=", f"--storage.path={folder / 'data'}"]
    command = [str(program("alertmanager")), f"--config.file={folder / 'alertmanager.yml'}", *options]
    log = folder / "alertmanager.log"
    with log.open("w") as written, subprocess.Popen(command, stdout=written, stderr=written) as process:
        try:
            server = Alertmanager(address)
            wait_until(lambda: server.ready() or process.poll() is not None, "Alertmanager answers")
            assert process.poll() is None, log.read_text()
            yield server
        finally:
            process.terminate()


def wait_until(holds: Callable[[], bool], words: str) -> None:
    """Returns as soon as ``holds()`` is true. Raises AssertionError with the words when it never was."""
    end = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < end, f"not within {_SECONDS:g} s: {words}"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
