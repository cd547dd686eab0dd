# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter nginx_engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy_reading import policy_from
from ansible_collections.resilient.traefik.plugins.plugin_utils.nginx_engine.engine import engine_from, files_of

DOCUMENTATION = r"""
name: nginx_engine
short_description: The files by which nginx carries out a fallback policy
description:
  - Checks the policy and renders the configuration of a fallback proxy.
version_added: 0.2.0
author: The resilient.traefik authors (@resilient)
positional: place
options:
  _input:
    description: The policy. Its options are those of the role C(auth_proxy) without their prefix.
    type: dict
    required: true
  place:
    description: >-
      Where it is carried out, with C(target) (a name that resolves to the target's pods, and their port), C(dns) (the
      resolver's address), C(folder) and C(users) (where the files and the htpasswd file will lie), C(modules) and
      C(workers).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Render a proxy that lets everybody through when the bot blocker does not answer
  ansible.builtin.set_fact:
    files: >-
      {{ {'path': '/auth', 'host': 'blocker.test:8080', 'check_host': 'www.example.test', 'default': 'allow'}
         | resilient.traefik.nginx_engine(place) }}
  vars:
    place:
      target: blocker-peers.blocker.svc.cluster.local.:8080
      dns: 10.96.0.10
      folder: /etc/proxy
      users: /etc/users/users
"""

RETURN = r"""
_value:
  description: The files' texts by their names.
  type: dict
"""


def nginx_engine(policy: Mapping[str, Any], place: Mapping[str, Any]) -> dict[str, str]:
    """The files by name. Raises AnsibleFilterError with every fault of the policy or the place."""
    try:
        return files_of(policy_from(policy), engine_from(place))
    except BadArgument as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {"nginx_engine": nginx_engine}
