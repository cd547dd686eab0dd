# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What moves from one tier to another and what the new one gives, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """See module_utils/tier_move.py."""

    DOCUMENTATION = r"""
options:
  namespaces:
    description: The namespaces to move.
    type: list
    elements: str
    required: true
  label:
    description: The label's name.
    type: str
    default: tier
  from:
    description: The tier to leave.
    type: str
    required: true
  to:
    description: The tier to move to. What is there already is left as it is.
    type: str
    required: true
  workloads:
    description:
      - The workloads of every namespace to move. By default all Deployments, StatefulSets and DaemonSets in it that
        carry the label. An empty list moves none.
      - One that is named or selected must be there and carry the label.
    type: list
    elements: dict
    suboptions:
      kind:
        description: The kind.
        type: str
        choices: [Deployment, StatefulSet, DaemonSet]
        default: Deployment
      name:
        description: The name. All of the kind without it.
        type: str
      label_selectors:
        description: Label selectors, all of which must hold.
        type: list
        elements: str
        default: []
  pod_template:
    description: Whether the pods carry the label as well. To change it recreates them.
    type: bool
    default: false
  expect:
    description: What the new tier is to give. What is not named is not looked at.
    type: dict
    suboptions:
      limit_range:
        description:
          - The LimitRange in each namespace. Quantities count by value, so V(1Gi) is V(1024Mi).
        type: dict
        suboptions:
          name:
            description: Its name.
            type: str
            default: tier-defaults
          default:
            description: Default limits of containers, by resource.
            type: dict
          default_request:
            description: Default requests of containers, by resource.
            type: dict
          max:
            description: Highest limits of containers, by resource.
            type: dict
          min:
            description: Lowest requests of containers, by resource.
            type: dict
      priority_class:
        description: The PriorityClass of the workloads' pods.
        type: str
"""
