"""A real Alertmanager with the inhibition: what is redundant is kept silent, and nothing that is critical."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rules.alertmanager import Labels, configuration, running, wait_until
from tests.rules.programs import run

Rules = list[dict[str, Any]]

MARK = {"resilient_traefik": "true"}
TRAEFIK = {"namespace": "traefik", "workload": "traefik"}
PROXY = {"namespace": "traefik", "workload": "auth-proxy"}
OTHER_PROXY = {"namespace": "traefik", "workload": "bot-block-proxy"}
BY_TRAEFIK_DOWN = {
    "TraefikReplicasLow",
    "TraefikConfigReloadFailed",
    "TraefikHighErrorRate",
    "TraefikMetricsAbsent",
    "TraefikParityStale",
    "ProbeSlow",
    "ProbeStale",
}
BY_PROXY_DOWN = {"FallbackProxySpreadLost", "FallbackProxyChecksStalled", "FallbackProxyMetricsAbsent"}
BY_NODE_DOWN = (
    BY_TRAEFIK_DOWN - {"TraefikHighErrorRate", "ProbeSlow"}
    | BY_PROXY_DOWN
    | {"PdbBlocksAllDisruptions", "HardeningUnknown"}
)


@pytest.fixture(scope="module")
def inhibit_rules(folder: Path) -> Rules:
    """As the role renders them."""
    return list(yaml.safe_load((folder / "inhibition.yml").read_text())["inhibit_rules"])


def _alert(name: str, severity: str, labels: Labels, known_as: str = "") -> dict[str, str]:
    """An alert of ours. The label ``name`` tells it from others of its name in the answers."""
    return {"alertname": name, "severity": severity, "name": known_as or name} | MARK | dict(labels)


def _all_of_ours(rules: Sequence[Mapping[str, Any]], but: str) -> list[dict[str, str]]:
    """Every alert of the rules at once, about Traefik, a proxy or a node, but for one."""
    alerts = []
    for rule in rules:
        name = rule.get("alert", but)
        if name != but:
            about = (
                PROXY if "Proxy" in name or "Fallback" in name else {"node": "worker"} if "Node" in name else TRAEFIK
            )
            alerts.append(_alert(name, rule["labels"].get("severity", "critical"), about))
    return alerts


def _silenced(folder: Path, inhibit_rules: Rules, alerts: list[dict[str, str]]) -> dict[str, list[str]]:
    """What Alertmanager keeps silent of these, once it has taken all of them in."""
    # Inhibited by the last source that is posted: when this one is silent, all that came before it were seen.
    source = _alert("FallbackProxyDown", "critical", {"namespace": "probe", "workload": "probe"}, "probe's source")
    probe = _alert("FallbackProxySpreadLost", "warning", {"namespace": "probe", "workload": "probe"}, "probe")
    with running(folder, inhibit_rules) as server:
        server.post([*alerts, probe])
        server.post([source])
        wait_until(lambda: "probe" in server.silenced(), "the probe is inhibited")
        silenced = server.silenced()
    silenced.pop("probe")
    return silenced


def test_alertmanager_takes_the_rules(tmp_path: Path, inhibit_rules: Rules) -> None:
    (tmp_path / "alertmanager.yml").write_text(configuration(inhibit_rules))
    written = run("amtool", "check-config", "alertmanager.yml", folder=tmp_path)
    assert f"{len(inhibit_rules)} inhibit rules" in written


@pytest.mark.parametrize(
    ("source", "about", "redundant"),
    [
        ("TraefikDown", TRAEFIK, BY_TRAEFIK_DOWN),
        ("FallbackProxyDown", PROXY, BY_PROXY_DOWN),
        ("ServingNodeDown", {"node": "worker"}, BY_NODE_DOWN),
    ],
)
def test_a_source_silences_what_it_makes_redundant(
    tmp_path: Path, inhibit_rules: Rules, rules: Rules, source: str, about: Labels, redundant: set[str]
) -> None:
    others = [
        each
        for each in _all_of_ours(rules, source)
        if each["alertname"] not in ("TraefikDown", "FallbackProxyDown", "ServingNodeDown")
    ]
    found = _silenced(tmp_path, inhibit_rules, [*others, _alert(source, "critical", about)])
    assert found == {name: [source] for name in redundant}


def test_with_everything_firing_all_that_is_critical_is_told(
    tmp_path: Path, inhibit_rules: Rules, rules: Rules
) -> None:
    alerts = _all_of_ours(rules, "")
    found = _silenced(tmp_path, inhibit_rules, alerts)
    assert found, "something is redundant"
    assert not [each["name"] for each in alerts if each["severity"] == "critical" and each["name"] in found]


def test_a_warning_that_was_made_critical_is_told(tmp_path: Path, inhibit_rules: Rules) -> None:
    alerts = [_alert(name, "critical", TRAEFIK) for name in ("TraefikDown", *sorted(BY_TRAEFIK_DOWN))]
    assert _silenced(tmp_path, inhibit_rules, alerts) == {}


@pytest.mark.parametrize("foreign", [{"resilient_traefik": ""}, {"resilient_traefik": "false"}])
def test_alerts_of_others_neither_silence_nor_are_silenced(
    tmp_path: Path, inhibit_rules: Rules, foreign: Labels
) -> None:
    ours = [_alert("TraefikDown", "critical", TRAEFIK), _alert("FallbackProxySpreadLost", "warning", PROXY)]
    theirs = [
        _alert("TraefikReplicasLow", "warning", TRAEFIK, "theirs") | dict(foreign),
        _alert("FallbackProxyDown", "critical", PROXY, "their source") | dict(foreign),
        {"alertname": "TraefikHighErrorRate", "severity": "warning", "name": "bare"},
    ]
    assert _silenced(tmp_path, inhibit_rules, ours + theirs) == {}


def test_absent_labels_are_no_match(tmp_path: Path, inhibit_rules: Rules) -> None:
    """Alertmanager takes labels that both alerts lack for equal: a source without its labels must silence nothing."""
    alerts = [
        _alert("TraefikDown", "critical", {}, "source"),
        _alert("TraefikReplicasLow", "warning", {}),
        _alert("ServingNodeDown", "warning", {}, "no node"),
        _alert("PdbBlocksAllDisruptions", "warning", {}),
        _alert("FallbackProxyDown", "critical", {"namespace": "traefik"}, "half a source"),
        _alert("FallbackProxyMetricsAbsent", "warning", {"namespace": "traefik"}),
    ]
    assert _silenced(tmp_path, inhibit_rules, alerts) == {}


def test_without_what_sources_ask_for_absent_labels_would_match(tmp_path: Path, inhibit_rules: Rules) -> None:
    """The trap that the test above is about is there."""
    careless = copy.deepcopy(inhibit_rules)
    for rule in careless:
        rule["source_matchers"] = [matcher for matcher in rule["source_matchers"] if ".+" not in matcher]
    alerts = [_alert("TraefikDown", "critical", {}, "source"), _alert("TraefikReplicasLow", "warning", {})]
    assert _silenced(tmp_path, careless, alerts) == {"TraefikReplicasLow": ["source"]}


def test_only_the_same_workload_of_the_same_cluster_is_silenced(tmp_path: Path, inhibit_rules: Rules) -> None:
    here, there = {"cluster": "here"}, {"cluster": "there"}
    alerts = [
        _alert("TraefikDown", "critical", TRAEFIK | here, "down here"),
        _alert("FallbackProxyDown", "critical", PROXY | here, "proxy here"),
        _alert("TraefikReplicasLow", "warning", TRAEFIK | here, "replicas here"),
        _alert("TraefikReplicasLow", "warning", TRAEFIK | there, "replicas there"),
        _alert("TraefikReplicasLow", "warning", TRAEFIK, "replicas anywhere"),
        _alert("TraefikReplicasLow", "warning", TRAEFIK | here | {"workload": "inner"}, "another workload"),
        _alert("FallbackProxySpreadLost", "warning", OTHER_PROXY | here, "another proxy"),
    ]
    assert _silenced(tmp_path, inhibit_rules, alerts) == {"replicas here": ["down here"]}


def test_an_application_that_is_down_silences_the_warnings_about_its_probe(
    tmp_path: Path, inhibit_rules: Rules
) -> None:
    shop, wiki = TRAEFIK | {"probe": "shop"}, TRAEFIK | {"probe": "wiki"}
    alerts = [
        _alert("ProbeBackendDown", "warning", shop, "down"),
        _alert("ProbeFailing", "warning", shop, "edge"),
        _alert("ProbeWebsocketFailing", "warning", shop, "socket"),
        _alert("ProbeSlow", "warning", shop, "slow"),
        _alert("ProbeReplicaDiffers", "critical", shop, "differs"),
        _alert("ProbeFailing", "critical", shop | {"cluster": "there"}, "critical"),
        _alert("ProbeFailing", "warning", wiki, "another"),
    ]
    assert _silenced(tmp_path, inhibit_rules, alerts) == {name: ["down"] for name in ("edge", "socket", "slow")}


def test_every_rule_is_limited(inhibit_rules: Rules) -> None:
    for rule in inhibit_rules:
        assert 'resilient_traefik="true"' in rule["source_matchers"]
        assert {'resilient_traefik="true"', 'severity="warning"'} <= set(rule["target_matchers"])
        for label in set(rule["equal"]) - {"cluster"}:
            assert f'{label}=~".+"' in rule["source_matchers"], f"{label} may be absent on both sides"


def test_the_names_are_those_of_alerts(inhibit_rules: Rules, rules: Rules) -> None:
    names = {rule["alert"] for rule in rules if "alert" in rule}
    for rule in inhibit_rules:
        matchers = [each for each in rule["source_matchers"] + rule["target_matchers"] if each.startswith("alertname")]
        assert len(matchers) == 2
        assert {name for each in matchers for name in each.split('"')[1].split("|")} <= names
