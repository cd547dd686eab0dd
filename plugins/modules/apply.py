#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies a set of objects."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apply
short_description: Apply or delete a set of Kubernetes objects in one task
description:
  - Applies a whole set of objects by server-side apply, as field manager C(resilient.traefik). Objects that others need
    are written first; what may happen at once happens at once.
  - Every object is tried on the API server first (a dry run, nothing persisted). Only when all of them are accepted is
    the first one written, and only those are written that differ.
  - The first write that fails ends the task; the result says of every object whether it was written.
version_added: 0.1.0
author: The resilient.traefik authors (@resilient)
options:
  objects:
    description:
      - The objects. A list of dictionaries, a single one, a C(List) object, or YAML text with one or more documents.
      - With O(state=absent) only C(apiVersion), C(kind) and C(metadata) are looked at.
    type: raw
    required: true
  namespace:
    description: The namespace of objects that name none and live in one.
    type: str
  state:
    description: Whether the objects are to be there.
    type: str
    choices: [present, absent]
    default: present
  on_conflict:
    description:
      - What to do when another field manager owns a field that an object sets.
      - V(fail) names object, field and manager. V(force) takes the field over.
    type: str
    choices: [fail, force]
    default: fail
  wait:
    description:
      - Wait until every object is ready, by its kind's own measure, or with O(state=absent) until it is gone.
      - A Deployment is ready when its controller has seen the newest template, all replicas run it and are available,
        and none of an older one is left.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait, for all objects together.
    type: int
    default: 120
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.writing
attributes:
  check_mode:
    description: Asks the API server what would change. Nothing is persisted.
    support: full
  diff_mode:
    description: Shows the objects before and after. Values of Secrets are never shown, only which keys change.
    support: full
seealso:
  - module: resilient.traefik.read
"""

EXAMPLES = r"""
- name: Bring up a namespace with its settings
  resilient.traefik.apply:
    objects:
      - apiVersion: v1
        kind: Namespace
        metadata:
          name: shop
      - apiVersion: v1
        kind: ConfigMap
        metadata:
          name: settings
          namespace: shop
        data:
          greeting: hello

- name: Apply the documents of a file and wait until they serve
  resilient.traefik.apply:
    objects: "{{ lookup('ansible.builtin.file', 'shop.yml') }}"
    namespace: shop
    wait: true
    wait_timeout: 180

- name: Remove the settings again
  resilient.traefik.apply:
    state: absent
    objects:
      - apiVersion: v1
        kind: ConfigMap
        metadata:
          name: settings
          namespace: shop
"""

RETURN = r"""
results:
  description: What became of every object. Also part of a failure.
  returned: always, once the objects have been read
  type: list
  elements: dict
  contains:
    api_version:
      description: Its API version.
      type: str
      sample: v1
    kind:
      description: Its kind.
      type: str
      sample: ConfigMap
    namespace:
      description: Its namespace, empty for cluster-wide kinds.
      type: str
      sample: shop
    name:
      description: Its name.
      type: str
      sample: settings
    change:
      description: V(created), V(updated), V(deleted), V(unchanged), or V(absent) when there was nothing to delete.
      type: str
      sample: created
    written:
      description: Whether the change was carried out. Never in check mode, nor after a failure.
      type: bool
    error:
      description: Why the write failed.
      type: str
      returned: for the object that failed
conflicts:
  description: The fields that other field managers own.
  returned: when a conflict made the task fail
  type: list
  elements: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils import apply
from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(apply.run, apply.OPTIONS, writes=True)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
