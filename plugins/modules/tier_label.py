#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Moves namespaces and workloads to another tier."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tier_label
short_description: Move namespaces and their workloads from one tier label to another, and prove what the tier gives
description:
  - For clusters in which a label says how important a namespace is, and a policy engine or admission policy gives its
    pods a PriorityClass and default limits accordingly.
  - Changes the label of namespaces, then waits for the LimitRange that the new tier is to give, then changes the label
    of the workloads and, with O(pod_template=true), of their pods.
  - Pods keep running unless they must be recreated. A PriorityClass is given when a pod is admitted, so pods with
    another one than O(expect.priority_class) are rolled, see O(restart).
  - Nothing is moved when one of the objects carries another tier than O(from) or O(to), or none.
version_added: 0.1.0
author: The resilient.traefik authors (@resilient)
options:
  restart:
    description:
      - When to recreate pods whose template does not change.
      - V(auto) does it where running pods have another PriorityClass than O(expect.priority_class), and fails when the
        new ones have another one still.
      - V(always) does it wherever this task changes a label. V(never) only warns of pods with another PriorityClass.
    type: str
    choices: [auto, always, never]
    default: auto
  wait_timeout:
    description: Seconds to wait for the LimitRange, and again for every rollout.
    type: int
    default: 180
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.tier
  - resilient.traefik.writing
attributes:
  check_mode:
    description: Asks the API server what would change, and tells which pods would be recreated. Nothing is persisted.
    support: full
  diff_mode:
    description: Shows the objects before and after.
    support: full
"""

EXAMPLES = r"""
- name: The bot blocker becomes part of what the cluster stands on
  resilient.traefik.tier_label:
    namespaces: [bot-blocker]
    from: 4-aux
    to: 1-cluster
    expect:
      limit_range:
        name: tier-defaults
        default:
          memory: 512Mi
        max:
          memory: 4Gi
      priority_class: tier-1-cluster

- name: Move one workload and the labels of its pods
  resilient.traefik.tier_label:
    namespaces: [shop]
    label: example.test/tier
    from: silver
    to: gold
    workloads:
      - kind: StatefulSet
        name: orders
    pod_template: true
"""

RETURN = r"""
results:
  description: What became of every object, as in RV(resilient.traefik.apply#module:results). Also part of a failure.
  returned: always, once the objects have been read
  type: list
  elements: dict
verified:
  description: What the cluster gives. After the move; in check mode as it is before.
  returned: success
  type: dict
  contains:
    limit_ranges:
      description: By namespace the limits of containers, where O(expect.limit_range) was given.
      type: dict
      sample: {bot-blocker: {default: {memory: 512Mi}, max: {memory: 4Gi}}}
    priority_classes:
      description: By workload the PriorityClasses of its running pods.
      type: dict
      sample: {Deployment bot-blocker/blocker: [tier-1-cluster]}
"""

from ansible_collections.resilient.traefik.plugins.module_utils import tier_label
from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(tier_label.run, tier_label.OPTIONS, writes=True)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
