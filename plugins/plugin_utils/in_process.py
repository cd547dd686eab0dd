# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a body in the controller's process: what every action plugin of this collection does.

Measured on a two-core machine: 23 to 33 ms a task, against 870 ms for a module that imports the kubernetes package in
a process of its own. On a connection other than local, with become or with async, the module itself runs instead:
same body, same argument spec.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from types import ModuleType
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import AnsibleValidationErrorMultiple, UnsupportedError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec, Task
from ansible_collections.resilient.traefik.plugins.plugin_utils.pulse import Pulse

_display = Display()


class InProcessAction(ActionBase):
    """Base of the action plugins. ``MODULE`` is the module whose ``SPEC`` is run."""

    MODULE: ModuleType
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The task's result, in the form that the module itself would print."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if not self._in_process():
            wrap_async = bool(self._task.async_val)
            return result | dict(self._execute_module(task_vars=task_vars, wrap_async=wrap_async))
        # Every task has a forked process of its own, so its environment may be changed in place.
        for variables in self._task.environment or []:
            os.environ.update({name: str(value) for name, value in self._templar.template(variables).items()})
        spec: ModuleSpec = self.MODULE.SPEC
        validated = ArgumentSpecValidator(**spec.arguments()).validate(_as_module_sees(self._task.args))
        hidden = validated._no_log_values
        if validated.error_messages:
            return result | dict(remove_values({"failed": True, "msg": self._refusal(validated.errors)}, hidden))
        with Pulse(self._progress) as pulse:
            task = Task(
                validated.validated_parameters,
                check_mode=self._task.check_mode,
                progress=pulse.tell,
                controller=_controller(),
            )
            answer = self._answer(spec, task)
        # Looking for nothing through thousands of objects takes longer than reading them did.
        return result | (dict(remove_values(answer, hidden)) if hidden else answer)

    def _answer(self, spec: ModuleSpec, task: Task) -> dict[str, Any]:
        if task.check_mode and not spec.supports_check_mode:
            return {"skipped": True, "msg": f"remote module ({self._task.action}) does not support check mode"}
        try:
            answer = {"changed": False} | spec.run(task)
        except ResilientError as error:
            answer = {"failed": True, "changed": False, "msg": str(error)} | error.facts
        if not self._task.diff:
            answer.pop("diff", None)
        return answer | ({"warnings": task.warnings} if task.warnings else {})

    def _refusal(self, found: AnsibleValidationErrorMultiple) -> str:
        """The words of AnsibleModule for arguments that it does not take."""
        unsupported = isinstance(found[0], UnsupportedError)
        return (f"Unsupported parameters for ({self._task.action}) module: " if unsupported else "") + str(found.msg)

    def _in_process(self) -> bool:
        return self._connection.transport == "local" and not self._connection.become and not self._task.async_val

    def _progress(self, line: str) -> None:
        _display.display(f"{self._task.get_name()}: {line}")


def _controller() -> int | None:
    """The process that forked this one for the task."""
    parent = multiprocessing.parent_process()
    return parent.pid if parent else None


def _as_module_sees(args: dict[str, Any]) -> dict[str, Any]:
    """The arguments as they arrive in a module: plain values, vaulted ones decrypted, without the controller's tags."""
    direction = Direction.CONTROLLER_TO_MODULE
    text = json.dumps(args, cls=get_module_encoder("legacy", direction))
    return dict(json.loads(text, cls=get_module_decoder("legacy", direction)))
