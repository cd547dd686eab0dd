#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes one report of many drills."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drill_report
short_description: Make one report of many drills
description:
  - Takes the results of the drills of a run, writes them as one self-contained HTML page, as JSON and as JUnit XML, and
    returns a table for people.
  - Fails when the run did not pass. The files are written before that.
  - Runs on the controller, whatever the connection, and connects to nothing. The page needs no network either.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
extends_documentation_fragment:
  - resilient.traefik.report
options:
  drills:
    description:
      - The results of the drills in the order of the report. Each scenario is there once.
      - Their form is that of C(scenarios) in C(docs/drill.schema.json). Nothing of it is optional.
    type: list
    elements: dict
    required: true
  compared:
    description:
      - An earlier run that the page shows beside this one, such as that before hardening.
      - The path of the JSON that this module wrote then, or a list like O(drills).
    type: raw
  name:
    description: What the files' names begin with. They are C(NAME-CLUSTER.html), C(.json) and C(.xml).
    type: str
    default: drill
attributes:
  check_mode:
    description: Check mode writes no files, and says so. Everything else is as always.
    support: full
  diff_mode:
    description: A report is not shown as a diff.
    support: none
notes:
  - >-
    In JUnit a scenario is a suite and an expectation a case, beside one for the verdict. What is not as expected is a
    failure, in a scenario whose measurement failed an error, and in one that was not run it is skipped. The suite has
    the verdict and its exit code as properties.
requirements:
  - jsonschema >= 4.20
  - junitparser >= 5.0
seealso:
  - module: resilient.traefik.drill_diff
"""

EXAMPLES = r"""
- name: Report, beside the drills before hardening
  resilient.traefik.drill_report:
    title: the drills of Traefik
    cluster: "{{ inventory_hostname }}"
    drills: "{{ drilled.results | map(attribute='drill') }}"
    compared: build/unhardened-lab.json
    versions:
      traefik: "{{ traefik.workload.version }}"
  register: report
"""

RETURN = r"""
table:
  description: >-
    The report for people, at most 100 columns wide, with a row for each scenario and the reasons of those that did not
    pass. Also there when the task fails.
  returned: always
  type: list
  elements: str
  sample:
    - "the drills of Traefik, cluster lab: 4 passed"
summary:
  description: The numbers that matter, in words.
  returned: always
  type: str
  sample: 0 of 1,200 requests got no good answer, the longest wait was 2.01 s
verdict:
  description: >-
    The worst verdict, in the order V(passed), V(not_run), V(deviated), V(inconclusive), V(rollback_failed).
  returned: always
  type: str
  sample: passed
exit_code:
  description: The exit code of the verdict. It is 0, 11, 10, 12 or 13, in the same order.
  returned: always
  type: int
  sample: 0
files:
  description: The files, also those that check mode does not write.
  returned: always
  type: dict
  contains:
    html:
      description: Path of the page.
      type: str
      sample: build/drill-lab.html
    json:
      description: Path of the JSON.
      type: str
      sample: build/drill-lab.json
    junit:
      description: Path of the JUnit XML.
      type: str
      sample: build/drill-lab.xml
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.drill import report
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(report.run, report.OPTIONS, connects=False, libraries=("jsonschema", "junitparser", "yaml"))


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
