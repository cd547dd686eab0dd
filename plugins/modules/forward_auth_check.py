#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Proves that a fallback proxy stands before every ForwardAuth service that Traefik's routes ask."""

from __future__ import annotations

DOCUMENTATION = r"""
module: forward_auth_check
short_description: Prove link by link that a fallback proxy stands before whom Traefik's routes ask
description:
  - Follows every route that Traefik serves and that asks a ForwardAuth service, from the router on each replica through
    the chain, chains within it and the middlewares of entry points, to the middleware, its address, the Service, the
    pods of the proxy, their configuration and the pods of the proxy's target. Each link is a check.
  - By what NetworkPolicies say, whoever wrote them, Traefik's pods must be let through to the proxy's, and these to the
    target's; so must those of another Traefik that serves routes with the same middleware, unless a proxy of
    O(proxies) says C(deny) of it in C(other_traefiks). Policies of other kinds than C(networking.k8s.io) are not
    looked at.
  - A route that asks somebody whom no proxy of this collection stands before is a check that does not pass. It names
    the middleware, the address that it has now, and who wrote that last.
  - What each replica has loaded is told by its API where that is open. Where it is closed, each replica is asked for a
    route of each middleware, and the proxy has to count as many questions.
  - It writes nothing.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  traefik:
    description: Which Traefik. Needed only where more than one is found.
    type: dict
    suboptions:
      namespace:
        description: Namespace of its Deployment or DaemonSet.
        type: str
      workload:
        description: Name of its Deployment or DaemonSet.
        type: str
  required:
    description:
      - Who has to have a proxy. V(all) is every ForwardAuth service that a route asks, V(listed) only those of
        O(proxies). The others are then named in the sum and hold nothing up.
    type: str
    choices: [all, listed]
    default: all
  proxies:
    description:
      - The proxies as M(resilient.traefik.forward_auth_info) returns them. One is for the C(middleware) that it names,
        and for every other one that asks the same C(target).
    type: list
    elements: dict
    default: []
  left_alone:
    description:
      - Middlewares, as C(namespace/name), that ask without a proxy on purpose. They are named in the sum.
      - Those of other providers, as C(name@provider), of which it is not known whether they ask somebody.
    type: list
    elements: str
    default: []
  hosts_left_out:
    description: Hosts whose routes need not be on every replica.
    type: list
    elements: str
    default: []
  cluster_domain:
    description: The DNS domain of the cluster.
    type: str
    default: cluster.local
  requests:
    description:
      - How many requests go through each replica for each middleware. The proxy must count as many in that time, so a
        higher number is harder for other traffic to hide.
    type: int
    default: 5
  wait_timeout:
    description: Seconds to look again while a check does not pass.
    type: int
    default: 0
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.reading
notes:
  - Needs C(list) on C(deployments), C(daemonsets) and C(statefulsets), C(pods), C(services), C(endpointslices),
    C(configmaps), C(networkpolicies), C(ingresses), C(ingressclasses), C(ingressroutes) and C(middlewares), C(get) on
    C(middlewares) and on the Secrets of emergency logins, and C(get) and C(create) on C(pods/portforward). A right
    that is missing is a failure. With C(list) on C(namespaces) it knows their labels, by which NetworkPolicies may
    go; without, only their names.
  - Certificates are not verified. What answers is asked for here, not who signed it. The server name of the TLS session
    is the host.
seealso:
  - module: resilient.traefik.forward_auth_info
  - module: resilient.traefik.http_check
  - module: resilient.traefik.verification_report
"""

EXAMPLES = r"""
- name: Every ForwardAuth service must have a proxy before it
  resilient.traefik.forward_auth_check:
  register: forward_auth

- name: Show how many routes are protected
  ansible.builtin.debug:
    msg: "{{ forward_auth.routes.protected }} of {{ forward_auth.routes.asking }}"

- name: Find authentik's middleware
  resilient.traefik.forward_auth_info:
    proxies:
      - name: auth-proxy
        namespace: traefik
        path: /outpost.goauthentik.io/auth/traefik
  register: found

- name: Only that one has to have a proxy
  resilient.traefik.forward_auth_check:
    proxies: "{{ found.proxies }}"
    required: listed
    wait_timeout: 10
"""

RETURN = r"""
checks:
  description: All checks, each with its C(name), C(passed), C(expected) and C(found). Also there when the task fails.
  returned: always
  type: list
  elements: dict
middlewares:
  description: The ForwardAuth middlewares that routes use. Also there when a check did not pass.
  returned: when the cluster could be read
  type: list
  elements: dict
  contains:
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
    address:
      description: What it asks now.
      type: str
    protected:
      description: Whether a proxy of this collection is what it asks.
      type: bool
    required:
      description: Whether there has to be one.
      type: bool
    routes:
      description: The routes that use it.
      type: list
      elements: str
routes:
  description: How many routes are C(served), how many ask somebody (C(asking)), and how many of these are C(protected).
  returned: when the cluster could be read
  type: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_check

SPEC = ModuleSpec(forward_auth_check.run, forward_auth_check.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
