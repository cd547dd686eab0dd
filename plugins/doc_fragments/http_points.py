# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where http_check sends its requests."""

from __future__ import annotations


class ModuleDocFragment:
    """See module_utils/http_points.py."""

    DOCUMENTATION = r"""
options:
  points:
    description: Where the requests go. Each item is one of the following.
    type: list
    elements: dict
    required: true
    suboptions:
      traefik:
        description: Each ready replica of the Traefik workload. Having none ready is a failed check.
        type: dict
        suboptions:
          namespace:
            description: The workload's namespace. All are searched without it.
            type: str
          workload:
            description: Name of the Deployment or DaemonSet. Needed only where more than one Traefik is found.
            type: str
          entry_point:
            description: The entry point by its name in Traefik's settings, such as V(web).
            type: str
            required: true
      service:
        description: Each ready pod behind a Service. Having none ready is a failed check.
        type: dict
        suboptions:
          namespace:
            description: The Service's namespace.
            type: str
            required: true
          name:
            description: The Service's name.
            type: str
            required: true
          port:
            description: The Service's port, by name or number. Needed only where it has more than one.
            type: str
      pod:
        description: One pod, ready or not.
        type: dict
        suboptions:
          namespace:
            description: The pod's namespace.
            type: str
            required: true
          name:
            description: The pod's name.
            type: str
            required: true
          port:
            description: The port's number, or its name in the pod.
            type: str
            required: true
      url:
        description:
          - Scheme, host and port that the machine running the task connects to itself, such as
            V(https://www.example.test).
          - No proxy is used.
        type: str
"""
