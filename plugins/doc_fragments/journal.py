# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option of modules whose writes can be rolled back, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """See module_utils/kube/journal.py."""

    DOCUMENTATION = r"""
options:
  run_id:
    description:
      - Records what this task changes in the cluster's journal under this name, before the first write to each object.
        M(resilient.traefik.restore) puts a run's objects back. The last ten runs are kept.
      - Nothing is recorded without it.
      - At most 52 lower-case letters, digits, C(-) and C(.).
    type: str
"""
