# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Prometheus and Alertmanager, and which rules: options of the modules about alerts, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """See module_utils/monitoring/stack.py and rules.py."""

    DOCUMENTATION = r"""
options:
  prometheus:
    description: Which Prometheus. It is found by the images of pods, and is to be named where there are several.
    type: dict
    suboptions:
      namespace:
        description: The namespace of its pods. All of them without it.
        type: str
      label_selectors:
        description: Labels of its pods. Everything with an image of Prometheus without it.
        type: list
        elements: str
        default: []
  alertmanager:
    description: Which Alertmanager. It is found by the images of pods, and is to be named where there are several.
    type: dict
    suboptions:
      namespace:
        description: The namespace of its pods. All of them without it.
        type: str
      label_selectors:
        description: Labels of its pods. Everything with an image of Alertmanager without it.
        type: list
        elements: str
        default: []
"""

    RULES = r"""
options:
  groups:
    description: >-
      The groups of rules, as a rule file of Prometheus has them. Alerts carry the label V(resilient_traefik="true"), by
      which they are told from all others.
    type: list
    elements: raw
    required: true
  overrides:
    description: >-
      What is otherwise than in O(groups), by the alert's name. V(enabled) false leaves it out, V(expr), V(for) and
      V(keep_firing_for) replace, V(labels) and V(annotations) are added. An alert that is not there is an error.
    type: dict
    default: {}
  extra_labels:
    description: Labels for all alerts, such as a cluster's name. What an alert has itself counts more.
    type: dict
    default: {}
  left_out:
    description: Alerts that O(groups) may leave out. To override one that is not there is no error then.
    type: list
    elements: str
    default: []
"""
