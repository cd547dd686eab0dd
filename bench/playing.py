"""Runs playbooks and programs, and measures how long they take and how much memory a task adds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

ROOT = Path(__file__).parents[1]
SECONDS = 900


class BenchFailed(Exception):
    """What was to be measured did not do what it should: a figure of it would mean nothing."""


@dataclass(frozen=True)
class Ran:
    """Wall-clock seconds, what was printed, and the memory in MB that the largest task process added."""

    seconds: float
    output: str
    added_megabytes: float = 0.0


@dataclass(frozen=True)
class Bench:
    """Where the measuring takes place."""

    kubeconfig: Path
    collections: Path
    kubectl: Path

    def play(self, tasks: Sequence[dict[str, Any]], *options: str, failing: bool = False) -> Ran:
        """One play with these tasks, pipelining on. Raises BenchFailed when it fails, or with ``failing`` does not."""
        play = {
            "hosts": "all",
            "gather_facts": False,
            "connection": "local",
            "vars": {"ansible_python_interpreter": sys.executable},
            "module_defaults": {
                "group/resilient.traefik.cluster": {"kubeconfig": str(self.kubeconfig)},
                "group/kubernetes.core.k8s": {"kubeconfig": str(self.kubeconfig)},
            },
            "tasks": list(tasks),
        }
        with tempfile.TemporaryDirectory() as folder:
            book = Path(folder) / "play.yml"
            book.write_text(json.dumps([play]))
            program = str(Path(sys.executable).parent / "ansible-playbook")
            ran, code = _timed([program, "-i", "cluster.test,", str(book), *options], self._environment(folder))
        if (code != 0) != failing:
            raise BenchFailed(ran.output[-3000:])
        return ran

    def program(self, *arguments: str, stdin: str | None = None) -> Ran:
        """One run of kubectl. Raises BenchFailed when it fails."""
        command = [str(self.kubectl), "--kubeconfig", str(self.kubeconfig), *arguments]
        start = time.perf_counter()
        ended = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False)
        seconds = time.perf_counter() - start
        if ended.returncode != 0:
            raise BenchFailed(ended.stderr[-3000:])
        return Ran(seconds, ended.stdout)

    def _environment(self, folder: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "K8S_AUTH_"))}
        return kept | {
            "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / '.collections'}:{self.collections}",
            "ANSIBLE_HOME": folder,
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_PIPELINING": "true",
        }


def _timed(command: list[str], environment: dict[str, str]) -> tuple[Ran, int]:
    with tempfile.TemporaryFile("w+") as printed:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=printed, stderr=subprocess.STDOUT)
        memory = _Memory(process.pid)
        code = process.wait(timeout=SECONDS)
        seconds = time.perf_counter() - start
        added = memory.stop()
        printed.seek(0)
        return Ran(seconds, printed.read(), added), code


class _Memory:
    """Watches the children of a process: how far each rises above what it inherited."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._first: dict[int, int] = {}
        self._peak: dict[int, int] = {}
        self._over = Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """MB that the child added which added most. A process that is a program of its own added all it has."""
        self._over.set()
        self._thread.join()
        return max((peak - self._first[pid] for pid, peak in self._peak.items()), default=0) / 1024

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            for pid in _descendants(self._pid):
                resident, peak = _kilobytes(pid)
                if peak:
                    self._first.setdefault(pid, 0 if _is_program_of_its_own(pid) else resident)
                    self._peak[pid] = max(peak, self._peak.get(pid, 0))


def _descendants(pid: int) -> Iterator[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield int(child)
        yield from _descendants(int(child))


def _kilobytes(pid: int) -> tuple[int, int]:
    """Resident memory now and at its peak; zeros when the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    values = {name: value for name, _colon, value in (line.partition(":") for line in lines)}
    return _number(values.get("VmRSS", "")), _number(values.get("VmHWM", ""))


def _number(text: str) -> int:
    return int(text.split()[0]) if text.strip() else 0


def _is_program_of_its_own(pid: int) -> bool:
    """A worker of ansible-playbook keeps its command line; a module has another."""
    try:
        return b"ansible-playbook" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
