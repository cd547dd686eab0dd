"""Imports ansible-playbook once, and forks for each play that standard input asks for: see running.py.

A line of JSON asks for a play: `argv`, `environment`, `folder`, the files `stdout` and `stderr`, `seconds`. A line
answers: `code` (None when the play took too long and was killed) and `cpu` in seconds.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import select
import signal
import sys
from typing import Any

from ansible.cli.playbook import main as ansible_playbook

# What plays of this collection import beside that, as far as it is no plugin: plugins are loaded under other names.
PRELOADED = (
    "ansible.executor.playbook_executor",
    "ansible.module_utils.basic",
    "ansible.playbook.handler_task_include",
    "ansible.plugins.action",
    "ansible.plugins.cache",
    "ansible.plugins.callback",
    "ansible.plugins.connection",
    "ansible.plugins.inventory",
    "ansible.plugins.strategy",
    "ansible.plugins.vars",
    "concurrent.futures.thread",
    "kubernetes.client.rest",
    "kubernetes.config",
    "multiprocessing.shared_memory",
    "xml.etree.ElementTree",
)

# What a play has to give its lock back, in seconds.
TO_END = 30


def _play(asked: dict[str, Any], answers: int) -> None:
    """Becomes the process of a play, as a shell would have started it. Does not return."""
    # A group of its own: whoever kills it for its time kills its children too.
    os.setpgid(0, 0)
    # Ansible makes its folder for temporary files with its import and removes it at the end, which is not this one's.
    atexit._clear()
    os.close(answers)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = asked["argv"]
    sys.exit(ansible_playbook())


def _wait(child: int, seconds: float) -> tuple[int | None, float]:
    ending = os.pidfd_open(child)
    # Nobody asks for the next play before this one is over: what there is to read is the end of the tests.
    ready = select.select([ending, 0], [], [], seconds)[0]
    ended = ending in ready
    if 0 in ready and not ended:
        # As somebody's Ctrl-C: the play gives its lock back.
        os.killpg(child, signal.SIGTERM)
        ended = bool(select.select([ending], [], [], TO_END)[0])
    os.close(ending)
    if not ended:
        os.killpg(child, signal.SIGKILL)
    _child, status, used = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status) if ended else None, used.ru_utime + used.ru_stime


def main() -> None:
    """Answer until standard input is closed."""
    # What the imports print is nobody's answer.
    answers = os.dup(1)
    os.dup2(2, 1)
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            _play(asked, answers)
        code, cpu = _wait(child, asked["seconds"])
        os.write(answers, json.dumps({"code": code, "cpu": cpu}).encode() + b"\n")


if __name__ == "__main__":
    main()
