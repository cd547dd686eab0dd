# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter parity_exporter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.parity import comparison_of
from ansible_collections.resilient.traefik.plugins.plugin_utils.parity_exporter.exporter import (
    exporter_from,
    files_of,
)

DOCUMENTATION = r"""
name: parity_exporter
short_description: The files by which nginx tells Prometheus whether Traefik's replicas route alike
description:
  - Renders the configuration of an exporter that asks every replica of Traefik by itself and compares.
  - With O(hardening) it also asks the API server whether objects are as they were hardened.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
positional: workload, place
options:
  _input:
    description: A result of M(resilient.traefik.traefik_info) with O(resilient.traefik.traefik_info#module:sites=true).
    type: dict
    required: true
  workload:
    description: The Deployment or DaemonSet that it is about.
    type: dict
    required: true
  place:
    description: >-
      Where it is carried out, with C(folder) (where the files will lie), C(modules), C(interval) and C(grace) in
      seconds, and C(questions_a_round).
    type: dict
    required: true
  left_out:
    description: Hosts that are not asked.
    type: list
    elements: str
    default: []
  hardening:
    description: A result of M(resilient.traefik.hardening_info). Nothing of it is compared without one.
    type: dict
    default: {}
seealso:
  - module: resilient.traefik.traefik_info
  - module: resilient.traefik.hardening_info
"""

EXAMPLES = r"""
- name: Look at Traefik
  resilient.traefik.traefik_info:
    sites: true
  register: traefik

- name: Read its Deployment
  resilient.traefik.read:
    queries:
      - kind: Deployment
        api_version: apps/v1
        namespace: "{{ traefik.workload.namespace }}"
        name: "{{ traefik.workload.name }}"
  register: found

- name: Render an exporter
  ansible.builtin.set_fact:
    files: >-
      {{ traefik | resilient.traefik.parity_exporter(found.results[0].objects[0], {'folder': '/etc/traefik-parity'}) }}
"""

RETURN = r"""
_value:
  description: The files' texts by their names.
  type: dict
"""


def parity_exporter(
    traefik: Mapping[str, Any],
    workload: Mapping[str, Any],
    place: Mapping[str, Any],
    left_out: Sequence[str] = (),
    hardening: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """The files by name. Raises AnsibleFilterError with every fault of the place or the workload."""
    try:
        return files_of(comparison_of(traefik, dict(workload), left_out), exporter_from(place), hardening)
    except BadArgument as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {"parity_exporter": parity_exporter}
