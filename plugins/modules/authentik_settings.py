#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Brings authentik and its PgBouncer to replicas, places, limits and settings that hold."""

from __future__ import annotations

DOCUMENTATION = r"""
module: authentik_settings
short_description: Give authentik and its PgBouncer replicas, places, probes and settings that hold
description:
  - Raises the replicas of authentik's server and worker, spreads their pods over nodes, and sets resources and settings
    of authentik under the names that the running version reads.
  - PgBouncer, found by the host that authentik names, gets probes on its port, a place for each pod and a disruption
    budget. Its replicas and its pool are left alone.
  - Connections to the database are counted before anything is written, see
    M(resilient.traefik.authentik_capacity_info). Settings that do not fit are refused with the numbers.
  - Where authentik came by Helm, its release is upgraded with its own chart and these values merged into its own.
    Settings go into C(server.env) and C(worker.env), which count beside C(authentik.existingSecret) too.
  - What is not asked for stays as it is. Of any other workload exactly the fields that differ are changed, one workload
    after the other, each only once the one before is ready again.
  - Everything that stands against it is told at once, before anything is written, see RV(findings).
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
options:
  namespace:
    description: Namespace of authentik. All are searched without it.
    type: str
    default: ''
  cluster_domain:
    description: The DNS domain of the cluster.
    type: str
    default: cluster.local
  version:
    description:
      - The version of authentik that runs, such as V(2025.8.4). Needed only where neither the image's tag nor the
        chart's label says it.
    type: str
    default: ''
  only_findings:
    description: Whether only to tell what stands against it, in RV(findings), and to write nothing.
    type: bool
    default: false
  verify:
    description:
      - Whether only to check, and to write nothing. It looks again until all is so or O(wait_timeout) is over.
      - Looked at are the workloads, their rollouts and the nodes of their pods, the answer of each pod of the server on
        C(/-/health/ready/), which asks the database from there, the answer of each pod of PgBouncer on its port, and
        its disruption budget with a rehearsed eviction.
    type: bool
    default: false
  server_replicas:
    description: How many pods of the server there are to be at least. More are never taken away.
    type: int
    default: 3
  worker_replicas:
    description: How many pods of the worker there are to be at least. More are never taken away.
    type: int
    default: 3
  when_unsatisfiable:
    description:
      - What becomes of a pod for which there is no other node. Workloads with an anti-affinity or a spread over nodes
        of their own keep that.
    type: str
    choices: [DoNotSchedule, ScheduleAnyway]
    default: ScheduleAnyway
  priority_class:
    description: PriorityClass of the pods. As it is by default.
    type: str
    default: ''
  termination_grace_period:
    description: Seconds after which Kubernetes kills a pod that is to end. V(0) leaves it as it is.
    type: int
    default: 0
  server_resources:
    description:
      - Resources of the server's container. A worker of C(web.workers) takes about 500 MiB, and more workers than the
        memory limit has room for are refused.
    type: dict
    default: {}
    suboptions: &resources
      requests:
        description: Requests by resource, merged into those that are there.
        type: dict
        default: {}
      limits:
        description: Limits by resource, merged into those that are there.
        type: dict
        default: {}
  worker_resources:
    description: Resources of the worker's container.
    type: dict
    default: {}
    suboptions: *resources
  settings:
    description: Settings of authentik. What is not named stays as it is.
    type: dict
    default: {}
    suboptions:
      conn_max_age:
        description: Seconds that a connection to the database is kept (C(postgresql.conn_max_age)).
        type: int
      conn_health_checks:
        description: Whether a kept connection is tried before it is used (C(postgresql.conn_health_checks)).
        type: bool
      cache_timeout_flows:
        description: Seconds that plans of flows are kept (C(cache.timeout_flows)).
        type: int
      cache_timeout_policies:
        description: Seconds that results of policies are kept (C(cache.timeout_policies)).
        type: int
      web_workers:
        description: Processes of each server (C(web.workers)).
        type: int
      web_threads:
        description: Threads of each of these (C(web.threads)).
        type: int
      worker_processes:
        description: Processes of each worker (C(worker.processes)). Since 2025.8.
        type: int
      worker_threads:
        description: Threads of each of these (C(worker.threads)). Before 2025.8 this is C(worker.concurrency).
        type: int
  pool:
    description: Whether PgBouncer is treated too, where there is one.
    type: bool
    default: true
  pool_min_available:
    description:
      - Pods of PgBouncer that a drain must leave, a number or a percentage. Where that would block every drain, a
        budget with C(maxUnavailable) 1 is taken. Budgets are left alone when it is empty.
    type: str
    default: '2'
  pool_resources:
    description: Resources of PgBouncer's container.
    type: dict
    default: {}
    suboptions: *resources
  capacity:
    description:
      - What counts of pool and database and is found nowhere, such as C(max_connections), by the names of
        O(resilient.traefik.authentik_capacity_info#module:settings).
    type: dict
    default: {}
  helm_binary:
    description: The helm program, version 3, on the machine that runs the task. By default the one in its C(PATH).
    type: path
  helm_chart:
    description:
      - The chart to upgrade authentik's release with, as C(helm upgrade) takes it. By default the one that the release
        was made of, which is in the cluster.
    type: str
  helm_chart_version:
    description: The version of O(helm_chart), where that is a reference.
    type: str
  wait_timeout:
    description: Seconds to wait for each workload until all of its pods are ready, and with O(verify) for all checks.
    type: int
    default: 300
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.writing
requirements:
  - helm 3 where authentik came by Helm
attributes:
  check_mode:
    description: Asks the API server what would change. Nothing is persisted.
    support: full
  diff_mode:
    description: Shows the objects before and after, without the values of variables that are secrets by their names.
    support: full
notes:
  - Needs C(list) on C(deployments), C(statefulsets) and C(services), C(patch) on the workloads, and C(get) on the
    ConfigMaps and Secrets that they take settings from. With O(verify) also C(list) on C(pods), C(get) and C(create)
    on C(pods/portforward) and C(create) on C(pods/eviction).
seealso:
  - module: resilient.traefik.authentik_capacity_info
  - module: resilient.traefik.disruption_budget_info
"""

EXAMPLES = r"""
- name: Give authentik replicas, and no connections that are kept
  resilient.traefik.authentik_settings:
    namespace: authentik
    settings:
      conn_max_age: 0
      cache_timeout_flows: 1800
      cache_timeout_policies: 900
    capacity:
      max_connections: 200

- name: Say what stands against more workers
  resilient.traefik.authentik_settings:
    settings:
      web_workers: 4
    only_findings: true
  register: preflight
"""

RETURN = r"""
findings:
  description: What stands against it, a sentence each with the remedy. Also part of a failure.
  returned: without O(verify)
  type: list
  elements: str
  sample: []
notes:
  description: What is worth knowing and stands against nothing, a sentence each.
  returned: without O(verify)
  type: list
  elements: str
  sample: []
need:
  description: Connections as in RV(resilient.traefik.authentik_capacity_info#module:need), with what is asked for.
  returned: without O(verify)
  type: dict
replicas:
  description: How many pods C(server) and C(worker) will have.
  returned: without O(verify)
  type: dict
workloads:
  description: The workloads that are looked after, by api_version, kind, namespace and name, in the order of writing.
  returned: when authentik was found
  type: list
  elements: dict
checks:
  description: What was checked, as in RV(resilient.traefik.cluster_check#module:checks). Also part of a failure.
  returned: with O(verify)
  type: list
  elements: dict
results:
  description: What became of every object, as in RV(resilient.traefik.apply#module:results).
  returned: when something was to be written
  type: list
  elements: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.authentik import settings
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(settings.run, settings.OPTIONS, writes=True)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
