#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says what hardening brought to the objects of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hardening_info
short_description: Say what hardening brought to the objects of a cluster, to be compared with later
description:
  - Reads the ForwardAuth middlewares that ask a fallback proxy, the retry middleware and the chains that begin with it,
    the disruption budgets and the spread of Traefik and of the proxies, and the proxies' configuration.
  - The filter P(resilient.traefik.parity_exporter#filter) makes of it what Prometheus is told all the time.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  traefik_namespace:
    description: The namespace of Traefik's Deployment or DaemonSet. It is found without it.
    type: str
  traefik_name:
    description: Its name. It is found without it.
    type: str
  cluster_domain:
    description: The DNS domain of the cluster.
    type: str
    default: cluster.local
  most_routes:
    description: How many Ingresses and IngressRoutes to record at most, the first ones by kind, namespace and name.
    type: int
    default: 300
  before:
    description:
      - The ConfigMaps of an exporter that is there, whose record counts with O(renew=false). The newest one is taken.
    type: list
    elements: dict
    default: []
  renew:
    description:
      - Whether what is there now is the whole record.
      - Without it everything that O(before) has stays in it, so that what was undone since is not forgotten. Fields
        that this collection, and nobody else, has written since are as they are now.
    type: bool
    default: true
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.reading
seealso:
  - module: resilient.traefik.forward_auth_check
  - module: resilient.traefik.traefik_info
"""

EXAMPLES = r"""
- name: What is hardened?
  resilient.traefik.hardening_info:
  register: hardening

- name: Show it
  ansible.builtin.debug:
    msg: "{{ item.kind }} {{ item.namespace }}/{{ item.name }}: {{ item.fields | map(attribute='name') | join(', ') }}"
  loop: "{{ hardening.objects }}"
"""

RETURN = r"""
objects:
  description: The record, an entry an object.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: The object's kind.
      type: str
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
    path:
      description: Where it is at the API server.
      type: str
      sample: /apis/policy/v1/namespaces/traefik/poddisruptionbudgets/traefik
    fields:
      description: >-
        What is recorded of it, with C(name), C(path) in the object, C(value), and C(how) it is compared (V(equal),
        V(holds), V(headers), V(sent), V(first) or V(routes)).
      type: list
      elements: dict
left_out:
  description: How many routes were too many to be recorded.
  returned: success
  type: int
terminating_namespaces:
  description: Namespaces that are being deleted, of which nothing is recorded.
  returned: success
  type: list
  elements: str
rights:
  description: By namespace the rules of a Role that may get these objects by their names, and nothing else.
  returned: success
  type: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import hardening_info
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(hardening_info.run, hardening_info.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
