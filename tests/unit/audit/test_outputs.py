"""Every output tells the same, in its own form, whatever stands in the objects."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.junit import as_junit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.prometheus import as_prometheus
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.report import SCHEMA, report_of
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.sarif import as_sarif
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.table import table
from ansible_collections.resilient.traefik.plugins.module_utils.audit.registry import RULES
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading
from tests.unit.audit.sarif_form import SARIF
from tests.unit.audit.weaknesses import WEAKNESSES
from tests.unit.audit.well import World, container, direct, well

HEADING = Heading("the audit", 'a "strange" <cluster>', "", "2026-11-30T09:00:00Z", {"resilient.traefik": "0.3.0"})


def _bad() -> World:
    world = well()
    direct(world)
    world["Deployment traefik/traefik"]["spec"]["replicas"] = 1
    world["Deployment authentik/authentik-server"]["spec"]["replicas"] = 1
    world["Deployment authentik/authentik-server"]["metadata"]["annotations"] = {
        "resilient.traefik/audit-ignore": "RT102 until 2099-12-31: one licence"
    }
    container(world["Deployment traefik/traefik"])["args"].append("--api.insecure=true")
    return world


@pytest.fixture
def found() -> Audit:
    """An audit with findings of several severities, one of which is suppressed."""
    return _bad().audit()


def test_the_json_fits_its_schema(found: Audit) -> None:
    report = report_of(HEADING, found)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(report, SCHEMA)
    assert (report["verdict"], report["exit_code"]) == ("deviated", 10)
    assert [each["rule"] for each in report["suppressed"]] == ["RT102"]
    assert sum(report["counts"].values()) == len(report["findings"])


def test_the_json_of_every_weakness_fits_its_schema() -> None:
    for _rule, _what, spoil in WEAKNESSES:
        world = well()
        spoil(world)
        jsonschema.validate(report_of(HEADING, world.audit()), SCHEMA)


def test_the_sarif_has_the_form_of_2_1_0(found: Audit) -> None:
    sarif = json.loads(json.dumps(as_sarif(HEADING, found)))
    jsonschema.validate(sarif, SARIF)
    (run,) = sarif["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [each["id"] for each in rules] == [rule.id for rule in RULES]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    by_rule = {result["ruleId"]: result for result in run["results"]}
    assert by_rule["RT501"]["level"] == "error"
    assert by_rule["RT102"]["suppressions"][0]["kind"] == "external"
    assert "baselineState" not in by_rule["RT501"]


def test_fingerprints_stay_where_the_line_does_not(found: Audit) -> None:
    first = as_sarif(HEADING, found)["runs"][0]["results"]
    again = as_sarif(HEADING, _bad().audit())["runs"][0]["results"]
    prints = [each["partialFingerprints"]["resilientTraefik/v1"] for each in first]
    assert prints == [each["partialFingerprints"]["resilientTraefik/v1"] for each in again]
    assert len(set(prints)) == len(prints)


def test_junit_fails_what_the_audit_fails_on(found: Audit) -> None:
    root = ElementTree.fromstring(as_junit(HEADING, found))
    assert len(root.findall("testsuite")) == len(RULES)
    assert len(root.findall(".//failure")) == len(found.over) > 0
    skipped = [each.get("message") or "" for each in root.findall(".//skipped")]
    assert any(each.startswith("suppressed until 2099-12-31: one licence") for each in skipped)


def test_prometheus_reads_its_text(found: Audit) -> None:
    text = as_prometheus(HEADING, found)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = families["resilient_traefik_audit_findings"].samples
    assert {each.labels["severity"]: each.value for each in samples} == found.counts
    assert {each.labels["cluster"] for each in samples} == {HEADING.cluster}
    (stamp,) = families["resilient_traefik_audit_timestamp_seconds"].samples
    assert stamp.value == 1796029200
    hosts = families["resilient_traefik_audit_dependent_hosts"].samples
    assert {each.labels["protected"] for each in hosts if each.labels["kind"] == "forward_auth"} == {"true", "false"}


def test_the_table_tells_the_worst_first_and_fits_a_terminal(found: Audit) -> None:
    lines = table("the audit", "lab", found)
    assert max(len(line) for line in lines) <= 100
    text = "\n".join(lines)
    assert text.index("WHAT SITES DEPEND ON") < text.index("RT501")
    severities = re.findall(r"^(CRITICAL|HIGH|MEDIUM|LOW|INFO) ", text, re.MULTILINE)
    order = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"]
    assert severities == sorted(severities, key=order.index)
    assert "500 after 30 s" in text


def test_nothing_is_told_of_where_there_is_nothing() -> None:
    lines = table("the audit", "lab", World([]).audit())
    assert "no findings" in lines[0]


def test_what_is_in_an_object_breaks_no_output() -> None:
    world = _bad()
    odd: Any = 'x"\n<script>&]]>\x00{{ 1 }}'
    world["Middleware traefik/auth"]["spec"]["forwardAuth"]["address"] = f"http://{odd}"
    found = world.audit()
    ElementTree.fromstring(as_junit(HEADING, found))
    list(text_string_to_metric_families(as_prometheus(HEADING, found)))
    jsonschema.validate(json.loads(json.dumps(as_sarif(HEADING, found))), SARIF)
