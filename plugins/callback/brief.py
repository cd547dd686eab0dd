# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints one line a step of a playbook, and under it what changed, failed or is worth knowing."""

from __future__ import annotations

DOCUMENTATION = r"""
name: brief
type: stdout
short_description: One line a step, and what changed, failed or is worth knowing
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
description:
  - A step is what a playbook includes or imports by a name of its own, a role of a play, or else a task. What of it
    changed is named beneath it, with the diff where C(--diff) is given.
  - Warnings, messages of M(ansible.builtin.debug) and the words of whatever fails are always there, failures as a
    whole. Messages of more than 40 lines are cut, with a word of how to see the rest.
  - With C(-v) it prints what P(ansible.builtin.default#callback) prints.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - Set it as C(stdout_callback) in C(ansible.cfg), or as E(ANSIBLE_STDOUT_CALLBACK).
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from ansible import constants
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as DefaultCallback

LONGEST_MESSAGE = 40
_WIDTH = 160
# What they did is told by what comes of it.
_BOOKKEEPING = ("set_fact", "assert", "validate_argument_spec", "include_vars", "meta", "add_host", "group_by")
# What these return besides their words is an answer to tasks, and tells people nothing more.
_TOLD_BY_WORDS = (
    "resilient.traefik.",
    "ansible.builtin.fail",
    "ansible.builtin.assert",
    "ansible.builtin.validate_argument_spec",
)
# A task's variable: its message is what the playbook is for.
_WHOLE = "_shown_whole"


class CallbackModule(DefaultCallback):
    """The default's output with ``-v``, and without it that of steps."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "resilient.traefik.brief"

    def __init__(self) -> None:
        super().__init__()
        self._begun = time.monotonic()
        self._hosts: set[str] = set()
        self._step = ""
        self._steps: set[str] = set()
        self._changes: set[tuple[str, str]] = set()
        self._told: dict[str, list[str]] = {}

    # --- what happens besides results ---------------------------------------------------------------------------

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """A headline for each play."""
        if self._verbose:
            super().v2_playbook_on_play_start(play)
            return
        self._play = play
        self._step, self._steps = "", set()
        marker = " (check mode: nothing is written)" if play.check_mode else ""
        self._display.display(f"{play.get_name().strip()}{marker}", color=constants.COLOR_HIGHLIGHT)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Hosts are named where there are several."""
        self._hosts.add(host.get_name())
        super().v2_runner_on_start(host, task)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Which file it is tells nothing more than the step does."""
        if self._verbose:
            super().v2_playbook_on_include(included_file)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """A line for each host."""
        if self._verbose:
            super().v2_playbook_on_stats(stats)
            return
        for host in sorted(stats.processed):
            found = stats.summarize(host)
            ill = found["failures"] or found["unreachable"]
            told = [f"{found['changed']} changed", f"{found['failures']} failed"]
            told += [f"{found[name]} {name}" for name in ("unreachable", "rescued", "ignored") if found[name]]
            color = (
                constants.COLOR_ERROR if ill else constants.COLOR_CHANGED if found["changed"] else constants.COLOR_OK
            )
            seconds = time.monotonic() - self._begun
            line = f"{host}: {', '.join(told)} of {found['ok'] + found['failures']} tasks, {seconds:.0f} s"
            self._display.display(f"{line}. With -v: each task." if ill else f"{line}.", color=color)

    # --- results ------------------------------------------------------------------------------------------------

    def v2_runner_on_ok(self, result: Any) -> None:
        """What changed, messages and warnings; of the rest only the step."""
        if self._verbose:
            super().v2_runner_on_ok(result)
            return
        if isinstance(result.task, TaskInclude):
            return
        self._handle_warnings_and_exception(result)
        if result.task.action in constants._ACTION_DEBUG:
            if not (result.task.loop and "results" in result.result):
                self._message(result)
        elif result.result.get("changed"):
            self._changed(result)
        else:
            self._headline(result.task)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """An item is only told of where it has something to say."""
        if self._verbose:
            super().v2_runner_item_on_ok(result)
            return
        if isinstance(result.task, TaskInclude):
            return
        self._handle_warnings_and_exception(result)
        if result.task.action in constants._ACTION_DEBUG:
            self._message(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Nothing was done."""
        if self._verbose:
            super().v2_runner_on_skipped(result)
        else:
            self._handle_warnings_and_exception(result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        """Nothing was done."""
        if self._verbose:
            super().v2_runner_item_on_skipped(result)
        else:
            self._handle_warnings_and_exception(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """All of it, whether or not it is rescued."""
        if self._verbose:
            super().v2_runner_on_failed(result, ignore_errors)
            return
        # Each item that failed has been told of.
        items = bool(result.task.loop and "results" in result.result)
        self._failure(result, "failed", ignore_errors, "" if items else None)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """All of it."""
        if self._verbose:
            super().v2_runner_item_on_failed(result)
        else:
            self._failure(result, f"failed for {self._get_item_label(result.result)}")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """All of it."""
        if self._verbose:
            super().v2_runner_on_unreachable(result)
        else:
            self._failure(result, "unreachable", result.task.ignore_unreachable)

    def v2_on_file_diff(self, result: Any) -> None:
        """The diff beneath what changed."""
        if not self._verbose:
            if not result.result.get("changed"):
                return
            self._changed(result)
            self._last_task_banner = result.task._uuid
        super().v2_on_file_diff(result)

    # --- how it is printed --------------------------------------------------------------------------------------

    @property
    def _verbose(self) -> bool:
        return bool(self._display.verbosity)

    def _print_task_banner(self, task: Any) -> None:
        if self._verbose:
            super()._print_task_banner(task)

    def _headline(self, task: Any) -> bool:
        """Prints the task's step where that is not the last one printed. Whether the task is one among others of it."""
        step = _step_of(task)
        own = step and (step == self._step or step not in self._steps)
        if not own and _short(task) in (*_BOOKKEEPING, "debug"):
            return False
        name = step if own else self._name(task)
        if name != self._step and (_short(task) not in _BOOKKEEPING):
            self._step = name
            self._steps.add(name)
            self._display.display(name, color=constants.COLOR_OK)
        return bool(own)

    def _changed(self, result: Any) -> None:
        place = (result.task._uuid, result.host.get_name())
        if place in self._changes:
            return
        self._changes.add(place)
        own = self._headline(result.task)
        name = f"  changed{self._at(result)}: {self._name(result.task)}" if own else f"  changed{self._at(result)}"
        self._display.display(name, color=constants.COLOR_CHANGED)

    def _message(self, result: Any) -> None:
        told = {key: value for key, value in _plain(self._told_by_debug(result)).items() if not key.startswith("_")}
        lines = list(_lines(told.get("msg", told)))
        if len(lines) > LONGEST_MESSAGE and not (result.task.vars or {}).get(_WHOLE):
            hidden = len(lines) - LONGEST_MESSAGE + 1
            lines = [*lines[: LONGEST_MESSAGE - 1], f"... and {hidden} more lines: with -v they are shown"]
        indent = "  " if self._headline(result.task) else ""
        at = self._at(result).strip()
        if at:
            lines = [f"{at} {lines[0]}"] if len(lines) == 1 else [at, *lines]
        for line in lines:
            self._display.display(f"{indent}{line}".rstrip(), color=constants.COLOR_DEBUG)

    def _told_by_debug(self, result: Any) -> dict[str, Any]:
        self._clean_results(result.result, result.task.action)
        return dict(self._dump_results(result.result, serialize=False))

    def _failure(self, result: Any, how: str, ignored: bool = False, words: str | None = None) -> None:
        action, said = str(result.task.resolved_action or ""), str(result.result.get("msg") or "")
        by_words = action.startswith(_TOLD_BY_WORDS) and bool(said)
        if by_words:
            # Ansible's own line of the exception has the same words.
            result.result.pop("exception", None)
        self._handle_warnings_and_exception(result)
        if words is None:
            self._clean_results(result.result, result.task.action)
            words = said if by_words else self._dump_results(result.result)
        if _step_of(result.task):
            self._headline(result.task)
        errors = self.get_option("display_failed_stderr")
        suffix = " (ignored)" if ignored else ""
        name = f"  {how} [{self.host_label(result)}]{suffix}: {self._name(result.task)}"
        self._display.display(name, color=constants.COLOR_ERROR, stderr=errors)
        for line in self._once(words, result.host.get_name()).splitlines():
            self._display.display(f"    {line}", color=constants.COLOR_ERROR, stderr=errors)
        if _short(result.task) not in ("fail", "assert") and result.task.get_path():
            self._display.display(f"    in {result.task.get_path()}", color=constants.COLOR_ERROR, stderr=errors)

    def _once(self, words: str, host: str) -> str:
        """A failure that a rescue tells again, with a remedy, is not told twice."""
        told, whole = self._told.setdefault(host, []), words.strip().rstrip(".")
        for each in told:
            if len(each) > _WIDTH // 2:
                words = words.replace(each, "(as above)")
        told.append(whole)
        return words

    def _name(self, task: Any) -> str:
        return str(self._last_task_name or task.get_name()).split(" : ", 1)[-1].strip()

    def _at(self, result: Any) -> str:
        return f" [{self.host_label(result)}]" if len(self._hosts) > 1 else ""


def _short(task: Any) -> str:
    return str(task.action).rsplit(".", 1)[-1]


def _step_of(task: Any) -> str:
    """The name by which a playbook includes or imports what the task is part of; that of its role, where none does."""
    parent = task._parent
    while parent is not None:
        if isinstance(parent, TaskInclude) and parent._role is None and parent.name and "{{" not in str(parent.name):
            return str(parent.name).strip()
        parent = getattr(parent, "_parent", None)
    return str(task._role.get_name()) if task._role else ""


def _plain(value: Any) -> Any:
    """The value of plain types, without Ansible's marks of where it came from."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def _lines(value: Any) -> Iterator[str]:
    """The value as it is read: texts by their lines, the rest as YAML, without what is empty."""
    if isinstance(value, str):
        yield from value.splitlines()
    elif isinstance(value, list) and all(isinstance(each, str) for each in value):
        yield from value
    elif isinstance(value, dict):
        kept = {key: each for key, each in value.items() if each not in ([], {}, "", None)}
        if kept:
            yield from yaml.safe_dump(kept, width=_WIDTH, allow_unicode=True, sort_keys=False).splitlines()
    else:
        yield from (
            yaml.safe_dump(value, width=_WIDTH, allow_unicode=True, sort_keys=False)
            .removesuffix("\n...\n")
            .splitlines()
        )
