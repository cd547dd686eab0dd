#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies Traefik's objects and proves that they are loaded."""

from __future__ import annotations

DOCUMENTATION = r"""
module: traefik_crd
short_description: Apply Traefik's own objects, checked before and proved to be loaded after
description:
  - Applies Middlewares, IngressRoutes and the other kinds of C(traefik.io/v1alpha1) by server-side apply.
  - Checked before anything is written, all faults at once. Unknown fields, wrong types and missing values, by the
    schemas that this cluster serves. References to middlewares, services and their ports, Secrets and their keys, TLS
    options, stores and transports, by what is there, what comes with the same set and what this Traefik's settings
    allow (namespaces, C(allowCrossNamespace), C(allowExternalNameServices)). Entry points, ingress class, labels and
    namespaces, by whether this Traefik looks at the object at all.
  - Rehearsed before it is written. Twins of the changed objects, under names of their own, are loaded by every Traefik
    replica first, so that an object in use is only changed to what Traefik can load.
  - Proved afterwards. The task fails when a replica has not loaded an object, naming the replica and Traefik's error.
  - With O(state=absent) it refuses to remove what other objects still refer to, because Traefik drops every router
    with a dangling reference.
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
    description: The namespace of objects that name none.
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
  references:
    description:
      - V(check) refuses references that lead nowhere, and with O(state=absent) those that would.
      - V(ignore) is for objects whose other half comes later. A router with a dangling reference answers 404.
    type: str
    choices: [check, ignore]
    default: check
  prove_unchanged:
    description:
      - Prove also those objects that the task does not change. A probe writes objects of its own for a few seconds,
        so a task that changes nothing writes nothing only without it.
    type: bool
    default: false
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.writing
  - resilient.traefik.traefik
  - resilient.traefik.proof
attributes:
  check_mode:
    description: Checks everything and asks the API server what would change. Nothing is persisted, rehearsed or proved.
    support: full
  diff_mode:
    description: Shows the objects before and after.
    support: full
seealso:
  - module: resilient.traefik.apply
  - module: resilient.traefik.middleware_chain
"""

EXAMPLES = r"""
- name: Have a middleware that every replica has loaded
  resilient.traefik.traefik_crd:
    objects:
      - apiVersion: traefik.io/v1alpha1
        kind: Middleware
        metadata:
          name: retry
          namespace: traefik
        spec:
          retry:
            attempts: 3
            initialInterval: 100ms

- name: Route a host through it
  resilient.traefik.traefik_crd:
    namespace: shop
    objects:
      - apiVersion: traefik.io/v1alpha1
        kind: IngressRoute
        metadata:
          name: shop
        spec:
          entryPoints: [web]
          routes:
            - kind: Rule
              match: Host(`shop.example.test`)
              middlewares:
                - name: retry
                  namespace: traefik
              services:
                - name: shop
                  port: 80

- name: Apply a TCP route, and open the API to see it loaded
  resilient.traefik.traefik_crd:
    objects: "{{ lookup('ansible.builtin.file', 'database.yml') }}"
    proof: auto
    open_api: true

- name: Remove a middleware that nothing refers to any more
  resilient.traefik.traefik_crd:
    state: absent
    objects:
      - apiVersion: traefik.io/v1alpha1
        kind: Middleware
        metadata:
          name: retry
          namespace: traefik
"""

RETURN = r"""
results:
  description: What became of every object. Also part of a failure after the first write.
  returned: always, once the objects have been read
  type: list
  elements: dict
  contains:
    api_version:
      description: Its API version.
      type: str
      sample: traefik.io/v1alpha1
    kind:
      description: Its kind.
      type: str
      sample: Middleware
    namespace:
      description: Its namespace.
      type: str
      sample: traefik
    name:
      description: Its name.
      type: str
      sample: retry
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
proofs:
  description: How it was shown that the changed objects are loaded. Empty in check mode and when nothing changed.
  returned: success
  type: list
  elements: dict
  contains:
    api_version:
      description: The object's API version.
      type: str
      sample: traefik.io/v1alpha1
    kind:
      description: The object's kind.
      type: str
      sample: Middleware
    namespace:
      description: The object's namespace.
      type: str
      sample: traefik
    name:
      description: The object's name.
      type: str
      sample: retry
    proof:
      description: V(behaviour), V(api) or V(none).
      type: str
      sample: behaviour
    replicas:
      description: The names of the pods that have loaded it, all that are ready.
      type: list
      elements: str
    reason:
      description: Why there is no proof.
      type: str
faults:
  description: Why the objects were refused before anything was written.
  returned: when they were refused
  type: list
  elements: str
  sample: ["Middleware traefik/retry: spec.retry.attempts: expected integer, got 'two'"]
not_loaded:
  description: What replicas have not loaded.
  returned: when a replica has not loaded an object
  type: list
  elements: dict
  contains:
    object:
      description: The object.
      type: str
      sample: Middleware traefik/retry
    replica:
      description: The pod.
      type: str
    error:
      description: Traefik's own error.
      type: str
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import traefik_crd

SPEC = ModuleSpec(traefik_crd.run, traefik_crd.OPTIONS, writes=True)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
