"""The cases of tests/rules/cases, one file an alert, and what promtool makes of them.

A case changes the series of a well cluster and tells the names of all alerts that fire at some minutes, no more and no
less. What each alert's labels and annotations are then, one case an alert says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.rules.series import STEP, Course, Series, parsed, well

FOLDER = Path(__file__).parent / "cases"
# What every alert has to show, in cases of its own.
SHOWS = ("fires", "silent", "resolves", "restart", "absent")
RUNBOOKS = "https://docs.resilient-traefik.test/runbooks"


@dataclass(frozen=True)
class Case:
    """What happens to the cluster, and which alerts fire at which minute."""

    name: str
    shows: str
    firing: Mapping[int, list[str]]
    changes: Mapping[str, Course] = field(default_factory=dict)
    more: Mapping[str, Course] = field(default_factory=dict)
    says: Mapping[str, Any] = field(default_factory=dict)

    def series(self) -> list[Series]:
        """All series with the changes. Raises ValueError for a change that is about no series."""
        result = well()
        for selector, course in self.changes.items():
            meant = [number for number, each in enumerate(result) if _is_meant(each, selector)]
            if not meant:
                raise ValueError(f"{self.name}: {selector} is no series of a well cluster")
            for number in meant:
                result[number] = result[number].changed(course)
        return result + [Series(*parsed(selector), course) for selector, course in self.more.items()]


def _is_meant(series: Series, selector: str) -> bool:
    metric, labels = parsed(selector)
    return bool(re.fullmatch(metric, series.metric)) and labels.items() <= series.labels.items()


def cases_of(alert: str) -> list[Case]:
    """The cases of one alert. Raises OSError, and TypeError for a key that no case has."""
    return [Case(**case) for case in yaml.safe_load((FOLDER / f"{alert}.yml").read_text())]


def as_promtool_test(alert: str, rules: str) -> dict[str, Any]:
    """A file for `promtool test rules`: the cases of one alert against the rule file of that name."""
    return {
        "rule_files": [rules],
        "evaluation_interval": f"{2 * STEP}s",
        "tests": [_group(alert, case) for case in cases_of(alert)],
    }


def _group(alert: str, case: Case) -> dict[str, Any]:
    minutes = max([*case.firing, case.says.get("minute", 0)])
    return {
        "name": f"{alert}, {case.name}",
        "interval": f"{STEP}s",
        "input_series": [each.as_input(minutes) for each in case.series()],
        "promql_expr_test": [_firing(minute, alerts) for minute, alerts in case.firing.items()],
        "alert_rule_test": [_says(alert, case.says)] if case.says else [],
    }


def _firing(minute: int, alerts: list[str]) -> dict[str, Any]:
    expected = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in alerts]
    expression = 'max by (alertname) (ALERTS{alertstate="firing"})'
    return {"expr": expression, "eval_time": f"{minute}m", "exp_samples": expected}


def _says(alert: str, says: Mapping[str, Any]) -> dict[str, Any]:
    annotations = {
        "summary": says["summary"],
        "description": says["description"],
        "runbook_url": f"{RUNBOOKS}/{alert}.md",
    }
    expected = {"exp_labels": {"resilient_traefik": "true"} | says["labels"], "exp_annotations": annotations}
    return {"eval_time": f"{says['minute']}m", "alertname": alert, "exp_alerts": [expected]}
