"""Runs tasks with the real ansible-playbook and gives back what each of them returned."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.ansible_playbook.running import ansible_playbook, environment
from tests.stages.durations import recording_environment

ROOT = Path(__file__).parents[2]
PLUGINS = Path(__file__).parent / "support_plugins"

IN_PROCESS, AS_MODULE = "local", "elsewhere"
# For what depends on the way least of all: test_engine_modules.py plays every module both ways.
BOTH_WAYS = pytest.mark.variation("the same as a module, in a process of its own")
WAYS = [IN_PROCESS, pytest.param(AS_MODULE, marks=BOTH_WAYS)]


@dataclass(frozen=True)
class Played:
    """One task's end: ``outcome`` is ok, failed, skipped or unreachable."""

    outcome: str
    result: dict[str, Any]

    @property
    def changed(self) -> bool:
        """As the task reported it; a failed task that reports nothing changed nothing."""
        return bool(self.result.get("changed"))

    @property
    def message(self) -> str:
        """The task's msg."""
        return str(self.result.get("msg", ""))


@dataclass(frozen=True)
class Play:
    """The ended play: every task in its order, and all that was printed."""

    tasks: list[Played]
    output: str
    everything: str = field(repr=False, default="")


@dataclass(frozen=True)
class Player:
    """Plays tasks against one cluster. ``defaults`` are the connection options of all modules of the collection."""

    defaults: dict[str, Any]

    def play(
        self,
        *tasks: dict[str, Any],
        way: str = IN_PROCESS,
        check: bool = False,
        diff: bool = False,
        options: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        forked: bool = True,
    ) -> Play:
        """Every task is run, whether those before it failed or not. ``forked``: see ansible_playbook."""
        with TemporaryDirectory() as folder:
            book, recorded = Path(folder) / "play.yml", Path(folder) / "results.jsonl"
            book.write_text(json.dumps([self._play_of(tasks, way)]))
            recorded.touch()
            arguments = ["-i", "cluster.test,", str(book), *options]
            arguments += ["--check"] * check + ["--diff"] * diff
            ended = ansible_playbook(arguments, _environment(recorded) | (environment or {}), forked=forked)
            lines = [json.loads(line) for line in recorded.read_text().splitlines()]
            output = ended.stdout + ended.stderr
            assert len(lines) == len(tasks), f"{len(lines)} of {len(tasks)} tasks were run:\n{output}"
            return Play([Played(line["outcome"], line["result"]) for line in lines], output)

    def task(self, module: str, arguments: dict[str, Any], **more: Any) -> Played:
        """One task of one module of the collection."""
        return self.play({f"resilient.traefik.{module}": arguments}, **more).tasks[0]

    def _play_of(self, tasks: tuple[dict[str, Any], ...], way: str) -> dict[str, Any]:
        return {
            "hosts": "all",
            "gather_facts": False,
            "connection": way,
            "vars": {"ansible_python_interpreter": sys.executable},
            "module_defaults": {"group/resilient.traefik.cluster": self.defaults},
            "tasks": [{"ignore_errors": True} | task for task in tasks],
        }


def _environment(recorded: Path) -> dict[str, str]:
    return environment(
        **recording_environment(PLUGINS / "callback", "recorded"),
        ANSIBLE_CONNECTION_PLUGINS=str(PLUGINS / "connection"),
        ANSIBLE_PIPELINING="true",
        RECORDED_RESULTS=str(recorded),
    )
