# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module audit, in the controller's process."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.audit import module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec, Task
from ansible_collections.resilient.traefik.plugins.modules import audit
from ansible_collections.resilient.traefik.plugins.plugin_utils.audit_page.page import page_of
from ansible_collections.resilient.traefik.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """Runs the module's body here on a local connection, and has it make the page."""

    MODULE = audit

    def _answer(self, spec: ModuleSpec, task: Task) -> dict[str, Any]:
        return super()._answer(replace(spec, body=partial(module.run, page=page_of)), task)
