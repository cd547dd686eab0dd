#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends real HTTP requests and checks the answers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: http_check
short_description: Send real HTTP requests through chosen points and check the answers
description:
  - Sends every request through every point, concurrently, and fails unless each answer is as expected.
  - A point is each ready replica of Traefik, each ready pod behind a Service, one pod, or a URL. Pods are reached by
    port-forward through the API server, so neither DNS nor a load balancer nor a NetworkPolicy stands between, and any
    host and TLS server name can be asked for.
  - With O(wait_timeout) it asks again until all answers of one round are as expected. Points are looked up anew for
    each round.
  - Redirects are answers and are not followed.
  - Values of C(Authorization), C(Proxy-Authorization), C(Cookie) and C(Set-Cookie) are in no result, also where a
    server echoes them.
version_added: 0.1.0
author: The resilient.traefik authors (@resilient)
options:
  return_headers:
    description: Headers of the answers to return, besides those that O(requests[].expect) names.
    type: list
    elements: str
    default: []
  as_before:
    description:
      - The RV(answers) of an earlier run with the same O(points) and O(requests). Every answer must be as it was then,
        besides O(requests[].expect) where that is given.
      - A status of success must still be one, a redirect must still lead to the same scheme and host, and a refusal
        (4xx) must be the same. What gave no answer or an error of the server before may have become anything but
        V(404), which is what Traefik says when it has lost a router.
      - Bodies, cookies, times, and paths and queries of redirects are not compared. They change by themselves.
      - Each replica is compared with itself. One that was not there then is compared with those that were, and is as
        before when it is like one of them. A request that was not asked then must not end in an error of the server.
    type: list
    elements: dict
    version_added: 0.2.0
  as_before_headers:
    description:
      - Headers whose values must be as before too, such as V(WWW-Authenticate). The earlier run must have returned
        them, see O(return_headers).
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  as_before_by:
    description:
      - How an answer is compared with the one before.
      - With V(answering) any answer will do where there was one before, such as a login in place of a page. No answer,
        an error of the server (5xx) and V(404) are none.
    type: str
    choices: [sameness, answering]
    default: sameness
    version_added: 0.3.0
  timeout:
    description: Seconds that may pass without a byte, connecting included.
    type: float
    default: 5.0
  max_seconds:
    description: Seconds for one whole answer. An endpoint that drips a byte at a time ends here.
    type: float
    default: 30.0
  wait_timeout:
    description: Seconds to go on asking until all answers of one round are as expected. One round by default.
    type: float
    default: 0.0
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.http_points
  - resilient.traefik.http_requests
attributes:
  check_mode:
    description: Requests with a reading method are sent in check mode too. Others are left out, with a warning.
    support: full
  diff_mode:
    description: Nothing changes, so there is no diff.
    support: none
notes:
  - Needs C(get) and C(create) on C(pods/portforward), C(list) on C(pods), C(deployments) and C(daemonsets), and for a
    Service C(get) on it and C(list) on C(endpointslices). A URL needs no permission and no cluster.
seealso:
  - module: resilient.traefik.traefik_info
  - module: resilient.traefik.cluster_check
  - module: resilient.traefik.verification_report
"""

EXAMPLES = r"""
- name: Every replica must serve the shop, and send strangers to the login
  resilient.traefik.http_check:
    points:
      - traefik:
          entry_point: websecure
    requests:
      - host: shop.example.test
        validate_certs: false
        expect:
          status: [200]
          body: Add to basket
      - host: admin.example.test
        validate_certs: false
        expect:
          status: [302]
          headers:
            - name: Location
              matches: ^https://login\.example\.test/
    wait_timeout: 30

- name: Each pod of the proxy must answer by itself within a second, before traffic is switched to it
  resilient.traefik.http_check:
    points:
      - service:
          namespace: auth
          name: fallback-proxy
          port: http
    requests:
      - path: /healthz
    max_seconds: 1

- name: Remember how the sites answer
  resilient.traefik.http_check:
    points: &points
      - traefik:
          entry_point: web
    requests: &sites
      - host: shop.example.test
        expect:
          status: []
      - host: blog.example.test
        expect:
          status: []
  register: earlier

- name: After a change they must answer as before
  resilient.traefik.http_check:
    points: *points
    requests: *sites
    as_before: "{{ earlier.answers }}"
    wait_timeout: 30

- name: As a user with a password, through the front door
  resilient.traefik.http_check:
    points:
      - url: https://admin.example.test
    requests:
      - user: emergency
        password: "{{ emergency_password }}"
        ca: "{{ lookup('ansible.builtin.file', 'ca.pem') }}"
        expect:
          headers:
            - name: X-Powered-By
              absent: true
"""

RETURN = r"""
answers:
  description: One entry for every point and request, of the last round. Also there when the check fails.
  returned: always
  type: list
  elements: dict
  contains:
    point:
      description: Where the request went.
      type: str
      sample: replica traefik/traefik-5c9f7-x2x9q entry point web
    name:
      description: The request's name, or its place in the list.
      type: str
      sample: "requests: item 1"
    request:
      description: The request in words.
      type: str
      sample: GET http://shop.example.test/
    status:
      description: The answer's status, where there was an answer.
      type: int
      sample: 200
    headers:
      description: The headers asked for, by lower-case name.
      type: dict
    redirect_to:
      description: Scheme and host that a redirect leads to, where it is one.
      type: str
      sample: https://login.example.test
    behind:
      description: What the point is one of, such as all replicas at an entry point. Else the point itself.
      type: str
      sample: Deployment traefik/traefik entry point web
    body:
      description: The first 300 characters of the body.
      type: str
    seconds:
      description: From the first byte sent to the last byte read, without connecting.
      type: float
      sample: 0.0042
    problem:
      description: What is not as expected, empty when all is.
      type: str
    skipped:
      description: True for a request that check mode does not send.
      type: bool
checks:
  description: >-
    One entry for every point and request that was sent, in the form that M(resilient.traefik.verification_report)
    takes. Also there when the check fails.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: What is proved.
      type: str
      sample: shop.example.test/ through replica traefik/traefik-5c9f7-x2x9q entry point web
    passed:
      description: Whether the answer is as expected.
      type: bool
    expected:
      description: What is expected, in words.
      type: str
      sample: status 200
    found:
      description: What came, in words.
      type: str
      sample: 200 in 0.0042 s
slowest_seconds:
  description: The longest of all C(seconds).
  returned: always
  type: float
rounds:
  description: How often all was asked.
  returned: always
  type: int
"""

from ansible_collections.resilient.traefik.plugins.module_utils import http_check
from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(http_check.run, http_check.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
