# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter coverage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.resilient.traefik.plugins.plugin_utils.coverage import coverage_of

DOCUMENTATION = r"""
name: coverage
short_description: Which routes that ask somebody the proxies will stand before, in sentences
description:
  - Takes what the module resilient.traefik.forward_auth_info found for each role of proxies together, and says how many
    of the routes that ask a ForwardAuth service will be protected in all that they ask, and which middlewares stay
    without a proxy.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  _input:
    description: Results of resilient.traefik.forward_auth_info; an empty mapping is one that was not asked for.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Look at what stands before authentik
  resilient.traefik.forward_auth_info:
    proxies: [{name: auth-proxy, path: /outpost.goauthentik.io/auth/traefik}]
    settings: {namespace: traefik}
    discover: auth
  register: found

- name: Say what a proxy will stand before
  ansible.builtin.debug:
    msg: "{{ [found] | resilient.traefik.coverage }}"
"""

RETURN = r"""
_value:
  description: Sentences, none where nothing was looked at.
  type: list
  elements: str
"""


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"coverage": coverage_of}
