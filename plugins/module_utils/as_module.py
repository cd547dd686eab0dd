# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a body as a module: in a process of its own, on any connection."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec, Task


class _DiscreetModule(AnsibleModule):
    """Arguments hold whole objects, Secrets among them: they go neither into the host's log nor into the result."""

    def _log_invocation(self) -> None:
        self.log("Invoked")

    def _return_formatted(self, kwargs: dict[str, Any]) -> None:
        super()._return_formatted({"invocation": {}} | kwargs)


def run_as_module(spec: ModuleSpec) -> None:
    """Reads the arguments, calls the body, and ends the process through exit_json or fail_json."""
    module = _DiscreetModule(supports_check_mode=spec.supports_check_mode, **spec.arguments())
    task = Task(module.params, check_mode=module.check_mode)
    try:
        result = spec.run(task)
    except ResilientError as error:
        _warn(module, task)
        module.fail_json(msg=str(error), **error.facts)
    _warn(module, task)
    if not module._diff:
        result.pop("diff", None)
    module.exit_json(**result)


def _warn(module: AnsibleModule, task: Task) -> None:
    for warning in task.warnings:
        module.warn(warning)
