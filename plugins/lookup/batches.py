# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sizes of a fleet's batches, for the keyword serial of a play."""

from __future__ import annotations

DOCUMENTATION = r"""
name: batches
short_description: Sizes of the batches in which a fleet is taken
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
description:
  - For C(serial) of a play whose C(hosts) begins with the canaries. The first batch is all canaries that the run is
    limited to, then come the batches of O(serial).
  - Without canaries and without O(serial) it is one batch of all.
options:
  canary:
    description: Pattern of hosts, such as a group, that are the canaries.
    type: str
    default: ''
  serial:
    description: Size of the batches after that, or a list of sizes of which the last repeats. Numbers or percentages.
    type: raw
"""

EXAMPLES = r"""
- name: The canaries, then a tenth at a time
  hosts: canaries:all
  serial: "{{ query('resilient.traefik.batches', canary='canaries', serial='10%') }}"
  tasks: []
"""

RETURN = r"""
_list:
  description: Sizes of the batches, as C(serial) takes them.
  type: list
  elements: raw
"""

from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.plugins.lookup import LookupBase

from ansible_collections.resilient.traefik.plugins.plugin_utils.batching import batches


class LookupModule(LookupBase):
    """Counts the canaries and makes sizes of what is asked for."""

    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[int | str]:
        """Raise AnsibleError for a size that is none."""
        self.set_options(var_options=variables, direct=kwargs)
        canary, serial = self.get_option("canary"), self.get_option("serial")
        try:
            return batches(len(self._hosts(canary, variables)) if canary else 0, serial)
        except ValueError:
            raise AnsibleError(
                f"resilient_traefik_serial: expected a number, a percentage or a list of them, got {serial!r}"
            ) from None

    def _hosts(self, pattern: str, variables: Any) -> list[str]:
        manager = InventoryManager(self._loader, parse=False)
        for group, hosts in variables["groups"].items():
            manager.add_group(group)
            for host in hosts:
                manager.add_host(host, group=group)
        manager.subset(variables.get("ansible_limit"))
        return [str(host.name) for host in manager.get_hosts(pattern=pattern)]
