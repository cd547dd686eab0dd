#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells about ForwardAuth middlewares and what stands in the way of fallback proxies."""

from __future__ import annotations

DOCUMENTATION = r"""
module: forward_auth_info
short_description: Find ForwardAuth middlewares, and what stands in the way of fallback proxies before their targets
description:
  - Reads the middlewares, the routes that use them, and the Services that they ask, in one go. It writes nothing.
  - For each proxy in O(proxies) it finds the middleware and the target where they are not named, judges whether the
    proxy can be brought up, and returns every fault at once in RV(findings).
  - The roles C(auth_proxy) and C(bot_block_proxy) are built on it.
version_added: 0.2.0
author: The resilient.traefik authors (@resilient)
options:
  proxies:
    description:
      - The proxies that are wanted. The keys of each are the variables of the role C(auth_proxy) without their prefix,
        and C(name). Needed are C(name), C(namespace) and C(path), here or in O(settings).
      - C(middleware) has C(namespace) and C(name). Without a name it is the middleware that asks C(path).
      - C(kind) says what kind of service is asked where that cannot be told, such as C(generic_auth) or
        C(generic_allow).
      - C(target) has C(namespace), C(service), C(port) and C(pod_port). Without a service it is the Service that the
        middleware asks, or the one before which a proxy of this collection stands already.
    type: list
    elements: dict
    default: []
  settings:
    description: What holds for every proxy that does not say otherwise.
    type: dict
    default: {}
  variables:
    description: What stands before the name of an option in findings, such as V(auth_proxy). Nothing by default.
    type: str
    default: ''
  traefik_namespace:
    description: Namespace of Traefik. All are searched without it.
    type: str
    default: ''
  traefik_name:
    description: Name of Traefik's Deployment or DaemonSet. Needed only where more than one is found.
    type: str
    default: ''
  entry_point:
    description:
      - The entry point at which sites are asked.
      - By default each site is asked where visitors ask for it, at the entry points of its routes that do not only send
        everybody to another one, by the scheme that is spoken there.
    type: str
    default: ''
  dns:
    description: Address of the cluster's DNS. That of its Service by default.
    type: str
    default: ''
  discover:
    description:
      - Whose proxies are to be found where none of O(proxies) chooses a middleware, a path or a target that differs
        from the roles' defaults, C(auth) or C(bot_block). What the defaults name and this cluster does not have is left
        out, with a warning. Other services of a known kind that routes ask get an entry each, such as
        V(auth-proxy-authelia).
      - The kinds are authentik, Authelia, tinyauth, oauth2-proxy, Pomerium, traefik-forward-auth, CrowdSec's bouncer
        and bot blockers, told by the path that is asked, by the Service and its labels, or by the image of its pods.
        What names a user to applications is never taken for a blocker.
      - All middlewares of routes that ask the same port, path and query of one Service ask one proxy. One that cannot
        be protected as it is is left out with a warning that says why.
      - Nothing is found by default, and what is not there is a finding.
    type: str
    choices: ['', auth, bot_block]
    default: ''
  left_alone:
    description: Middlewares that may ask without a proxy, as C(NAMESPACE/NAME). No proxy is found for them.
    type: list
    elements: str
    default: []
  cluster_domain:
    description: The DNS domain of the cluster.
    type: str
    default: cluster.local
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.reading
notes:
  - Needs C(list) on C(middlewares), C(ingressroutes), C(ingresses), C(services), C(endpointslices), C(deployments)
    and C(nodes), C(daemonsets) and C(ingressclasses), on C(resourcequotas) and C(limitranges) in the proxies'
    namespaces, and C(get) on the Secrets of emergency logins that are there. What may not be read is a finding.
  - Before authentik up to two pods of the target are asked what Traefik asks about each site, through the API server
    (C(pods/portforward)). Where they are not reached, no host is judged.
seealso:
  - module: resilient.traefik.traefik_info
  - module: resilient.traefik.access_info
"""

EXAMPLES = r"""
- name: Look at the ForwardAuth middlewares
  resilient.traefik.forward_auth_info:
  register: forward_auth

- name: Show what each of them asks
  ansible.builtin.debug:
    msg: "{{ forward_auth.middlewares | map(attribute='address') | list }}"

- name: See whether a proxy could stand before authentik
  resilient.traefik.forward_auth_info:
    proxies:
      - name: auth-proxy
        namespace: traefik
        path: /outpost.goauthentik.io/auth/traefik
        authentik: true
        replicas: 2
        users:
          - name: emergency
  register: forward_auth

- name: It must
  ansible.builtin.assert:
    that: forward_auth.findings | length == 0
    fail_msg: "{{ forward_auth.findings | join(' ') }}"
"""

RETURN = r"""
findings:
  description: What stands in the way of the proxies, in sentences that name the option, the fault and the remedy.
  returned: success
  type: list
  elements: str
proxies:
  description: The proxies of O(proxies), with what was found for them. Secrets are left out.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The proxy's name. All of its settings stand beside it.
      type: str
    middleware:
      description: >-
        The middleware's C(namespace), C(name) and C(owner), the C(response_headers) and C(response_headers_pattern)
        that it is to take from answers, and C(before), the fields that would be changed as they are.
      type: dict
    behind:
      description: Whom the middleware asks. V(direct) is the target, V(ours) a proxy of this collection, or V(foreign).
      type: str
    askers:
      description: >-
        The Traefiks that may ask the proxy, each with its C(namespace), the label selector C(pods) and whether it is on
        the C(host_network).
      type: list
      elements: dict
    target:
      description: C(namespace), C(service), C(port), C(pod_port) and C(selector) of the Service to stand before.
      type: dict
    address:
      description: What the middleware is to ask.
      type: str
    policy:
      description: The policy, as the filter P(resilient.traefik.nginx_engine#filter) takes it.
      type: dict
    traffic_distribution:
      description: C(trafficDistribution) of the proxy's Service, by the newest word that the cluster knows, or empty.
      type: str
    asks_for_login:
      description: Whether any host falls back to the emergency login.
      type: bool
    hosts:
      description: Sites behind the middleware.
      type: list
      elements: str
    site_requests:
      description: Requests for M(resilient.traefik.http_check), one for each site and scheme.
      type: list
      elements: dict
    site_points:
      description: The points that these requests go through.
      type: list
      elements: dict
    dns:
      description: C(address) of the cluster's DNS, and C(namespace), C(selector) and C(ports) of its pods.
      type: dict
    traefik:
      description: As RV(traefik).
      type: dict
present:
  description: Whether there is any proxy to bring or to prove.
  returned: success
  type: bool
notes:
  description: >-
    What O(discover) left out: what the defaults name and is not there, what no proxy can stand before, and what would
    need an entry.
  returned: success
  type: list
  elements: str
middlewares:
  description: Every ForwardAuth middleware of the cluster.
  returned: success
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
      description: What it asks.
      type: str
    behind_proxy:
      description: Whether that is a proxy of this collection.
      type: bool
    target:
      description: C(namespace), C(service) and C(port) of the Service that is asked in the end. Empty for no Service.
      type: dict
    owner:
      description: Who would undo a change of it, such as a Helm release or an Argo CD application.
      type: str
    hosts:
      description: The hosts whose routes use it.
      type: list
      elements: str
    other_hosts:
      description: Whether a route that uses it may match hosts that are not named.
      type: bool
    routes:
      description: The routes that use it, as sentences name them.
      type: list
      elements: str
traefik:
  description: >-
    C(namespace), C(name), C(version), C(selector) and C(host_network) of the Traefik workload, and the C(entry_point)
    at which sites are asked. Empty where there is not exactly one.
  returned: success
  type: dict
dns:
  description: C(address), C(namespace), C(selector) and C(ports) of the cluster's DNS.
  returned: success
  type: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_info

SPEC = ModuleSpec(forward_auth_info.run, forward_auth_info.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
