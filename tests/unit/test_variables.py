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
    params = {"specification": specification, "values": given, "entries": "p_proxies", "prefix": "p_"}
    assert run(Task(params))["findings"] == ["p_proxies item 1: port: expected a whole number, got 'http'."]


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
        if not name.startswith("resilient_traefik_hardening")
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
