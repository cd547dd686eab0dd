# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ways of counting that requests met something: what a drill's evidence is made of. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.resilient.traefik.plugins.module_utils.drill.backend import HANG, WELL
from ansible_collections.resilient.traefik.plugins.module_utils.drill.facts import Facts
from ansible_collections.resilient.traefik.plugins.module_utils.drill.moments import BEFORE, FAULT, RECOVERY


@dataclass(frozen=True)
class Source:
    """A way of counting. ``words`` say what is counted, with ``{n}`` and ``{needed}``.

    ``count`` gives None where it tells nothing in this drill; ``needed`` is the least that shows it.
    """

    words: str
    count: Callable[[Facts], int | None]
    needed: Callable[[Facts], int] = lambda facts: 1


def unless(counter: Callable[[Facts], bool], count: Callable[[Facts], int]) -> Callable[[Facts], int | None]:
    """Count only where there is no such counter: there the answers of visitors have to do."""
    return lambda facts: None if counter(facts) else count(facts)


def where(counter: Callable[[Facts], bool], count: Callable[[Facts], int]) -> Callable[[Facts], int | None]:
    """Count only where there is such a counter."""
    return lambda facts: count(facts) if counter(facts) else None


def counted(
    by: Callable[[Facts], bool],
    told: tuple[str, Callable[[Facts], int]],
    otherwise: tuple[str, Callable[[Facts], int]],
    needed: int = 1,
) -> list[Source]:
    """Return what a counter tells (words and count), and what the answers of visitors do where there is none."""
    pairs = ((told, where), (otherwise, unless))
    return [Source(words, when(by, count), lambda facts: needed) for (words, count), when in pairs]


def fell_back(facts: Facts) -> int:
    """What the proxies answered themselves, where that was most of it: a request in vain now and then is no outage."""
    asked = facts.asked(FAULT)
    return sum(count for second, count in facts.fell_back(FAULT).items() if 2 * count >= asked[second])


def through_those_that_went(facts: Facts) -> int:
    """What visitors got through Traefik's replicas that went, through the one that was asked the least."""
    names = [each.name for each in facts.went if each.replica]
    return min((sum(tally.before[name] for tally in facts.tallies) for name in names), default=0)


def through_those_that_came(facts: Facts) -> int:
    """What visitors got as before through replicas that came for those that went; 0 while fewer came than went.

    A StatefulSet's has the name of the one that went.
    """
    went = {each.name for each in facts.went if each.replica}
    known = {name for tally in facts.tallies for name, count in tally.before.items() if count} - went
    found = {name for tally in facts.tallies for name, count in tally.again.items() if count} - known
    return sum(tally.again[name] for tally in facts.tallies for name in found) if len(found) >= len(went) else 0


def stood_in(mode: str, moment: str) -> Callable[[Facts], int]:
    """Count what visitors asked the stand-ins of that mode at that moment."""
    return lambda facts: facts.stood_in(mode, moment).total()


def new_ones_asked(facts: Facts) -> int:
    """What visitors asked the pods that came for those that went."""
    uids = facts.uids()
    return sum(facts.stood_in(WELL, moment, others_than=uids).total() for moment in (FAULT, RECOVERY))


def answered_before(facts: Facts) -> int:
    """What the proxies did not answer themselves before the fault."""
    return max(0, facts.asked(BEFORE).total() - facts.fell_back(BEFORE).total())


def seen_before(facts: Facts) -> int:
    """What those who are to meet it got before the fault."""
    return sum(tally.before.total() for tally in facts.of_asking())


def seen_changed(facts: Facts) -> int:
    """What those who are to meet it got otherwise, or much later, during the fault."""
    return sum(tally.changed for tally in facts.of_asking())


def seen_again(facts: Facts) -> int:
    """What those who are to meet it got as before after the restoring."""
    return sum(tally.again.total() for tally in facts.of_asking())


def counts_well(facts: Facts) -> bool:
    """Whether the stand-ins that answer told their counters."""
    return facts.counts_stand_ins(WELL)


def counts_hung(facts: Facts) -> bool:
    """Whether the stand-ins that hang told their counters."""
    return facts.counts_stand_ins(HANG)


def has_retry(facts: Facts) -> bool:
    """Whether Traefik asks again before anybody learns that a pod was gone."""
    return facts.retries > 0
