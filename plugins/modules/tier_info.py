#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says whether namespaces can move to another tier, and checks that they have arrived."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tier_info
short_description: Say whether namespaces can move to another tier, and check that they have arrived
description:
  - Names all that would keep M(resilient.traefik.tier_label) from moving namespaces and their workloads, before
    anything is written. A namespace that is not there, a tier to move to that no namespace, no PriorityClass and no
    admission policy of the cluster names, another tier or none on what is to move, a PriorityClass that is
    not there, and limits that the tier gives its present members and that are not the expected ones.
  - Tells a cluster that has no such tiers from one that has.
  - With O(verify=true) it checks labels, limits and the PriorityClass of running pods.
version_added: 0.2.0
author: The resilient.traefik authors (@resilient)
options:
  where_missing:
    description:
      - What to do where the cluster has no such tiers, that is no namespace with one of the two labels, no such
        PriorityClass, and no tier on O(namespaces). V(skip) says so in RV(notes), V(fail) in RV(findings).
    type: str
    choices: [skip, fail]
    default: skip
  verify:
    description: Check that all has arrived, instead of saying whether it can move.
    type: bool
    default: false
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.tier
  - resilient.traefik.reading
  - resilient.traefik.verifying
seealso:
  - module: resilient.traefik.tier_label
"""

EXAMPLES = r"""
- name: Can the bot blocker move?
  resilient.traefik.tier_info:
    namespaces: [bot-blocker]
    from: 4-aux
    to: 1-cluster
    expect:
      priority_class: tier-1-cluster
  register: tier

- name: Has it arrived?
  resilient.traefik.tier_info:
    namespaces: [bot-blocker]
    from: 4-aux
    to: 1-cluster
    expect:
      limit_range:
        max:
          memory: 4Gi
      priority_class: tier-1-cluster
    verify: true
  when: tier.present
"""

RETURN = r"""
present:
  description: Whether the cluster has such tiers.
  returned: without O(verify)
  type: bool
findings:
  description: What is wrong, a sentence each that begins with an option or an object. Empty when all is well.
  returned: without O(verify)
  type: list
  elements: str
notes:
  description: What is worth knowing and no fault.
  returned: without O(verify)
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

from ansible_collections.resilient.traefik.plugins.module_utils import tier_info
from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(tier_info.run, tier_info.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
