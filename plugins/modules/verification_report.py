#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes one report of the checks of many tasks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verification_report
short_description: Make one report of the checks of many tasks
description:
  - Collects the C(checks) of registered results, such as those of M(resilient.traefik.http_check) and
    M(resilient.traefik.cluster_check), writes them as JUnit XML and as JSON, and returns a table for people.
  - Fails when a check did not pass, and when there was none at all, because an empty proof is no proof.
  - What the report claims is made of what was seen. Its title is O(title) when every area was looked at and passed,
    else what the areas that passed prove, or what is not proved.
  - Runs on the controller, whatever the connection, and connects to nothing.
version_added: 0.2.0
author: The resilient.traefik authors (@resilient)
extends_documentation_fragment:
  - resilient.traefik.report
options:
  results:
    description:
      - By area a list of registered results, in the order of the report.
      - The result of a skipped task adds nothing, and that of a loop adds the checks of its items. Any other result
        that tells of no checks, or that failed without saying which check did, counts as a check that did not pass.
    type: dict
    required: true
  areas:
    description:
      - What there is to look at, in the order of the report. An area that was to be looked at and shows no check is a
        check that did not pass, unless O(looked_at) says that it is C(absent).
      - Without this option an area that shows no check is named and holds nothing up.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name, a key of O(results).
        type: str
        required: true
      proves:
        description: What it proves when it passes, in words.
        type: str
        default: ''
  looked_at:
    description:
      - By area what came of looking at it. Areas of O(areas) that are not among these were not to be looked at.
      - C(error) says why an area could not be looked at, and is a check that did not pass. C(findings) is told where it
        shows no check. C(absent) says why there is nothing of it in this cluster.
      - Without this option all areas were to be looked at.
    type: dict
  name:
    description: What the files' names begin with. They are C(NAME-CLUSTER.xml) and C(NAME-CLUSTER.json).
    type: str
    default: verify
attributes:
  check_mode:
    description: Check mode writes no files, and says so. Everything else is as always.
    support: full
  diff_mode:
    description: A report is not shown as a diff.
    support: none
notes:
  - >-
    The JSON has C(schema) V(1). Later numbers mean that something was renamed or removed, additions keep it. It holds
    C(title), C(cluster), C(run_id) (empty when not known), C(time) (UTC, ISO 8601), C(versions), C(passed) and
    C(failed) (counts), C(unchecked) (areas without a check), C(areas), each with C(name), C(state), C(proves),
    C(reason), C(passed) and C(failed), and C(checks), each with C(area), C(name), C(passed), C(expected) and C(found).
requirements:
  - junitparser >= 5.0
seealso:
  - module: resilient.traefik.http_check
  - module: resilient.traefik.cluster_check
"""

EXAMPLES = r"""
- name: Verify, and show what was proved whether it passed or not
  block:
    - name: Report
      resilient.traefik.verification_report:
        title: the hardening of Traefik
        cluster: "{{ inventory_hostname }}"
        results:
          auth:
            - "{{ auth_proxy_verified_objects | default({}) }}"
            - "{{ auth_proxy_verified_sites | default({}) }}"
          # All variables whose names begin so.
          tier: "{{ query('ansible.builtin.vars', *query('ansible.builtin.varnames', '^tier_verified')) }}"
        areas:
          - name: auth
            proves: Sites survive the loss of authentik
          - name: tier
            proves: The bot blocker is evicted last
        looked_at:
          auth: {}
        versions:
          traefik: "{{ traefik.workload.version }}"
      register: report
  always:
    - name: Show the table
      ansible.builtin.debug:
        msg: "{{ report.table }}"
"""

RETURN = r"""
table:
  description: >-
    The report for people, at most 100 columns wide, with the counts of each area and each check that did not pass. Also
    there when the task fails. The files have all checks.
  returned: always
  type: list
  elements: str
  sample:
    - "the hardening of Traefik, cluster lab: 1 passed, 1 failed"
counts:
  description: How many checks there were.
  returned: always
  type: dict
  contains:
    passed:
      description: How many passed.
      type: int
    failed:
      description: How many did not.
      type: int
unchecked:
  description: Areas in which nothing was checked.
  returned: always
  type: list
  elements: str
title:
  description: What the report claims, made of what was seen.
  returned: always
  type: str
areas:
  description: >-
    The areas, each with its C(name), its C(state) (V(passed), V(failed), V(not_looked_at) or V(not_there)), what it
    C(proves), a C(reason) where nothing was looked at, and its counts C(passed) and C(failed).
  returned: always
  type: list
  elements: dict
checks:
  description: All checks, each with its C(area), C(name), C(passed), C(expected) and C(found).
  returned: always
  type: list
  elements: dict
files:
  description: The files, also those that check mode does not write.
  returned: always
  type: dict
  contains:
    junit:
      description: Path of the JUnit XML.
      type: str
      sample: build/verify-lab.xml
    json:
      description: Path of the JSON.
      type: str
      sample: build/verify-lab.json
"""

from ansible_collections.resilient.traefik.plugins.module_utils import verification_report
from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(
    verification_report.run, verification_report.OPTIONS, connects=False, libraries=("junitparser", "yaml")
)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
