# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Puts our inhibition rules into the text of somebody's Alertmanager configuration and leaves all else as it is. Pure.

The text is changed by lines and not written anew: comments, order and quoting stay the user's. What comes out is read
again and compared, so that a form which is not foreseen here is refused and never spoilt.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.rules import MARK

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

KEY = "inhibit_rules"
BEGIN, END = "# resilient.traefik: begin", "# resilient.traefik: end"
_BLOCK = re.compile(rf"^[ \t]*{re.escape(BEGIN)}.*?^[ \t]*{re.escape(END)}[^\n]*\n?", re.MULTILINE | re.DOTALL)
_RULE_KEYS = {"name", "source_matchers", "target_matchers", "equal"}


class NotMergeable(ResilientError):
    """The configuration is not in a form that can be added to."""


def with_inhibition(text: str, wanted: Sequence[Mapping[str, Any]]) -> str:
    """The configuration with exactly these rules of ours. The text itself when it has them already.

    Raises NotMergeable, without any of the text: it may hold secrets.
    """
    configuration = _read(text)
    theirs = [rule for rule in _rules(configuration) if not is_ours(rule)]
    if same_rules(ours_in(text), wanted):
        return text
    bare = _BLOCK.sub("", text)
    result = _inserted(bare, wanted) if wanted else bare
    rest = {key: value for key, value in configuration.items() if key != KEY}
    if not _means(result, rest, [*theirs, *wanted]):
        raise NotMergeable(
            f"its {KEY} are written in a form that cannot be added to: write them as a plain list of the top level, "
            f"and take out rules on {MARK} that stand outside of the lines {BEGIN!r} and {END!r}"
        )
    return result


def lacking(text: str, wanted: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the rules that a configuration has not. Raises NotMergeable when it is no mapping."""
    present = [_comparable(rule) for rule in _rules(_read(text))]
    return [rule for rule in wanted if _comparable(rule) not in present]


def ours_in(text: str) -> list[Mapping[str, Any]]:
    """The rules of this collection in a configuration. Raises NotMergeable when it is no mapping."""
    return [rule for rule in _rules(_read(text)) if is_ours(rule)]


def is_ours(rule: Mapping[str, Any]) -> bool:
    """Whether both ends of the rule are limited to this collection's alerts."""
    return all(
        any(str(matcher).lstrip().startswith(MARK) for matcher in rule.get(end) or [])
        for end in ("source_matchers", "target_matchers")
    )


def faults_of(rules: Sequence[Any]) -> list[str]:
    """What is wrong with rules that are to be put in, a sentence each."""
    found = []
    for position, rule in enumerate(rules, start=1):
        if not isinstance(rule, Mapping):
            found.append(f"{KEY}: item {position} is no rule but {type(rule).__name__}")
        elif unknown := sorted(rule.keys() - _RULE_KEYS):
            found.append(f"{KEY}: item {position} has an unknown key {unknown[0]!r}")
        elif not is_ours(rule):
            found.append(
                f"{KEY}: item {position} is not limited to alerts with {MARK} at both ends, and could silence others: "
                f"add the matcher to source_matchers and target_matchers"
            )
    return found


def same_rules(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> bool:
    """Whether both are the same rules in any order."""
    return sorted(map(_comparable, one)) == sorted(map(_comparable, other))


# --- where an alert goes -----------------------------------------------------------------------------------------


def integrations(configuration: Mapping[str, Any], receiver: str) -> list[str]:
    """How a receiver tells people (``webhook``, ``email`` ...), by its lists of ``*_configs`` that hold anything."""
    for each in configuration.get("receivers") or []:
        if isinstance(each, Mapping) and each.get("name") == receiver:
            return sorted(key.removesuffix("_configs") for key in each if key.endswith("_configs") and each[key])
    return []


def read_configuration(text: str) -> dict[str, Any]:
    """The configuration as data. Raises NotMergeable, without any of the text."""
    return _read(text)


# --- the text ----------------------------------------------------------------------------------------------------


def _read(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict):
        raise NotMergeable("it is no YAML mapping: correct it first")
    if found.get(KEY) is not None and not isinstance(found[KEY], list):
        raise NotMergeable(f"its {KEY} are no list: correct them first")
    return found


def _means(text: str, rest: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]) -> bool:
    try:
        found = _read(text)
    except NotMergeable:
        return False
    same = rest == {key: value for key, value in found.items() if key != KEY}
    return same and same_rules(_rules(found), rules)


def _rules(configuration: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [rule for rule in configuration.get(KEY) or [] if isinstance(rule, Mapping)]


def _comparable(rule: Mapping[str, Any]) -> str:
    """A rule as text: matchers and labels in any order, without the spaces and quotes that mean nothing."""
    parts = {
        key: sorted(re.sub(r"[\s\"']", "", str(each)) for each in value) if isinstance(value, list) else value
        for key, value in rule.items()
        if value and key != "name"
    }
    return json.dumps(parts, sort_keys=True, default=str)


def _inserted(text: str, wanted: Sequence[Mapping[str, Any]]) -> str:
    if text and not text.endswith("\n"):
        text += "\n"
    node = _node(text)
    if node is None:
        return f"{text}{KEY}:\n{_block(wanted, 0)}"
    lines = text.splitlines(keepends=True)
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        at = _line_after(node.value[-1])
        return "".join([*lines[:at], _block(wanted, node.start_mark.column), *lines[at:]])
    # Nothing, or a list between brackets: it becomes one by lines.
    start, end = node.start_mark.index, node.end_mark.index
    written = text[start:end]
    if "#" in written or "&" in written or "*" in written:
        raise NotMergeable(f"its {KEY} stand between brackets with comments or anchors: write them as a plain list")
    items = yaml.safe_load(written) or []
    own = "".join(f"- {json.dumps(item)}\n" for item in items)
    comment, _newline, rest = text[end:].partition("\n") if written else ("", "", text[end:].removeprefix("\n"))
    return f"{text[:start].rstrip()}{comment}\n{own}{_block(wanted, 0)}{rest}"


def _node(text: str) -> Any:
    """The value of our key as the YAML parser saw it, None when the key is not there."""
    composed = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = composed.value if isinstance(composed, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == KEY), None)


def _line_after(node: Any) -> int:
    """The number of the line after the last one that an item of a list stands on."""
    mark = node.end_mark
    last = node
    # A block ends for the parser where the next thing begins, comments in between included.
    while isinstance(last, (yaml.MappingNode, yaml.SequenceNode)) and last.value and not last.flow_style:
        last = last.value[-1][1] if isinstance(last, yaml.MappingNode) else last.value[-1]
        mark = last.end_mark
    return int(mark.line) + (1 if mark.column else 0)


def _block(wanted: Sequence[Mapping[str, Any]], indent: int) -> str:
    body = yaml.safe_dump([dict(rule) for rule in wanted], sort_keys=False, width=120, allow_unicode=True)
    lines = [f"{BEGIN} (written by ansible: changes are lost)", *body.splitlines(), END]
    return "".join(f"{' ' * indent}{line}\n" for line in lines)
