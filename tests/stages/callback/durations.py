"""Adds the tasks of a playbook to what tests/stages/durations.py records: what took its time, and in which module."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: durations
type: aggregate
short_description: Records how long tasks take
description: Appends a line for every task that takes half a second or more to a file in the folder of DURATIONS.
requirements: []
"""

LEAST_SECONDS = 0.5


class CallbackModule(CallbackBase):
    """Does nothing without the environment variable DURATIONS."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "durations"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._began = time.monotonic()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """A task begins on all hosts."""
        self._began = time.monotonic()

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """So does a handler."""
        self._began = time.monotonic()

    def _ended(self, result: Any, ignore_errors: bool = False) -> None:
        seconds = time.monotonic() - self._began
        folder = os.environ.get("DURATIONS")
        if not folder or seconds < LEAST_SECONDS:
            return
        task = result.task
        line = {"kind": "task", "what": task.get_name(), "module": task.action, "seconds": round(seconds, 3)}
        with (Path(folder) / f"{os.getpid()}.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    v2_runner_on_ok = _ended
    v2_runner_on_failed = _ended
    v2_runner_on_unreachable = _ended
