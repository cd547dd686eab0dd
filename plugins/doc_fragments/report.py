# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every report tells of its run and where it goes, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """See module_utils/proof/files.py."""

    DOCUMENTATION = r"""
options:
  title:
    description: What the report is about, in words.
    type: str
    required: true
  cluster:
    description: The cluster's name in the report and in the files' names, such as C(inventory_hostname).
    type: str
    required: true
  directory:
    description: Where the files go. It is made where it is missing. A relative path begins where Ansible was started.
    type: path
    default: build
  run_id:
    description: The run that the report belongs to.
    type: str
  versions:
    description: Versions that the report holds for, by name, such as that of Traefik.
    type: dict
    default: {}
notes:
  - Other hosts may write into the same directory at the same time. Each file is there as a whole or not at all.
  - Never reports a change. The report tells of the cluster, and does not change it.
"""
