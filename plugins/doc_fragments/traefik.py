# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option that says which Traefik is meant, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """See module_utils/traefik/workload.py for how it is found."""

    DOCUMENTATION = r"""
options:
  traefik:
    description:
      - Which Traefik the task is about. Without it the one workload that carries the label
        C(app.kubernetes.io/name=traefik), or that runs a Traefik image.
    type: dict
    suboptions:
      namespace:
        description: Its namespace.
        type: str
      workload:
        description: The name of its Deployment or DaemonSet.
        type: str
"""
