# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of modules that write, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """See module_utils/kube/journal.py and rendering.py."""

    DOCUMENTATION = r"""
options:
  run_id:
    description:
      - Records what this task changes in the cluster's journal under this name, before the first write to each object.
        M(resilient.traefik.restore) puts a run's objects back. Ten runs are
        kept; the oldest takes those after it into itself, so that the first states stay.
      - Nothing is recorded without it.
      - At most 52 lower-case letters, digits, C(-) and C(.). Each part between dots begins and ends with a letter or
        digit. An empty one is refused.
    type: str
  journal_key:
    description:
      - Signs what is recorded under O(run_id), so that M(resilient.traefik.restore) can tell it from what others wrote.
      - At least 16 characters, made by chance and kept where the kubeconfig is kept, not in the cluster. Without it,
        whoever may write Secrets in the namespace C(resilient-traefik) decides what a rollback writes.
    type: str
    version_added: 0.3.0
  lock_holder:
    description:
      - Who is to hold the cluster's lock, see O(resilient.traefik.run_lock#module:holder), while this task writes. It
        is asked before each write. When another run holds the lock, or nobody, the task fails and names the holder.
      - The lock is renewed while the task writes or waits.
      - The lock is not asked for without it.
    type: str
    version_added: 0.3.0
  render_to:
    description:
      - A folder on the machine where the task runs. What the task would write to the cluster is written there as files
        instead, and nothing to the cluster, as in check mode. For clusters that Argo CD, Flux or Terraform write.
      - Whole objects are written to C(objects/NAMESPACE/KIND-NAME.yaml). Where only fields of somebody else's object
        change, these are written to C(patches/NAMESPACE/KIND-NAME.yaml), a strategic merge patch.
      - Secrets are left out, with a warning.
    type: path
    version_added: 0.2.0
"""
