#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Brings alerting rules to the Prometheus that a cluster has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alert_rules
short_description: Bring alerting rules to the Prometheus that a cluster has
description:
  - Judges the rules before anything is written. Their structure, what O(overrides) changes, every expression by the
    Prometheus that runs, and names that rules from elsewhere have already.
  - Delivers them the way that the cluster takes, and waits until every replica has loaded exactly these rules. It has
    Prometheus reload where that is allowed (C(--web.enable-lifecycle)).
  - What a replica refuses, or does not load in time, is put back, and the error has Prometheus' own words.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  delivery:
    description:
      - How the rules get in. V(prometheusrule) and V(vmrule) are objects of operators, V(configmap) is a key of a
        ConfigMap that is mounted where C(rule_files) of Prometheus look.
      - V(helm_values_prometheus) and V(helm_values_kube_prometheus_stack) write values for the release of that chart to
        O(files_to) or O(render_to), and its owner brings them in. V(files) writes a rule file there.
      - V(auto) takes the operator's object where an operator runs Prometheus, else the mounted ConfigMap, else values.
    type: str
    choices:
      - auto
      - prometheusrule
      - vmrule
      - configmap
      - helm_values_prometheus
      - helm_values_kube_prometheus_stack
      - files
    default: auto
  name:
    description: The name of the operator's object.
    type: str
    default: resilient-traefik
  rules_namespace:
    description: Its namespace. That of the Prometheus that is to read it by default.
    type: str
  labels:
    description: >-
      Labels of the object or ConfigMap. Those that the operator's C(ruleSelector) asks for are added.
    type: dict
    default: {}
  config_map:
    description: Which ConfigMap.
    type: dict
    suboptions:
      name:
        description: Its name. Found by what is mounted when empty, C(prometheus-rules) among several.
        type: str
        default: ''
      key:
        description: The rules' key in it.
        type: str
        default: resilient-traefik.yml
  files_to:
    description: A folder on the machine where the task runs, for values and files.
    type: path
  only_findings:
    description: Whether only to tell what stands against it, in RV(findings), and to write nothing.
    type: bool
    default: false
  where_missing:
    description: What to do where nothing is there that could take rules. V(skip) warns.
    type: str
    choices: [fail, skip]
    default: fail
  wait_timeout:
    description: Seconds for all replicas to load the rules. A kubelet may take a minute and more to renew a ConfigMap.
    type: int
    default: 180
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.monitoring
  - resilient.traefik.monitoring.rules
  - resilient.traefik.writing
attributes:
  check_mode:
    description: Asks Prometheus and the API server what they would take. Nothing is persisted.
    support: full
  diff_mode:
    description: Shows objects and files before and after.
    support: full
seealso:
  - module: resilient.traefik.alert_inhibition
  - module: resilient.traefik.alerts_check
"""

EXAMPLES = r"""
- name: Tell when Traefik is down
  resilient.traefik.alert_rules:
    groups:
      - name: traefik
        rules:
          - alert: TraefikDown
            expr: kube_deployment_status_replicas_available{namespace="traefik",deployment="traefik"} == 0
            for: 2m
            labels:
              severity: critical
              resilient_traefik: "true"
            annotations:
              summary: No replica of Traefik is available
    overrides:
      TraefikDown:
        for: 5m
    extra_labels:
      cluster: blue
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
present:
  description: Whether there is anything that could take rules.
  returned: success
  type: bool
delivery:
  description: The delivery that was chosen.
  returned: success
  type: str
  sample: configmap
place:
  description: Where the rules are.
  returned: success
  type: str
  sample: ConfigMap monitoring/prometheus-rules, key resilient-traefik.yml
alerts:
  description: The names of the alerts.
  returned: success
  type: list
  elements: str
groups:
  description: The groups with O(overrides) and O(extra_labels) worked in.
  returned: success
  type: list
  elements: dict
results:
  description: What became of every object, as in RV(resilient.traefik.apply#module:results).
  returned: when something was to be written
  type: list
  elements: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import alert_rules
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(alert_rules.run, alert_rules.OPTIONS, writes=True)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
