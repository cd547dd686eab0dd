# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules that a server has loaded, as its API tells them, compared with those that it should have. Pure.

``loaded`` are the groups of ``/api/v1/rules`` (Prometheus 2 and 3, vmalert): name, file, and rules with type, name,
query, duration (seconds), labels, annotations, health and lastError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.rules import (
    Groups,
    alerts_of,
    is_ours,
    rule_name,
    seconds,
)

Loaded = Sequence[Mapping[str, Any]]
# Whether two expressions mean the same: servers tell them in a form of their own.
Same = Callable[[str, str], bool]
OwnFile = Callable[[str], bool]


def clashes(groups: Groups, loaded: Loaded, own_file: OwnFile, extra_labels: Mapping[str, str]) -> list[str]:
    """Alerts of ours whose names are taken by rules from elsewhere, a sentence each with the remedy.

    ``extra_labels`` tell our alerts from those that this collection brought for another cluster.
    """
    names = {rule["alert"] for rule in alerts_of(groups)}
    found = []
    for group, rule in _rules(loaded):
        name, file = rule["name"], str(group.get("file", ""))
        if rule.get("type") == "recording" or name not in names:
            continue
        where = f"{file}, group {group.get('name')}"
        if not is_ours(rule.get("labels")):
            found.append(
                f"groups: an alert {name} is loaded already ({where}) and is not of this collection: rename it there, "
                f"or switch ours off by overrides: {{{name}: {{enabled: false}}}}"
            )
        elif not own_file(file) and _has(rule, extra_labels):
            found.append(
                f"groups: {name} of this collection is loaded already from another place ({where}) and would fire "
                "twice: take it out there, or choose that delivery"
            )
    return sorted(set(found))


def differences(
    groups: Groups, loaded: Loaded, own_file: OwnFile, same: Same, extra_labels: Mapping[str, str]
) -> list[str]:
    """What keeps the loaded rules from being exactly these, in words; empty when they are."""
    theirs: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for group, rule in _rules(loaded):
        if own_file(str(group.get("file", ""))):
            theirs.setdefault((str(group.get("name")), rule["name"]), []).append(rule)
    found = []
    for group in groups:
        for rule in group["rules"]:
            # Several rules may record one series, and other clusters may have theirs under the same names.
            candidates = theirs.get((group["name"], rule_name(rule)), [])
            match = next((each for each in candidates if _is(rule, each, group, same)), None)
            if match is not None:
                candidates.remove(match)
            else:
                found.append(f"{rule_name(rule)} is {'loaded as it was before' if candidates else 'not loaded'}")
    stale = [rule for rules in theirs.values() for rule in rules if is_ours(rule.get("labels"))]
    names = {words.partition(" ")[0] for words in found}
    left = {rule["name"] for rule in stale if _has(rule, extra_labels)} - names
    return [*found, *(f"{name} is still loaded" for name in sorted(left))]


def unhealthy(groups: Groups, loaded: Loaded) -> list[str]:
    """Our rules that the server could not evaluate, or has not yet, with its own words."""
    wanted = {(group["name"], rule_name(rule)) for group in groups for rule in group["rules"]}
    return [
        f"{rule['name']} is {rule.get('health', 'unknown')}"
        + (f": {rule['lastError']}" if rule.get("lastError") else "")
        for group, rule in _rules(loaded)
        if (str(group.get("name")), rule["name"]) in wanted and rule.get("health") != "ok"
    ]


def same_words(one: str, other: str) -> bool:
    """Whether two expressions differ in spaces only: for servers that cannot be asked for their own form."""
    return "".join(one.split()) == "".join(other.split())


def _has(rule: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    return labels.items() <= dict(rule.get("labels") or {}).items()


def _rules(loaded: Loaded) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for group in loaded:
        for rule in group.get("rules") or []:
            yield group, rule


def _is(rule: Mapping[str, Any], loaded: Mapping[str, Any], group: Mapping[str, Any], same: Same) -> bool:
    """Operators and ``group.labels`` add labels of their own; what is asked for has to be there."""
    labels = dict(group.get("labels") or {}) | dict(rule.get("labels") or {})
    wanted = [("labels", labels), ("annotations", dict(rule.get("annotations") or {}))]
    return (
        all(items.items() <= dict(loaded.get(part) or {}).items() for part, items in wanted)
        and seconds(rule.get("for")) == float(loaded.get("duration") or 0)
        and seconds(rule.get("keep_firing_for")) == float(loaded.get("keepFiringFor") or 0)
        and same(rule["expr"], str(loaded.get("query", "")))
    )
