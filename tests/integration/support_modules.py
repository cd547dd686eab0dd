"""One small task of every module, on objects of a test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.marker import Mark
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import Journal
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_engine import config_map, namespace_object, secret
from tests.integration.support_own_traefik import OwnTraefik
from tests.integration.support_traefik import ingress, middleware
from tests.unit.drill_report import sample as drill_sample

# A drill has tests of its own: it is no small task, and breaks what the others ask. So has the proof of alerts, which
# needs a Prometheus that has loaded them.
_OTHERS = {"__init__", "drill", "alerts_check"}
MODULES = {path.stem for path in (Path(__file__).parents[2] / "plugins" / "modules").glob("*.py")} - _OTHERS
BUILD = Path(__file__).parents[2] / "build" / "samples"

Arguments = dict[str, Any]


def _nothing(client: Client, namespace: str) -> None:
    del client, namespace


@dataclass(frozen=True)
class Sample:
    """``arguments`` of a task in a fresh namespace, and what has to be there before it."""

    arguments: Callable[[str], Arguments]
    prepare: Callable[[Client, str], None] = _nothing
    changes: bool = True
    # Other tests on the same lab change what the rest of the result tells. Empty means all of it.
    stable: frozenset[str] = frozenset()
    # What a run leaves outside the namespace, as a run's name.
    run: Callable[[str], str] | None = field(default=None)


def run_of(namespace: str) -> str:
    """The name of the run that a sample records or restores."""
    return f"sample-{namespace}"


def _labelled(client: Client, namespace: str) -> None:
    labelled = namespace_object(namespace)
    labelled["metadata"]["labels"] = {"engine.test/tier": "silver"}
    Writer(client, check_mode=False, force=True).apply([labelled])


def _recorded(client: Client, namespace: str) -> None:
    Writer(client, check_mode=False).apply([config_map(namespace, greeting="before")])
    journal = Journal(client, run_of(namespace))
    Writer(client, check_mode=False, journal=journal).apply([config_map(namespace, greeting="after")])


def _chained(client: Client, namespace: str) -> None:
    objects = [ingress(namespace, name, "a@file,b@file", "nobody") for name in ("one", "two")]
    Writer(client, check_mode=False).apply(objects)


def _chain(namespace: str) -> Arguments:
    return {"middleware": "a@file", "state": "absent", "namespaces": [namespace], "kinds": ["Ingress"], "proof": "none"}


def _tier(namespace: str) -> Arguments:
    return {"namespaces": [namespace], "label": "engine.test/tier", "from": "silver", "to": "gold"}


def _kept(namespace: str) -> Arguments:
    kept = {"kind": "ConfigMap", "name": "settings", "namespace": namespace}
    return {"run_id": run_of(namespace), "objects": [kept]}


def _without_pods(client: Client, namespace: str) -> None:
    traefik = OwnTraefik(namespace, ["--entryPoints.web.address=:8000"], replicas=0)
    Writer(client, check_mode=False).apply(traefik.objects("localhost/none/traefik:v3.7.9"))


def _settings(namespace: str) -> Arguments:
    return {"namespace": namespace, "min_available": 0}


def _served(client: Client, namespace: str) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "reports", "namespace": namespace}}
    Writer(client, check_mode=False).apply([service | {"spec": {"clusterIP": "None", "ports": [{"port": 80}]}}])


def _left_behind(client: Client, namespace: str) -> None:
    mark = Mark(namespace, datetime(2030, 1, 1, tzinfo=UTC), "spec.selector", {"app": "shop"}, {"app": "nobody"})
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop", "namespace": namespace}}
    # Without an address, which would be another one each time.
    spec = {"clusterIP": "None", "selector": {"app": "shop"}, "ports": [{"port": 80}]}
    Writer(client, check_mode=False).apply([mark.marked(service | {"spec": spec})])


def _slow(namespace: str) -> Arguments:
    return {"backends": [{"namespace": namespace, "service": "reports"}]}


def _asked_by_nobody(namespace: str) -> Arguments:
    del namespace
    # Whether the lab is hardened at that moment is another test's matter.
    return {"required": "listed", "requests": 1, "wait_timeout": 20}


def _http(namespace: str) -> Arguments:
    del namespace
    point = {"traefik": {"entry_point": "web"}}
    return {"points": [point], "requests": [{"host": "nobody.lab.test", "expect": {"status": [404]}}]}


def _explained(namespace: str) -> Arguments:
    # Nobody serves it: the host is of this namespace alone. At which entry point goes by the routes of that moment.
    return {"request": {"host": f"nobody.{namespace}.test"}, "entry_point": "web", "resolve": False}


def _report(namespace: str) -> Arguments:
    good = {"name": "it serves", "passed": True, "expected": "status 200", "found": "200"}
    about = {"title": "the samples", "cluster": namespace, "directory": str(BUILD)}
    return about | {"results": {"sites": [{"checks": [good]}]}}


def _expectation(namespace: str) -> Arguments:
    chosen = {"kind": "Namespace", "name": namespace}
    return {"checks": [{"name": "it is there", "object": chosen, "expect": {"ready": True}}]}


def _access(namespace: str) -> Arguments:
    return {"rights": [{"verbs": ["get", "patch"], "resources": ["deployments.apps"], "namespace": namespace}]}


def _capacity(_namespace: str) -> Arguments:
    return {"namespace": "authentik", "settings": {"pool_replicas": 1, "conn_max_age": 60}}


def _budgeted(namespace: str) -> Arguments:
    chosen = {"namespace": namespace, "label_selectors": ["app=none"]}
    return {"workloads": [{"name": "nobody", "min_available": "2", "optional": True} | chosen]}


def _retried(namespace: str) -> Arguments:
    return {"namespace": namespace, "namespaces": [namespace], "kinds": ["Ingress"]}


def _proxies(namespace: str) -> Arguments:
    proxy = {"name": "proxy", "namespace": namespace, "middleware": {"namespace": namespace, "name": "none"}}
    return {"proxies": [proxy | {"users": [{"name": "ops"}]}]}


def _drilled(namespace: str) -> Arguments:
    about = {"title": "the drills of the samples", "cluster": namespace, "directory": str(BUILD)}
    return about | {"drills": drill_sample.all_passed()}


def _audited(namespace: str) -> Arguments:
    """Whatever the lab has: nothing fails it."""
    about = {"title": "the audit of the samples", "cluster": namespace, "directory": str(BUILD)}
    return about | {"fail_on": "never", "outputs": ["json"]}


def _drilled_twice(namespace: str) -> Arguments:
    del namespace
    times = {"time": "2026-01-02T03:04:05Z", "title": "the drills of the samples", "cluster": "lab", "run_id": ""}
    verdict = {"schema": 1, "versions": {}, "verdict": "passed", "exit_code": 0}
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / "drills.json"
    path.write_text(json.dumps(times | verdict | {"scenarios": drill_sample.all_passed()}))
    return {"before": str(path), "after": str(path)}


def _unmonitored(namespace: str) -> Arguments:
    """Whatever the lab has: in the sample's namespace nothing runs that could take rules."""
    return {"prometheus": {"namespace": namespace}, "alertmanager": {"namespace": namespace}}


def _rules(namespace: str) -> Arguments:
    group = {"name": "sample", "rules": [{"alert": "Sample", "expr": "up == 0", "labels": {"severity": "warning"}}]}
    return _unmonitored(namespace) | {"groups": [group], "where_missing": "skip"}


def _inhibition(namespace: str) -> Arguments:
    mark = 'resilient_traefik="true"'
    rule = {
        "source_matchers": [mark, 'alertname="Sample"'],
        "target_matchers": [mark, 'severity="warning"'],
        "equal": ["namespace"],
    }
    return _unmonitored(namespace) | {"inhibit_rules": [rule], "where_owned": "skip"}


SAMPLES: dict[str, Sample] = {
    "access_info": Sample(_access, changes=False),
    "alert_inhibition": Sample(_inhibition, changes=False),
    "alert_rules": Sample(_rules, changes=False),
    "apply": Sample(lambda namespace: {"objects": [config_map(namespace, a="b"), secret(namespace, key="value")]}),
    "audit": Sample(_audited, changes=False, stable=frozenset({"changed", "files"})),
    "authentik_capacity_info": Sample(_capacity, changes=False),
    "authentik_settings": Sample(lambda _namespace: {"namespace": "authentik", "only_findings": True}, changes=False),
    "cluster_check": Sample(_expectation, changes=False),
    "disruption_budget_info": Sample(_budgeted, changes=False),
    "drill_diff": Sample(_drilled_twice, changes=False),
    "drill_heal": Sample(lambda namespace: {}, _left_behind),
    "drill_report": Sample(_drilled, changes=False),
    "explain": Sample(_explained, changes=False, stable=frozenset({"changed", "symptom", "entry_point", "api"})),
    "forward_auth_check": Sample(_asked_by_nobody, changes=False, stable=frozenset({"changed"})),
    "forward_auth_info": Sample(_proxies, changes=False, stable=frozenset({"changed", "findings", "proxies", "dns"})),
    "hardening_info": Sample(lambda namespace: {}, changes=False, stable=frozenset({"changed"})),
    "htpasswd": Sample(
        lambda namespace: {"secret": "login", "namespace": namespace, "cost": 4, "users": [{"name": "ops"}]}
    ),
    "http_check": Sample(_http, changes=False),
    "middleware_chain": Sample(_chain, _chained),
    "monitoring_info": Sample(_unmonitored, changes=False, stable=frozenset({"changed", "findings"})),
    "monitoring_reload": Sample(_unmonitored, changes=False),
    "probes_info": Sample(
        lambda namespace: {"find": False, "probes": [{"name": "sample", "host": f"{namespace}.test"}]},
        changes=False,
        stable=frozenset({"changed", "namespace", "name", "probes"}),
    ),
    "read": Sample(lambda namespace: {"queries": [{"kind": "ConfigMap", "namespace": namespace}]}, changes=False),
    "restore": Sample(lambda namespace: {"run_id": run_of(namespace)}, _recorded, run=run_of),
    "retry_info": Sample(_retried, _chained, changes=False),
    # For so long that it is not renewed between two plays, whatever lies between them.
    "run_lock": Sample(
        lambda namespace: {
            "name": "lock",
            "namespace": namespace,
            "run_id": "one",
            "keep": False,
            "duration": 36000,
        }
    ),
    "slow_backends": Sample(_slow, _served),
    "snapshot": Sample(_kept, run=run_of),
    "tier_info": Sample(_tier, _labelled, changes=False),
    "tier_label": Sample(_tier, _labelled),
    "traefik_crd": Sample(lambda namespace: {"objects": [middleware(namespace)], "proof": "none"}),
    "traefik_info": Sample(
        lambda namespace: {}, changes=False, stable=frozenset({"changed", "workload", "delivery", "settings"})
    ),
    "variables_info": Sample(
        lambda namespace: {"specification": {"a": {"type": "int"}}, "values": {"a": "1"}}, changes=False
    ),
    "verification_report": Sample(_report, changes=False),
    "traefik_settings": Sample(_settings, _without_pods),
}
