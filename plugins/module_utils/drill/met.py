# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which visitors met what was broken: an answer as before proves nothing about one that never did. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Optional

from ansible_collections.resilient.traefik.plugins.module_utils.drill.backend import HANG, WELL
from ansible_collections.resilient.traefik.plugins.module_utils.drill.facts import Facts
from ansible_collections.resilient.traefik.plugins.module_utils.drill.moments import BEFORE, FAULT, RECOVERY

# A proxy counts all that it is asked, by whomever. Where that is at least such a part of what visitors asked, it is
# theirs: not every pod is seen every second.
_OURS = 0.5
# True, False, or None where it cannot be told of this one.
Met = Optional[bool]  # noqa: UP045 - the pylint of ansible-test refuses `bool | None` outside of annotations


def met(scenario: str, facts: Facts) -> list[Met]:
    """By visitor: whether a counter, or its own answers, show that its requests met what was broken."""
    return [_WAYS[scenario](facts, number) for number in range(len(facts.visitors))]


def nobody_met(found: Sequence[Met]) -> str:
    """A sentence where it is known that none of them met it, otherwise empty."""
    if any(each is not False for each in found):
        return ""
    return f"none of the {len(found)} visitors met what was broken: what they got proves nothing about it"


def _by_target(facts: Facts, number: int) -> Met:
    """By its mark at the pods that stand in, by its own answers, or as one of those whom the proxies answered."""
    tally = facts.tallies[number]
    if facts.stood_in(HANG, FAULT)[number] or tally.by_fallback:
        return True
    if number not in facts.asking or not facts.counts_proxies():
        return number in facts.asking and bool(tally.changed)
    # A fallback that lets everybody in shows in no answer.
    theirs = _theirs(facts.fell_back(FAULT), facts)
    return True if theirs is None and tally.changed else theirs


def _by_proxies_that_went(facts: Facts, number: int) -> Met:
    if number not in facts.asking:
        return False
    if not facts.counts_proxies():
        return bool(facts.tallies[number].changed) or None
    return _theirs(facts.asked(BEFORE, facts.uids()), facts)


def _theirs(counted: Mapping[int, int], facts: Facts) -> Met:
    """Whether what the proxies counted by second is what those asked who are to meet it."""
    if not counted:
        return False
    first, last = min(counted), max(counted)
    # Of the first and the last second only a part.
    whole = range(first + 1, last) or range(first, last + 1)
    sent = sum(tally.sent[second] for tally in facts.of_asking() for second in whole)
    return True if sum(counted.get(second, 0) for second in whole) >= _OURS * sent else None


def _by_answers(facts: Facts, number: int) -> Met:
    return number in facts.asking and bool(facts.tallies[number].changed)


def _through_replica(facts: Facts, number: int) -> Met:
    return any(facts.tallies[number].before[each.name] for each in facts.went if each.replica)


def _at_hung_backend(facts: Facts, number: int) -> Met:
    return facts.stood_in(HANG, FAULT)[number] > 0 or _by_answers(facts, number)


def _at_new_backend(facts: Facts, number: int) -> Met:
    """Before the fault at the pods that went, after it at those that came; where these do not count, not known."""
    if not facts.counts_stand_ins(WELL):
        return None if number in facts.asking else False
    uids = facts.uids()
    new = sum(facts.stood_in(WELL, moment, others_than=uids)[number] for moment in (FAULT, RECOVERY))
    return facts.stood_in(WELL, BEFORE)[number] > 0 and new > 0


_WAYS: Mapping[str, Callable[[Facts, int], Met]] = {
    "forward_auth_down": _by_target,
    "forward_auth_hung": _by_target,
    "forward_auth_unreachable": _by_target,
    "bot_block_down": _by_target,
    "proxy_restart": _by_proxies_that_went,
    "proxies_all_lost": _by_answers,
    "replica_lost": _through_replica,
    "node_drain": _through_replica,
    "backend_hung": _at_hung_backend,
    "backend_restart": _at_new_backend,
}
