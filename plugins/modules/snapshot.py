#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists the journal, and keeps states of objects in it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: snapshot
short_description: List what runs changed in a cluster, and keep the state of objects on demand
description:
  - Lists the journal of the cluster, which runs changed which fields of which objects and when, the newest run first.
  - With O(objects) it keeps their whole present state in the journal under O(run_id), once a run. For objects that
    something else than this collection is about to change. M(resilient.traefik.restore) puts such objects back as a
    whole, whoever changed them.
  - The journal keeps ten runs as Secrets of the namespace C(resilient-traefik). They hold whole objects, the values of
    Secrets included, so whoever may read Secrets there can read what this collection could.
  - When there are more, those that were restored go first. Then the oldest takes the next oldest into itself, so that
    the first states are never lost.
version_added: 0.1.0
author: The resilient.traefik authors (@resilient)
options:
  run_id:
    description:
      - List this run only. With O(objects) the run to keep them under.
      - At most 52 lower-case letters, digits, C(-) and C(.).
    type: str
  objects:
    description: Objects whose state is to be kept. One that does not exist is kept as missing.
    type: list
    elements: dict
    suboptions:
      api_version:
        description: The object's API version.
        type: str
        default: v1
      kind:
        description: Its kind.
        type: str
        required: true
      name:
        description: Its name.
        type: str
        required: true
      namespace:
        description: Its namespace, left out for cluster-wide kinds.
        type: str
        default: ''
  journal_key:
    description:
      - Signs what is kept, and tells which runs were signed with this key.
      - At least 16 characters, made by chance and kept where the kubeconfig is kept, not in the cluster. Without it,
        whoever may write Secrets in the namespace C(resilient-traefik) decides what a rollback writes.
    type: str
    version_added: 0.3.0
  states:
    description: Whether to return the kept states as well. Values of Secrets read C(<hidden>).
    type: bool
    default: false
extends_documentation_fragment:
  - resilient.traefik.connection
attributes:
  check_mode:
    description: Says which states would be kept, and keeps none.
    support: full
  diff_mode:
    description: No object but the journal changes, so there is no diff.
    support: none
seealso:
  - module: resilient.traefik.restore
"""

EXAMPLES = r"""
- name: List what is in the journal
  resilient.traefik.snapshot:
  register: journal

- name: Show the newest run
  ansible.builtin.debug:
    msg: "{{ journal.runs | first }}"

- name: Keep a Deployment as it is before something else changes it
  resilient.traefik.snapshot:
    run_id: drill-20260101t120000
    objects:
      - api_version: apps/v1
        kind: Deployment
        namespace: shop
        name: web
"""

RETURN = r"""
recorded:
  description: The objects whose state was kept by this task.
  returned: success
  type: list
  elements: dict
  contains:
    api_version:
      description: The object's API version.
      type: str
      sample: apps/v1
    kind:
      description: Its kind.
      type: str
      sample: Deployment
    namespace:
      description: Its namespace, empty for cluster-wide kinds.
      type: str
      sample: shop
    name:
      description: Its name.
      type: str
      sample: web
runs:
  description: The recorded runs, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    run_id:
      description: The run's name.
      type: str
      sample: harden-20260101t120000
    started:
      description: When it first wrote, by the API server's clock.
      type: str
      sample: '2026-01-01T12:00:03Z'
    restored:
      description: When it was restored, empty when it was not.
      type: str
    undoes:
      description: The runs that it put back, when it was a rollback. Empty for any other run.
      type: list
      elements: str
    folded:
      description: Newer runs that became part of this one, because the journal keeps ten.
      type: list
      elements: str
    signed:
      description:
        - Whether O(journal_key) signed it; null without a key. Of a run that it did not sign no entries are told.
      type: bool
    entries:
      description: The objects of the run, with C(api_version), C(kind), C(namespace) and C(name) as in RV(recorded).
      type: list
      elements: dict
      contains:
        change:
          description: V(created), V(changed) or V(deleted), or V(recorded) when only its state was kept.
          type: str
          sample: changed
        recorded:
          description: When it was recorded, by the controller's clock.
          type: str
        fields:
          description: The fields that the run touched. Empty for objects that it created, deleted or only recorded.
          type: list
          elements: str
          sample: [spec.replicas]
        state:
          description: The state before the run, empty when the object was not there.
          returned: with O(states=true)
          type: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils import snapshot
from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(snapshot.run, snapshot.OPTIONS, required_by=snapshot.REQUIRED_BY)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
