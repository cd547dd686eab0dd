# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter probe_exporter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.plugin_utils.probe_exporter.exporter import exporter_from, files_of

DOCUMENTATION = r"""
name: probe_exporter
short_description: The files by which nginx asks sites the way people ask, and tells Prometheus
description:
  - Renders the configuration of an exporter that asks each site by the public way, through each replica of Traefik,
    and its application past Traefik.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
positional: place
options:
  _input:
    description: A result of M(resilient.traefik.probes_info).
    type: dict
    required: true
  place:
    description: >-
      Where it is carried out, with C(folder) (where the files will lie), C(modules) (what nginx has to load for njs in
      HTTP and in streams), C(interval), C(grace) and C(answer_within) in seconds, and C(questions_a_round).
    type: dict
    required: true
seealso:
  - module: resilient.traefik.probes_info
"""

EXAMPLES = r"""
- name: See what can be asked
  resilient.traefik.probes_info:
  register: probes

- name: Render an exporter
  ansible.builtin.set_fact:
    files: "{{ probes | resilient.traefik.probe_exporter({'folder': '/etc/traefik-probes'}) }}"
"""

RETURN = r"""
_value:
  description: The files' texts by their names.
  type: dict
"""


def probe_exporter(found: Mapping[str, Any], place: Mapping[str, Any]) -> dict[str, str]:
    """The files by name. Raises AnsibleFilterError with every fault of the place."""
    try:
        exporter = exporter_from({"dns": found["dns"], **place})
        return files_of(found["replicas"], found["probes"], exporter)
    except BadArgument as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {"probe_exporter": probe_exporter}
