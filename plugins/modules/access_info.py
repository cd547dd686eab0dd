#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks the API server what this account may do."""

from __future__ import annotations

DOCUMENTATION = r"""
module: access_info
short_description: Ask which of the rights that are needed an account lacks
description:
  - Asks the API server about every right, concurrently, for the account that the task connects as.
  - The API server answers from what its authorizers say, whatever grants the right. Nothing is tried out.
  - A missing right does not fail the task. See RV(findings).
version_added: 0.2.0
author: The resilient.traefik authors (@resilient)
options:
  rights:
    description: What the account should be able to do. Each item means every verb on every resource in it.
    type: list
    elements: dict
    required: true
    suboptions:
      verbs:
        description: Verbs of the API, such as V(get), V(list), V(create), V(patch) and V(delete).
        type: list
        elements: str
        required: true
      resources:
        description:
          - Resources with their group, such as V(secrets), V(deployments.apps), V(ingressroutes.traefik.io) and
            V(pods/portforward).
        type: list
        elements: str
        required: true
      namespace:
        description: The namespace. Without it in all of them, or for what is in no namespace.
        type: str
      name:
        description: The one object that it is about. Any without it.
        type: str
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.reading
notes:
  - Needs C(create) on C(selfsubjectaccessreviews), which every account has unless it was taken away
    (ClusterRole C(system:basic-user)).
"""

EXAMPLES = r"""
- name: Ask before anything is written
  resilient.traefik.access_info:
    rights:
      - verbs: [get, patch]
        resources: [deployments.apps]
        namespace: traefik
      - verbs: [get, create, patch]
        resources: [middlewares.traefik.io, services, configmaps]
        namespace: traefik
      - verbs: [get, create]
        resources: [pods/portforward]
        namespace: traefik
  register: access

- name: Refuse with all that is missing
  ansible.builtin.assert:
    that: access.allowed
    fail_msg: "{{ access.findings }}"
"""

RETURN = r"""
allowed:
  description: Whether the account has all of the rights.
  returned: success
  type: bool
findings:
  description: One sentence for every resource and namespace where something is missing, with the remedy.
  returned: success
  type: list
  elements: str
  sample:
    - "no right to patch deployments.apps in namespace traefik: add it to the account's Role, docs/rbac.yaml has all"
missing:
  description: The rights that are missing.
  returned: success
  type: list
  elements: dict
  contains:
    verb:
      description: The verb.
      type: str
      sample: patch
    resource:
      description: The resource.
      type: str
      sample: deployments.apps
    namespace:
      description: The namespace, empty for all or none.
      type: str
      sample: traefik
    name:
      description: The object's name, empty for any.
      type: str
"""

from ansible_collections.resilient.traefik.plugins.module_utils import access_info
from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(access_info.run, access_info.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
