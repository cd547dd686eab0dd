# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module probes_info: what probes become in a cluster, and whether what they expect holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.probes import (
    CRITICAL,
    PROBE_OPTIONS,
    WARNING,
    Probe,
    faults_of,
    held,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.probes_asked import (
    BACKEND,
    EDGE,
    Seen,
    ask_all,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.probes_plan import (
    DNS,
    NOBODY,
    SERVICE,
    Cluster,
    Defaults,
    declared_probe,
    found_probes,
    routes_of,
    unhurried,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.replicas import (
    replicas_settings,
    selector_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import (
    entry_points_of,
    public_ports,
    usual_entry_point,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_facts import dns_facts, dns_service
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import (
    read_middlewares,
    served_items,
    sites_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload, find_workload

OPTIONS: dict[str, dict[str, Any]] = {
    "traefik_namespace": {"type": "str"},
    "traefik_name": {"type": "str"},
    "probes": {"type": "list", "elements": "dict", "default": [], "options": PROBE_OPTIONS},
    "find": {"type": "bool", "default": True},
    "left_out": {"type": "list", "elements": "str", "default": []},
    "public": {"type": "str", "choices": [SERVICE, DNS, NOBODY], "default": SERVICE},
    "public_addresses": {"type": "dict", "default": {}},
    "every": {"type": "int", "default": 60},
    "fails_after": {"type": "int", "default": 2},
    "slow": {"type": "float", "default": 2.0},
    "questions_a_second": {"type": "float", "default": 2.5},
    "severity": {"type": "str", "choices": [CRITICAL, WARNING], "default": CRITICAL},
    "dns": {"type": "str", "default": ""},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
    "before": {"type": "list", "elements": "dict", "default": []},
    "timeout": {"type": "float", "default": 5.0},
}
# Points that a finding tells of; all of them stand in the result.
_TOLD = 3


def run(task: Task) -> dict[str, Any]:
    """Return the probes, what each point answered, and the findings. Raises BadArgument, Forbidden, Unreachable."""
    params = task.params
    findings = [*_option_faults(params), *faults_of(params["probes"])]
    workload = find_workload(task.client, params["traefik_namespace"], params["traefik_name"])
    cluster = _cluster(task, workload)
    defaults = Defaults(*(params[name] for name in ("every", "fails_after", "slow", "severity")))
    declared = [] if findings else [declared_probe(each, cluster, defaults) for each in params["probes"]]
    findings += [fault for _probe, faults in declared for fault in faults]
    probes = [probe for probe, _faults in declared if probe]
    if params["find"]:
        found = found_probes(cluster, defaults, [each["host"] for each in params["probes"]], params["left_out"])
        found, hurry = unhurried(probes, found, workload.wanted, params["questions_a_second"])
        probes += found
        findings += [hurry] if hurry else []
    dns = dns_facts(params["dns"], dns_service(cluster.services))["address"]
    if probes and not dns:
        findings.append("dns: the Service of the cluster's DNS was not found: give its address")
    if not workload.ready:
        findings.append(f"traefik_name: none of the replicas of {workload.ref} is ready: no site can be asked")
    if findings:
        return _result(workload, findings=findings)
    seen = ask_all(task.client, workload, probes, params["timeout"])
    settings = {probe.name: probe.as_settings(cluster.cluster_domain) for probe in probes}
    known = [name for name, each in settings.items() if held(each, asked_in(params["before"]))]
    findings, notes, silent = judged(probes, seen, known)
    notes += _without_public(probes)
    return _result(
        workload,
        probes=[settings[probe.name] for probe in probes if probe.name not in silent],
        dns=dns,
        seen=[each.as_dict() for each in seen],
        findings=findings,
        notes=notes,
    )


def _option_faults(params: Mapping[str, Any]) -> Iterator[str]:
    for name, least in (("every", 5), ("fails_after", 1), ("slow", 0.01), ("questions_a_second", 0.01)):
        if params[name] < least:
            yield f"{name}: must be at least {least:g}, got {params[name]:g}"


def _result(workload: Workload, **found: Any) -> dict[str, Any]:
    ref = workload.ref
    return {
        "changed": False,
        "namespace": ref.namespace,
        "name": ref.name,
        "replicas": replicas_settings(ref.namespace, ref.kind, ref.name, selector_of(workload.item)),
        "probes": [],
        "dns": "",
        "seen": [],
        "findings": [],
        "notes": [],
    } | found


def _cluster(task: Task, workload: Workload) -> Cluster:
    items = served_items(task.client, workload)
    (services,) = read_found(task.client, [Query("v1", "Service")])
    public = public_ports(workload.item, services.items)
    return Cluster(
        workload=workload.item,
        points=entry_points_of(workload.arguments, public),
        services={(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in services.items},
        sites=sites_of(items, read_middlewares(task.client), workload.arguments),
        routes=routes_of(items),
        usual_point=usual_entry_point(workload.arguments, public),
        public=task.params["public"],
        addresses={str(name).lower(): str(each) for name, each in task.params["public_addresses"].items()},
        cluster_domain=task.params["cluster_domain"],
    )


def asked_in(config_maps: Sequence[Mapping[str, Any]]) -> list[Object]:
    """Return the probes in the newest of the exporter's configurations; none where there is none that can be read."""
    newest = sorted(config_maps, key=lambda each: str(each["metadata"].get("creationTimestamp", "")))[-1:]
    for each in newest:
        text = str((each.get("data") or {}).get("settings.js", ""))
        try:
            found: list[Object] = json.loads(text.removeprefix("export default ").rstrip().removesuffix(";"))["probes"]
        except (ValueError, KeyError):
            return []
        return found
    return []


def judged(
    probes: Sequence[Probe], seen: Sequence[Seen], known: Iterable[str]
) -> tuple[list[str], list[str], set[str]]:
    """Return findings, notes, and the names of found probes that are left out.

    What ``known`` probes expect has held before: that it does not now is worth a note, and what they are for. One that
    nobody has declared has to be well at every replica: what answers now and then would come and go with the runs.
    """
    findings, notes, silent, before = list[str](), list[str](), set[str](), set(known)
    for probe in probes:
        for leg in (EDGE, BACKEND):
            answers = [each for each in seen if each.probe == probe.name and each.leg == leg]
            strict = probe.found and leg == EDGE and probe.name not in before
            enough = any if strict else all
            if not answers or not enough(bool(each.problem) for each in answers):
                continue
            words = f"probe {probe.name}: {_words(leg, [each for each in answers if each.problem])}"
            if probe.name in before:
                notes.append(f"{words}. It was asked before, and goes on to be")
            elif not probe.found:
                findings.append(words)
            elif leg == EDGE:
                silent.add(probe.name)
                notes.append(f"{words}. Nobody has declared it, so it is left out; declare what it has to answer")
            else:
                notes.append(words)
    return findings, notes, silent


def _words(leg: str, answers: Sequence[Seen]) -> str:
    came = "; ".join(f"{each.point}: {each.problem}" for each in answers[:_TOLD])
    more = f"; and {len(answers) - _TOLD} more" if len(answers) > _TOLD else ""
    if leg == BACKEND:
        return f"backend: what it expects held at none of its pods: {came}{more}"
    if all(each.no_router for each in answers):
        return f"host: no replica has a route for it: {came}{more}"
    return f"expect: it did not hold: {came}{more}"


def _without_public(probes: Iterable[Probe]) -> list[str]:
    names = [probe.name for probe in probes if not probe.public and not probe.found]
    return [f"probes without a public way: {', '.join(names)}"] if names else []
