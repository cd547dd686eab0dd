#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says whether the database connections that authentik opens fit its pool and its database."""

from __future__ import annotations

DOCUMENTATION = r"""
module: authentik_capacity_info
short_description: Say whether the database connections that authentik opens fit its pool and its database
description:
  - Counts the connections that authentik opens at its peak and while it is rolled, and those that it keeps, from the
    replicas, processes and threads that run and from C(conn_max_age), and holds them against PgBouncer's pool and
    PostgreSQL's C(max_connections). What does not fit is told with the numbers and the largest value that does.
  - Settings are read from the environment of authentik's Deployments and of PgBouncer, from the ConfigMaps and Secrets
    that these take it from, and from a C(pgbouncer.ini) that is mounted. Of a Secret nothing is returned but the
    numbers that count here.
  - With O(settings) it answers what would be, before anything is changed.
  - It writes nothing, and asks neither PgBouncer nor PostgreSQL.
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  namespace:
    description: Namespace of authentik. All are searched without it.
    type: str
    default: ''
  settings:
    description:
      - Values that count in place of those that are found. C(server_replicas), C(server_processes) (C(web.workers)),
        C(server_threads) (C(web.threads)), C(worker_replicas), C(worker_processes), C(worker_threads),
        C(conn_max_age), C(channels) (connections that each process keeps to be told of events), C(pool_replicas),
        C(pool_mode), C(default_pool_size), C(reserve_pool_size), C(max_client_conn), C(query_wait_timeout),
        C(max_connections), C(reserved_connections) and C(other_connections) of the database.
      - With C(pool_replicas) there is a pool, whether one was found or not.
    type: dict
    default: {}
  cluster_domain:
    description: The DNS domain of the cluster.
    type: str
    default: cluster.local
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.reading
notes:
  - Needs C(list) on C(deployments), C(statefulsets) and C(services), and C(get) on the ConfigMaps and Secrets that
    authentik and its pool take their settings from. What of these may not be read is named in RV(unread).
seealso:
  - module: resilient.traefik.disruption_budget_info
"""

EXAMPLES = r"""
- name: Do authentik's connections fit?
  resilient.traefik.authentik_capacity_info:
    settings:
      max_connections: 200
  register: capacity

- name: Would they with connections that are kept for a minute?
  resilient.traefik.authentik_capacity_info:
    settings:
      max_connections: 200
      conn_max_age: 60
  register: capacity

- name: They must
  ansible.builtin.assert:
    that: capacity.verdict == 'passed'
    fail_msg: "{{ (capacity.findings + capacity.remedies) | join(' ') }}"
"""

RETURN = r"""
verdict:
  description: >-
    V(passed) where all fits, V(deviated) where something does not, V(inconclusive) where nothing was found to stand
    against it and a setting that counts may not be read.
  returned: success
  type: str
findings:
  description: What does not fit, in sentences with the numbers.
  returned: success
  type: list
  elements: str
remedies:
  description: Single changes, each of which makes all of it fit, with the largest or smallest value that does.
  returned: success
  type: list
  elements: str
need:
  description: >-
    Connections from authentik, C(peak) at most, C(roll) while it is rolled, and C(held) and C(held_in_roll) of those
    that are not given back after a request.
  returned: success
  type: dict
settings:
  description: Every setting that was counted with.
  returned: success
  type: dict
sources:
  description: By setting where its value is from, V(given), V(default) or a workload.
  returned: success
  type: dict
assumed:
  description: Settings that count and were found nowhere, so that the programs' defaults were taken.
  returned: success
  type: list
  elements: str
unread:
  description: ConfigMaps and Secrets that may not be read.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.authentik import capacity_info
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(capacity_info.run, capacity_info.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
