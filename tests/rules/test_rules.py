"""Prometheus' own promtool on the rules: they load, and every alert fires when it should and only then."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rules.case_files import FOLDER, SHOWS, as_promtool_test, cases_of
from tests.rules.clusters import CLUSTERS
from tests.rules.programs import run

ROLE = Path(__file__).parents[2] / "roles" / "alerts"
RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
NAMES: list[str] = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())["alerts_names"]
FILES = sorted(path.stem for path in FOLDER.glob("*.yml"))


def _alerts(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for rule in rules if "alert" in rule]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_prometheus_takes_the_rules(rendered: Mapping[str, Path], cluster: str) -> None:
    assert "SUCCESS" in run(
        "promtool", "check", "rules", "--lint=all", "--lint-fatal", "rules.yml", folder=rendered[cluster]
    )


@pytest.mark.parametrize("alert", FILES)
def test_what_fires_and_what_does_not(folder: Path, alert: str) -> None:
    path = folder / f"{alert}.test.yml"
    path.write_text(json.dumps(as_promtool_test(alert, "rules.yml")))
    assert "SUCCESS" in run("promtool", "test", "rules", path.name, folder=folder)


def test_every_alert_has_cases(rules: list[dict[str, Any]]) -> None:
    assert sorted(rule["alert"] for rule in _alerts(rules)) == NAMES == [name for name in FILES if name != "well"]


@pytest.mark.parametrize("alert", NAMES)
def test_the_cases_show_all_that_an_alert_has_to(alert: str) -> None:
    cases = cases_of(alert)
    assert {case.shows for case in cases} == set(SHOWS)
    assert len([case for case in cases if case.says]) == 1, "one case tells the labels and annotations"
    for case in cases:
        fired = [alert in names for names in case.firing.values()]
        if case.shows in ("fires", "resolves"):
            assert any(fired), case.name
        if case.shows == "silent":
            assert not any(fired), case.name
        if case.shows == "resolves":
            assert not fired[-1], case.name


@pytest.mark.parametrize("alert", NAMES)
def test_an_alert_says_what_it_is_about(rules: list[dict[str, Any]], alert: str) -> None:
    rule = next(rule for rule in _alerts(rules) if rule["alert"] == alert)
    # A probe says itself how severe its alerts are.
    assert rule["labels"].get("severity") in ("critical", "warning") or "severity) (" in rule["expr"]
    assert rule["labels"]["resilient_traefik"] == "true"
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"].endswith(f"/runbooks/{alert}.md")
    assert "{{" in rule["annotations"]["description"], "the description tells values"


@pytest.mark.parametrize("alert", NAMES)
def test_an_alert_has_a_runbook(alert: str) -> None:
    text = (RUNBOOKS / f"{alert}.md").read_text()
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        f"# {alert}",
        "## What it means",
        "## What users see now",
        "## What to do",
        "## How to drill it",
    ]


def test_runbooks_lead_to_what_there_is() -> None:
    for path in RUNBOOKS.glob("*.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
            assert (path.parent / link).is_file(), f"{path.name}: {link}"


def test_runbooks_name_alerts_and_variables_that_there_are() -> None:
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    for path in RUNBOOKS.glob("*.md"):
        assert path.stem in NAMES
        assert set(re.findall(r"`(alerts_\w+)", path.read_text())) <= set(defaults), path.name


def test_no_rule_asks_for_the_name_of_a_job(rules: list[dict[str, Any]]) -> None:
    assert not [rule["expr"] for rule in rules if "job" in rule["expr"] or "instance" in rule["expr"]]


def test_a_daemon_set_is_watched_as_one(rendered: Mapping[str, Path]) -> None:
    text = (rendered["daemon_set"] / "rules.yml").read_text()
    assert 'kube_daemonset_status_number_available{namespace="kube-system",daemonset="traefik.edge"}' in text
    assert 'pod=~"traefik[.]edge-[a-z0-9]{5}"' in text


def test_a_daemon_set_without_pods_is_down(rendered: Mapping[str, Path]) -> None:
    labels = 'namespace="kube-system",daemonset="traefik.edge"'
    expression = 'max by (namespace, workload) (ALERTS{alertname="TraefikDown",alertstate="firing"})'
    firing = [{"labels": '{namespace="kube-system", workload="traefik.edge"}', "value": 1}]
    test = {
        "interval": "15s",
        "input_series": [
            {"series": f"kube_daemonset_status_number_available{{{labels}}}", "values": "3x19 0x20"},
            {"series": f"kube_daemonset_status_desired_number_scheduled{{{labels}}}", "values": "3x40"},
        ],
        "promql_expr_test": [
            {"expr": expression, "eval_time": "6m", "exp_samples": []},
            {"expr": expression, "eval_time": "8m", "exp_samples": firing},
        ],
    }
    path = rendered["daemon_set"] / "down.test.yml"
    path.write_text(json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "30s", "tests": [test]}))
    assert "SUCCESS" in run("promtool", "test", "rules", path.name, folder=path.parent)


def test_what_a_cluster_has_not_is_not_watched(rendered: Mapping[str, Path]) -> None:
    text = (rendered["bare"] / "rules.yml").read_text()
    names = {rule.get("alert") for group in yaml.safe_load(text)["groups"] for rule in group["rules"]} - {None}
    gone = {"AuthentikDown", "BotBlockerDown", "TraefikParityStale", "TraefikRouterParityLost"}
    gone |= {"HardeningUndone", "HardeningUnknown", "DatabasePoolWaiting", "DatabasePoolNearlyFull"}
    gone |= {name for name in NAMES if name.startswith("Probe")}
    assert set(NAMES) - names == gone | {name for name in NAMES if name.startswith(("FallbackProxy", "ForwardAuth"))}
