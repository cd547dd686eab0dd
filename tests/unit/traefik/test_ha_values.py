"""The wishes as values of a chart, worked into those of a release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha import chart_schema
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.chart_values import (
    Release,
    coalesced,
    merged_list,
    shape_faults,
    wished_values,
    with_values,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.hiding import shown_values, without_secrets
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.values_plan import values_content
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import WISHES, Wishes

Values = dict[str, Any]
DEFAULTS: Values = {
    "deployment": {"replicas": 1, "lifecycle": {}},
    "podDisruptionBudget": {"enabled": False, "minAvailable": None, "maxUnavailable": None},
    "additionalArguments": [],
    "readinessProbe": {"initialDelaySeconds": 2},
    "priorityClassName": "",
    "topologySpreadConstraints": [],
}
MINIMAL = chart_schema.minimal_schema()


def release(config: Values, daemon_set: bool = False) -> Release:
    """A release of Traefik's chart with two entry points."""
    return Release(DEFAULTS, config, ("web", "traefik"), {"app": "edge"}, daemon_set)


def after(config: Values, extra: Values | None = None, daemon_set: bool = False, **wishes: Any) -> Values:
    """The values with the wishes worked in."""
    wished = Wishes.of({name: option.get("default") for name, option in WISHES.items()} | wishes)
    return with_values(config, wished_values(release(config, daemon_set), wished, extra or {}))


def test_everything_in_a_release_without_values() -> None:
    values = after({}, replicas=3, priority_class="high", max_unavailable=1)
    assert values["deployment"] == {
        "replicas": 3,
        "terminationGracePeriodSeconds": 60,
        "minReadySeconds": 5,
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    }
    assert values["podDisruptionBudget"] == {"enabled": True, "minAvailable": 2}
    assert values["updateStrategy"] == {"rollingUpdate": {"maxUnavailable": 1}}
    assert values["readinessProbe"] == {"initialDelaySeconds": 5}
    assert values["priorityClassName"] == "high"
    assert len(values["additionalArguments"]) == 6
    assert values["topologySpreadConstraints"][0]["labelSelector"] == {"matchLabels": {"app": "edge"}}
    assert chart_schema.refusals(coalesced(DEFAULTS, values), MINIMAL) == []


def test_what_is_not_ours_stays_and_a_second_time_changes_nothing() -> None:
    config = {
        "additionalArguments": ["--log.level=INFO"],
        "env": [{"name": "A", "value": "1"}],
        "deployment": {"lifecycle": {"postStart": {"sleep": {"seconds": 1}}}, "podLabels": {"a": "b"}},
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": 1},
        "topologySpreadConstraints": [{"topologyKey": "zone"}],
    }
    values = after(config)
    assert values["additionalArguments"][0] == "--log.level=INFO"
    assert values["env"] == config["env"]
    assert values["deployment"]["podLabels"] == {"a": "b"}
    assert set(values["deployment"]["lifecycle"]) == {"postStart", "preStop"}
    assert values["podDisruptionBudget"] == {"enabled": True, "minAvailable": 2, "maxUnavailable": None}
    assert [each["topologyKey"] for each in values["topologySpreadConstraints"]] == ["zone", "kubernetes.io/hostname"]
    assert coalesced(DEFAULTS, after(values)) == coalesced(DEFAULTS, values)


def test_a_grace_time_at_the_port_stays_there() -> None:
    values = after({"ports": {"web": {"transport": {"lifeCycle": {"graceTimeOut": "3s"}}}}})
    assert values["ports"]["web"]["transport"]["lifeCycle"] == {"graceTimeOut": "30s"}
    flags = [each for each in values["additionalArguments"] if "graceTimeOut" in each]
    assert flags == ["--entryPoints.traefik.transport.lifeCycle.graceTimeOut=30s"]


def test_a_daemon_set_is_neither_scaled_nor_spread() -> None:
    values = after({}, daemon_set=True, replicas=3)
    assert "replicas" not in values["deployment"]
    assert "topologySpreadConstraints" not in values


def test_budget_and_hook_are_left_where_nothing_is_wished() -> None:
    values = after(
        {}, min_available=0, pre_stop_sleep=0, min_ready_seconds=0, response_header_timeout="", dial_timeout=""
    )
    assert "podDisruptionBudget" not in values
    assert set(values["deployment"]) == {"terminationGracePeriodSeconds"}
    assert len(values["additionalArguments"]) == 4


def test_more_values_win_and_their_lists_are_merged() -> None:
    config = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    extra = {
        "env": [{"name": "B", "value": "3"}, {"name": "C"}],
        "additionalArguments": ["--api"],
        "deployment": {"terminationGracePeriodSeconds": 90},
    }
    values = after(config, extra)
    assert values["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}, {"name": "C"}]
    assert values["additionalArguments"][-1] == "--api"
    assert values["deployment"]["terminationGracePeriodSeconds"] == 90
    assert config["env"][1]["value"] == "2"


def test_values_as_helm_takes_them_together() -> None:
    assert coalesced({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": None, "e": 3}, "d": [2]}) == {
        "a": {"c": 2, "e": 3},
        "d": [2],
    }
    assert merged_list(["a", {"x": 1}], ["a", {"x": 1}, "b"]) == ["a", {"x": 1}, "b"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"additionalArguments": "--api"}, "additionalArguments: is string, not array"),
        ({"additionalArguments": [1]}, "additionalArguments.0: is integer, not string"),
        ({"deployment": {"replicas": -1}}, "deployment.replicas: does not fit minimum 0"),
        ({"podDisruptionBudget": {"min": 1}}, "podDisruptionBudget: has min, which the chart does not know"),
        ({"deployment": None}, "deployment: is null, not object"),
    ],
)
def test_what_a_schema_refuses(values: Values, words: str) -> None:
    assert chart_schema.refusals(values, MINIMAL) == [words]


def test_refusals_hold_no_value_and_are_few() -> None:
    schema = {"additionalProperties": {"type": "integer"}}
    words = chart_schema.refusals({f"key{number}": "hunter22" for number in range(9)}, schema)
    assert len(words) == 6
    assert words[-1] == "and 4 more"
    assert "hunter22" not in "".join(words)
    assert chart_schema.refusals({}, {"required": ["a"]}) == ["the values: lacks one of a"]
    assert chart_schema.refusals({"a": 3}, {"properties": {"a": {"enum": [1]}}}) == ["a: does not fit enum [1]"]
    assert chart_schema.refusals({"a": 3}, {"not": {}}) == ["the values: does not fit the schema's not"]


@pytest.mark.parametrize("text", ["{", "[1]", '{"type": "nothing"}'])
def test_what_is_no_schema(text: str) -> None:
    with pytest.raises(BadArgument, match=r"^values_schema: x is no JSON schema"):
        chart_schema.schema_from(text, "values_schema: x")


def test_the_chart_of_the_lab_takes_the_wishes() -> None:
    chart = Path(__file__).parents[3] / "molecule" / "helm" / "files" / "chart"
    schema = chart_schema.schema_from((chart / "values.schema.json").read_text(), "the chart")
    assert chart_schema.refusals(after({}), schema) == []


def test_secrets_are_hidden_and_all_else_is_shown() -> None:
    values = {
        "env": [{"name": "A", "value": "plain"}],
        "more": {"env": [{"name": "DB_PASSWORD", "value": "c0rrect"}]},
        "dbPassword": "hunter22",
        "args": ["--log.level=INFO", "--certificatesResolvers.x.acme.token=t0ps3cret"],
        "tokens": ["t1"],
        "replicas": 3,
        "enabled": True,
    }
    shown = shown_values(values)
    assert shown["env"] == values["env"]
    assert shown["more"]["env"] == [{"name": "DB_PASSWORD", "value": "<hidden>"}]
    assert shown["dbPassword"] == "<hidden>"
    assert shown["args"] == ["--log.level=INFO", "--certificatesResolvers.x.acme.token=<hidden>"]
    assert (shown["replicas"], shown["enabled"], shown["tokens"]) == (3, True, ["<hidden>"])
    told = without_secrets("it said hunter22, c0rrect and t0ps3cret", values)
    assert told == "it said <hidden>, <hidden> and <hidden>"
    assert json.dumps(values).count("hunter22") == 1, "the values themselves stay"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"additionalArguments": "--log.level=DEBUG"}, "additionalArguments is a text, and a list belongs there"),
        ({"topologySpreadConstraints": "none"}, "topologySpreadConstraints is a text, and a list belongs there"),
        ({"deployment": 3}, "deployment is a number, and a mapping belongs there"),
        ({"podDisruptionBudget": True}, "podDisruptionBudget is true or false, and a mapping belongs there"),
        ({"updateStrategy": {"rollingUpdate": ["x"]}}, "updateStrategy.rollingUpdate is a list, and a mapping"),
    ],
)
def test_values_of_another_shape_are_named_by_their_path_and_not_shown(values: Values, words: str) -> None:
    (told,) = shape_faults(values)
    assert words in told
    assert "DEBUG" not in told
    assert shape_faults({"additionalArguments": [], "deployment": {}, "ports": None}) == []


CONFIG_REF = "HelmChartConfig kube-system/traefik"


def test_values_of_k3s_with_a_key_twice_are_refused_with_both_lines() -> None:
    text = "deployment:\n  replicas: 2\nports: {}\ndeployment:\n  kind: DaemonSet\n"
    with pytest.raises(
        ResilientError, match=r"valuesContent, line 4, column 1: deployment stands there twice, first in line 1"
    ):
        values_content({"spec": {"valuesContent": text}}, CONFIG_REF)
    anchors = "a: &x {replicas: 2}\ndeployment:\n  <<: *x\n  kind: Deployment\n"
    found = values_content({"spec": {"valuesContent": anchors}}, CONFIG_REF)
    assert found["deployment"] == {"replicas": 2, "kind": "Deployment"}
    assert values_content(None, CONFIG_REF) == {}
    with pytest.raises(ResilientError, match="is no YAML mapping"):
        values_content({"spec": {"valuesContent": "- a"}}, CONFIG_REF)
