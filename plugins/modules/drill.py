#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Breaks one thing on purpose, measures, and restores it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drill
short_description: Break one thing on purpose, measure what visitors notice, and restore it
description:
  - Looks whether the cluster is steady, brings the fault about, asks the sites through every Traefik replica the whole
    time at an even rate, restores, and waits until everything is as before.
  - Before the fault it brings a healer, a Job with the right to do nothing but restore. When O(expiry) is over the
    healer restores whatever became of this task, and then removes itself.
  - Fails with the whole result unless the verdict is V(passed).
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  scenario:
    description:
      - What to break.
      - V(forward_auth_down) and V(bot_block_down) scale the service that a ForwardAuth middleware asks to 0.
      - V(forward_auth_hung) and V(forward_auth_unreachable) lead the proxies' way to that service to pods that do not
        answer, or to where nobody is. Where there is no proxy it is the middleware that is led there.
      - V(replica_lost) evicts a Traefik replica, V(node_drain) cordons a node and evicts Traefik and the proxies on it.
      - V(backend_hung) and V(backend_restart) bring an application of their own, which hangs or is restarted.
      - V(proxy_restart) evicts the proxies one after the other, V(proxies_all_lost) scales them to 0.
    type: str
    required: true
    choices:
      - forward_auth_down
      - forward_auth_hung
      - forward_auth_unreachable
      - bot_block_down
      - proxy_restart
      - proxies_all_lost
      - replica_lost
      - node_drain
      - backend_hung
      - backend_restart
  cluster:
    description: The cluster's name in the result, in files' names and for O(confirm), such as C(inventory_hostname).
    type: str
    required: true
  seconds:
    description: How long the fault lasts once it is felt.
    type: float
    default: 10
  rate:
    description: Requests a second through each replica, at most 200. The visitors take turns.
    type: float
    default: 10
  burst:
    description: So many requests more at once when the fault is felt, over all replicas together.
    type: int
    default: 0
  give_up_after:
    description: Seconds after which a visitor gives up. Longer than the 30 seconds after which Traefik gives up itself.
    type: float
    default: 35
  leave_seconds:
    description: Seconds for which a replica is still asked that is on its way out, as a load balancer does.
    type: float
    default: 1
  expiry:
    description: Seconds after which the healer restores. At least O(seconds) and O(give_up_after) and a minute.
    type: float
    default: 300
  expect:
    description:
      - What is expected, where it is not what the scenario expects by itself.
      - C(longest_wait), C(settled_wait) (from 3 s on) and C(recovery) in seconds, C(slow_percent) of the requests,
        C(failed_at_most) in requests. An empty value is not looked at.
      - C(statuses) is a list of what visitors may get beside what they got before and what the fallback answers. Each
        entry has C(status), a list, and any of C(visitor), C(host), C(credentials) and C(guarded). With C(at_most) it
        allows so many answers and no more.
    type: dict
    default: {}
  alerts:
    description:
      - The alerts that are to fire, by name, each with C(fires), the most seconds from the fault until it fires, and
        C(resolves), those from the restoring until it is resolved. Both are V(180) by default. With an empty
        C(resolves) nobody waits for that.
      - The fault lasts until all of them have fired, and the drill until nothing of it fires any more. No other alert
        of this collection may fire. What fired before the fault counts as a deviation.
      - Prometheus is asked itself, and is found in the cluster. Without expected alerts nobody is asked.
    type: dict
    default: {}
  prometheus:
    description: Where Prometheus runs, when there is more than one, or one that cannot be told by its image's name.
    type: dict
    suboptions:
      namespace:
        description: Its namespace. All of them by default.
        type: str
      label_selectors:
        description: Label selectors of its pods, all of which must hold.
        type: list
        elements: str
        default: []
  visitors:
    description: Who asks. By default some sites that Traefik serves, with and without the emergency login.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: The site.
        type: str
        required: true
      name:
        description: The visitor's name in the result. Made of the rest by default.
        type: str
      path:
        description: What is asked for.
        type: str
        default: /
      headers:
        description: More headers, such as a session's cookie. Never shown.
        type: dict
        default: {}
      user:
        description: User of HTTP Basic.
        type: str
      password:
        description: Its password.
        type: str
      credentials:
        description: What the visitor brings. Told by the headers by default.
        type: str
        choices: [none, session, login]
      guarded:
        description: Whether the site asks the service that is broken. By default its routes tell.
        type: bool
      fallback_allows:
        description: Whether the fallback lets everybody into the site.
        type: bool
        default: false
  leave_out:
    description: Sites that are not asked.
    type: list
    elements: str
    default: []
  fallback_allows:
    description: Sites into which the fallback lets everybody. Being let in there is no fault.
    type: list
    elements: str
    default: []
  prober:
    description:
      - More requests while the fault lasts than a port-forward carries, from Jobs in the cluster, one for each replica.
      - For the scenarios about a ForwardAuth middleware.
    type: dict
    suboptions:
      image:
        description: An image whose entry point is vegeta.
        type: str
        required: true
      rate:
        description: Requests a second to each replica.
        type: int
        default: 200
      namespace:
        description: Where the Jobs run. Traefik's namespace by default.
        type: str
  middleware:
    description: The ForwardAuth middleware. By default the one that asks authentik, or C(ai-bot-block).
    type: dict
    default: {}
    suboptions:
      namespace:
        description: Its namespace.
        type: str
      name:
        description: Its name.
        type: str
  replica:
    description: The Traefik pod for V(replica_lost). The first one by default.
    type: str
  node:
    description: The node for V(node_drain). The last one with a Traefik replica by default.
    type: str
  traefik_namespace:
    description: Where Traefik runs. Found by default.
    type: str
  traefik_name:
    description: Its workload. Found by default.
    type: str
  entry_point:
    description: Through which entry point sites are asked. The public one by default.
    type: str
    default: ''
  cluster_domain:
    description: The domain of the cluster's names.
    type: str
    default: cluster.local
  image:
    description: The image of the healer and of stand-ins, with nginx and njs. That of the proxies will do.
    type: str
    default: docker.io/library/nginx:1.31.3
  image_modules:
    description: What nginx has to load for njs. Nothing where it is built in.
    type: list
    elements: str
    default: [/usr/lib/nginx/modules/ngx_http_js_module.so]
  image_pull_secrets:
    description: Secrets to pull the image with, in the form of a pod's C(imagePullSecrets).
    type: list
    elements: dict
    default: []
  window:
    description: When drills may begin. Always by default.
    type: list
    elements: dict
    default: []
    suboptions:
      days:
        description: Days of the week, such as V(mon). All by default.
        type: list
        elements: str
      from:
        description: The first minute, such as V(09:00).
        type: str
      to:
        description: The minute after the last one. On the next day where it is not later than O(window[].from).
        type: str
      timezone:
        description: The time zone of both.
        type: str
        default: UTC
  production:
    description: Whether it is a production cluster. Then nothing is broken without O(confirm).
    type: bool
    default: false
  confirm:
    description: The name of the production cluster, as in O(cluster).
    type: str
    default: ''
  lock_holder:
    description: The run that may hold the cluster's lock. Another one is waited for by hand.
    type: str
    default: ''
  wait_timeout:
    description: Seconds that pods may take to come up.
    type: float
    default: 120
  directory:
    description: Where every request is recorded, in a CSV file of its own.
    type: path
    default: build
extends_documentation_fragment:
  - resilient.traefik.connection
attributes:
  check_mode:
    description: Does everything up to the fault, and breaks nothing. What stands against the drill is told.
    support: full
  diff_mode:
    description: What is changed is restored, and part of the result.
    support: none
notes:
  - Never reports a change. What is changed is as before when the task ends, or the verdict is V(rollback_failed).
seealso:
  - module: resilient.traefik.drill_report
  - module: resilient.traefik.drill_heal
"""

EXAMPLES = r"""
- name: authentik hangs for twenty seconds
  resilient.traefik.drill:
    scenario: forward_auth_hung
    cluster: "{{ inventory_hostname }}"
    seconds: 20

- name: A node of the production cluster is drained, at night, and nobody waits longer than a second
  resilient.traefik.drill:
    scenario: node_drain
    cluster: "{{ inventory_hostname }}"
    production: true
    confirm: "{{ inventory_hostname }}"
    window:
      - days: [tue, wed, thu]
        from: "22:00"
        to: "05:00"
        timezone: Europe/Berlin
    expect:
      longest_wait: 1.0
    alerts:
      ForwardAuthFallbackActive:
        fires: 90
        resolves: 120
"""

RETURN = r"""
verdict:
  description:
    - V(passed), or V(deviated) when it was not as expected.
    - V(not_run) when something stood against it, and nothing was broken.
    - V(inconclusive) when the measurement itself failed, or when no request was seen to meet what was broken or to
      reach it again. V(rollback_failed) when the cluster is not as it was.
  returned: always
  type: str
  sample: passed
exit_code:
  description: The exit code of the verdict, 0, 10, 11, 12 or 13 in that order.
  returned: always
  type: int
  sample: 0
drill:
  description:
    - The whole result, as C(scenarios) in C(docs/drill.schema.json) has it.
    - C(evidence) has what was seen of the thing itself before, in and after the fault. Each of C(visitors) has C(met),
      whether its requests met what was broken.
  returned: always
  type: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.drill import drill
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(drill.run, drill.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
