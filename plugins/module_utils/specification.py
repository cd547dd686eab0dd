# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values held against an argument specification, each fault in words that name where it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from ansible.module_utils.common.validation import check_type_bool, check_type_float, check_type_int

from ansible_collections.resilient.traefik.plugins.module_utils.drill.guard import (
    time_of_day_problem,
    time_zone_problem,
    weekday_problem,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.run_name import run_name_problem
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.duration import duration_problem

Specification = Mapping[str, Any]

_LONGEST_SHOWN = 60
_LONGEST_DOMAIN = 253
# What a list says of what is in it.
_OF_ELEMENTS = ("options", "choices", "no_log", "text_is", "format")
# How alike two names are that one hand writes for the other: a letter that is missing, doubled or swapped, a plural.
_NEARLY = 0.8
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
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DOMAIN = re.compile(rf"{_NAMESPACE.pattern}(\.{_NAMESPACE.pattern})*")


def _namespace_problem(name: str) -> str:
    """Why no namespace has that name (RFC 1123), in words that follow it; empty when one may have."""
    return "" if _NAMESPACE.fullmatch(name) else "must be at most 63 lower-case letters, digits and '-'"


def _domain_problem(name: str) -> str:
    """Why no domain has that name (RFC 1123), in words that follow it; empty when one may have."""
    fits = len(name) <= _LONGEST_DOMAIN and _DOMAIN.fullmatch(name)
    return "" if fits else "is no domain of a cluster such as cluster.local"


def _unless_empty(problem_of: Callable[[str], str]) -> Callable[[str], str]:
    """Return the same for a text that stands for the default where it is empty, as a blank field of a survey does."""
    return lambda text: problem_of(text) if text else ""


_FORMATS: dict[str, Callable[[str], str]] = {
    "run_name": _unless_empty(run_name_problem),
    "namespace": _unless_empty(_namespace_problem),
    "domain": _unless_empty(_domain_problem),
    "duration": duration_problem,
    "time_of_day": _unless_empty(time_of_day_problem),
    "time_zone": _unless_empty(time_zone_problem),
    "weekday": weekday_problem,
}


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


def misspelt(specification: Specification, given: Iterable[str], prefix: str) -> Iterator[str]:
    """Names that are nearly a variable's. Others may be somebody's own, or of the role's inside."""
    known = {str(name).removeprefix(prefix): str(name) for name in specification}
    for name in sorted(set(given) - set(specification)):
        near = get_close_matches(name.removeprefix(prefix), known, 1, _NEARLY)
        if near and name.startswith(prefix):
            yield f"{name}: there is no such variable (is {known[near[0]]} meant?)"


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
        inner = {key: each for key, each in option.items() if key in _OF_ELEMENTS}
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
        # No number here has more digits, and Python reads none of thousands.
        if len(str(value)) > _LONGEST_SHOWN:
            return False
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
    if kind == "list" and len(value) < option.get("minimum", 0):
        yield f"{place}: must have at least {option['minimum']} item; leave it out for all"
    if option.get("format") and kind != "list" and (problem := _FORMATS[option["format"]](str(value))):
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
