#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Adds inhibition rules to the configuration of the Alertmanager that a cluster has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alert_inhibition
short_description: Add inhibition rules to the configuration of Alertmanager
description:
  - Adds the rules to the configuration in its ConfigMap or Secret. Everything else in it stays as it is, comments too,
    and other keys are not touched. Nothing of a Secret is ever shown.
  - Has Alertmanager reload, and waits until every replica has loaded the rules. What it refuses is put back.
  - Rules that are not limited at both ends to alerts with the label C(resilient_traefik) are refused. They could
    silence alerts of others.
  - A configuration that a Helm release or an operator brings is not written. With O(files_to) or O(render_to) the
    values of a release are written as a file.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  inhibit_rules:
    description: >-
      The rules as Alertmanager has them, with C(source_matchers), C(target_matchers) and C(equal). Those that were
      added before and are not among them are taken out.
    type: list
    elements: raw
    required: true
  files_to:
    description: A folder on the machine where the task runs, for values.
    type: path
  only_findings:
    description: Whether only to tell what stands against it, in RV(findings), and to write nothing.
    type: bool
    default: false
  where_owned:
    description: >-
      What to do where somebody else looks after the configuration, or where there is no Alertmanager. V(skip) warns.
    type: str
    choices: [fail, skip]
    default: fail
  wait_timeout:
    description: Seconds for all replicas to load the rules.
    type: int
    default: 180
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.monitoring
  - resilient.traefik.writing
attributes:
  check_mode:
    description: Asks the API server what it would take. Nothing is persisted.
    support: full
  diff_mode:
    description: Shows a ConfigMap before and after, and of a Secret which key changes.
    support: full
seealso:
  - module: resilient.traefik.alert_rules
  - module: resilient.traefik.alerts_check
"""

EXAMPLES = r"""
- name: Do not tell of few replicas where there is none
  resilient.traefik.alert_inhibition:
    inhibit_rules:
      - source_matchers: ['resilient_traefik="true"', 'alertname="TraefikDown"']
        target_matchers: ['resilient_traefik="true"', 'alertname="TraefikReplicasLow"']
        equal: [namespace]
"""

RETURN = r"""
findings:
  description: What stands against it, a sentence each with the remedy. Also part of a failure.
  returned: always
  type: list
  elements: str
  sample: []
notes:
  description: What is worth knowing and no fault.
  returned: success
  type: list
  elements: str
place:
  description: Where the configuration is. Empty where it is not written.
  returned: success
  type: str
  sample: ConfigMap monitoring/alertmanager, key alertmanager.yml
results:
  description: What became of the object, as in RV(resilient.traefik.apply#module:results).
  returned: when something was to be written
  type: list
  elements: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import alert_inhibition
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(alert_inhibition.run, alert_inhibition.OPTIONS, writes=True)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
