# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An inventory out of the contexts of a kubeconfig."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubeconfig
short_description: A host for each context of a kubeconfig
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
description:
  - Makes a fleet's inventory out of a kubeconfig. Each context is a host of the group C(clusters), with the connection
    C(local) and the variables that the playbooks need, C(resilient_traefik_context) among them.
  - Connects to nothing and takes no credential out of the kubeconfig.
  - The source's file name ends with C(kubeconfig.yml) or C(kubeconfig.yaml).
extends_documentation_fragment:
  - ansible.builtin.constructed
options:
  plugin:
    description: Says that the source is for this plugin.
    type: str
    required: true
    choices: [resilient.traefik.kubeconfig]
  kubeconfig:
    description:
      - The kubeconfig, or several with colons between, as in E(KUBECONFIG). A relative path is one from the source's
        folder.
      - Where this is left out, E(K8S_AUTH_KUBECONFIG), E(KUBECONFIG) and C(~/.kube/config) are looked at, and hosts do
        not name the file. So a job of AWX, whose credential lies elsewhere each time, finds its own.
    type: str
  include:
    description:
      - Patterns as of a shell. Only contexts that one of them fits become hosts. All of them when this is empty.
    type: list
    elements: str
    default: []
  exclude:
    description: Patterns of contexts that do not become hosts.
    type: list
    elements: str
    default: []
  name_regex:
    description:
      - What of a context's name is the host's, a regular expression. Its first group where it has one. Without it, and
        where it does not fit, it is the whole name.
      - Signs that have a meaning in patterns of hosts become hyphens.
    type: str
  group_patterns:
    description: By group the patterns of its contexts.
    type: dict
    default: {}
"""

EXAMPLES = r"""
# fleet.kubeconfig.yml: every context
plugin: resilient.traefik.kubeconfig

---
# Clusters of EKS by their last name, without those of developers; two of them are the first that a change goes to.
plugin: resilient.traefik.kubeconfig
kubeconfig: ~/.kube/fleet
include: ["arn:aws:eks:*"]
exclude: ["*:cluster/dev-*"]
name_regex: ".*/(.+)$"
group_patterns:
  canaries: ["*/staging-1", "*/berlin"]
  production: ["*/berlin", "*/lisbon"]
compose:
  resilient_traefik_production: "'staging' not in inventory_hostname"
keyed_groups:
  - key: kubeconfig_server | urlsplit('hostname') | split('.') | last
    prefix: domain
"""

import os
import re
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible.template import trust_as_template

from ansible_collections.resilient.traefik.plugins.plugin_utils.kubeconfig_hosts import (
    ClusterHost,
    KubeconfigError,
    groups_of,
    hosts_of,
    paths_of,
    read,
)

GROUP = "clusters"
# Of all that a source gives only this is a template: names out of a kubeconfig are taken as they stand.
_CONNECTION = {
    "ansible_connection": "local",
    "ansible_python_interpreter": trust_as_template("{{ ansible_playbook_python }}"),
}


class InventoryModule(BaseInventoryPlugin, Constructable):
    """A host for each context."""

    NAME = "resilient.traefik.kubeconfig"

    def verify_file(self, path: str) -> bool:
        """Whether the source is for this plugin, by its name."""
        return bool(super().verify_file(path)) and path.endswith(("kubeconfig.yml", "kubeconfig.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add the hosts. Raises AnsibleParserError that names the source, and the kubeconfig or context."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            hosts = self._hosts(Path(path).parent)
        except KubeconfigError as error:
            raise AnsibleParserError(f"{path}: {error}.") from None
        except re.error as error:
            raise AnsibleParserError(f"{path}: name_regex is no regular expression: {error}.") from None
        self._add(hosts)

    def _hosts(self, beside: Path) -> list[ClusterHost]:
        self._files = paths_of(self.get_option("kubeconfig"), os.environ, beside)
        found = hosts_of(
            read(self._files),
            self.get_option("include"),
            self.get_option("exclude"),
            self.get_option("name_regex") or "",
        )
        if not found:
            names = os.pathsep.join(map(str, self._files))
            raise KubeconfigError(f"no context of {names} is left. Look at include and exclude")
        return found

    def _add(self, hosts: list[ClusterHost]) -> None:
        self.inventory.add_group(GROUP)
        shared = dict(_CONNECTION)
        if self.get_option("kubeconfig"):
            shared["resilient_traefik_kubeconfig"] = os.pathsep.join(map(str, self._files))
        for host in hosts:
            self.inventory.add_host(host.name, GROUP)
            for name, value in {**shared, **host.variables()}.items():
                self.inventory.set_variable(host.name, name, value)
        for group, names in groups_of(hosts, self.get_option("group_patterns")).items():
            self.inventory.add_group(group)
            for name in names:
                self.inventory.add_child(group, name)
        for host in hosts:
            self._construct(host)

    def _construct(self, host: ClusterHost) -> None:
        # With inventory_hostname and the groups that are known by now.
        strict, variables = self.get_option("strict"), self.inventory.get_host(host.name).get_vars()
        self._set_composite_vars(self.get_option("compose"), variables, host.name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host.name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host.name, strict=strict)
