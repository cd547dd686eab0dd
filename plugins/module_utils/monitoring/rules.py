# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Groups of rules in Prometheus' form: their structure, and what a user changes about them. Pure.

The form is that of a rule file (Prometheus 3, "Defining recording rules" and "Alerting rules"): groups with name and
rules, rules with alert or record, expr, for, keep_firing_for, labels and annotations.
"""

from __future__ import annotations

import copy
import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.duration import duration_problem

Groups = list[dict[str, Any]]

# By this label our alerts are known among others: inhibition is limited to them, and a clash is told from an update.
MARK = "resilient_traefik"
MARK_VALUE = "true"

_GROUP_KEYS = {"name", "interval", "limit", "query_offset", "labels", "rules"}
_RULE_KEYS = {"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"}
OVERRIDE_KEYS = ("enabled", "expr", "for", "keep_firing_for", "labels", "annotations")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}


def finished(
    groups: Sequence[Any],
    overrides: Mapping[str, Any],
    extra_labels: Mapping[str, Any],
    left_out: Collection[str] = (),
) -> tuple[Groups, list[str]]:
    """The groups with the user's changes worked in, and what is wrong with either, a sentence each.

    Each sentence begins with the option it is about: ``groups``, ``overrides`` or ``extra_labels``. Groups that are
    left without rules are left out. Overrides of alerts of ``left_out`` may find none. With faults in ``groups`` the
    overrides are not looked at.
    """
    faults = list(structure_faults(groups))
    if faults:
        return [], faults
    faults = [*_override_faults(groups, overrides, left_out), *_label_faults("extra_labels", extra_labels)]
    if faults:
        return [], faults
    result = [_changed_group(group, overrides, extra_labels) for group in groups]
    result = [group for group in result if group["rules"]]
    return result, [fault.replace("groups:", "overrides:", 1) for fault in structure_faults(result)]


def alerts_of(groups: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All alerting rules, in their order."""
    return [rule for group in groups for rule in group["rules"] if rule.get("alert")]


def rule_name(rule: Mapping[str, Any]) -> str:
    """The alert's name, or the recorded series'."""
    return str(rule.get("alert") or rule.get("record") or "")


def seconds(duration: Any) -> float:
    """A duration as Prometheus writes it, in seconds; 0 for none."""
    text = str(duration or "0s")
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", text))


def is_ours(labels: Mapping[str, Any] | None) -> bool:
    """Whether a rule with these labels is one of this collection."""
    return (labels or {}).get(MARK) == MARK_VALUE


# --- structure ---------------------------------------------------------------------------------------------------


def structure_faults(groups: Sequence[Any]) -> Iterator[str]:
    """What of the groups Prometheus would refuse before it looks at expressions."""
    for position, group in enumerate(groups, start=1):
        yield from (f"groups: {words}" for words in _group_faults(group, position))
    named = [group for group in groups if isinstance(group, Mapping)]
    for name, times in Counter(str(group.get("name")) for group in named).items():
        if times > 1:
            yield f"groups: {times} groups are named {name}, and a file may have one"
    rules = [rule for group in named for rule in group.get("rules") or [] if isinstance(rule, Mapping)]
    for name, times in Counter(rule_name(rule) for rule in rules if rule.get("alert")).items():
        if times > 1:
            yield f"groups: {times} alerts are named {name}, so that no override could tell them apart"


def _group_faults(group: Any, position: int) -> Iterator[str]:
    if not isinstance(group, Mapping):
        yield f"item {position} is no group but {type(group).__name__}"
        return
    name = group.get("name")
    if not isinstance(name, str) or not name:
        yield f"item {position} has no name"
    yield from (f"group {name} has an unknown key {key!r}" for key in group.keys() - _GROUP_KEYS)
    rules = group.get("rules")
    if not isinstance(rules, list):
        yield f"group {name} has no list of rules"
        return
    for rule in rules:
        if not isinstance(rule, Mapping):
            yield f"group {name} has a rule that is {type(rule).__name__}"
            continue
        yield from (f"{rule_name(rule) or f'a rule of group {name}'} {words}" for words in _rule_faults(rule))


def _rule_faults(rule: Mapping[str, Any]) -> Iterator[str]:
    if bool(rule.get("alert")) == bool(rule.get("record")):
        yield "needs either alert or record"
    yield from (f"has an unknown key {key!r}" for key in sorted(rule.keys() - _RULE_KEYS))
    if not isinstance(rule.get("expr"), str) or not rule["expr"].strip():
        yield "has no expr"
    for key in ("for", "keep_firing_for"):
        given = rule.get(key)
        if given is not None and not _is_duration(given):
            yield f"has {key} {given!r}, which {duration_problem(str(given))}"
    for part in ("labels", "annotations"):
        given = rule.get(part) or {}
        if not isinstance(given, Mapping):
            yield f"has {part} that are {type(given).__name__}, not names with values"
            continue
        for key, value in given.items():
            if not _LABEL.fullmatch(str(key)):
                yield f"has {part} with a name {key!r} that Prometheus does not take"
            if not isinstance(value, str):
                yield f"has {part}.{key} that is {type(value).__name__}, not text: quote it"


def _is_duration(given: Any) -> bool:
    return str(given) == "0" or (isinstance(given, str) and not duration_problem(given))


# --- the user's changes ------------------------------------------------------------------------------------------


def _override_faults(
    groups: Sequence[Mapping[str, Any]], overrides: Mapping[str, Any], left_out: Collection[str]
) -> Iterator[str]:
    known = sorted({str(rule["alert"]) for rule in alerts_of(groups)} | set(left_out))
    for name, change in overrides.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1, 0.5)
            meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(known) or 'none'}"
            yield f"overrides: there is no alert {name}; {meant}"
        elif not isinstance(change, Mapping):
            yield f"overrides: {name} is {type(change).__name__}, and takes {', '.join(OVERRIDE_KEYS)}"
        else:
            yield from (f"overrides: {name} {words}" for words in _change_faults(change))


def _change_faults(change: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(change.keys() - set(OVERRIDE_KEYS)):
        near = difflib.get_close_matches(str(key), OVERRIDE_KEYS, 1, 0.5)
        yield f"has an unknown key {key!r}; {f'did you mean {near[0]}?' if near else f'it takes {OVERRIDE_KEYS}'}"
    if not isinstance(change.get("enabled", True), bool):
        yield f"has enabled {change['enabled']!r}, which is neither true nor false"
    if MARK in _mapping(change.get("labels")):
        yield f"sets the label {MARK}, by which these alerts are told from all others: leave it"


def _label_faults(option: str, labels: Mapping[str, Any]) -> Iterator[str]:
    for key, value in labels.items():
        if key in (MARK, "alertname") or not _LABEL.fullmatch(str(key)):
            yield f"{option}: {key!r} cannot be a label of all alerts: choose another name"
        elif not isinstance(value, str):
            yield f"{option}: {key} is {type(value).__name__}, not text: quote it"


def _changed_group(
    group: Mapping[str, Any], overrides: Mapping[str, Any], extra_labels: Mapping[str, Any]
) -> dict[str, Any]:
    rules = [
        _changed_rule(rule, overrides.get(rule_name(rule)) or {}, extra_labels)
        for rule in group["rules"]
        if (overrides.get(str(rule.get("alert"))) or {}).get("enabled", True)
    ]
    return dict(copy.deepcopy(dict(group))) | {"rules": rules}


def _changed_rule(
    rule: Mapping[str, Any], change: Mapping[str, Any], extra_labels: Mapping[str, Any]
) -> dict[str, Any]:
    result = copy.deepcopy(dict(rule))
    if "alert" not in rule:
        return result
    result |= {key: change[key] for key in ("expr", "for", "keep_firing_for") if change.get(key) is not None}
    for part in ("labels", "annotations"):
        given = change.get(part)
        # What is no mapping is told as a fault of the finished structure.
        wrong = given is not None and not isinstance(given, Mapping)
        result[part] = given if wrong else _mapping(result.get(part)) | _mapping(given)
    if isinstance(result["labels"], Mapping):
        result["labels"] = dict(extra_labels) | _mapping(result["labels"])
    return {key: value for key, value in result.items() if value or key not in ("labels", "annotations")}


def _mapping(given: Any) -> dict[str, Any]:
    return dict(given) if isinstance(given, Mapping) else {}
