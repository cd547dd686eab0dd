# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module explain: documentation, argument spec and main."""

from __future__ import annotations

DOCUMENTATION = r"""
module: explain
short_description: Follow one request through Traefik and say why it is answered as it is
description:
  - Follows one request as Traefik would, from the name of the host to the pods that serve it. The way is DNS, address,
    Service or host port, entry point, redirection, TLS certificate, router, each middleware in order, the ForwardAuth
    target, the service, its endpoints and its pods.
  - Sends the request through each replica, and says in one sentence what a client gets and why.
  - Each ForwardAuth target on the way is asked and timed. Pods behind the router are asked directly where an answer is
    400 or more, or takes longer than a second.
  - It writes nothing. A request that may change something (POST, PUT, PATCH, DELETE) is sent only with O(send=always).
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  request:
    description: The request that a client sends.
    type: dict
    required: true
    suboptions:
      host:
        description: The host that a client asks for, with C(:PORT) where it has one. A whole URL is taken too.
        type: str
        required: true
      path:
        description: Path and query.
        type: str
      method:
        description: The request's method.
        type: str
        choices: [GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE]
        default: GET
      headers:
        description: Headers of the request. Their values are in no result, those of harmless names aside.
        type: dict
        default: {}
      scheme:
        description: Whether the client speaks TLS with Traefik. Without it the scheme for which there is a router.
        type: str
        choices: [http, https]
      client_ip:
        description:
          - The address that Traefik sees, which is a proxy's where one is in front. Lists of allowed addresses and
            C(trustedIPs) are compared with it. The request itself comes from C(127.0.0.1) through a port-forward.
        type: str
      body_bytes:
        description: How many bytes the body of the request would have. Compared with limits. No such body is sent.
        type: int
        default: 0
      websocket:
        description: Ask for a WebSocket.
        type: bool
        default: false
  entry_point:
    description: The entry point at which the request comes in. Without it the one at the public port.
    type: str
  namespace:
    description: Namespace of Traefik's Deployment or DaemonSet. Needed only where more than one is found.
    type: str
  workload:
    description: Name of Traefik's Deployment or DaemonSet. Needed only where more than one is found.
    type: str
  open_api:
    description:
      - Open the replicas' API for the time of the question where it is closed, as M(resilient.traefik.traefik_info)
        does. This writes one IngressRoute, which is deleted again. Not in check mode.
    type: bool
    default: false
  send:
    description: Which requests are sent. V(reading) is those by GET, HEAD and OPTIONS.
    type: str
    choices: [reading, always, never]
    default: reading
  seconds:
    description: For how long an answer is waited for.
    type: float
    default: 60.0
  resolve:
    description: Ask the controller's own resolver for the host.
    type: bool
    default: true
  cluster_domain:
    description: The DNS domain of the cluster.
    type: str
    default: cluster.local
extends_documentation_fragment:
  - resilient.traefik.connection
attributes:
  check_mode:
    description: It only reads, so check mode is the same. A closed API stays closed, and only reading methods are sent.
    support: full
  diff_mode:
    description: Nothing changes, so there is no diff.
    support: none
notes:
  - Needs C(list) on C(deployments), C(daemonsets), C(pods), C(ingresses) and C(ingressroutes), and C(get) and C(create)
    on C(pods/portforward) in the namespace of Traefik.
  - Uses C(list) on C(middlewares), C(ingressclasses), C(traefikservices), C(services), C(endpointslices) and C(nodes),
    C(get) on C(services) and C(serverstransports), and C(pods/portforward) in the namespaces of targets and
    applications. What may not be read is named in RV(unread).
  - Secrets are not read. A certificate is the one that a replica shows.
seealso:
  - module: resilient.traefik.traefik_info
  - module: resilient.traefik.http_check
"""

EXAMPLES = r"""
- name: Why does this site answer as it does
  resilient.traefik.explain:
    request:
      host: app.example.test
      path: /login
  register: explained

- name: Show the way of the request
  ansible.builtin.debug:
    msg: "{{ explained.report }}"

- name: What would come of a request through the proxy in front
  resilient.traefik.explain:
    request:
      host: app.example.test
      scheme: http
      client_ip: 192.0.2.10
      headers:
        X-Forwarded-Proto: https
"""

RETURN = r"""
verdict:
  description: What a client gets and why, in one sentence.
  returned: always
  type: str
symptom:
  description:
    - C(ok), a status as text, or C(refused), C(replicas_differ), C(no_answer), C(redirect_loop), C(certificate),
      C(mixed_content), C(sticky_sessions), C(websocket), C(not_sent).
  returned: always
  type: str
also:
  description: What else there is to say, in sentences.
  returned: always
  type: list
  elements: str
report:
  description: The way of the request, line by line.
  returned: always
  type: list
  elements: str
request:
  description: The request, without the values of headers that may be secret and without its query.
  returned: always
  type: dict
entrance:
  description: C(dns), Traefik's C(addresses) and what came of connecting to each, C(nodes_without_replica).
  returned: always
  type: dict
entry_point:
  description: Where the request comes in, empty where nothing is at that port.
  returned: always
  type: str
routing:
  description: The C(winner) and C(why), all routers that are C(matching), C(uncertain), and those that come C(near).
  returned: always
  type: dict
middlewares:
  description: What each middleware does to the request, in order.
  returned: always
  type: list
  elements: dict
targets:
  description: The ForwardAuth targets and their answers.
  returned: always
  type: list
  elements: dict
backends:
  description: The Services behind the router, their endpoints, pods and answers.
  returned: always
  type: list
  elements: dict
certificates:
  description: The certificate that each replica shows.
  returned: always
  type: list
  elements: dict
replicas:
  description: Each replica's C(answer), and where its API is open what its own routers do (C(routing)).
  returned: always
  type: list
  elements: dict
api:
  description: Whether the replicas' API is open, and why not.
  returned: always
  type: str
seconds:
  description: How long it took, C(all) of it, and its C(own) part before waiting for answers.
  returned: always
  type: dict
unread:
  description: What the account may not read, in the API server's words.
  returned: always
  type: list
  elements: str
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.explain import explain
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(explain.run, explain.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
