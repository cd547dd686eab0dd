# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values held against an argument specification, each fault in words that name where it is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from ansible.module_utils.common.validation import check_type_bool, check_type_float, check_type_int

from ansible_collections.resilient.traefik.plugins.module_utils.kube.run_name import run_name_problem

Specification = Mapping[str, Any]

_LONGEST_SHOWN = 60
_EXPECTED = {
    "str": "a text",
    "path": "a path",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
}
# Defaults for which a variable that was left empty stands; 0 and false are values.
_NOTHING_GIVEN: tuple[Any, ...] = (None, "", [], {})
_FORMATS: dict[str, Callable[[str], str]] = {"run_name": run_name_problem}


def entries_specification(specification: Specification, prefix: str) -> dict[str, Any]:
    """What an entry may say of itself: the variables without their prefix."""
    return {name.removeprefix(prefix): option for name, option in specification.items() if name.startswith(prefix)}


def findings(specification: Specification, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """What is wrong with the values, each in words that begin with the variable. No secret is in them."""
    for name, option in specification.items():
        if option.get("required") and values.get(name) is None:
            yield f"{path}{name}: is needed"
    for name, value in values.items():
        if name in specification:
            yield from faults_of(f"{path}{name}", specification[name], value)
        else:
            yield f"{path}{name}: {_unknown(str(name), specification)}"


def _unknown(name: str, specification: Specification) -> str:
    near = get_close_matches(name, [str(each) for each in specification], 1, 0.5)
    meant = f" (is {near[0]} meant?)" if near else ""
    # The variables of a playbook would be a wall of names.
    return f"there is no such setting{meant}" + (
        "" if near and len(specification) > 12 else f"; there are {', '.join(specification)}"
    )


def faults_of(place: str, option: Specification, value: Any) -> Iterator[str]:
    """What is wrong with one value, which is named ``place``."""
    kind = str(option.get("type", "str"))
    if value is None and not option.get("required") and option.get("default") in _NOTHING_GIVEN:
        return
    if kind == "dict" and isinstance(value, str) and option.get("text_is"):
        value = {option["text_is"]: value}
    if not _is_of(kind, value):
        how = "" if kind not in ("dict", "list") or not isinstance(value, str) else _how(place, kind)
        yield f"{place}: expected {_EXPECTED[kind]}, got {_shown(option, value)}{how}"
        return
    yield from _wrong_value(place, option, kind, value)
    if kind == "list":
        inner = {key: each for key, each in option.items() if key in ("options", "choices", "no_log", "text_is")}
        inner |= {"type": option.get("elements", "raw"), "required": True}
        for position, item in enumerate(value, start=1):
            yield from faults_of(f"{place} item {position}", inner, item)
    if kind == "dict" and option.get("options"):
        yield from findings(option["options"], value, f"{place}: ")


def _is_of(kind: str, value: Any) -> bool:
    if kind == "raw":
        return True
    if kind in ("dict", "list"):
        return isinstance(value, {"dict": dict, "list": list}[kind])
    if isinstance(value, bool) or kind == "bool":
        return kind == "bool" and _taken(check_type_bool, value)
    if kind in ("int", "float"):
        return _taken(check_type_int if kind == "int" else check_type_float, value)
    return isinstance(value, (str, int, float))


def _taken(check: Callable[[Any], Any], value: Any) -> bool:
    try:
        check(value)
    except TypeError:
        return False
    return True


def _wrong_value(place: str, option: Specification, kind: str, value: Any) -> Iterator[str]:
    choices = option.get("choices")
    if choices and kind != "list" and str(value) not in [str(choice) for choice in choices]:
        near = get_close_matches(str(value), [str(choice) for choice in choices], 1, 0.5)
        meant = f" (is {near[0]} meant?)" if near else ""
        yield f"{place}: there is no {_shown(option, value)}{meant}; there are {', '.join(map(str, choices))}"
    if kind in ("int", "float") and "minimum" in option and float(value) < option["minimum"]:
        yield f"{place}: must be at least {option['minimum']}, got {value}"
    if kind in ("int", "float") and "maximum" in option and float(value) > option["maximum"]:
        beyond = f" ({option['beyond']})" if option.get("beyond") else ""
        yield f"{place}: must be at most {option['maximum']}, got {value}{beyond}"
    # An empty text stands for the default, as a blank field of a survey does.
    if option.get("format") and str(value) and (problem := _FORMATS[option["format"]](str(value))):
        yield f"{place}: {_shown(option, value)} {problem}"


def _how(place: str, kind: str) -> str:
    """How to give it on the command line, where all that is not JSON is a text."""
    example = '["..."]' if kind == "list" else '{"...": "..."}'
    return "" if " " in place else f"; with -e it is given as JSON: -e '{{\"{place}\": {example}}}'"


def _shown(option: Specification, value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if _is_secret(option):
        return "a text" if isinstance(value, str) else "a number"
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}...")


def _is_secret(option: Specification) -> bool:
    inner = option.get("options") or {}
    return bool(option.get("no_log")) or any(_is_secret(each) for each in inner.values())
