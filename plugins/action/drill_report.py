# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module drill_report, in the controller's process."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill import report
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec, Task
from ansible_collections.resilient.traefik.plugins.modules import drill_report
from ansible_collections.resilient.traefik.plugins.plugin_utils.drill_page.page import page_of
from ansible_collections.resilient.traefik.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """Runs the module's body here on any connection, and has it make the page: the report belongs to the controller."""

    MODULE = drill_report
    _supports_async = False

    def _in_process(self) -> bool:
        return True

    def _answer(self, spec: ModuleSpec, task: Task) -> dict[str, Any]:
        return super()._answer(replace(spec, body=partial(report.run, page=page_of)), task)
