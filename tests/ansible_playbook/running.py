"""Runs ansible-playbook to its end, and without importing it anew for every play.

A play of one task takes 0.9 seconds of processor time here, of which half are imports, and the tests play some thousand
of them. So a process that has done the imports forks for each play; what runs in the fork is ansible-playbook's own
`main`, with the arguments, the environment and the folder that it is given. Tests that kill or signal it start
`PROGRAM`.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from tests.stages import durations

ROOT = Path(__file__).parents[2]
PROGRAM = str(Path(sys.executable).parent / "ansible-playbook")
# A play of a whole role on a busy machine.
SECONDS = 900
# What Ansible and the libraries read while a play runs. All else may count when they are imported, as every setting of
# Ansible does: for another value there is another process.
READ_LATE = ("RECORDED_RESULTS", "PYTEST_CURRENT_TEST", "K8S_AUTH_")
# More of them cost more than they save: what comes later starts the program.
MOST = 4


def environment(**more: str) -> dict[str, str]:
    """This process's environment without the developer's own settings and credentials, and with the tests' own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "K8S_AUTH_"))}
    own = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        # Not that of this repository's ansible.cfg: the tests read what each task did.
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_HOME": _home(),
        "PYTHONUNBUFFERED": "1",
    }
    return kept | durations.recording_environment() | own | more


def ansible_playbook(
    arguments: Sequence[str], environment: Mapping[str, str], seconds: float = SECONDS, forked: bool = True
) -> subprocess.CompletedProcess[str]:
    """ansible-playbook with these arguments, run to its end, whatever that is. Raises subprocess.TimeoutExpired.

    Where the process itself is looked at, it is not to be `forked`: a fork has the command line of what it came from.
    """
    server = _server(environment) if forked else None
    if server and server.free.acquire(blocking=False):
        try:
            return server.run(arguments, environment, seconds)
        finally:
            server.free.release()
    return subprocess.run(
        [PROGRAM, *arguments], env=dict(environment), capture_output=True, text=True, timeout=seconds, check=False
    )


class _Server:
    """The process that forks. ``free`` is held while a play runs in a fork of it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.free = Lock()
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("server.py"))],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], seconds: float
    ) -> subprocess.CompletedProcess[str]:
        command = [PROGRAM, *arguments]
        with TemporaryDirectory() as folder:
            printed, complained = Path(folder) / "stdout", Path(folder) / "stderr"
            asked = {
                "argv": command,
                "environment": dict(environment),
                "folder": str(Path.cwd()),
                "stdout": str(printed),
                "stderr": str(complained),
                "seconds": seconds,
            }
            ended = self._ask(asked)
            output = printed.read_text(errors="replace"), complained.read_text(errors="replace")
        durations.computed_elsewhere(ended["cpu"])
        if ended["code"] is None:
            raise subprocess.TimeoutExpired(command, seconds, *output)
        return subprocess.CompletedProcess(command, ended["code"], *output)

    def _ask(self, asked: dict[str, object]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process that forks ansible-playbook ended with {self._process.wait()}"
        return dict(json.loads(line))

    def end(self) -> None:
        """End it, and wait: its processor time counts as this process's."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


_servers: dict[tuple[tuple[str, str], ...], _Server] = {}
_starting = Lock()
_homes: list[TemporaryDirectory[str]] = []


def _server(environment: Mapping[str, str]) -> _Server | None:
    imported_with = tuple(sorted(item for item in environment.items() if not item[0].startswith(READ_LATE)))
    with _starting:
        if imported_with not in _servers and len(_servers) < MOST:
            _servers[imported_with] = _Server(environment)
            atexit.register(_servers[imported_with].end)
        return _servers.get(imported_with)


def _home() -> str:
    """A home of Ansible's for this process's plays, so that the developer's own stays out of it."""
    with _starting:
        if not _homes:
            _homes.append(TemporaryDirectory(prefix="ansible-home-"))
        return _homes[0].name
