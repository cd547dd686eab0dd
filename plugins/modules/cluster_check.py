#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks objects of a cluster against expectations."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_check
short_description: Check objects of a cluster against expectations
description:
  - Reads all that is named, concurrently, and fails unless everything is as expected.
  - The result tells of every check what was expected and what was found, also when the task fails, in the form that
    M(resilient.traefik.verification_report) takes.
  - With O(wait_timeout) it reads again until all is as expected.
  - Values of Secrets are compared and never shown.
version_added: 0.2.0
author: The resilient.traefik authors (@resilient)
options:
  checks:
    description: What is checked.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What is proved, in words.
        type: str
        required: true
      object:
        description: What is looked at, one object by its name, or all of a kind, or all that carry labels.
        type: dict
        required: true
        suboptions:
          api_version:
            description: The kind's API version.
            type: str
            default: v1
          kind:
            description: The kind.
            type: str
            required: true
          namespace:
            description: The namespace. All of them without it, where objects are chosen by kind or labels.
            type: str
          name:
            description: The name of one object.
            type: str
          label_selectors:
            description: Label selectors, all of which must hold.
            type: list
            elements: str
            default: []
      expect:
        description:
          - What must be true. All that is given must be true of every object, and there must be at least one, unless
            O(checks[].expect.absent) is given.
        type: dict
        required: true
        suboptions:
          exists:
            description: There is one.
            type: bool
            default: false
          absent:
            description: There is none.
            type: bool
            default: false
          ready:
            description:
              - It serves, by what its kind means by that. A Deployment has all its replicas updated and available and
                none of an older template, a Pod is Ready, a PodDisruptionBudget allows a disruption.
              - A kind without such a meaning is ready when it is there.
            type: bool
            default: false
          nodes_at_least:
            description:
              - Pods that are Ready run on at least this many different nodes.
              - The pods are the objects themselves, or those of the Deployment, StatefulSet or DaemonSet.
            type: int
          disruptions_allowed_at_least:
            description: The PodDisruptionBudget allows at least this many pods to go at once.
            type: int
          labels:
            description: Labels that it carries, with these values.
            type: dict
            default: {}
          fields:
            description:
              - Fields by their path, and the values that they have. A value of V(null) means that there is no such
                field.
              - A path is V(spec.replicas), V(spec.ports[0].port), V(spec.template.spec.containers[name=nginx].image),
                or, for a key that holds dots, V(metadata.annotations[example.test/owner]).
              - V(2) and V("2") are the same.
            type: dict
            default: {}
          contains:
            description:
              - The object, or a part of it, as a manifest has it. All that is in it must be there.
              - What it leaves out is not looked at. A list must have the same items and no more; those that have a name
                are compared by it.
              - Quantities under C(requests) and C(limits) count by value.
            type: dict
            default: {}
            version_added: 0.3.0
  wait_timeout:
    description: Seconds to go on reading until all is as expected. It is read once by default.
    type: float
    default: 0.0
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.reading
notes:
  - Needs C(get) on objects that are named and C(list) on others, and for O(checks[].expect.nodes_at_least) of a
    workload C(list) on C(pods). A right that is missing is a check that did not pass.
seealso:
  - module: resilient.traefik.http_check
  - module: resilient.traefik.verification_report
"""

EXAMPLES = r"""
- name: The proxy must survive the loss of a node
  resilient.traefik.cluster_check:
    checks:
      - name: the proxy serves from two nodes
        object:
          api_version: apps/v1
          kind: Deployment
          namespace: traefik
          name: auth-proxy
        expect:
          ready: true
          nodes_at_least: 2
      - name: a node that runs the proxy can be drained
        object:
          api_version: policy/v1
          kind: PodDisruptionBudget
          namespace: traefik
          name: auth-proxy
        expect:
          disruptions_allowed_at_least: 1
    wait_timeout: 60
  register: auth_proxy_verified_objects

- name: The bot blocker must run in its tier
  resilient.traefik.cluster_check:
    checks:
      - name: its pods carry the priority of their tier
        object:
          kind: Pod
          namespace: poison-fountain
          label_selectors:
            - app=poison-fountain
        expect:
          fields:
            spec.priorityClassName: tier-1-cluster
      - name: its namespace is labelled
        object:
          kind: Namespace
          name: poison-fountain
        expect:
          labels:
            tier: 1-cluster
"""

RETURN = r"""
checks:
  description: What came of each check, in the order of O(checks). Also there when the task fails.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: What is proved.
      type: str
      sample: the proxy serves from two nodes
    passed:
      description: Whether all is as expected.
      type: bool
    expected:
      description: What is expected, in words.
      type: str
      sample: Deployment traefik/auth-proxy is ready, with Ready pods on at least 2 nodes
    found:
      description: What was found, in words.
      type: str
      sample: Ready pods on 2 nodes (worker-1, worker-2)
rounds:
  description: How often all was read.
  returned: always
  type: int
"""

from ansible_collections.resilient.traefik.plugins.module_utils import cluster_check
from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(cluster_check.run, cluster_check.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
