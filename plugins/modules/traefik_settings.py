#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes Traefik itself highly available, the way the cluster is run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: traefik_settings
short_description: Make Traefik highly available, by Helm, by k3s or as manifests
description:
  - Spreads Traefik's replicas over the nodes, keeps a number of them through drains, ends waiting for a backend that
    never answers, and lets a replica finish its requests before it goes.
  - Whatever is not named here stays as it is. Lists (arguments, topology spread constraints) are merged.
  - Everything that stands against it is told at once, before anything is written, see RV(findings).
  - V(helm) merges values into those of the release and upgrades it with the release's own chart. V(k3s) merges them
    into the HelmChartConfig. V(manifest) changes exactly the fields that differ. With O(render_to) the same comes as
    files.
version_added: 0.2.0
author: The resilient.traefik authors (@resilient)
options:
  namespace:
    description: The namespace of Traefik's Deployment or DaemonSet. All are searched without it.
    type: str
  workload:
    description: Its name. Needed only where more than one Traefik is found.
    type: str
  delivery:
    description: How Traefik's settings get into the cluster. V(auto) finds it out.
    type: str
    choices: [auto, helm, k3s, manifest]
    default: auto
  only_findings:
    description: Whether only to tell what stands against it, in RV(findings), and to write nothing.
    type: bool
    default: false
  verify:
    description:
      - Whether only to check that the cluster runs with the settings, and to write nothing. It reads again until all is
        so or O(wait_timeout) is over.
      - Looked at are the rollout, the nodes of the replicas, the budget, and arguments, hook, grace period and priority
        class of each running replica.
    type: bool
    default: false
  replicas:
    description: How many replicas. As many as there are by default.
    type: int
  when_unsatisfiable:
    description:
      - What becomes of a replica for which there is no other node. V(DoNotSchedule) leaves it pending, so more replicas
        than nodes are refused. V(ScheduleAnyway) puts it on a node that has one.
      - A DaemonSet has one replica a node anyway and is left as it is.
    type: str
    choices: [DoNotSchedule, ScheduleAnyway]
    default: DoNotSchedule
  min_available:
    description:
      - C(minAvailable) of the PodDisruptionBudget. One that selects Traefik's pods is changed, else one is created.
      - V(0) leaves budgets as they are.
    type: int
    default: 2
  max_unavailable:
    description: C(maxUnavailable) of a Deployment's rolling update. As it is by default.
    type: int
  max_surge:
    description: C(maxSurge) of a Deployment's rolling update. As it is by default.
    type: int
  min_ready_seconds:
    description: Seconds that a new replica must be ready before the next one goes. V(0) leaves it as it is.
    type: int
    default: 5
  readiness_delay:
    description:
      - Seconds before a new replica is first asked whether it is ready. Traefik says that it is before it has read its
        routes, and answers 404 until then. A longer delay that is there already stays.
    type: int
    default: 5
  priority_class:
    description: PriorityClass of the pods. As it is by default.
    type: str
    default: ''
  dial_timeout:
    description:
      - How long it may take to reach a backend's pod, as Traefik writes it (V(2s)). Traefik's own default is 30
        seconds, in which it waits for pods that have gone, with their node or without, and tries no other one. Leaves
        it as it is when empty.
    type: str
    default: 2s
  response_header_timeout:
    description:
      - How long a backend may take to begin its answer, as Traefik writes it (V(30s)). Traefik's own default is for
        ever. Leaves it as it is when empty.
      - A backend with a ServersTransport of its own is not concerned, see M(resilient.traefik.slow_backends).
    type: str
    default: 30s
  pre_stop_sleep:
    description:
      - Seconds that a replica goes on as before when it is to end, so that everybody hears of it. V(0) leaves the hook
        as it is. Needs Kubernetes 1.30.
    type: int
    default: 5
  request_accept_grace_timeout:
    description: Seconds after that in which each entry point still takes requests, while C(/ping) answers 503.
    type: int
    default: 10
  grace_timeout:
    description: Seconds after that in which requests that have begun may end.
    type: int
    default: 30
  termination_grace_period:
    description: Seconds after which Kubernetes kills a replica that is to end. Must be more than the three before it.
    type: int
    default: 60
  values:
    description:
      - More values for the chart, by O(delivery=helm) and O(delivery=k3s). Lists are merged, an item with the C(name)
        of one that is there takes its place.
    type: dict
    default: {}
  values_schema:
    description:
      - A file with the chart's JSON schema for its values. By default the one that the release keeps with its chart;
        where there is none, what all charts of Traefik from 37 to 41 have in common.
      - Values are checked before anything is sent.
    type: path
  helm_binary:
    description: The helm program, version 3, on the machine that runs the task. By default the one in its C(PATH).
    type: path
  helm_chart:
    description:
      - The chart to upgrade with, a folder, a file or a reference, as C(helm upgrade) takes it. By default the one that
        the release was made of, which is in the cluster, so no network is needed.
    type: str
  helm_chart_version:
    description: The version of O(helm_chart), where that is a reference.
    type: str
  wait:
    description: Whether to wait until k3s has carried a changed HelmChartConfig out.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait until every replica runs with the settings. What is awaited is told every few seconds, with the
        newest warning event of the pods.
      - By Helm and k3s what is not ready then is taken back, the release to the revision that it had, the
        HelmChartConfig to its former values.
      - The address of a LoadBalancer Service is never awaited, see RV(notes).
    type: int
    default: 300
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.writing
requirements:
  - jsonschema
  - helm 3 for O(delivery=helm)
attributes:
  check_mode:
    description: Asks the API server what would change, by Helm with a server-side dry run. Nothing is persisted.
    support: full
  diff_mode:
    description: Shows the objects, or the values, before and after.
    support: full
"""

EXAMPLES = r"""
- name: Make Traefik highly available
  resilient.traefik.traefik_settings:
    replicas: 3
    priority_class: system-cluster-critical

- name: Say what stands against it
  resilient.traefik.traefik_settings:
    only_findings: true
  register: preflight
"""

RETURN = r"""
findings:
  description: What stands against the settings, a sentence each with the remedy. Also part of a failure.
  returned: without O(verify)
  type: list
  elements: str
  sample: []
notes:
  description:
    - What is worth knowing and stands against nothing, a sentence each, also told as warnings. Services of type
      LoadBalancer for Traefik's pods that have no address.
  returned: success
  type: list
  elements: str
  sample: []
checks:
  description: What was checked, as in RV(resilient.traefik.cluster_check#module:checks). Also part of a failure.
  returned: with O(verify)
  type: list
  elements: dict
delivery:
  description: How Traefik got into the cluster, as in RV(resilient.traefik.traefik_info#module:delivery).
  returned: when Traefik was found
  type: dict
workload:
  description: Which Traefik it is, by api_version, kind, namespace and name.
  returned: when Traefik was found
  type: dict
results:
  description: What became of every object, as in RV(resilient.traefik.apply#module:results).
  returned: when something was to be written
  type: list
  elements: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha import task

SPEC = ModuleSpec(task.run, task.OPTIONS, writes=True, libraries=("kubernetes", "yaml", "jsonschema"))


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
