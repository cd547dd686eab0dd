#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says whether retrying can be brought to chains, and checks that it is in them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: retry_info
short_description: Say whether Traefik's retry middleware can be brought to chains, and check that it is in them
description:
  - Makes the C(retry) Middleware out of its settings and names all that would keep it from being loaded, before
    anything is written. The API server is asked by a dry run, nothing is persisted.
  - Chooses Ingresses and IngressRoutes as M(resilient.traefik.middleware_chain) does, and names those whose routers
    Traefik would drop with it, or drops already.
  - With O(verify=true) it checks the middleware, its place in the chains, and that every replica still has a router for
    each site behind it. Traefik drops routers whose middleware it could not load, and then answers its own 404.
version_added: 0.2.0
author: The resilient.traefik authors (@resilient)
options:
  name:
    description: The Middleware's name.
    type: str
    default: retry
  namespace:
    description: The Middleware's namespace. Traefik's own by default.
    type: str
  attempts:
    description: The total number of tries of a request, the first one included.
    type: int
    default: 2
  initial_interval:
    description: How long to wait before the second try, as a duration. Later waits grow up to twice as long.
    type: str
    default: 100ms
  more:
    description: More fields of the middleware, as Traefik's CRD has them, such as C(status) from Traefik 3.7 on.
    type: dict
    default: {}
  chains:
    description:
      - Where it is to be first. V(routes) is the chains of the chosen Ingresses and IngressRoutes, V(entry_points)
        those of O(entry_points), V(none) no chain at all.
    type: str
    choices: [routes, entry_points, none]
    default: routes
  entry_points:
    description: With O(chains=entry_points) the entry points.
    type: list
    elements: str
  ask_sites:
    description: How many of the sites behind the chains to ask through every replica, the first ones by name.
    type: int
    default: 50
  silent_sites:
    description:
      - Hosts that no replica had a router for before, as in RV(silent_sites), and that need none afterwards.
      - Without it, hosts that no replica has a router for are passed over, unless all of them are such.
    type: list
    elements: str
  verify:
    description: Check that all is in place, instead of saying whether it can be.
    type: bool
    default: false
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.chains
  - resilient.traefik.reading
  - resilient.traefik.verifying
  - resilient.traefik.traefik
seealso:
  - module: resilient.traefik.middleware_chain
  - module: resilient.traefik.traefik_crd
"""

EXAMPLES = r"""
- name: Can everything that Traefik serves be retried?
  resilient.traefik.retry_info:
    namespaces: ["*"]
  register: retry

- name: Have the middleware, loaded by every replica
  resilient.traefik.traefik_crd:
    objects: "{{ retry.objects }}"
  when: retry.findings | length == 0

- name: Is it first in the chains of the shop?
  resilient.traefik.retry_info:
    namespaces: [shop]
    verify: true
"""

RETURN = r"""
findings:
  description: What is wrong, a sentence each that begins with an option or an object. Empty when all is well.
  returned: without O(verify)
  type: list
  elements: str
notes:
  description: What is worth knowing and no fault.
  returned: without O(verify)
  type: list
  elements: str
advice:
  description:
    - What the applications behind the routes can do themselves, and no retry can do for them. A line for each workload
      whose pods end at once, without a C(preStop) hook, of the first 20; and what may not be read.
  returned: without O(verify)
  type: list
  elements: str
  sample:
    - >-
      Deployment shop/api: no preStop in container api: when a pod ends, Traefik leads requests to it for a moment
      longer, and a retry may meet it again: add lifecycle.preStop.sleep.seconds: 5 (Kubernetes 1.30 and newer; exec
      sleep before)
without_pre_stop:
  description: All workloads of RV(advice).
  returned: without O(verify)
  type: list
  elements: dict
  contains:
    kind:
      description: The workload's kind, or that of whatever owns the pods.
      type: str
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
    containers:
      description: The containers that serve and end at once.
      type: list
      elements: str
    services:
      description: The Services that lead to it.
      type: list
      elements: str
    routes:
      description: The chosen Ingresses and IngressRoutes that lead to these.
      type: list
      elements: str
objects:
  description: The Middleware to apply.
  returned: without O(verify)
  type: list
  elements: dict
middleware:
  description: The Middleware as C(namespace/name).
  returned: without O(verify), once Traefik is found
  type: str
  sample: traefik/retry
qualified:
  description: The name that routers use.
  returned: without O(verify), once Traefik is found
  type: str
  sample: traefik-retry@kubernetescrd
chosen:
  description: How many Ingresses and IngressRoutes are to have it.
  returned: without O(verify)
  type: int
left_alone:
  description: Chosen objects that are to be left alone, and why.
  returned: without O(verify)
  type: list
  elements: dict
  contains:
    kind:
      description: The object's kind.
      type: str
    namespace:
      description: The object's namespace.
      type: str
    name:
      description: The object's name.
      type: str
    reason:
      description: Why it is left alone.
      type: str
entry_points_by:
  description:
    - With O(chains=entry_points) who can bring it there. V(middleware_chain) is the module, for a Traefik whose
      settings are arguments of plain manifests, V(traefik_ha) the role for every other. Empty when it is there already.
  returned: without O(verify)
  type: str
chart_values:
  description: What RV(entry_points_by=traefik_ha) is to add to the values of Traefik's chart.
  returned: without O(verify)
  type: dict
  sample: {additionalArguments: ["--entryPoints.web.http.middlewares=traefik-retry@kubernetescrd"]}
silent_sites:
  description: Hosts behind the chains for which no replica has a router now.
  returned: without O(verify)
  type: list
  elements: str
checks:
  description: What was checked. Also part of a failure.
  returned: with O(verify=true)
  type: list
  elements: dict
  contains:
    name:
      description: What was checked.
      type: str
    passed:
      description: Whether it holds.
      type: bool
    expected:
      description: What should be.
      type: str
    found:
      description: What is.
      type: str
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import retry_info

SPEC = ModuleSpec(retry_info.run, retry_info.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
