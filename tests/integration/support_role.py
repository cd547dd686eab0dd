"""Plays one role as harden.yml does, with ansible-playbook: its findings, its changes, its rollback."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from tests.ansible_playbook.running import ansible_playbook, environment
from tests.integration.lab_cluster import eventually
from tests.integration.support_playbook import ROOT

SECONDS = 400
# Another rollback on the same lab holds the cluster's lock for a while.
LOCK_SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """An ended play: all that it printed and the counts of its last line."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        """The number of changed tasks."""
        counted = re.search(r"^cluster\.test\s.*\bchanged=(\d+)", self.output, re.MULTILINE)
        assert counted, self.output
        return int(counted[1])

    def well(self) -> Ended:
        """The same, which has to be a success."""
        assert self.code == 0, self.output
        return self


@dataclass(frozen=True)
class RolePlayer:
    """Plays ``role`` with ``settings`` against the cluster of ``options``, as one run with a name of its own."""

    role: str
    folder: Path
    options: dict[str, Any]
    settings: dict[str, Any]
    run_id: str = ""

    def with_settings(self, **settings: Any) -> RolePlayer:
        """The same with more settings, as a run of its own."""
        return replace(self, settings=self.settings | settings, run_id=new_run())

    def play(self, *more: str, render_to: Path | None = None, facts: str = "") -> Ended:
        """One play of the role. ``facts`` is a variable to print as JSON at the end, see ``printed``."""
        defaults: dict[str, Any] = {
            "group/resilient.traefik.cluster": self.options,
            "group/resilient.traefik.writing": {"run_id": self.run_id or new_run()},
        }
        if render_to:
            defaults["group/resilient.traefik.writing"]["render_to"] = str(render_to)
        shown = {"ansible.builtin.debug": {"msg": "PRINTED {{ " + (facts or "''") + " | to_json }} END"}}
        book = {
            "hosts": "all",
            "connection": "local",
            "gather_facts": False,
            "vars": {
                "ansible_python_interpreter": sys.executable,
                "resilient_traefik_render_to": str(render_to or ""),
            },
            "module_defaults": defaults,
            "roles": [{"role": f"resilient.traefik.{self.role}", "vars": self.settings}],
            "post_tasks": [shown] if facts else [],
        }
        path = self.folder / "play.yml"
        path.write_text(json.dumps([book]))
        return self._run(str(path), *more)

    def part(self, tasks_from: str, facts: str) -> Any:
        """What a part of the role, such as its preflight, registers under that name."""
        return self.parts(tasks_from, facts, [{}])[0]

    def parts(self, tasks_from: str, facts: str, several: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The same with each of several settings, in one play: to start it takes longer than what it does."""
        role = {"name": f"resilient.traefik.{self.role}", "tasks_from": tasks_from, "apply": {"ignore_errors": True}}
        shown = {"ansible.builtin.debug": {"msg": "PRINTED {{ " + facts + " | to_json }} END"}}
        tasks = [[{"ansible.builtin.include_role": role, "vars": dict(settings)}, shown] for settings in several]
        book = {
            "hosts": "all",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable} | self.settings,
            "module_defaults": {"group/resilient.traefik.cluster": self.options},
            "tasks": [task for each in tasks for task in each],
        }
        path = self.folder / "part.yml"
        path.write_text(json.dumps([book]))
        return _all_printed(self._run(str(path)), len(several))

    def roll_back(self) -> Ended:
        """The playbook rollback, for this run; it waits its turn where somebody else holds the cluster's lock."""
        given = ["-e", f"resilient_traefik_run_id={self.run_id}"]
        given += ["-e", f"resilient_traefik_kubeconfig={self.options['kubeconfig']}"]
        # Sites of other tests come and go meanwhile.
        given += ["-e", json.dumps({"resilient_traefik_sites": []})]
        book = str(ROOT / "playbooks" / "rollback.yml")
        return at_its_turn(lambda: self._run(book, "-c", "local", *given)).well()

    def _run(self, *arguments: str) -> Ended:
        settings = environment(ANSIBLE_CALLBACK_RESULT_FORMAT="json")
        ended = ansible_playbook(["-i", "cluster.test,", *arguments], settings, SECONDS)
        return Ended(ended.returncode, ended.stdout + ended.stderr)


class _Told(Protocol):
    @property
    def output(self) -> str: ...


AnyEnded = TypeVar("AnyEnded", bound=_Told)


def at_its_turn(play: Callable[[], AnyEnded]) -> AnyEnded:
    """How the play ends once nobody else holds the cluster's lock."""
    ended: list[AnyEnded] = []

    def begun() -> bool:
        ended.append(play())
        return "is held by" not in ended[-1].output

    eventually(begun, "the cluster's lock is free", LOCK_SECONDS)
    return ended[-1]


def new_run() -> str:
    """A name for a run."""
    return f"role-{uuid4().hex[:8]}"


def printed(ended: Ended) -> Any:
    """The value that a play printed by ``facts``."""
    return _all_printed(ended, 1)[0]


def _all_printed(ended: Ended, count: int) -> list[Any]:
    found = re.findall(r'"msg": "PRINTED (.*) END"', ended.output)
    assert len(found) == count, ended.output
    return [json.loads(json.loads(f'"{text}"')) for text in found]


@contextmanager
def rolled_back(player: RolePlayer) -> Iterator[RolePlayer]:
    """The player's run is taken back in the end, whatever happens."""
    try:
        yield player
    finally:
        player.roll_back()
