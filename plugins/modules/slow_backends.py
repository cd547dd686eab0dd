#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gives single backends more time than Traefik gives all of them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slow_backends
short_description: Give single backends more time than Traefik gives all of them
description:
  - Makes a ServersTransport for each backend, with a timeout of its own, and names it wherever Traefik looks for it.
    That is the annotation C(traefik.ingress.kubernetes.io/service.serverstransport) of the Service, for Ingresses, and
    the entry C(serversTransport) of every IngressRoute and weighted TraefikService that leads to the Service.
  - A ServersTransport does not inherit the timeout of C(response_header_timeout) that
    M(resilient.traefik.traefik_settings) sets for all others. Those in the cluster that set none are warned of.
version_added: 0.2.0
author: The resilient.traefik authors (@resilient)
options:
  backends:
    description: The backends that may take longer.
    type: list
    elements: dict
    required: true
    suboptions:
      namespace:
        description: The Service's namespace.
        type: str
        required: true
      service:
        description: The Service's name. Its ServersTransport is called C(slow-SERVICE).
        type: str
        required: true
      response_header_timeout:
        description: How long it may take to begin its answer, as Traefik writes it.
        type: str
        default: 5m
  only_findings:
    description: Whether only to tell what stands against it, in RV(findings), and to write nothing.
    type: bool
    default: false
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.writing
attributes:
  check_mode:
    description: Asks the API server what would change. Nothing is persisted.
    support: full
  diff_mode:
    description: Shows the objects before and after.
    support: full
seealso:
  - module: resilient.traefik.traefik_settings
"""

EXAMPLES = r"""
- name: Reports take minutes
  resilient.traefik.slow_backends:
    backends:
      - namespace: shop
        service: reports
        response_header_timeout: 10m
"""

RETURN = r"""
findings:
  description: What stands against it, a sentence each with the remedy. Also part of a failure.
  returned: always
  type: list
  elements: str
  sample: []
results:
  description: What became of every object, as in RV(resilient.traefik.apply#module:results).
  returned: when something was to be written
  type: list
  elements: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha import slow_backends

SPEC = ModuleSpec(slow_backends.run, slow_backends.OPTIONS, writes=True)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
