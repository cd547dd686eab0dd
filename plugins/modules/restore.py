#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Puts the objects of a run back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: restore
short_description: Put the objects that a run changed back to where they were
description:
  - Takes back what a run recorded in the cluster's journal, see O(resilient.traefik.apply#module:run_id).
  - Objects that the run created are deleted, as long as they are still ours. Objects that it deleted are created again.
    Of objects that it changed, exactly the fields that it touched get their former values back, or go when they had
    none, and their former owners in C(metadata.managedFields) with them.
  - A field goes back when it has the value that the run set, whoever wrote it last. One to which somebody has given
    another value since stays. Each such field is named in a warning and in RV(left_alone).
  - Nothing is deleted while something that stays refers to it, such as a middleware to the Service that it asks, an
    Ingress or a route to a middleware, a pod to a ConfigMap, Secret or ServiceAccount, a Service to its Deployment.
    Then it stays with all that it needs to work, and is named with the command that removes it later. What may not be
    listed counts as in use.
  - A namespace that the run created stays while there is anything of others in it, of whatever kind the API server
    serves, or anything that may not be listed; and a CustomResourceDefinition while others have resources of its kind.
  - What is gone meanwhile, an object, its namespace or its kind, is named and passed over.
  - Objects that are needed by others come back first; those that refer to others are put back before what they refer to
    is deleted.
  - Everything is tried on the API server first. A task that is killed in the middle can be run again and ends where the
    first one would have. A run that was restored is marked so and is not restored twice.
version_added: 0.1.0
author: The resilient.traefik authors (@resilient)
options:
  run_id:
    description:
      - The run. By default the newest one that has not been restored and was no rollback itself; there may be none.
      - With the name of a rollback, see O(as_run), what it put back is led forward again.
      - A run that became part of an older one, because the journal keeps ten, is restored by the older one's name.
    type: str
  newer:
    description:
      - What to do when newer runs, not restored themselves, changed the same fields.
      - V(keep) leaves what they set, and has them go back to the state before O(run_id) when they are restored
        themselves. In whatever order runs are restored, the end is the same.
      - V(refuse) fails and names them.
      - V(include) restores all newer runs as well and so goes back to before O(run_id).
    type: str
    choices: [keep, refuse, include]
    default: keep
  as_run:
    description:
      - Records this rollback in the journal under this name, so that restoring that name leads forward again. The last
        two rollbacks are kept, beside ten runs.
    type: str
    version_added: 0.3.0
  journal_key:
    description:
      - Follows only what was signed with this key when it was recorded, by the same option of the other modules. Fails
        where the run, or a newer one that counts, has no right signature.
      - Without it, no object is created or changed that gives rights, such as a ClusterRoleBinding, unless it carries
        the label of this collection. It stays as it is and is named in RV(left_alone).
      - At least 16 characters, made by chance and kept where the kubeconfig is kept, not in the cluster. Without it,
        whoever may write Secrets in the namespace C(resilient-traefik) decides what a rollback writes.
    type: str
    version_added: 0.3.0
  lock_holder:
    description:
      - Who is to hold the cluster's lock while this task writes, see O(resilient.traefik.apply#module:lock_holder).
    type: str
    version_added: 0.3.0
  wait:
    description: Wait until what was put back is ready and what was deleted is gone.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait.
    type: int
    default: 180
  pause:
    description:
      - Seconds between the last object that is put back and the first one that is deleted, for whoever has to notice
        first that nothing leads there any more. Traefik takes about two seconds.
    type: float
    default: 0.0
    version_added: 0.2.0
extends_documentation_fragment:
  - resilient.traefik.connection
attributes:
  check_mode:
    description: Asks the API server what would change. Nothing is persisted.
    support: full
  diff_mode:
    description: Shows the objects before and after. Values of Secrets are never shown, only which keys change.
    support: full
seealso:
  - module: resilient.traefik.snapshot
  - module: resilient.traefik.run_lock
"""

EXAMPLES = r"""
- name: Show what going back to before the newest run would change
  resilient.traefik.restore:
  check_mode: true
  diff: true

- name: Go back to before this run
  resilient.traefik.restore:
    run_id: harden-20260101t120000
    wait: true
"""

RETURN = r"""
run_ids:
  description: The runs that were restored. Empty when there was nothing left to restore.
  returned: success
  type: list
  elements: str
  sample: [harden-20260101t120000]
results:
  description: What became of every object, as in RV(resilient.traefik.apply#module:results). Also part of a failure.
  returned: always, once the journal has been read
  type: list
  elements: dict
left_alone:
  description: Objects, or fields of them, that stay as they are because others changed or use them.
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
      sample: traefik
    name:
      description: Its name.
      type: str
      sample: traefik
    field:
      description: The field, empty when it is about the object as a whole.
      type: str
      sample: spec.template.spec.containers[name=traefik].image
    why:
      description: Why it was left alone.
      type: str
      sample: was changed by kubectl-edit since
    managers:
      description: The field managers who own it now.
      type: list
      elements: str
    later:
      description: The command that removes an object which stays because it is in use. Empty for anything else.
      type: str
      sample: kubectl delete service auth-proxy --namespace traefik
summary:
  description: The objects by what became of them, in words.
  returned: success
  type: dict
  sample: {created: [], put_back: [Middleware traefik/auth], deleted: [Service traefik/auth-proxy]}
"""

from ansible_collections.resilient.traefik.plugins.module_utils import restore
from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(restore.run, restore.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
