"""Writes every task's whole result to a file, one JSON object a line: what a user's register would hold."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorded
type: aggregate
short_description: Records results for tests
description: Writes every task's result to the file of RECORDED_RESULTS.
requirements: []
"""


class CallbackModule(CallbackBase):
    """Needs the environment variable RECORDED_RESULTS: the file to append to."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "recorded"

    def _record(self, outcome: str, result: Any) -> None:
        line = {"task": result.task.get_name(), "outcome": outcome, "result": dict(result.result)}
        with Path(os.environ["RECORDED_RESULTS"]).open("a") as file:
            file.write(json.dumps(line) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._record("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._record("unreachable", result)
