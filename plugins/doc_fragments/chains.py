# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Ingresses and IngressRoutes a module is about, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """See module_utils/traefik/chain_targets.py."""

    DOCUMENTATION = r"""
options:
  kinds:
    description: The kinds of objects to choose from.
    type: list
    elements: str
    choices: [Ingress, IngressRoute]
    default: [Ingress, IngressRoute]
  namespaces:
    description: The namespaces to choose from, V(*) for all.
    type: list
    elements: str
  names:
    description: Objects by C(namespace/name), or by name in every one of O(namespaces). All of them must be there.
    type: list
    elements: str
  label_selector:
    description: Objects with these labels, in O(namespaces) or else everywhere.
    type: str
"""
