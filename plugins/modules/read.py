#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads many objects and lists."""

from __future__ import annotations

DOCUMENTATION = r"""
module: read
short_description: Read many Kubernetes objects and lists in one task
description:
  - Answers any number of queries at once, concurrently and in pages, as raw objects without managedFields.
  - An object that does not exist and an object that may not be read are told apart.
version_added: 0.1.0
author: The resilient.traefik authors (@resilient)
options:
  queries:
    description: What to read. With a name one object, without one a list.
    type: list
    elements: dict
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
      name:
        description: The name of one object.
        type: str
      namespace:
        description: The namespace. All of them without it, where a list is read.
        type: str
      label_selectors:
        description: Label selectors, all of which must hold.
        type: list
        elements: str
        default: []
      field_selectors:
        description: Field selectors, all of which must hold.
        type: list
        elements: str
        default: []
  on_forbidden:
    description: Whether a missing permission fails the task or is reported as the query's RV(results[].status).
    type: str
    choices: [fail, report]
    default: fail
  reveal_secrets:
    description:
      - Whether values of Secrets are returned as they are. Otherwise each reads C(<hidden>).
      - Set C(no_log) on a task that reveals them.
    type: bool
    default: false
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.reading
seealso:
  - module: resilient.traefik.apply
"""

EXAMPLES = r"""
- name: Read all that a report needs
  resilient.traefik.read:
    queries:
      - kind: Node
      - api_version: apps/v1
        kind: Deployment
        namespace: traefik
        name: traefik
      - api_version: traefik.io/v1alpha1
        kind: Middleware
      - api_version: networking.k8s.io/v1
        kind: Ingress
        label_selectors:
          - team=shop
  register: cluster

- name: Use it
  ansible.builtin.debug:
    msg: "{{ cluster.results[0].objects | length }} nodes"
"""

RETURN = r"""
results:
  description: One answer a query, in the queries' order.
  returned: success
  type: list
  elements: dict
  contains:
    query:
      description: The query in words.
      type: str
      sample: Deployment traefik/traefik
    status:
      description: >-
        V(found), V(missing) when the object, its namespace or its kind does not exist, or V(forbidden). An empty list
        is V(found).
      type: str
      sample: found
    objects:
      description: The object, or the items of the list.
      type: list
      elements: dict
    message:
      description: The API server's words when the status is not V(found).
      type: str
"""

from ansible_collections.resilient.traefik.plugins.module_utils import read
from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(read.run, read.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
