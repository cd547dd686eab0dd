"""Variables held against their specification, and the specification of the playbooks' own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.drill import expectations, inside, visitors
from ansible_collections.resilient.traefik.plugins.module_utils.drill.drill import OPTIONS, TOP_RATE
from ansible_collections.resilient.traefik.plugins.module_utils.specification import findings
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.variables_info import run

ROOT = Path(__file__).parents[2]
PLAYBOOKS = yaml.safe_load((ROOT / "playbooks" / "vars" / "variables.yml").read_text())
SHOP: dict[str, Any] = {
    "replicas": {"type": "int", "default": 2, "minimum": 1, "maximum": 9, "beyond": "more is not tried"},
    "share": {"type": "float", "default": 0.5},
    "fenced": {"type": "bool", "default": True},
    "policy": {"type": "str", "choices": ["allow", "deny"], "default": "allow"},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "middleware": {"type": "dict", "options": {"name": {"type": "str"}, "namespace": {"type": "str"}}, "default": {}},
    "users": {
        "type": "list",
        "elements": "dict",
        "options": {"name": {"type": "str", "required": True}, "password": {"type": "str", "no_log": True}},
    },
    "dns": {"type": "str", "default": ""},
}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("replicas", "three", "replicas: expected a whole number, got 'three'"),
        ("replicas", "3", ""),
        ("replicas", True, "replicas: expected a whole number, got true"),
        ("replicas", None, "replicas: expected a whole number, got nothing"),
        ("replicas", 0, "replicas: must be at least 1, got 0"),
        ("replicas", 10, "replicas: must be at most 9, got 10 (more is not tried)"),
        ("share", "viel", "share: expected a number, got 'viel'"),
        ("share", "0.05", ""),
        ("fenced", "vielleicht", "fenced: expected true or false, got 'vielleicht'"),
        ("fenced", "no", ""),
        ("policy", "alow", "policy: there is no 'alow' (is allow meant?); there are allow, deny"),
        ("policy", {"a": 1}, "policy: expected a text, got a mapping"),
        (
            "hosts",
            "a.test",
            "hosts: expected a list, got 'a.test'; with -e it is given as JSON: -e '{\"hosts\": [\"...\"]}'",
        ),
        ("hosts", ["a.test", {"b": 1}], "hosts item 2: expected a text, got a mapping"),
        ("hosts", ["jürgen.test"], ""),
        (
            "middleware",
            {"nmae": "x"},
            "middleware: nmae: there is no such setting (is name meant?); there are name, namespace",
        ),
        ("middleware", {}, ""),
        ("dns", None, ""),
        ("dns", "x" * 90 + "y", ""),
        ("replicas", "9" * 300 + "x", f"replicas: expected a whole number, got '{'9' * 60}...'"),
        ("polcy", "allow", "polcy: there is no such setting (is policy meant?); there are"),
    ],
)
def test_one_sentence_for_each_kind_of_mistake(name: str, value: Any, words: str) -> None:
    found = list(findings(SHOP, {name: value}))
    assert len(found) == bool(words), found
    assert all(each.startswith(words) for each in found), found


@pytest.mark.parametrize(
    "users", ["oncall:s3cret", "s3cret", ["s3cret"], [{"name": "a", "password": ["s3cret"]}], [{"pasword": "s3cret"}]]
)
def test_no_secret_is_in_the_sentences(users: Any) -> None:
    found = list(findings(SHOP, {"users": users}))
    assert found
    assert "s3cret" not in " ".join(found)


def test_entries_of_a_list_may_say_otherwise_and_are_held_against_the_same() -> None:
    specification = {"p_proxies": {"type": "list", "elements": "dict"}, "p_port": {"type": "int", "default": 1}}
    given = {"p_proxies": [{"name": "a", "port": "http"}]}
    params = {
        "specification": specification,
        "values": given,
        "entries": "p_proxies",
        "prefix": "p_",
        "given": [],
        "formats": {},
    }
    assert run(Task(params))["findings"] == ["p_proxies item 1: port: expected a whole number, got 'http'."]


def test_a_name_that_is_nearly_a_variable_is_told() -> None:
    params = {"specification": {f"p_{name}": each for name, each in SHOP.items()}, "values": {}, "prefix": "p_"}
    given = ["p_replcas", "p_host", "p_polcy", "p_owner", "p_preflight", "q_host", "p_hosts"]
    assert run(Task(params | {"given": given, "entries": "", "formats": {}}))["findings"] == [
        "p_host: there is no such variable (is p_hosts meant?).",
        "p_polcy: there is no such variable (is p_policy meant?).",
        "p_replcas: there is no such variable (is p_replicas meant?).",
    ]


@pytest.mark.parametrize("given", ["soon", "", "2 m", "-1m", 90])
def test_a_duration_is_told_once_by_the_name_that_was_given(given: Any) -> None:
    options = {"alerts_down_for": {"type": "str", "default": "2m"}, "alerts_parity": {"type": "bool"}}
    params = {"specification": options, "values": {"alerts_down_for": given}, "prefix": "alerts_", "entries": ""}
    (told,) = run(Task(params | {"given": [], "formats": {"alerts_.*_for": "duration"}}))["findings"]
    assert told == f"alerts_down_for: {str(given)!r} is no duration such as 2m or 1h30m."


@pytest.mark.parametrize("given", ["x y", "cluster.local.", "Cluster.local", "a" * 64, ".".join(["a" * 60] * 5), "a;b"])
def test_the_domain_of_a_cluster_is_told_by_the_name_that_was_given(given: str) -> None:
    options = {"auth_proxy_cluster_domain": {"type": "str", "default": "cluster.local"}}
    params = {"specification": options, "prefix": "auth_proxy_", "entries": "", "given": []}
    formats = {"formats": {"auth_proxy_cluster_domain": "domain"}}
    (told,) = run(Task(params | formats | {"values": {"auth_proxy_cluster_domain": given}}))["findings"]
    assert told.startswith("auth_proxy_cluster_domain: ")
    assert "is no domain of a cluster such as cluster.local" in told
    assert not run(Task(params | formats | {"values": {"auth_proxy_cluster_domain": "k8s.example.test"}}))["findings"]


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ({"timezone": "Mars/X"}, "timezone: 'Mars/X' is no time zone such as Europe/Berlin"),
        ({"timezone": "../etc/passwd"}, "timezone: '../etc/passwd' is no time zone such as Europe/Berlin"),
        ({"from": "9 pm"}, "from: '9 pm' is no time such as 09:30"),
        ({"to": "25:00"}, "to: '25:00' is no time such as 09:30"),
        ({"days": ["mon", "someday"]}, "days item 2: 'someday' is none of mon, tue, wed, thu, fri, sat, sun"),
    ],
)
def test_a_window_is_told_by_its_variable(window: dict[str, Any], words: str) -> None:
    (told,) = findings(PLAYBOOKS, {"resilient_traefik_drill_window": [window]})
    assert told.startswith("resilient_traefik_drill_window item 1")
    assert words in told


def test_a_window_that_can_be_is_no_finding() -> None:
    window = {"days": ["Monday", "tue"], "from": "9:30", "to": "24:00", "timezone": "Europe/Berlin"}
    assert not list(findings(PLAYBOOKS, {"resilient_traefik_drill_window": [window, {}]}))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"resilient_traefik_run_id": "harden-1.2"}, ""),
        ({"resilient_traefik_run_id": ""}, ""),
        ({"resilient_traefik_run_id": "a..b"}, "resilient_traefik_run_id: 'a..b' must be at most 52"),
        ({"resilient_traefik_run_id": "a.-b"}, "resilient_traefik_run_id: 'a.-b' must be at most 52"),
        ({"resilient_traefik_run_id": "Grün"}, "resilient_traefik_run_id: 'Grün' must be at most 52"),
        ({"resilient_traefik_run_id": "a" * 53}, f"resilient_traefik_run_id: '{'a' * 53}' must be at most 52"),
        (
            {"resilient_traefik_rendr_to": "x"},
            "resilient_traefik_rendr_to: there is no such setting (is resilient_traefik_render_to meant?)",
        ),
        ({"resilient_traefik_drill_scenarios": ["forward_auth_hung", {"scenario": "node_drain", "seconds": 3}]}, ""),
        (
            {"resilient_traefik_drill_scenarios": [{"scenario": "forward_auth_hung", "secnds": 3}]},
            "resilient_traefik_drill_scenarios item 1: secnds: there is no such setting (is seconds meant?)",
        ),
        (
            {"resilient_traefik_drill_scenarios": [{"seconds": 3}]},
            "resilient_traefik_drill_scenarios item 1: scenario: is needed",
        ),
        (
            {"resilient_traefik_drill_scenarios": "forward_auth_hung"},
            "resilient_traefik_drill_scenarios: expected a list, got a text; with -e it is given as JSON",
        ),
        (
            {"resilient_traefik_drill_scenarios": ["forward_auth_hang"]},
            "resilient_traefik_drill_scenarios item 1: scenario: there is no 'forward_auth_hang' (is forward_auth_hung",
        ),
        (
            {"resilient_traefik_rbac_namespaces": ["shop", "Läden"]},
            "resilient_traefik_rbac_namespaces item 2: 'Läden' must be at most 63 lower-case letters",
        ),
        ({"resilient_traefik_traefik_namespace": ""}, ""),
        (
            {"resilient_traefik_drill_scenarios": []},
            "resilient_traefik_drill_scenarios: must have at least 1 item; leave it out for all",
        ),
        ({"resilient_traefik_verify_seconds": "9" * 5000}, "resilient_traefik_verify_seconds: expected a whole number"),
        ({"resilient_traefik_drill_rate": "100000"}, "resilient_traefik_drill_rate: must be at most 200, got 100000"),
    ],
)
def test_variables_of_the_playbooks(given: dict[str, Any], words: str) -> None:
    found = list(findings(PLAYBOOKS, given))
    assert len(found) == bool(words), found
    assert all(each.startswith(words) for each in found), found


def test_every_variable_that_playbooks_and_roles_read_is_specified() -> None:
    files = [*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").rglob("*.yml"), *(ROOT / "roles").rglob("*.j2")]
    used = {
        name
        for path in files
        if path.name != "variables.yml"
        for name in re.findall(r"\bresilient_traefik_[a-z_]*[a-z]\b", path.read_text())
        # What begins so are metrics.
        if not name.startswith(("resilient_traefik_hardening", "resilient_traefik_probe"))
    }
    assert used - set(PLAYBOOKS) == set()
    assert set(PLAYBOOKS) - used == set()


def test_what_a_scenario_may_say_is_what_the_module_takes() -> None:
    scenario = PLAYBOOKS["resilient_traefik_drill_scenarios"]["options"]
    assert set(scenario) <= set(OPTIONS)
    task = (ROOT / "playbooks" / "tasks" / "drill.yml").read_text()
    assert set(re.findall(r"_drill\.([a-z_]+)", task)) == set(scenario)
    assert set(scenario["visitors"]["options"]) == set(visitors.OPTIONS)
    assert set(scenario["prober"]["options"]) == set(inside.OPTIONS)
    assert set(scenario["expect"]["options"]) == set(expectations.Expectations.__dataclass_fields__) - {"remark"}
    assert scenario["rate"]["maximum"] == TOP_RATE
    kinds = {name: OPTIONS[name]["type"] for name in scenario}
    assert {name: option["type"] for name, option in scenario.items()} == kinds
