"""Runs the collection's own playbooks as a user does, and kills them as a power cut does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.ansible_playbook.running import PROGRAM, ansible_playbook, environment

ROOT = Path(__file__).parents[2]
SECONDS = 600
# How long a replica takes to come and go is seldom what a test is about: molecule's default takes the defaults.
QUICK = {
    "auth_proxy_serve_on": "2",
    "bot_block_proxy_serve_on": "2",
    "traefik_ha_min_ready_seconds": "1",
    "traefik_ha_readiness_delay": "1",
    "traefik_ha_pre_stop_sleep": "1",
    "traefik_ha_request_accept_grace_timeout": "1",
}


@dataclass(frozen=True)
class Ended:
    """A run's end: its exit code and all that it printed."""

    code: int
    output: str

    def count(self, name: str) -> int:
        """One of the numbers of the recap, such as `changed`."""
        found = re.search(rf"\b{name}=(\d+)", self.output)
        assert found, self.output
        return int(found[1])

    def run_id(self) -> str:
        """The run's name, as its messages give it."""
        found = re.search(r"harden-\d{8}-\d{6}-\w{4}", self.output)
        assert found, self.output
        return found[0]


@dataclass(frozen=True)
class Books:
    """The playbooks against one cluster, reporting into a folder of the test's own."""

    kubeconfig: Path
    reports: Path
    variables: dict[str, str] = field(default_factory=dict)
    # Of the playbooks' process, beside what it has anyway.
    environment: dict[str, str] = field(default_factory=dict)

    def play(self, name: str, *options: str, **variables: str) -> Ended:
        """The playbook run to its end, whatever that is."""
        ended = ansible_playbook(self._arguments(name, options, variables), environment(**self.environment))
        return Ended(ended.returncode, ended.stdout + ended.stderr)

    def kill_at(self, moment: str, name: str, *options: str, **variables: str) -> Ended:
        """The playbook killed with SIGKILL, forks included, when it prints a line that contains this."""
        return self._disturbed(
            moment, lambda running: kill_whole(running.pid), [PROGRAM, *self._arguments(name, options, variables)]
        )

    def signal_at(self, moment: str, number: signal.Signals, name: str, *options: str, **variables: str) -> Ended:
        """The playbook alone given a signal, as whoever cancels it does, when it prints a line that contains this."""
        command = [PROGRAM, *self._arguments(name, options, variables)]
        return self._disturbed(moment, lambda running: running.send_signal(number), command)

    def _disturbed(self, moment: str, disturb: Callable[[subprocess.Popen[str]], None], command: list[str]) -> Ended:
        running = subprocess.Popen(
            command,
            env=environment(**self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert running.stdout is not None
        lines = []
        for line in running.stdout:
            lines.append(line)
            if moment in line:
                disturb(running)
        return Ended(running.wait(SECONDS), "".join(lines))

    def _arguments(self, name: str, options: tuple[str, ...], variables: dict[str, str]) -> list[str]:
        given = {
            "resilient_traefik_kubeconfig": str(self.kubeconfig),
            "resilient_traefik_report_directory": str(self.reports),
        }
        arguments = ["-i", str(ROOT / "inventories" / "lab"), str(ROOT / "playbooks" / f"{name}.yml"), *options]
        for key, value in (given | self.variables | variables).items():
            arguments += ["-e", f"{key}={value}"]
        return arguments


@contextmanager
def hardened_by(books: Books) -> Iterator[Books]:
    """The lab after harden, and as before in the end."""
    ended = books.play("harden")
    try:
        assert ended.code == 0, ended.output
        yield books
    finally:
        assert books.play("rollback").code == 0


def kill_whole(pid: int) -> None:
    """Kill the process with all that came of it, helm among them: what goes when their machine does."""
    for process in (pid, *descendants(pid)):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """The process's children and theirs. Ansible's workers have sessions of their own, so no group has them all."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name in parentheses may hold anything.
            fields = stat.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, left = list[int](), [pid]
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return found
