"""Every option of every role and playbook, given what nobody means: a sentence that names it, and never a secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.specification import findings

ROOT = Path(__file__).parents[2]
SPECIFICATIONS: dict[str, dict[str, Any]] = {
    "the playbooks": yaml.safe_load((ROOT / "playbooks" / "vars" / "variables.yml").read_text()),
    # One wrong value at a time: that a host is missing is not what is tried here.
    "a request to explain": {
        name: option | {"required": False}
        for name, option in yaml.safe_load((ROOT / "playbooks" / "vars" / "request.yml").read_text()).items()
    },
} | {
    path.parents[1].name: yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml"))
}
SECRET = "s3cr3t-\u00fcml\u00e4ut"
NESTED: Any = {"a": [{"b": {"c": [SECRET] * 3}}]}
# What none of a type can be read as.
WRONG: dict[str, list[Any]] = {
    "int": ["three", SECRET, "", "1e9x", [1], NESTED, 1.5, True, None, "9" * 40 + "x"],
    "float": ["much", SECRET, "", [1.0], NESTED, True, None],
    "bool": ["perhaps", SECRET, "", 7, [True], NESTED, None],
    "str": [[], ["a"], {}, NESTED],
    "path": [["a"], NESTED],
    "list": [SECRET, "a,b", 7, {"a": 1}, NESTED, True],
    "dict": [SECRET, 7, [1], ["a"], True],
}
LONGEST = 400


def cases() -> Iterator[Any]:
    """Every option with every value that is wrong for its type."""
    for owner, options in SPECIFICATIONS.items():
        for name, option in options.items():
            for number, value in enumerate(WRONG.get(option.get("type", "str"), [])):
                if not _may_be_read(option, value):
                    yield pytest.param(options, name, value, id=f"{owner}-{name}-{number}")


def _needed(options: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be given, as it may be; of a mapping what has to be in it."""
    fine: dict[str, Any] = {"str": "x", "int": 1, "list": []}
    return {
        name: _needed(option.get("options") or {}) if option["type"] == "dict" else fine[option["type"]]
        for name, option in options.items()
        if option.get("required")
    }


def _may_be_read(option: Mapping[str, Any], value: Any) -> bool:
    """Whether the option takes that form as well: one scenario for a list of them, say."""
    if value is None:
        return option.get("default") in (None, "", [], {})
    return ("text_is" in option and isinstance(value, (str, dict))) or option.get("type") == "raw"


@pytest.mark.parametrize(("options", "name", "value"), list(cases()))
def test_what_an_option_cannot_be_is_told_in_a_sentence_that_names_it(
    options: dict[str, Any], name: str, value: Any
) -> None:
    found = list(findings(options, _needed(options) | {name: value}))
    assert found, f"{name} takes {value!r}"
    assert all(each.startswith(name) for each in found)
    assert max(map(len, found)) < LONGEST + len(name), "a page is no sentence"
    if options[name].get("no_log"):
        assert SECRET not in str(found)


@pytest.mark.parametrize("owner", SPECIFICATIONS)
def test_there_are_options_to_try(owner: str) -> None:
    assert any(each.get("type") in WRONG for each in SPECIFICATIONS[owner].values())


@pytest.mark.parametrize("owner", SPECIFICATIONS)
def test_what_is_default_is_taken(owner: str) -> None:
    options = SPECIFICATIONS[owner]
    given = {name: option["default"] for name, option in options.items() if option.get("default") is not None}
    given |= _needed(options)
    assert not list(findings(options, given))


@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_a_huge_value_is_not_repeated(size: int) -> None:
    options = SPECIFICATIONS["auth_proxy"]
    (told,) = findings(options, {"auth_proxy_replicas": "x" * size})
    assert len(told) < LONGEST
    (told,) = findings(options, {"auth_proxy_hosts": "x" * size})
    assert len(told) < LONGEST
