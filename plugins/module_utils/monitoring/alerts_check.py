# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module alerts_check: asks the running Prometheus and Alertmanager whether the alerts would be heard."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import alertmanager, inhibition, prometheus
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.alert_rules import RULE_OPTIONS, rules_of
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.expressions import metric_names
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.loaded import (
    Same,
    differences,
    same_words,
    unhealthy,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.rules import (
    MARK,
    MARK_VALUE,
    Groups,
    alerts_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import (
    ALERTMANAGER,
    PROMETHEUS,
    VMALERT,
    Api,
    Refused,
    Server,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.stack import (
    STACK_OPTIONS,
    Stack,
    find_stack,
)
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.proof.verifying import none_lacks, verified
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

NONE, ROUTED, NOTIFIED = "none", "routed", "notified"
OPTIONS: dict[str, dict[str, Any]] = {
    **RULE_OPTIONS,
    **STACK_OPTIONS,
    "inhibit_rules": {"type": "list", "elements": "raw", "default": []},
    "optional_series": {"type": "list", "elements": "str", "default": []},
    "test_alert": {"type": "str", "choices": [NONE, ROUTED, NOTIFIED], "default": ROUTED},
    "wait_timeout": {"type": "int", "default": 60},
}
# How long a test alert lasts: no longer than most routes wait before they tell anybody (group_wait is 30 s by default).
_ROUTED_SECONDS, _NOTIFIED_SECONDS = 10.0, 300.0


class NotHeard(errors.ResilientError):
    """An alert would not be raised or not be heard; ``checks`` has all that was checked."""


def run(task: Task) -> dict[str, Any]:
    """Checks again until all passes or the time is over. Raises NotHeard with ``checks``, BadArgument, Forbidden."""
    groups, faults = rules_of(task)
    if faults:
        raise errors.BadArgument("; ".join(faults))
    result = verified(lambda: _loaded_checks(task, groups), task.params["wait_timeout"], NotHeard, task.progress)
    tested = verified(lambda: _test_checks(task, groups), 0, NotHeard, task.progress)
    return {"changed": False, "checks": [*result["checks"], *tested["checks"]]}


def _loaded_checks(task: Task, groups: Groups) -> list[Check]:
    stack = find_stack(task.client, task.params)
    if stack.vmalerts and not stack.prometheus:
        rules = _of_each(task, stack, VMALERT, stack.vmalerts, lambda api: _rule_checks(task, api, groups, same_words))
    else:
        rules = _of_each(task, stack, PROMETHEUS, stack.prometheus, lambda api: _prometheus_checks(task, api, groups))
    return [
        *rules,
        *_of_each(task, stack, ALERTMANAGER, stack.alertmanagers, lambda api: _alertmanager_checks(task, api)),
    ]


def _test_checks(task: Task, groups: Groups) -> list[Check]:
    if task.params["test_alert"] == NONE:
        return []
    stack = find_stack(task.client, task.params)
    stated = {str((rule.get("labels") or {}).get("severity", "")) for rule in alerts_of(groups)}
    # Of alerts that state none it is that of their series, which is one of the others.
    severities = sorted(stated - {""}) or [""]
    alerts = [_test_labels(task, severity) for severity in severities]
    return _of_each(task, stack, ALERTMANAGER, stack.alertmanagers, partial(_tested, task, alerts))


def _of_each(
    task: Task, stack: Stack, program: str, servers: Sequence[Server], checks: Callable[[Api], list[Check]]
) -> list[Check]:
    """The checks of every replica; one that gives no answer has a check that says so."""
    if not servers:
        return [Check(f"{program} runs", False, "one that answers", stack.faults[program])]

    def of(server: Server) -> list[Check]:
        with Api(task.client, server) as api:
            try:
                return checks(api)
            except (NoAnswer, Refused, inhibition.NotMergeable) as error:
                return [Check(f"{server} answers", False, "what it has loaded", str(error))]

    return [check for found in task.client.concurrently(of, servers) for check in found]


# --- Prometheus --------------------------------------------------------------------------------------------------


def _prometheus_checks(task: Task, api: Api, groups: Groups) -> list[Check]:
    targets = prometheus.active_alertmanagers(api)
    return [
        *_rule_checks(task, api, groups, prometheus.Comparison(api)),
        _series_check(task, api, groups),
        Check(
            f"{api.server}: sends alerts to an Alertmanager", bool(targets), "at least 1", f"{len(targets) or 'none'}"
        ),
    ]


def _rule_checks(task: Task, api: Api, groups: Groups, same: Same) -> list[Check]:
    """Recorded series and alerts alike, whichever file holds them."""
    loaded, count = prometheus.loaded_rules(api), sum(len(group["rules"]) for group in groups)
    lacking = differences(groups, loaded, lambda file: True, same, task.params["extra_labels"])
    return [
        none_lacks(f"{api.server}: rules loaded", count, lacking),
        none_lacks(f"{api.server}: rules healthy", count, unhealthy(groups, loaded)),
    ]


def _series_check(task: Task, api: Api, groups: Groups) -> Check:
    recorded = {rule["record"] for group in groups for rule in group["rules"] if rule.get("record")}
    names = {name for group in groups for rule in group["rules"] for name in metric_names(rule["expr"])}
    wanted = names - recorded - set(task.params["optional_series"])
    missing = sorted(wanted - prometheus.present_series(api, wanted))
    return none_lacks(f"{api.server}: series that the rules need", len(wanted), missing)


# --- Alertmanager ------------------------------------------------------------------------------------------------


def _alertmanager_checks(task: Task, api: Api) -> list[Check]:
    wanted = task.params["inhibit_rules"]
    checks = []
    if wanted:
        missing = len(alertmanager.lacking(api, wanted))
        found = f"{len(wanted) - missing} of {len(wanted)}"
        checks.append(Check(f"{api.server}: inhibition rules loaded", not missing, str(len(wanted)), found))
    configuration = inhibition.read_configuration(alertmanager.loaded_text(api))
    receiver = str((configuration.get("route") or {}).get("receiver", ""))
    tells = inhibition.integrations(configuration, receiver)
    words = f"{receiver}: {', '.join(tells)}" if tells else f"{receiver or 'no receiver'}, which tells nobody"
    name = f"{api.server}: what no other route takes is told to somebody"
    # Where every alert of ours takes another route, the test alert is what counts.
    passed = bool(tells) or task.params["test_alert"] != NONE
    return [*checks, Check(name, passed, "a receiver that tells somebody", words)]


def _test_labels(task: Task, severity: str) -> dict[str, str]:
    """As an alert of ours has them, so that the same routes take it."""
    labels = {str(name): str(value) for name, value in task.params["extra_labels"].items()}
    labels |= {"alertname": alertmanager.TEST_ALERT, MARK: MARK_VALUE, "test": uuid4().hex[:12]}
    return labels | ({"severity": severity} if severity else {})


def _tested(task: Task, alerts: Sequence[Mapping[str, str]], api: Api) -> list[Check]:
    """Posts the alerts, all at once because a route may tell of them together, sees where they go, and ends them."""
    notified = task.params["test_alert"] == NOTIFIED
    before = alertmanager.notified(api)
    for labels in alerts:
        alertmanager.post_test(api, labels, _NOTIFIED_SECONDS if notified else _ROUTED_SECONDS)
    try:
        checks = [_routed_check(api, labels) for labels in alerts]
        if notified and all(check.passed for check in checks):
            checks.append(_notified_check(task, api, before))
        return checks
    finally:
        for labels in alerts:
            alertmanager.post_test(api, labels, 0)


def _routed_check(api: Api, labels: Mapping[str, str]) -> Check:
    name = f"{api.server}: an alert of severity {labels.get('severity', 'none')} reaches somebody"
    receivers = _receivers(api, labels)
    if receivers is None:
        return Check(name, False, "a receiver that tells somebody", "the alert did not arrive within 10 s")
    configuration = inhibition.read_configuration(alertmanager.loaded_text(api))
    tells = {each: ", ".join(inhibition.integrations(configuration, each)) for each in receivers}
    well = [f"{receiver}: {words}" for receiver, words in tells.items() if words]
    found = "; ".join(well) or f"{', '.join(receivers) or 'no receiver'}, which tells nobody"
    return Check(name, bool(well), "a receiver that tells somebody", found)


def _receivers(api: Api, labels: Mapping[str, str]) -> list[str] | None:
    for _left in tries(10):
        found = alertmanager.receivers_of(api, labels)
        if found is not None:
            return found
    return None


def _notified_check(task: Task, api: Api, before: tuple[float, float]) -> Check:
    name, expected = f"{api.server}: the receivers take notifications", "one, and none that fails"
    seconds, since = task.params["wait_timeout"], time.monotonic()
    for _left in tries(seconds):
        tried, failed = alertmanager.notified(api)
        if failed > before[1]:
            return Check(name, False, expected, f"{failed - before[1]:g} that failed: its log says why")
        if tried > before[0]:
            return Check(name, True, expected, f"one after {time.monotonic() - since:.0f} s")
    return Check(name, False, expected, f"none within {seconds} s (group_wait or group_interval may be longer)")
