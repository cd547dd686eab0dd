#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Takes back what drills left behind."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drill_heal
short_description: Take back what drills left behind whose controllers died
description:
  - Puts back every object that carries the mark of a drill, and removes what the drills brought, with their healers.
  - The cluster does the same by itself when a drill's time is over. This does it at once.
  - A field that somebody else changed since is left as it is, and only the mark is taken away.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  wait_timeout:
    description: Seconds that it may take until everything is ready again.
    type: int
    default: 180
extends_documentation_fragment:
  - resilient.traefik.connection
attributes:
  check_mode:
    description: Says what would be taken back.
    support: full
  diff_mode:
    description: Shows the objects before and after.
    support: full
notes:
  - Does not look at the cluster's lock. The playbook C(drill) holds it, so that no drill that is under way is healed.
seealso:
  - module: resilient.traefik.drill
"""

EXAMPLES = r"""
- name: Take back what a drill left behind
  resilient.traefik.drill_heal:
"""

RETURN = r"""
healed:
  description: What carried a mark.
  returned: always
  type: list
  elements: dict
  contains:
    object:
      description: Kind, namespace and name.
      type: str
    drill:
      description: The drill that marked it.
      type: str
    field:
      description: What it had changed.
      type: str
    until:
      description: When the cluster would have healed it.
      type: str
results:
  description: What became of every object, as in RV(resilient.traefik.apply#module:results).
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.drill import heal
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(heal.run, heal.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
