#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells all about Traefik in a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: traefik_info
short_description: Find out how Traefik runs, how it is set and what each of its replicas serves
description:
  - Finds the Traefik workload, its version, how it was delivered and who owns it, its static settings and its replicas,
    and what each replica has loaded, with the errors that it reports and where replicas differ.
  - Traefik's API is closed by default. Then RV(api) is V(closed), and what can be known otherwise is told, namely each
    replica's metrics and what it answers for O(hosts).
  - With O(open_api) the API is opened for the time of the question, by an IngressRoute on the internal entry point
    that serves only requests with a random token that come from the pod's own loopback, which is where a port-forward
    enters it. The route is deleted and every replica has closed the API again before the task ends, also when it fails
    or is interrupted. One left by a killed controller is removed by the next run ten minutes later.
version_added: 0.1.0
author: The resilient.traefik authors (@resilient)
options:
  namespace:
    description: The workload's namespace. All are searched without it.
    type: str
  workload:
    description: Name of the Deployment or DaemonSet. Needed only where more than one Traefik is found.
    type: str
  open_api:
    description: Whether a closed API is opened for the time of the question. Check mode does not open it.
    type: bool
    default: false
  hosts:
    description: Hosts to ask each replica for, as V(shop.example.test) or V(shop.example.test/path).
    type: list
    elements: str
    default: []
  entry_point:
    description: The entry point at which O(hosts) are asked for.
    type: str
    default: web
  routing:
    description:
      - Whether RV(replicas[].routing) is returned. RV(faults) and RV(parity) are worked out either way.
      - Turn it off where there are thousands of routers.
    type: bool
    default: true
  sites:
    description: Whether RV(sites) and RV(site_check) are returned.
    type: bool
    default: false
    version_added: 0.2.0
extends_documentation_fragment:
  - resilient.traefik.connection
attributes:
  check_mode:
    description: Nothing is written in check mode, so a closed API stays closed.
    support: full
  diff_mode:
    description: Nothing changes in the end, so there is no diff.
    support: none
notes:
  - Needs C(list) on C(deployments), C(daemonsets) and C(pods), C(get) on the workload and on a ConfigMap that holds
    Traefik's settings, and C(get) and C(create) on C(pods/portforward). O(open_api) needs C(list), C(create),
    C(get) and C(delete) on C(ingressroutes). C(list) on C(secrets) in the release's namespace, and on C(helmcharts) and
    C(helmchartconfigs), tell more about the delivery. O(sites) needs C(list) on C(ingresses), C(ingressroutes) and
    C(ingressclasses), and on C(middlewares) to know which chains send everybody to HTTPS.
seealso:
  - module: resilient.traefik.http_check
  - module: resilient.traefik.traefik_crd
"""

EXAMPLES = r"""
- name: Look at Traefik
  resilient.traefik.traefik_info:
    hosts:
      - shop.example.test
      - admin.example.test/login
  register: traefik

- name: Look at what every replica has loaded
  resilient.traefik.traefik_info:
    namespace: traefik
    open_api: true
  register: traefik

- name: Every router must be loaded, and by every replica
  ansible.builtin.assert:
    that:
      - traefik.faults | length == 0
      - traefik.parity | length == 0
"""

RETURN = r"""
workload:
  description: The Deployment or DaemonSet.
  returned: success
  type: dict
  contains:
    api_version:
      description: Its API version.
      type: str
    kind:
      description: Its kind.
      type: str
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
    image:
      description: The image of its Traefik container.
      type: str
    version:
      description: The version, by the image's tag, or by what the replicas say. Empty when neither tells.
      type: str
      sample: 3.7.9
    running_versions:
      description: The versions that the replicas' APIs tell.
      type: list
      elements: str
    wanted:
      description: The number of replicas that there should be.
      type: int
    ready:
      description: The number that is ready.
      type: int
delivery:
  description: How it got there.
  returned: success
  type: dict
  contains:
    kind:
      description: V(helm), V(k3s) (a HelmChart object) or V(manifest).
      type: str
    owner:
      description: Who would undo a change of the workload, such as a Helm release or an Argo CD application.
      type: str
    release:
      description: The Helm release.
      type: str
    namespace:
      description: The release's namespace.
      type: str
    chart:
      description: The chart's name.
      type: str
    chart_version:
      description: The chart's version.
      type: str
    revision:
      description: The release's newest revision, 0 when it is not known.
      type: int
    status:
      description: The newest revision's status.
      type: str
      sample: deployed
    helm_chart:
      description: The HelmChart of k3s, as NAMESPACE/NAME.
      type: str
    helm_chart_config:
      description: The HelmChartConfig that changes its values, as NAMESPACE/NAME.
      type: str
    note:
      description: What could not be read, and why.
      type: str
settings:
  description: >-
    The static settings. Names are those of Traefik's flags in lower case, and possible secrets are hidden. Contains
    C(source), C(entry_points) (each with C(port), C(internal), C(tls), C(timeouts), C(settings)), C(providers),
    C(forwarding_timeouts), C(api), C(ping), C(metrics) and C(arguments).
  returned: success
  type: dict
api:
  description: >-
    V(open) when the API answered as it is, V(opened) when it was opened for the question and is closed again,
    V(closed), or V(unknown) when no replica could be asked.
  returned: success
  type: str
api_reason:
  description: Why the API could not be asked, at all or at some replicas.
  returned: success
  type: str
replicas:
  description: The pods.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The pod's name.
      type: str
    node:
      description: The node that it runs on.
      type: str
    ip:
      description: Its address.
      type: str
    ready:
      description: Whether it is ready. Others are not asked.
      type: bool
    ports:
      description: Its container ports by name.
      type: dict
    version:
      description: The version that it says, with the API open.
      type: str
    routing:
      description: >-
        With the API open, C(routers), C(services) and C(middlewares), each a dictionary of lists by provider, without
        the content of middlewares.
      type: dict
    answers:
      description: For each of O(hosts) its C(host), C(status), C(location), C(seconds) and C(problem).
      type: list
      elements: dict
    metrics:
      description: >-
        C(reloads) of the configuration, C(last_reload), C(started), C(open_connections) by entry point and C(requests)
        by service and code.
      type: dict
    metrics_problem:
      description: Why there are no metrics.
      type: str
    problem:
      description: Why its API gave no answer.
      type: str
faults:
  description: >-
    What any replica reports an error or warning about, with C(kind), C(protocol), C(name), C(status), C(errors) and the
    C(replicas) that report it.
  returned: success
  type: list
  elements: dict
parity:
  description: >-
    Where replicas differ. With the API open C(kind), C(protocol), C(name), C(missing_at) and C(differing) fields. For
    O(hosts) C(kind) V(answer), C(name) and C(statuses) by replica.
  returned: success
  type: list
  elements: dict
parity_proof:
  description: What RV(parity) rests on, V(api), V(behaviour), both, or nothing.
  returned: success
  type: list
  elements: str
sites:
  description: >-
    Each C(host) that is named by an Ingress or IngressRoute which this Traefik serves, with a C(path) of it.
  returned: with O(sites)
  type: list
  elements: dict
site_check:
  description: >-
    C(points) and C(requests) for M(resilient.traefik.http_check): each of RV(sites) at each replica, at the entry
    points of its routes and by the scheme that is spoken there. Entry points that only send everybody on are left out,
    and a site that is served at no other one has a request that no point takes, with the reason in its name. Any answer
    will do.
  returned: with O(sites)
  type: dict
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import traefik_info

SPEC = ModuleSpec(traefik_info.run, traefik_info.OPTIONS)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
