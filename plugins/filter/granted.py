# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter granted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.plugin_utils import granting

DOCUMENTATION = r"""
name: granted
short_description: Accounts with the rights that this collection needs, in the namespaces of one installation
description:
  - Makes a ServiceAccount for each purpose out of the roles of docs/rbac.yaml, and binds it what the purpose needs.
  - What writes is bound in the given namespaces only. The purpose alerts is the exception, see docs/rbac.md.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
positional: purposes, namespaces, secret_namespaces
options:
  _input:
    description: The content of docs/rbac.yaml.
    type: dict
    required: true
  purposes:
    description: >-
      What the accounts are for, out of V(audit), V(verify), V(harden), V(drill), V(drill-nodes), V(alerts) and
      V(explain).
    type: list
    elements: str
    required: true
  namespaces:
    description: Where they may write and reach pods.
    type: list
    elements: str
    required: true
  secret_namespaces:
    description: Where they may read Secrets, and write them where the purpose does.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show an account that may verify
  ansible.builtin.debug:
    msg: "{{ roles | resilient.traefik.granted(['verify'], ['traefik']) }}"
  vars:
    roles: "{{ lookup('ansible.builtin.file', 'docs/rbac.yaml') | from_yaml }}"
"""

RETURN = r"""
_value:
  description: A List of Kubernetes objects.
  type: dict
"""


def granted(
    manifest: Mapping[str, Any],
    purposes: Sequence[str],
    namespaces: Sequence[str],
    secret_namespaces: Sequence[str] = (),
) -> dict[str, Any]:
    """The manifest of the accounts. Raises AnsibleFilterError."""
    try:
        items = granting.granted(manifest["items"], purposes, namespaces, secret_namespaces)
    except BadArgument as error:
        raise AnsibleFilterError(str(error)) from None
    return {"apiVersion": "v1", "kind": "List", "items": items}


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"granted": granted}
