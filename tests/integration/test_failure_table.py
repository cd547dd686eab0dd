"""Every way of failing of a login service behind its fallback proxy, at an even load through every Traefik replica.

Writes what it measured to build/failure-table.json and .txt; docs/failure-table.md says what the columns mean.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack

import pytest
from _pytest.mark import ParameterSet

from tests.integration.support_even_load import EvenLoad, Reply, slow
from tests.integration.support_failure_figures import Figures, Row, percentile, row_of
from tests.integration.support_failures import HARMLESS, WAYS, Way, crashes, fallen_back, replace_proxies
from tests.integration.support_fallback import basic
from tests.integration.support_fallback_lab import (
    HOST,
    OPEN,
    PLAIN,
    PROXY,
    RETRY_AFTER,
    SHUT,
    SPACE,
    FallbackLab,
)

pytest_plugins = ["tests.integration.support_fallback_lab"]
pytestmark = pytest.mark.quiet

RATE = 40
# A look at a password of these tests takes 0.06 to 0.1 s on processors that are free.
STARVED_SECONDS, MOST_REPEATS = 0.3, 2
WELL_SECONDS, OUTAGE_SECONDS, SETTLED_AFTER, LONGEST = 1.0, 4.5, 3.0, 2.5
FORGED = {
    "X-authentik-username": "forged",
    "X-authentik-groups": "forged",
    "X-authentik-meta-app": "forged",
    "X-Auth-Fallback": "forged",
}
TURNS = (
    *("member", "plain", "stranger", "emergency", "member", "shut", "plain", "member", "stranger", "member"),
    *("open", "plain", "member", "wrong", "emergency", "member", "stranger", "plain", "member", "emergency"),
)

# What each client may get: while the target is well, and while the fallback answers. A member stays in by his session,
# which proxies that have only just started do not know.
WELL = {"member": 200, "stranger": 302, "emergency": 302, "wrong": 302, "shut": 302, "open": 302, "plain": 200}
FALLEN = {"member": 200, "stranger": 401, "emergency": 200, "wrong": 401, "shut": 503, "open": 200, "plain": 200}
FORGOTTEN = FALLEN | {"member": 401}


# One way of each kind: silent, gone, an error, passed on, and a name that is no longer there.
SHORT_WAYS = ("hung", "scaled to 0", "answers 500", "answers 404", "name of the pods is gone")
SHORT_HARMLESS = ("half of the replicas hung",)


def in_two_depths(names: Iterable[str], short: Sequence[str]) -> list[ParameterSet]:
    """Every name, those that `make test` leaves out with the mark for it."""
    every_row = pytest.mark.variation("every row of the failure table")
    return [pytest.param(name, marks=() if name in short else every_row) for name in names]


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    """The table of this run, written when the module's tests are over."""
    found = Figures()
    yield found
    found.write()


def mixed_load(lab: FallbackLab, session: dict[str, str]) -> EvenLoad:
    """Every kind of client, each with forged identities."""
    wrong = basic(password="wrong")
    clients: dict[str, dict[str, str]] = {
        "stranger": FORGED,
        "member": FORGED | session,
        "emergency": FORGED | basic(),
        "wrong": FORGED | wrong,
        "shut": FORGED | {"Host": SHUT} | basic(),
        "open": FORGED | {"Host": OPEN},
        "plain": {"Host": PLAIN},
    }
    return EvenLoad(lab.nodes(), HOST, clients, RATE, turns=TURNS)


def complaints(load: EvenLoad, passed: int | None, fallen: Mapping[str, int] = FALLEN) -> list[str]:
    """What must never be, whatever state the target is in. ``passed``: what may be passed on for some time."""
    # What the machine itself takes is seen at the site that asks nobody.
    longest = LONGEST + load.longest("plain")
    return [line for reply in load.replies for line in complaints_about(reply, passed, longest, fallen)]


def complaints_about(reply: Reply, passed: int | None, longest: float, fallen: Mapping[str, int]) -> list[str]:
    """What must never be said of one reply."""
    found = []
    # A wrong password that a busy machine could not look at in time is "too many attempts".
    limited = reply.who == "wrong" and reply.status == 429
    may_pass = reply.who != "plain" and reply.status == passed
    if reply.status not in (WELL[reply.who], fallen[reply.who]) and not limited and not may_pass:
        found.append(f"{reply.who} got {reply.status} {dict(reply.headers)}")
    if reply.seconds >= longest:
        found.append(f"{reply.who} waited {reply.seconds:.2f} s")
    if reply.who != "plain" and "forged" in str({name: reply.seen[name] for name in reply.seen if "auth" in name}):
        found.append(f"{reply.who} forged what the site saw")
    user = reply.seen.get("x-authentik-username", [""])[0]
    rightful = {"member": "alice", "emergency": "emergency"}.get(reply.who, "")
    if reply.who != "plain" and reply.status == 200 and user != rightful:
        found.append(f"{reply.who} reached the site as {user!r}")
    if reply.status == 503 and (not reply.fell_back or reply.headers.get("retry-after") != str(RETRY_AFTER)):
        found.append(f"{reply.who} got a 503 that is not the policy's")
    if reply.status == 401 and not reply.headers.get("www-authenticate", "").startswith("Basic realm="):
        found.append(f"{reply.who} got 401 without a challenge")
    return found


def back_after(lab: FallbackLab, load: EvenLoad, healed: float) -> float:
    """Seconds from the healing to when the last request that fell back was sent.

    Over when every proxy has found the target well: each of them checks by itself, and what one that is still falling
    back answers belongs to this outage, not to the next.
    """
    fallen_back(lab, SPACE, PROXY, False)
    known = time.monotonic()

    def by_session(reply: Reply) -> bool:
        return reply.who == "member" and reply.status == 200 and not reply.fell_back

    load.first(by_session, known, "sessions count again", 30)
    fallen = [reply.sent for reply in load.between(healed, known) if reply.fell_back]
    return max(fallen, default=healed) - healed


def reasons(lab: FallbackLab, proxy: str) -> dict[str, float]:
    """Fallback decisions of the proxy's pods by reason."""
    found: dict[str, float] = {}
    for sample, value in lab.counted(SPACE, proxy, "fallback_proxy_fallbacks_total").items():
        reason = sample.partition('reason="')[2].partition('"')[0]
        found[reason] = found.get(reason, 0) + value
    return found


def measured(lab: FallbackLab, session: dict[str, str], name: str, way: Way) -> tuple[Row, EvenLoad, float, float]:
    """One outage under load: its figures, all that was answered, and when it had settled and was over.

    Again where answers were slow while the machine was too busy to tell why.
    """
    found = measured_once(lab, session, name, way)
    for _again in range(MOST_REPEATS):
        _row, load, settled, over = found
        if not slow(load, settled, over) or not starved(load):
            break
        print(f"{name}: measured again, the machine was too busy: {slow(load, settled, over)}")
        found = measured_once(lab, session, name, way)
    return found


def starved(load: EvenLoad) -> bool:
    """Whether others had the processors: a look at a password is nothing but computing, and took far longer."""
    return any(reply.seconds > STARVED_SECONDS for reply in load.replies if reply.who == "wrong")


def measured_once(lab: FallbackLab, session: dict[str, str], name: str, way: Way) -> tuple[Row, EvenLoad, float, float]:
    """As ``measured``, whatever the machine does."""
    before = reasons(lab, PROXY)
    load = mixed_load(lab, session)
    with load.running():
        load.answered_until(time.monotonic() + WELL_SECONDS)
        with ExitStack() as outage:
            began = time.monotonic()
            outage.enter_context(way.fault(lab))
            if way.later:
                began = load.first(lambda reply: reply.fell_back, began, "the failure sets in", 30)
            over = began + OUTAGE_SECONDS
            load.answered_until(over)
        healed = time.monotonic()
        back = back_after(lab, load, healed)
    after = reasons(lab, PROXY)
    by_reason = {reason: int(after[reason] - before.get(reason, 0)) for reason in after}
    row = row_of(name, load, began, began + SETTLED_AFTER, over, back=back, by_reason=by_reason)
    return row, load, began + SETTLED_AFTER, over


@pytest.mark.slow
@pytest.mark.parametrize("name", in_two_depths(WAYS, SHORT_WAYS))
def test_no_way_of_failing_is_felt(proxies: FallbackLab, session: dict[str, str], figures: Figures, name: str) -> None:
    way = WAYS[name]
    row, load, settled, over = measured(proxies, session, name, way)
    figures.add(row, load, settled, over)
    assert not complaints(load, way.passed)
    for who in set(load.turns):
        assert set(load.statuses(settled, over, who)) - {429} == {FALLEN[who]}, who
    assert not slow(load, settled, over)
    assert row.back_seconds < 10
    told = sum(reply.fell_back for reply in load.replies)
    assert sum(row.by_reason.values()) == told, "every fallback is counted, once"
    if way.reasons:
        assert any(row.by_reason.get(reason) for reason in way.reasons), row.by_reason


@pytest.mark.slow
@pytest.mark.parametrize("name", in_two_depths(HARMLESS, SHORT_HARMLESS))
def test_nothing_falls_back_while_somebody_answers(
    proxies: FallbackLab, session: dict[str, str], figures: Figures, name: str
) -> None:
    row, load, settled, over = measured(proxies, session, name, Way(HARMLESS[name]))
    figures.add(row, load, settled, over)
    assert not complaints(load, None)
    for who in WELL:
        assert set(load.statuses(0, float("inf"), who)) == {WELL[who]}, who
    assert not slow(load, settled, over)
    assert not any(row.by_reason.values())


@pytest.mark.slow
def test_proxies_that_start_without_the_name_fall_back_and_recover(
    proxies: FallbackLab, session: dict[str, str], figures: Figures
) -> None:
    load = mixed_load(proxies, session)
    with ExitStack() as gone:
        gone.enter_context(WAYS["name of the pods is gone"].fault(proxies))
        replace_proxies(proxies.cluster, SPACE, PROXY)
        with load.running():
            began = time.monotonic()
            over = began + 2
            load.answered_until(over)
            gone.close()
            back = back_after(proxies, load, time.monotonic())
    row = row_of("name missing at start", load, began, began, over, back=back, by_reason={})
    figures.add(row, load, over, over)
    assert not complaints(load, None, FORGOTTEN)
    for who in WELL:
        assert set(load.statuses(began, over, who)) - {429} == {FORGOTTEN[who]}, who
    assert not slow(load, began, over)
    assert back < 10


@pytest.mark.slow
@pytest.mark.variation("every row of the failure table")
def test_the_site_is_as_quick_as_one_without_a_login(figures: Figures) -> None:
    guarded = [reply.seconds for reply in figures.settled if reply.who != "plain"]
    plain = [reply.seconds for reply in figures.settled if reply.who == "plain"]
    assert len(plain) > 100, "the ways of failing were measured before"
    assert percentile(guarded, 99) < 1.5 * percentile(plain, 99) + 0.01


def test_no_process_of_a_proxy_ended_by_itself(proxies: FallbackLab) -> None:
    assert not crashes(proxies, SPACE)
