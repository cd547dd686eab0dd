#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has Prometheus and Alertmanager load what is there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: monitoring_reload
short_description: Have Prometheus and Alertmanager load what is there
description:
  - For a rollback. Rules that were taken out of a ConfigMap go on being evaluated until Prometheus reloads, and so does
    inhibition in Alertmanager.
  - Compares what every replica has loaded with what is in the mounted ConfigMap or Secret, and has those reload that
    differ. It waits until they have.
  - Does nothing where nothing runs that reads such a file, or where something else has it reload.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  key:
    description: The rules' key in the ConfigMap.
    type: str
    default: resilient-traefik.yml
  wait_timeout:
    description: Seconds for all replicas to load what is there.
    type: int
    default: 180
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.monitoring
attributes:
  check_mode:
    description: Says whether anything would be loaded.
    support: full
  diff_mode:
    description: Nothing of the cluster changes, so there is no diff.
    support: none
seealso:
  - module: resilient.traefik.restore
  - module: resilient.traefik.alert_rules
"""

EXAMPLES = r"""
- name: Put the run's objects back
  resilient.traefik.restore:
    run_id: "{{ run_id }}"

- name: Have nobody be told by rules that are gone
  resilient.traefik.monitoring_reload:
"""

RETURN = r"""
reloaded:
  description: What replicas had not loaded, a sentence each.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import monitoring_reload
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(monitoring_reload.run, monitoring_reload.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
