#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Takes and gives back the lock of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: run_lock
short_description: Take or give back the lock that lets one run at a time change a cluster
description:
  - Takes a Lease (C(coordination.k8s.io/v1)), which is created where it is missing, or gives it back.
  - Does not wait. While another run holds the lock, the task fails at once and names the holder and how long it has had
    the lock.
  - A lock whose time has run out is taken over with a warning that names the former holder. When two runs try at the
    same time, the API server decides, and one of them wins.
  - The holder itself may take the lock again. It is renewed once a third of O(duration) has passed, and left alone
    before.
  - On a local connection a small process beside the controller keeps the lock, see O(keep). It renews it while
    ansible-playbook lives, however long a task takes, and gives it back when ansible-playbook has ended, also by
    SIGTERM (as AWX cancels a job), SIGINT or SIGKILL.
  - Modules with O(resilient.traefik.apply#module:lock_holder) renew it too, and write nothing once it is lost.
  - All times are the API server's, so the clocks of controllers need not agree.
version_added: 0.1.0
author: The resilient.traefik authors (@resilient)
options:
  state:
    description: Whether this run is to hold the lock. A lock that nobody holds counts as released.
    type: str
    choices: [held, released]
    default: held
  name:
    description: Name of the Lease.
    type: str
    default: resilient-traefik
  namespace:
    description: Namespace of the Lease, created where it is missing.
    type: str
    default: resilient-traefik
  run_id:
    description:
      - Name of this run, part of the default of O(holder).
      - Tasks with the same user, host and run share the lock.
    type: str
  holder:
    description: Who takes the lock. By default C(USER@HOST:RUN_ID) with the controller's user and host and O(run_id).
    type: str
  duration:
    description:
      - Seconds until the lock may be taken over, counted from when it was taken or last renewed.
      - Since it is kept, this is how long a lock blocks whose controller and keeper are both gone, as with a machine or
        a container that is switched off.
    type: int
    default: 300
  keep:
    description:
      - Whether to keep the lock for as long as ansible-playbook lives and to give it back at its end.
      - Set it to V(false) where one run is several calls of ansible-playbook. Then nothing but its tasks renews the
        lock.
      - Needs a local connection and a controller on Linux 5.3 or newer. Elsewhere it has no effect, and O(duration)
        has to be longer than the longest task.
    type: bool
    default: true
    version_added: 0.3.0
  force:
    description: With O(state=released), whether to give back a lock that somebody else holds.
    type: bool
    default: false
  take_over_from:
    description: A holder that is known to be dead. Its lock is taken over at once, with a warning.
    type: str
    version_added: 0.2.0
extends_documentation_fragment:
  - resilient.traefik.connection
attributes:
  check_mode:
    description: Says whether the lock could be taken or given back. Fails like a real run when it could not.
    support: full
  diff_mode:
    description: Shows the Lease before and after.
    support: full
notes:
  - The lock is not part of what M(resilient.traefik.restore) puts back.
"""

EXAMPLES = r"""
- name: Let no other run change this cluster
  resilient.traefik.run_lock:
    run_id: harden-20260101t120000

- name: Give the lock back
  resilient.traefik.run_lock:
    state: released
    run_id: harden-20260101t120000

- name: Give back the lock of a run that was killed
  resilient.traefik.run_lock:
    state: released
    holder: somebody
    force: true
"""

RETURN = r"""
lease:
  description: Which Lease the lock is.
  returned: success
  type: dict
  contains:
    api_version:
      description: Its API version.
      type: str
      sample: coordination.k8s.io/v1
    kind:
      description: Its kind.
      type: str
      sample: Lease
    namespace:
      description: Its namespace.
      type: str
      sample: resilient-traefik
    name:
      description: Its name.
      type: str
      sample: resilient-traefik
holder:
  description:
    - On success who holds the lock now, empty when it was given back.
    - On failure who is in the way.
  returned: success, or when another run holds the lock
  type: str
  sample: root@controller.test:harden-20260101t120000
age:
  description: Seconds since the other run took the lock.
  returned: when another run holds the lock
  type: int
expires_in:
  description: Seconds until the other run's lock runs out.
  returned: when another run holds the lock
  type: int
results:
  description: The writes, as in RV(resilient.traefik.apply#module:results). Empty when nothing had to be written.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils import run_lock
from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(run_lock.run, run_lock.OPTIONS, required_one_of=[["run_id", "holder"]])


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
