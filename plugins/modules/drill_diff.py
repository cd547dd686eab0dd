#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares the reports of two runs of drills."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drill_diff
short_description: Compare the reports of two runs of drills
description:
  - Tells for every scenario of two reports that M(resilient.traefik.drill_report) wrote whether the verdict and the
    figures that matter became better or worse.
  - Reads two files and nothing else.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  before:
    description: Path of the earlier report's JSON.
    type: path
    required: true
  after:
    description: Path of the later report's JSON.
    type: path
    required: true
  tolerance_percent:
    description:
      - By how many percent of the greater one two waits may differ and still count as the same. 50 ms always may,
        because nobody notices them and a busy node makes them by itself.
      - Shares are the same within a percentage point, but none and some never are. The time until visitors were back
        is the same within the time between two requests of one visitor. Of visitors let in without a login each one
        counts.
    type: float
    default: 20
attributes:
  check_mode:
    description: Nothing is ever written.
    support: full
  diff_mode:
    description: The comparison is the result.
    support: none
requirements:
  - jsonschema >= 4.20
seealso:
  - module: resilient.traefik.drill_report
"""

EXAMPLES = r"""
- name: Compare the drills with those of last week
  resilient.traefik.drill_diff:
    before: reports/last-week.json
    after: build/drill-lab.json
  register: compared

- name: Nothing may have become worse
  ansible.builtin.assert:
    that: not compared.worse
    fail_msg: "{{ compared.table }}"
"""

RETURN = r"""
table:
  description: The comparison for people, with the verdict of every scenario and the figures that are not the same.
  returned: success
  type: list
  elements: str
better:
  description: The scenarios that became better.
  returned: success
  type: list
  elements: str
worse:
  description: The scenarios that became worse, or of whose figures one did.
  returned: success
  type: list
  elements: str
scenarios:
  description: Every scenario of either report.
  returned: success
  type: list
  elements: dict
  contains:
    scenario:
      description: The scenario's name.
      type: str
    title:
      description: What fails, in words.
      type: str
    before:
      description: The verdict in the earlier report, null where the scenario is not in it.
      type: str
    after:
      description: The verdict in the later report, null where the scenario is not in it.
      type: str
    change:
      description: >-
        V(better) or V(worse) by the verdict. Where that is the same, by the figures, and then it can be V(mixed) or
        V(same) too. V(only_before) and V(only_after) are scenarios of one report.
      type: str
    figures:
      description: >-
        Each figure with its C(name), C(words), values C(before) and C(after), these as people read them in
        C(before_shown) and C(after_shown), and the C(change), V(better), V(worse), V(same) or V(not_measured).
      type: list
      elements: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.drill import report_diff
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(report_diff.run, report_diff.OPTIONS, connects=False, libraries=("jsonschema",))


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
