#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says which PodDisruptionBudgets workloads need, and checks those they have."""

from __future__ import annotations

DOCUMENTATION = r"""
module: disruption_budget_info
short_description: Say which PodDisruptionBudgets workloads are to have, and check those they have
description:
  - Finds workloads by their labels and works out the budget that each is to have, by the number of pods that it runs
    with (the C(minReplicas) of its HorizontalPodAutoscaler where it has one).
  - Names what would go wrong. A number that blocks every drain of a node, a budget of somebody else that protects
    nothing or blocks every drain, and two budgets for the same pods, which block evictions altogether.
  - With O(verify=true) it checks the budgets that are there, and rehearses an eviction as a node drain would ask for
    it. The rehearsal is a dry run on the API server, nothing is evicted.
version_added: 0.2.0
author: The resilient.traefik authors (@resilient)
options:
  workloads:
    description: The workloads, and the budget wanted for each.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What results call it.
        type: str
        required: true
      namespace:
        description: Its namespace. All are searched without it.
        type: str
      label_selectors:
        description: Label selectors of the Deployments and StatefulSets, all of which must hold.
        type: list
        elements: str
        required: true
      min_available:
        description: How many pods must stay, as a number or as a percentage such as V(50%).
        type: str
      max_unavailable:
        description: How many pods may be gone at once, as a number or as a percentage.
        type: str
      where_blocking:
        description:
          - What to do where the number would block every drain of a node.
          - V(fall_back) takes C(maxUnavailable) 1 instead, and says so in RV(notes). V(finding) makes it a finding.
        type: str
        choices: [fall_back, finding]
        default: fall_back
      budget:
        description: Name of the budget. That of the workload by default.
        type: str
      unhealthy_pods:
        description: The budget's C(unhealthyPodEvictionPolicy). V(AlwaysAllow) keeps broken pods from blocking drains.
        type: str
        choices: [AlwaysAllow, IfHealthyBudget]
        default: AlwaysAllow
      replicas:
        description: With how many pods it is about to run, where that is more than now and no autoscaler scales it.
        type: int
        default: 0
        version_added: 0.3.0
      optional:
        description: Whether it may be missing.
        type: bool
        default: false
  by_chart:
    description:
      - Whether the workloads' own Helm chart is to render the budgets, see RV(chart_values). Otherwise they are
        RV(objects).
    type: bool
    default: false
  verify:
    description:
      - Check instead of advise. For every workload one budget that keeps some of its pods, one disruption that it
        allows now, and one pod that a drain may evict.
    type: bool
    default: false
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.reading
  - resilient.traefik.verifying
"""

EXAMPLES = r"""
- name: Which budgets does authentik need?
  resilient.traefik.disruption_budget_info:
    workloads:
      - name: server
        label_selectors: [app.kubernetes.io/name=authentik, app.kubernetes.io/component=server]
        min_available: 2
      - name: worker
        label_selectors: [app.kubernetes.io/name=authentik, app.kubernetes.io/component=worker]
        max_unavailable: 1
  register: budgets

- name: Have them
  resilient.traefik.apply:
    objects: "{{ budgets.objects }}"
  when: budgets.findings | length == 0

- name: Can a node be drained?
  resilient.traefik.disruption_budget_info:
    workloads:
      - name: server
        label_selectors: [app.kubernetes.io/name=authentik, app.kubernetes.io/component=server]
        min_available: 2
    verify: true
"""

RETURN = r"""
findings:
  description: What is wrong, a sentence each. Empty when all is well.
  returned: without O(verify)
  type: list
  elements: str
notes:
  description: What is worth knowing and no fault.
  returned: without O(verify)
  type: list
  elements: str
objects:
  description: The PodDisruptionBudgets to apply. None for workloads that somebody else's budget protects already.
  returned: without O(verify)
  type: list
  elements: dict
chart_values:
  description: The same as values for a chart, by the names of O(workloads).
  returned: without O(verify)
  type: dict
  sample: {server: {pdb: {enabled: true, minAvailable: 2}}}
workloads:
  description: The workloads that were found.
  returned: without O(verify)
  type: list
  elements: dict
  contains:
    purpose:
      description: Its name in O(workloads).
      type: str
      sample: server
    api_version:
      description: Its API version.
      type: str
    kind:
      description: Its kind.
      type: str
      sample: Deployment
    namespace:
      description: Its namespace.
      type: str
      sample: authentik
    name:
      description: Its name.
      type: str
      sample: goauthentik-server
    replicas:
      description: The lowest number of pods that it runs with.
      type: int
    limit:
      description: The number that its budget is to have.
      type: dict
      sample: {minAvailable: 2}
    budgets:
      description: The budgets that select its pods now.
      type: list
      elements: str
checks:
  description: What was checked. Also part of a failure.
  returned: with O(verify=true)
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

from ansible_collections.resilient.traefik.plugins.module_utils import disruption_budget_info
from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(disruption_budget_info.run, disruption_budget_info.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
