#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judges a cluster, or files for one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit
short_description: Tell what would fail behind Traefik, and who would notice
description:
  - Reads Traefik, its routes and middlewares, what they ask and what they lead to, and judges it by rules with stable
    ids. C(docs/rules) has a page for each.
  - Tells first what depends on what. For each ForwardAuth target, Traefik, database and node the hosts that go with it,
    and what their visitors get when it hangs, is gone or is drained.
  - Only reads. It needs no port-forward and no Secret.
  - With O(manifests) it judges files and connects to nothing.
  - Fails when there are findings as severe as O(fail_on). The reports are written before that.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.report
options:
  name:
    description: What the files' names begin with. They are C(NAME-CLUSTER.ENDING).
    type: str
    default: audit
  outputs:
    description:
      - Which reports are written.
      - V(json) fits C(docs/audit.schema.json). V(sarif) is SARIF 2.1.0 for code hosts, V(junit) is for CI systems,
        V(prometheus) is the text format for a scheduled run.
      - V(html) is one page that needs no network. It is made on the controller only.
    type: list
    elements: str
    choices: [json, html, sarif, junit, prometheus]
    default: [json, html]
  profile:
    description: Whose severities count. A single replica is worse in V(production) than in a V(homelab).
    type: str
    choices: [production, homelab]
    default: production
  fail_on:
    description: The least severity of a new finding with which the task fails.
    type: str
    choices: [critical, high, medium, low, info, never]
    default: high
  suppressions:
    description:
      - Findings that are to be left out for a time. A list, or the path of a YAML file with one.
      - Each item has C(rule) (V(RT103)), C(object) (V(Deployment shop/web), where V(*) stands for any text), C(reason)
        and C(until) (V(2027-03-31)), the last day on which it holds.
      - >-
        An object may carry them itself, in the annotation C(resilient.traefik/audit-ignore), such as
        C(RT103 until 2027-03-31: one node only). Several are separated by semicolons.
    type: raw
    default: []
  baseline:
    description: The JSON report of an earlier audit. What it has fails nothing any more.
    type: path
  manifests:
    description: Files and folders with manifests that are judged in place of a cluster.
    type: list
    elements: path
    default: []
  manifests_complete:
    description:
      - Whether the files are all that there is. Then what they name and do not have is missing, otherwise it may be
        in the cluster.
    type: bool
    default: false
  manifests_namespace:
    description: The namespace of objects in files that name none.
    type: str
    default: default
  cluster_domain:
    description: The domain of names in the cluster.
    type: str
    default: cluster.local
  replicas:
    description:
      - What the replicas were asked, to be judged with the rest. C(faults) and C(parity) as
        M(resilient.traefik.traefik_info) returns them, C(answers) as M(resilient.traefik.http_check) does.
    type: dict
    default: {}
attributes:
  check_mode:
    description: Check mode writes no files, and says so. Everything else is as always.
    support: full
  diff_mode:
    description: Nothing changes, so there is no diff.
    support: none
requirements:
  - junitparser >= 5.0
seealso:
  - module: resilient.traefik.traefik_info
  - module: resilient.traefik.http_check
"""

EXAMPLES = r"""
- name: Judge the cluster
  resilient.traefik.audit:
    title: the audit
    cluster: "{{ inventory_hostname }}"
    outputs: [json, html, junit]
  register: audited

- name: Judge what Git has, with findings at their lines
  resilient.traefik.audit:
    title: the manifests
    cluster: shop
    manifests: [deploy]
    outputs: [sarif]
    fail_on: medium
    suppressions:
      - rule: RT103
        object: Deployment shop/*
        reason: a single node, nothing to drain to
        until: "2027-03-31"
"""

RETURN = r"""
table:
  description: The audit for people, at most 100 columns wide. Also there when the task fails.
  returned: always
  type: list
  elements: str
  sample:
    - "the audit, cluster lab: 5 high, 2 low"
summary:
  description: The sums in words.
  returned: always
  type: str
  sample: 5 high, 2 low
verdict:
  description: >-
    V(passed), V(deviated) when there are findings as severe as O(fail_on), V(not_run) when there is no Traefik, or
    V(inconclusive) when too little could be read.
  returned: always
  type: str
  sample: deviated
exit_code:
  description: The exit code of the verdict. It is 0, 10, 11 or 12, in the same order.
  returned: always
  type: int
  sample: 10
counts:
  description: The findings by severity.
  returned: always
  type: dict
  sample: {critical: 0, high: 5, medium: 0, low: 2, info: 0}
blast_radius:
  description: What sites depend on.
  returned: always
  type: list
  elements: dict
  contains:
    kind:
      description: V(forward_auth), V(traefik), V(database) or V(node).
      type: str
      sample: forward_auth
    name:
      description: What it is.
      type: str
      sample: authentik/ak-outpost-authentik-embedded-outpost
    routes:
      description: How many routes depend on it.
      type: int
      sample: 12
    hosts:
      description: Their hosts.
      type: list
      elements: str
    namespaces:
      description: Their namespaces.
      type: list
      elements: str
    hang:
      description: What visitors get when it hangs.
      type: str
      sample: 500 after 30 s
    gone:
      description: What visitors get when it is gone.
      type: str
      sample: 500 at once
    drained:
      description: What visitors get when its node is drained.
      type: str
      sample: nothing, as long as another pod serves
    protection:
      description: What is there against it.
      type: list
      elements: str
    asked_by:
      description: The middlewares, or the workloads, that ask it.
      type: list
      elements: str
    objects:
      description: The workloads behind it.
      type: list
      elements: str
findings:
  description: Everything that is wrong and not suppressed, the worst first.
  returned: always
  type: list
  elements: dict
  contains:
    rule:
      description: The rule's id, which stays.
      type: str
      sample: RT102
    name:
      description: The rule's name.
      type: str
      sample: forward-auth-single-replica
    title:
      description: The rule in a sentence.
      type: str
    severity:
      description: The severity in the profile.
      type: str
      sample: high
    object:
      description: The object, by C(api_version), C(kind), C(namespace) and C(name).
      type: dict
    field:
      description: The field of the object, empty for the whole.
      type: str
      sample: spec.replicas
    evidence:
      description: What was seen there.
      type: str
    visitors:
      description: What visitors see of it.
      type: str
    remedy:
      description: What to change.
      type: str
    tag:
      description: The tag of the playbook harden that changes it, empty for none.
      type: str
    page:
      description: The page of documentation, below C(docs).
      type: str
      sample: rules/RT102.md
    hosts:
      description: The hosts whose visitors notice.
      type: list
      elements: str
    file:
      description: The file, empty for an object of a cluster.
      type: str
    line:
      description: The line in the file.
      type: int
    new:
      description: Whether the baseline does not have it.
      type: bool
notes:
  description: What could not be judged, and suppressions that are over or fit nothing.
  returned: always
  type: list
  elements: str
files:
  description: The reports by kind, also those that check mode does not write.
  returned: always
  type: dict
  sample: {json: build/audit-lab.json}
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.audit import module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(module.run, module.OPTIONS, libraries=("kubernetes", "yaml", "junitparser"))


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
