"""Runs the collection's own playbooks as a user does, and kills them as a power cut does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.stages.durations import ansible_environment

ROOT = Path(__file__).parents[2]
SECONDS = 600


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
        ended = subprocess.run(
            self._command(name, options, variables),
            env=_environment() | self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout + ended.stderr)

    def kill_at(self, moment: str, name: str, *options: str, **variables: str) -> Ended:
        """The playbook killed with SIGKILL, forks included, when it prints a line that contains this."""

        def kill(running: subprocess.Popen[str]) -> None:
            for process in (running.pid, *descendants(running.pid)):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

        return self._disturbed(moment, kill, self._command(name, options, variables))

    def signal_at(self, moment: str, number: signal.Signals, name: str, *options: str, **variables: str) -> Ended:
        """The playbook alone given a signal, as whoever cancels it does, when it prints a line that contains this."""
        command = self._command(name, options, variables)
        return self._disturbed(moment, lambda running: running.send_signal(number), command)

    def _disturbed(self, moment: str, disturb: Callable[[subprocess.Popen[str]], None], command: list[str]) -> Ended:
        running = subprocess.Popen(
            command,
            env=_environment() | self.environment,
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

    def _command(self, name: str, options: tuple[str, ...], variables: dict[str, str]) -> list[str]:
        given = {
            "resilient_traefik_kubeconfig": str(self.kubeconfig),
            "resilient_traefik_report_directory": str(self.reports),
        }
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(ROOT / "inventories" / "lab")]
        command += [str(ROOT / "playbooks" / f"{name}.yml"), *options]
        for key, value in (given | self.variables | variables).items():
            command += ["-e", f"{key}={value}"]
        return command


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


def _environment() -> dict[str, str]:
    # The developer's own settings and credentials stay out of it.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "K8S_AUTH_"))}
    return (
        kept
        | ansible_environment()
        | {
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_NOCOLOR": "true",
            "PYTHONUNBUFFERED": "1",
        }
    )
