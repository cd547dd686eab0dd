"""Every role says in its argument specification what its defaults are, and has the parts that a role here has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.specification import findings, misspelt

ROLES = sorted(path for path in (Path(__file__).parents[2] / "roles").iterdir() if path.is_dir())
# Called by other roles only, which look before and verify after.
INNER = {"exporter", "fallback_proxy", "variables"}
OUTER = [role for role in ROLES if role.name not in INNER]

TYPES: dict[str, type | tuple[type, ...]] = {
    "bool": bool,
    "dict": dict,
    "float": (int, float),
    "int": int,
    "list": list,
    "path": str,
    "raw": object,
    "str": str,
}
# What a play states once for all of the collection's modules, see meta/runtime.yml.
STATED_BY_THE_PLAY = {"kubeconfig", "context", "run_id", "render_to"}

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
each_outer_role = pytest.mark.parametrize("role", OUTER, ids=lambda role: role.name)


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.is_file() else None


def _defaults(role: Path) -> dict[str, Any]:
    return _yaml(role / "defaults" / "main.yml") or {}


def _options(role: Path) -> dict[str, Any]:
    return dict(_yaml(role / "meta" / "argument_specs.yml")["argument_specs"]["main"].get("options") or {})


def _is_literal(value: Any) -> bool:
    return "{{" not in yaml.safe_dump(value)


def _tasks(role: Path) -> Iterator[dict[str, Any]]:
    """All tasks of the role, those in blocks too."""
    for path in sorted((role / "tasks").glob("*.yml")):
        yield from _inner(_yaml(path) or [])


def _inner(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield task
        for part in ("block", "rescue", "always"):
            yield from _inner(task.get(part) or [])


def _every_option(options: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, option in options.items():
        yield f"{path}{name}", option
        yield from _every_option(option.get("options") or {}, f"{path}{name}.")


def _fits(value: Any, option: Mapping[str, Any]) -> bool:
    """Whether a literal default is of the option's type, and its elements of theirs."""
    kind = str(option.get("type", "str"))
    if isinstance(value, bool) and kind in ("int", "float", "str"):
        return False
    if not _is_of(value, kind) or ("choices" in option and kind == "str" and value not in option["choices"]):
        return False
    # Ansible turns a number into the text that is asked for, so a list of texts may be written with numbers.
    elements = {"str": ("str", "int", "float")}.get(option.get("elements", "raw"), (option.get("elements", "raw"),))
    of_list = kind != "list" or all(any(_is_of(item, name) for name in elements) for item in value)
    return of_list and (kind != "dict" or _fits_inside(value, option.get("options") or {}))


def _is_of(value: Any, kind: str) -> bool:
    return isinstance(value, TYPES[kind])


def _fits_inside(value: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    known = all(name in options for name in value) or not options
    there = all(name in value for name, option in options.items() if option.get("required"))
    return known and there and all(_fits(value[name], options[name]) for name in value if name in options)


def _as_ansible_sees(value: Any, option: Mapping[str, Any]) -> Any:
    if option.get("type") == "list" and option.get("elements") == "str":
        return [str(item) for item in value]
    return value


@each_role
def test_defaults_and_argument_specification_name_the_same(role: Path) -> None:
    options = _options(role)
    required = {name for name, option in options.items() if option.get("required")}
    assert set(_defaults(role)) == set(options) - required
    assert {name for name in options if not name.startswith(f"{role.name}_")} == set()


@each_role
def test_what_a_role_calls_its_own_is_not_taken_for_a_misspelt_variable(role: Path) -> None:
    files = [path for folder in ("roles", "playbooks") for path in (role.parents[1] / folder).rglob("*.yml")]
    used = {name for path in files for name in re.findall(rf"\b{role.name}_[a-z_]+\b", path.read_text())}
    inner = set(_yaml(role / "vars" / "main.yml") or {})
    parts = tuple(f"{each.name}_" for each in ROLES if each.name.startswith(f"{role.name}_"))
    inner |= {name for name in used if name.startswith(parts)}
    assert list(misspelt(_options(role), used - inner, f"{role.name}_")) == []


@each_role
def test_defaults_are_those_of_the_argument_specification(role: Path) -> None:
    options = _options(role)
    for name, value in _defaults(role).items():
        option = options[name]
        if _is_literal(value):
            assert "default" in option, f"{name}: the specification does not tell its default"
            assert _fits(value, option), f"{name}: {value!r} is no {option}"
        if "default" in option:
            assert _as_ansible_sees(option["default"], option) == _as_ansible_sees(value, option), name


@each_outer_role
def test_defaults_are_not_refused(role: Path) -> None:
    given = {name: value for name, value in _defaults(role).items() if _is_literal(value)}
    assert list(findings(_options(role), given)) == []


@each_role
def test_every_option_is_described_and_typed(role: Path) -> None:
    specification = _yaml(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]
    assert specification["short_description"]
    assert specification["description"], "without it the role has no page"
    for name, option in _every_option(specification.get("options") or {}):
        assert option.get("description"), f"{name} is not described"
        assert option.get("type") in TYPES, f"{name} has no type"
        assert option["type"] != "list" or option.get("elements") in TYPES, f"{name} has no elements"
        assert not (option.get("required") and "default" in option), name


@each_role
def test_the_parts_of_a_role(role: Path) -> None:
    assert (role / "README.md").is_file()
    about = _yaml(role / "meta" / "main.yml")["galaxy_info"]
    assert about["description"]
    assert _yaml(role / "tasks" / "main.yml")


@each_role
def test_the_readme_names_variables_that_there_are(role: Path) -> None:
    text = (role / "README.md").read_text()
    assert role.name in INNER or f"resilient.traefik.{role.name}" in text, "an example that runs"
    words = {word.strip("`,.:;()[]|*\"'{}") for word in text.split()}
    named = {word for word in words if word.startswith(f"{role.name}_") and word.isidentifier()}
    known = {name.split(".")[0] for name, _option in _every_option(_options(role))} | set(_told(role))
    assert named <= known


def _told(role: Path) -> Iterator[str]:
    """Variables that the role makes: registered, set as facts, or in vars/."""
    yield from _yaml(role / "vars" / "main.yml") or {}
    for task in _tasks(role):
        yield from [task["register"]] if "register" in task else []
        yield from task.get("ansible.builtin.set_fact") or {}


@each_role
def test_notified_handlers_exist(role: Path) -> None:
    handlers = {handler["name"] for handler in _yaml(role / "handlers" / "main.yml") or []}
    notified = {name for task in _tasks(role) for name in _listed(task.get("notify")) if _is_literal(name)}
    assert notified <= handlers


@each_outer_role
def test_a_change_is_verified(role: Path) -> None:
    """By a task of its own that notifies the handler, or by the inner role, which is told its name."""
    handler = f"Verify {role.name}"
    assert handler in {each["name"] for each in _yaml(role / "handlers" / "main.yml") or []}
    told = {str(value) for task in _tasks(role) for value in (task.get("vars") or {}).values()}
    assert handler in told | {name for task in _tasks(role) for name in _listed(task.get("notify"))}


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


@each_outer_role
def test_it_looks_before_and_proves_after(role: Path) -> None:
    for part, made in (("preflight", f"{role.name}_preflight"), ("verify", f"{role.name}_verified")):
        tasks = list(_inner(_yaml(role / "tasks" / f"{part}.yml") or []))
        names = {str(task.get("register", "")) for task in tasks}
        names |= {name for task in tasks for name in task.get("ansible.builtin.set_fact") or {}}
        assert any(name.startswith(made) for name in names), f"{part}.yml registers {made}"


@each_outer_role
def test_it_looks_before_it_writes(role: Path) -> None:
    included = [str(task.get("ansible.builtin.include_tasks", "")) for task in _yaml(role / "tasks" / "main.yml")]
    assert "preflight.yml" in included[0]


@each_role
def test_the_play_states_the_connection_and_the_run(role: Path) -> None:
    for task in _tasks(role):
        for name, arguments in task.items():
            if name.startswith("resilient.traefik.") and isinstance(arguments, dict):
                assert not STATED_BY_THE_PLAY & set(arguments), task["name"]
