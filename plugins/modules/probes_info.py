#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says how sites can be asked the way people ask."""

from __future__ import annotations

DOCUMENTATION = r"""
module: probes_info
short_description: Say how sites can be asked the way people ask, and whether what is expected of them holds
description:
  - Makes of declared probes, and of the sites that Traefik serves, what the filter
    P(resilient.traefik.probe_exporter#filter) renders for an exporter that asks them all the time.
  - Asks each of them once now, through each replica of Traefik and at the pods of its application. What holds nowhere
    is a finding, with what was seen.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  traefik_namespace:
    description: The namespace of Traefik's Deployment or DaemonSet. It is found without it.
    type: str
  traefik_name:
    description: Its name. It is found without it.
    type: str
  find:
    description:
      - Whether there is a probe for each site of a route that none of O(probes) names. Any answer of its application
        will do, below 500. A site that some replica does not answer for now is left out, and told,
        unless O(before) has it.
    type: bool
    default: true
  left_out:
    description: Hosts for which none is made.
    type: list
    elements: str
    default: []
  public:
    description:
      - The public way, where O(public_addresses) says none. V(service) is Traefik's Service; V(dns) is what the site's
        host resolves to in the cluster, at port 443 or 80; with V(none) there is no public way.
    type: str
    choices: [service, dns, none]
    default: service
  public_addresses:
    description: By entry point where visitors come in, as HOST:PORT, such as that of a load balancer.
    type: dict
    default: {}
  every:
    description: Seconds from question to question, for probes that do not say it.
    type: int
    default: 60
  fails_after:
    description: How many answers in a row have to be otherwise than expected, for probes that do not say it.
    type: int
    default: 2
  slow:
    description: Seconds from which an answer is slow, for probes that do not say it.
    type: float
    default: 2.0
  questions_a_second:
    description: How many questions the exporter may ask. Probes that are found are asked as seldom as that needs.
    type: float
    default: 2.5
  severity:
    description: The severity of alerts, for probes that do not say it.
    type: str
    choices: [critical, warning]
    default: critical
  dns:
    description: The address of the cluster's DNS. It is found without it.
    type: str
    default: ''
  cluster_domain:
    description: The DNS domain of the cluster.
    type: str
    default: cluster.local
  before:
    description:
      - The ConfigMaps of an exporter that is there. A probe that the newest one has already is no finding when it fails
        now.
    type: list
    elements: dict
    default: []
  timeout:
    description: Seconds for one answer.
    type: float
    default: 5.0
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.probes
  - resilient.traefik.reading
notes:
  - Needs C(list) on C(deployments), C(daemonsets), C(pods), C(services), C(ingresses), C(ingressclasses),
    C(ingressroutes) and C(endpointslices), on C(middlewares) to know which chains send everybody to HTTPS, and C(get)
    and C(create) on C(pods/portforward).
seealso:
  - module: resilient.traefik.http_check
  - module: resilient.traefik.traefik_info
"""

EXAMPLES = r"""
- name: Can these sites be asked?
  resilient.traefik.probes_info:
    probes:
      - name: shop
        host: shop.example.test
        path: /cart
        expect:
          status: [200]
          body: Your cart
        backend:
          namespace: shop
          service: shop
          port: http
      - name: terminal
        host: terminal.example.test
        path: /websocket
        websocket: true
  register: probes

- name: What holds nowhere is refused
  ansible.builtin.assert:
    that: probes.findings | length == 0
    fail_msg: "{{ probes.findings }}"
"""

RETURN = r"""
namespace:
  description: The namespace of Traefik.
  returned: success
  type: str
name:
  description: The name of its workload.
  returned: success
  type: str
replicas:
  description: Where its pods are listed, for an exporter.
  returned: success
  type: dict
probes:
  description: The probes for an exporter, those that were found after those that are declared.
  returned: success
  type: list
  elements: dict
dns:
  description: The address of the cluster's DNS.
  returned: success
  type: str
seen:
  description: What was answered now, an entry for each probe and point.
  returned: success
  type: list
  elements: dict
  contains:
    probe:
      description: The probe's name.
      type: str
    leg:
      description: V(edge) for a replica of Traefik, V(backend) for a pod of the application.
      type: str
    point:
      description: Which one.
      type: str
    status:
      description: The status, 0 where nobody answered.
      type: int
    problem:
      description: What is not as expected, empty where all is.
      type: str
findings:
  description: What is wrong with the probes, a sentence each.
  returned: success
  type: list
  elements: str
notes:
  description: What is worth knowing, such as sites that are left out.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import probes_info
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(probes_info.run, probes_info.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
