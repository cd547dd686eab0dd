#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Holds variables against their specification, and names all that is wrong."""

from __future__ import annotations

DOCUMENTATION = r"""
module: variables_info
short_description: Hold variables against their specification, and name all that is wrong at once
description:
  - Says in a sentence each which variables are not of their type, are none of the choices, lack something or have keys
    that there are not, with the nearest one that there is. The names are those that the user wrote.
  - The roles and playbooks of this collection begin with it, before they look at a cluster.
  - Values of options with C(no_log) are never part of a sentence.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  specification:
    description:
      - By variable what it is, as the C(options) of a role's argument specification.
      - Beside Ansible's own keys there are C(minimum), C(maximum) and C(beyond), what to do instead of more than that,
        for numbers; C(format), which is V(run_name), V(namespace) or V(duration); C(text_is), the key that a text in
        place of a mapping stands for.
      - Unlike Ansible's own validation it takes no text where a list or a mapping is to be. Templates do not convert.
    type: dict
    required: true
  values:
    description: By variable its value. Others are held to be as their defaults.
    type: dict
    required: true
  formats:
    description:
      - By regular expression for a whole name the C(format) of these variables, where a specification cannot say it.
    type: dict
    default: {}
    version_added: 0.3.0
  given:
    description:
      - Names of variables that there are. One that is nearly a variable of the specification is told, since it would do
        nothing; others are left alone.
    type: list
    elements: str
    default: []
    version_added: 0.3.0
  entries:
    description: A variable that is a list of mappings, each of which may say otherwise what the other variables say.
    type: str
    default: ""
  prefix:
    description: What the names in O(entries) lack of the variables' names, and those in O(given) begin with.
    type: str
    default: ""
attributes:
  check_mode:
    description: Nothing is ever written.
    support: full
  diff_mode:
    description: Nothing changes, so there is no diff.
    support: none
"""

EXAMPLES = r"""
- name: Are the variables as they have to be?
  resilient.traefik.variables_info:
    specification:
      shop_replicas: {type: int, minimum: 1}
      shop_middleware: {type: dict, options: {name: {type: str}}}
    values:
      shop_replicas: three
      shop_middleware: {nmae: login}
  register: variables

- name: Refuse with all findings at once
  ansible.builtin.fail:
    msg: "{{ variables.findings }}"
  when: variables.findings | length > 0
"""

RETURN = r"""
findings:
  description: What is wrong, a sentence each that begins with a variable. Empty when all is well.
  returned: success
  type: list
  elements: str
  sample:
    - "shop_replicas: expected a whole number, got 'three'."
    - "shop_middleware: nmae: there is no such setting (is name meant?); there are name."
present:
  description: Always true. For preflights of roles, which have it too.
  returned: success
  type: bool
notes:
  description: Always empty. For preflights of roles, which have them too.
  returned: success
  type: list
  elements: str
proxies:
  description: Always empty. For preflights of roles, which have them too.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils import variables_info
from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(variables_info.run, variables_info.OPTIONS, connects=False, libraries=())


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
