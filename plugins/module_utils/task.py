# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A module's body and everything it is given: the same whether it runs in the controller's process or as a module."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.connection import CONNECTION_OPTIONS
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.fence import Fence
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import Journal
from ansible_collections.resilient.traefik.plugins.module_utils.kube.rendering import render
from ansible_collections.resilient.traefik.plugins.module_utils.kube.run_name import check_run_name
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Outcome, Writer

WRITING_OPTIONS: dict[str, dict[str, Any]] = {
    "run_id": {"type": "str"},
    "journal_key": {"type": "str", "no_log": True},
    "lock_holder": {"type": "str"},
    "render_to": {"type": "path"},
}


@dataclass
class Task:
    """One call of a module.

    ``progress`` prints a line while the task runs (only in the controller's process: a module has no way to);
    ``warnings`` end up in the result. ``client`` is the cluster of the connection options, and connects with its first
    request. With ``render_to`` nothing is written but files: the body is in check mode. ``controller`` is the number of
    the controller's process when the body runs in a fork of it, else None. ``fence`` is what each write is checked by,
    when the task names the holder of the cluster's lock.
    """

    params: dict[str, Any]
    check_mode: bool = False
    progress: Callable[[str], None] = lambda line: None
    warnings: list[str] = field(default_factory=list)
    controller: int | None = None
    client: Client = field(init=False, repr=False)
    fence: Fence | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.check_mode = self.check_mode or bool(self.params.get("render_to"))
        # Made here, not at first use: threads of a body share them.
        self.client = Client(self.params)
        holder = self.params.get("lock_holder")
        self.fence = Fence(self.client, holder) if holder and not self.check_mode else None
        told = self.progress

        def alive(line: str) -> None:
            told(line)
            if self.fence:
                self.fence.keep()

        # Whoever waits tells of it every few seconds: that is the time to renew the lock.
        self.progress = alive

    def writer(self, force: bool = False) -> Writer:
        """The one writer, in this task's check mode, journaled when the task has a ``run_id``.

        Raises BadArgument for a name under which nothing can be recorded.
        """
        run_id = self.params.get("run_id")
        if run_id is not None:
            check_run_name("run_id", run_id)
        journal = self.journal(run_id) if run_id else None
        return Writer(self.client, check_mode=self.check_mode, force=force, journal=journal, fence=self.fence)

    def journal(self, run_id: str, undoes: Sequence[str] = ()) -> Journal:
        """The journal of a run, signed when the task has a ``journal_key``; ``undoes`` are the runs that it undoes."""
        return Journal(self.client, run_id, undoes, self.params.get("journal_key") or "")

    def take(self, outcome: Outcome) -> None:
        """Makes the outcome's warnings the task's, and with ``render_to`` writes the outcome as files."""
        self.warnings.extend(outcome.warnings)
        if folder := self.params.get("render_to"):
            self.warnings.extend(render(outcome.changes, Path(folder)))

    def result_of(self, outcome: Outcome) -> dict[str, Any]:
        """The result of what was written, after ``take``."""
        self.take(outcome)
        return outcome.result()


@dataclass(frozen=True)
class ModuleSpec:
    """What Ansible must know of a module, and its body.

    ``options`` is the argument spec without the connection's options; ``connects`` adds these. ``writes`` adds
    ``WRITING_OPTIONS``. ``libraries`` are the import names of what requirements.txt must have brought. The rest is
    AnsibleModule's own: see its documentation.
    """

    body: Callable[[Task], dict[str, Any]]
    options: dict[str, dict[str, Any]]
    connects: bool = True
    writes: bool = False
    libraries: Sequence[str] = ("kubernetes", "yaml")
    supports_check_mode: bool = True
    mutually_exclusive: Sequence[Sequence[str]] = ()
    required_together: Sequence[Sequence[str]] = ()
    required_one_of: Sequence[Sequence[str]] = ()
    required_if: Sequence[Sequence[Any]] = ()
    required_by: dict[str, Sequence[str]] = field(default_factory=dict)

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of AnsibleModule, and of ArgumentSpecValidator without supports_check_mode."""
        options = dict(self.options)
        options |= CONNECTION_OPTIONS if self.connects else {}
        options |= WRITING_OPTIONS if self.writes else {}
        return {
            "argument_spec": options,
            "mutually_exclusive": [list(names) for names in self.mutually_exclusive],
            "required_together": [list(names) for names in self.required_together],
            "required_one_of": [list(names) for names in self.required_one_of],
            "required_if": [list(rule) for rule in self.required_if],
            "required_by": self.required_by,
        }

    def run(self, task: Task) -> dict[str, Any]:
        """The body's result. Raises ResilientError, and nothing else: see ``unexpected``."""
        self._check_libraries()
        try:
            return self.body(task)
        except ResilientError:
            raise
        except Exception as error:
            raise unexpected(error) from None

    def _check_libraries(self) -> None:
        """Raises ResilientError naming the first library that this Python lacks, with the remedy."""
        for name in self.libraries:
            if find_spec(name) is None:
                raise ResilientError(str(missing_required_lib(name)))


def unexpected(error: Exception) -> ResilientError:
    """A mistake of this collection, told by its kind and place. Its words are left out: they may hold a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-4:]))
    return ResilientError(
        f"{type(error).__name__} at {places}: this is a mistake in the collection, not in your task. Please report "
        "this line together with the task's options."
    )
