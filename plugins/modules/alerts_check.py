#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks on the running Prometheus and Alertmanager that alerts would be raised and heard."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alerts_check
short_description: Check that alerts would be raised and heard
description:
  - Asks every replica of Prometheus whether exactly these rules are loaded and healthy, whether it has the series that
    they need, and whether it knows an Alertmanager.
  - Asks every replica of Alertmanager for the inhibition rules, and posts a test alert for each severity of the rules,
    which has to reach a receiver that tells somebody.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  inhibit_rules:
    description: The inhibition rules that Alertmanager is to have.
    type: list
    elements: raw
    default: []
  optional_series:
    description: Metrics of the rules that need not be there, because nothing has been counted yet.
    type: list
    elements: str
    default: []
  test_alert:
    description:
      - V(routed) posts an alert C(ResilientTraefikTest) that ends after some seconds, and looks to which receiver it
        goes. Nobody is told where C(group_wait) of the route is longer than that.
      - V(notified) waits for a notification to be taken, which people see. That may last for C(group_wait), and where a
        test was told shortly before for C(group_interval). V(none) posts nothing.
    type: str
    choices: [none, routed, notified]
    default: routed
  wait_timeout:
    description: Seconds to wait for all checks to pass, and for a notification.
    type: int
    default: 60
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.monitoring
  - resilient.traefik.monitoring.rules
attributes:
  check_mode:
    description: Nothing of the cluster changes. The test alert is posted in check mode too.
    support: full
  diff_mode:
    description: Nothing changes, so there is no diff.
    support: none
seealso:
  - module: resilient.traefik.alert_rules
  - module: resilient.traefik.alert_inhibition
"""

EXAMPLES = r"""
- name: Would anybody hear of it?
  resilient.traefik.alerts_check:
    groups: "{{ rules.groups }}"
    test_alert: notified
"""

RETURN = r"""
checks:
  description: What was checked. Also part of a failure.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: What was checked.
      type: str
    passed:
      description: Whether it holds.
      type: bool
    expected:
      description: What should be.
      type: str
    found:
      description: What is.
      type: str
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import alerts_check
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(alerts_check.run, alerts_check.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
