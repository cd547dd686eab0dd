#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says what a cluster has for monitoring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: monitoring_info
short_description: Say what a cluster has for monitoring
description:
  - Finds the replicas of Prometheus, Alertmanager and vmalert, the Helm releases that they came with, and the kinds
    for rules that operators bring.
  - Says what alerts are to be about. That is the Traefik workload, the ForwardAuth targets and the fallback proxies
    before them.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  traefik_namespace:
    description: The namespace of Traefik's Deployment or DaemonSet. It is found without it.
    type: str
  traefik_name:
    description: Its name. It is found without it.
    type: str
  planned_proxies:
    description: >-
      Fallback proxies that are to come, with C(name), C(namespace) and C(target) as in
      RV(resilient.traefik.forward_auth_info#module:proxies), so that a plan has their alerts too.
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.monitoring
  - resilient.traefik.reading
seealso:
  - module: resilient.traefik.alert_rules
  - module: resilient.traefik.alerts_check
"""

EXAMPLES = r"""
- name: What is there to be told by?
  resilient.traefik.monitoring_info:
  register: monitoring
"""

RETURN = r"""
findings:
  description: What is wrong, a sentence each that begins with an option. Empty when all is well.
  returned: success
  type: list
  elements: str
facts:
  description: What alerts are to be about.
  returned: success
  type: dict
  contains:
    traefik:
      description: C(namespace), C(name) and C(kind) of the workload. Empty where there is not exactly one.
      type: dict
    targets:
      description: >-
        The ForwardAuth targets that a Deployment serves, with C(role) (V(auth) for authentik, else V(bot_block)),
        C(namespace), C(deployment), and C(proxy_namespace) and C(proxy_name), which are empty without a proxy.
      type: list
      elements: dict
present:
  description: Whether there is anything that could take rules.
  returned: success
  type: bool
prometheus:
  description: >-
    The replicas of Prometheus, with C(program), C(namespace), C(name), C(port), C(prefix) of paths, and C(helm_release)
    as NAMESPACE/NAME.
  returned: success
  type: list
  elements: dict
alertmanagers:
  description: Those of Alertmanager.
  returned: success
  type: list
  elements: dict
vmalerts:
  description: Those of vmalert.
  returned: success
  type: list
  elements: dict
rule_kinds:
  description: Operators' kinds for rules that the API server serves.
  returned: success
  type: list
  elements: str
  sample: [PrometheusRule]
missing:
  description: Why there is no Prometheus or no Alertmanager, by its name.
  returned: success
  type: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import monitoring_info
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(monitoring_info.run, monitoring_info.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
