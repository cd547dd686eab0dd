"""Requests that a login service fails at, each by its own fault, and what they may get from the proxy before it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import IDENTITY, SESSION, USER, Answer, Proxy, basic, is_challenge
from tests.integration.support_fallback_target import HOST

POLICIES = ("allow", "basic", "deny")
# How many of the two pods are well.
STATES = {"well": 2, "half well": 1, "down": 0}
# How many requests are made for each number of them at once.
REQUESTS = {1: 2, 8: 16, 32: 32}
CODES = itertools.count(1)


@dataclass(frozen=True)
class Poison:
    """One kind of request. ``answers`` are the statuses that it may get while a pod is well, all of them its own.

    ``uri`` and ``headers`` may hold ``{number}``, another one in each request.
    """

    answers: tuple[int, ...]
    uri: str = "/"
    host: str = HOST
    headers: Mapping[str, str] = field(default_factory=dict)
    once: bool = False


POISONS: dict[str, Poison] = {
    "a URI that the target refuses": Poison((500,), uri="/secret?#%"),
    "a path that the target refuses": Poison((500,), uri="/%zz"),
    "a host that the target refuses": Poison((500,), host="a%zz.dom.test"),
    "answered 400": Poison((400,), uri="/?poison=400"),
    "answered 404": Poison((404,), uri="/?poison=404"),
    "answered 500": Poison((500,), uri="/?poison=500"),
    "answered 502": Poison((502,), uri="/?poison=502"),
    "answered 503": Poison((503,), uri="/?poison=503"),
    "reset": Poison((502,), uri="/?poison=reset"),
    "never answered": Poison((504,), uri="/?poison=hang"),
    # Longer than `answer_within`: an error, unless somebody gives it the time.
    "answered after 1.2 s": Poison((302, 504), uri="/?poison=slow"),
    "an oversized answer": Poison((502,), uri="/?poison=oversized"),
    "an oversized question": Poison((400, 414, 431), uri="/" + "x" * 40_000),
    "wrong credentials, which take 1 s": Poison((302, 504), headers={"Authorization": "Basic eDp{number}"}),
    "the end of a login, which takes 1 s": Poison(
        (302,), uri="/?X-authentik-auth-callback=true&code={number}&state=x", once=True
    ),
    "the end of no login": Poison((400,), uri="/?X-authentik-auth-callback=true"),
}


def attack(proxy: Proxy, poison: Poison, at_once: int) -> list[tuple[bool, Answer]]:
    """The answers to one volley, each with whether the emergency login came with its request: with every second one."""

    def one(number: int) -> tuple[bool, Answer]:
        logs_in = bool(number % 2) and "Authorization" not in poison.headers
        code = f"{next(CODES):06}"
        headers = {name: value.format(number=code) for name, value in poison.headers.items()}
        uri = poison.uri.replace("{number}", code)
        return logs_in, proxy.ask(headers | (basic() if logs_in else {}), host=poison.host, uri=uri)

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(one, range(REQUESTS[at_once])))


def wrong_in_a_well_target(poison: Poison, answers: Sequence[tuple[bool, Answer]]) -> list[str]:
    """What no policy allows while a pod is well: anything but the request's own answer."""
    return [
        _told(logs_in, answer)
        for logs_in, answer in answers
        if answer.status not in poison.answers or answer.header("X-Auth-Fallback") is not None or _named(answer)
    ]


def wrong_in_an_outage(policy: str, answers: Sequence[tuple[bool, Answer]]) -> list[str]:
    """What the policy does not allow while no pod is well."""
    return [_told(logs_in, answer) for logs_in, answer in answers if not _is_allowed(policy, logs_in, answer)]


def _is_allowed(policy: str, logs_in: bool, answer: Answer) -> bool:
    if answer.status in (400, 414, 431):
        # The proxy itself takes no such question.
        return not _named(answer) and answer.header("X-Auth-Fallback") is None
    if answer.header("X-Auth-Fallback") != "true":
        return False
    if answer.status == 200:
        named = [answer.header(name) for name in IDENTITY if answer.header(name)]
        return (policy == "allow" and not named) or (policy == "basic" and logs_in and named == [USER])
    if policy == "basic":
        # Too many logins at once, or in a minute, have to wait.
        return is_challenge(answer) or answer.status in (429, 503)
    return policy == "deny" and answer.status == 503


def _named(answer: Answer) -> bool:
    return any(answer.header(name) for name in IDENTITY)


def _told(logs_in: bool, answer: Answer) -> str:
    fallback = ", a fallback" if answer.header("X-Auth-Fallback") else ""
    login = ", emergency login" if logs_in else ""
    return f"{answer.status}{fallback}{login}, {answer.seconds:.2f} s"


@dataclass
class Others:
    """What those got who did nothing wrong: a member and a stranger, by turns."""

    members: list[Answer] = field(default_factory=list)
    strangers: list[Answer] = field(default_factory=list)

    def wrong(self, longest: float) -> list[str]:
        """What differs from the answers of a target that is well, or took longer than so many seconds."""
        members = [
            f"member: {_told(False, answer)}"
            for answer in self.members
            if (answer.status, answer.header("X-Authentik-Username")) != (200, "alice") or answer.seconds > longest
        ]
        strangers = [
            f"stranger: {_told(False, answer)}"
            for answer in self.strangers
            if answer.status != 302 or answer.seconds > longest
        ]
        return members + strangers


@contextmanager
def others(proxy: Proxy) -> Iterator[Others]:
    """They ask as long as the context lasts, and have been answered at least three times each."""
    seen, stop = Others(), threading.Event()

    def ask() -> None:
        while not stop.wait(0.02) or len(seen.strangers) < 3:
            seen.members.append(proxy.ask(SESSION))
            seen.strangers.append(proxy.ask())

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield seen
    finally:
        stop.set()
        asking.join()


def put_into(proxy: Proxy, state: str) -> None:
    """So many pods are well as the state says, and the proxy knows."""
    well = STATES[state]
    for number, pod in enumerate(proxy.pods):
        pod.mode = "ok" if number < well else "hang"
        pod.slow_seconds, pod.core_seconds = 1.2, 1.0
    proxy.seen_well(well)
    if not well:
        eventually(lambda: proxy.metric("fallback_proxy_target_up") == 0, "down")
