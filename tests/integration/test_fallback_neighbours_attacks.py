"""Whoever reaches the neighbours' port, or stands between them, learns nothing and changes nothing. No cluster."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.support_fallback import SESSION, is_challenge
from tests.integration.support_fallback_forger import Forger, hash_of, raw, say, signed
from tests.integration.support_fallback_neighbours import NEIGHBOURS, Street, session, street
from tests.integration.support_fallback_target import HOST, MEMBER
from tests.integration.test_fallback_neighbours import GRACE

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback

STRANGER = b"POST /neighbours HTTP/1.1\r\nHost: n\r\n"
MADE_UP = "".join(f"{name}: {value}\r\n" for name, value in signed("a key that was guessed", "{}").items()).encode()


@pytest.fixture
def two(nginx: Path, tmp_path: Path) -> Iterator[Street]:
    """Two neighbours, of which the first has seen the member's session."""
    with street(nginx, tmp_path, **GRACE) as made:
        assert made.proxies[0].ask(SESSION).status == 200
        yield made


def names(two: Street) -> tuple[str, str]:
    """By which hashes the member's session and its cookies are known."""
    return hash_of(two.key, "in", f"{HOST}\n{MEMBER}\n"), hash_of(two.key, "out", MEMBER)


def question(two: Street) -> str:
    """What a neighbour asks about the member's session."""
    member, cookies = names(two)
    return json.dumps({"session": member, "cookies": cookies})


def ending(what: str, name: str) -> str:
    """What a neighbour tells of one that has ended."""
    return json.dumps({"ended": [f"{what} {name}"]})


def all_fall(two: Street) -> list[str | None]:
    """Who goes on through which proxy, when the target is down."""
    two.proxies[0].switch("500")
    two.all_down()
    return [answer.header("X-Auth-Fallback") for answer in two.everybody(headers=SESSION)]


STRANGERS = {
    "nothing": b"GET / HTTP/1.1\r\nHost: n\r\n\r\n",
    "metrics": b"GET /metrics HTTP/1.1\r\nHost: n\r\n\r\n",
    "unsigned": STRANGER + b"Content-Length: 2\r\n\r\n{}",
    "guessed": STRANGER + MADE_UP + b"Content-Length: 2\r\n\r\n{}",
    # The end comes before the body, which is never read.
    "long": STRANGER + MADE_UP + b"Content-Length: 60000\r\n\r\n",
    "chunked": STRANGER + MADE_UP + b"Transfer-Encoding: chunked\r\n\r\n",
    "empty": STRANGER
    + b"X-Neighbour-Time: 0\r\nX-Neighbour-Nonce: 0\r\nX-Neighbour-Mac: \r\nContent-Length: 2\r\n\r\n{}",
}


def test_a_stranger_is_not_answered_and_nothing_is_read_of_him(two: Street) -> None:
    for name, data in STRANGERS.items():
        started = time.monotonic()
        assert raw("127.0.2.11", two.neighbours_port, data) == b"", name
        assert time.monotonic() - started < 0.5, name


def test_what_is_not_a_request_is_refused_or_closed(two: Street) -> None:
    for data in (b"\x16\x03\x01\x02\x00", STRANGER + b"X: " + b"x" * 5000 + b"\r\n\r\n", b"GET", b""):
        found = raw("127.0.2.11", two.neighbours_port, data)
        assert b"neighbour" not in found.lower()
        assert found == b"" or b" 400 " in found.splitlines()[0]


def test_a_question_counts_for_a_minute_and_an_order_once(two: Street) -> None:
    address, port = "127.0.2.11", two.neighbours_port
    asked = signed(two.key, question(two))
    status, sealed = say(address, port, question(two), asked)
    assert status == 200
    assert "alice" not in sealed
    assert len(sealed) > 100
    assert say(address, port, question(two), signed(two.key, question(two), 61))[0] == 0
    assert say(address, port, question(two), signed(two.key, question(two), -61))[0] == 0
    other = ending("out", names(two)[1])
    assert say(address, port, other, asked)[0] == 0, "another body than that which was signed"
    unknown = ending("out", "x" * 43)
    order = signed(two.key, unknown)
    assert [say(address, port, unknown, order)[0] for _ in range(3)] == [200, 0, 0]
    assert all_fall(two) == ["grace", "grace"]


def test_what_is_no_hash_is_no_question(two: Street) -> None:
    for name in ("x", "x" * 44, "../" * 14 + "x", "x" * 43 + "\n", 7, None, {"a": 1}):
        body = json.dumps({"session": name, "cookies": name})
        assert say("127.0.2.11", two.neighbours_port, body, signed(two.key, body))[0] == 0, name
    assert all_fall(two) == ["grace", "grace"]


def test_made_up_endings_drive_no_session_out(two: Street) -> None:
    """Even by who has the key: what is not kept cannot be in doubt, and signings out have a place of their own."""
    for _ in range(60):
        body = json.dumps(
            {"ended": [f"{what} {secrets.token_hex(21)}x" for what in ("out", "doubt") for _ in range(200)]}
        )
        assert say("127.0.2.11", two.neighbours_port, body, signed(two.key, body))[0] == 200
    assert all_fall(two) == ["grace", "grace"]


@pytest.mark.parametrize("answer", ["clear", "replay"])
def test_a_forged_answer_is_none(two: Street, answer: str) -> None:
    forger = Forger("127.0.2.40", two.neighbours_port, "127.0.2.11")
    try:
        third = two.start(2)
        third.seen_well()
        # From here on the third knows the forger alone.
        two.names.others[NEIGHBOURS] = ["127.0.2.40"]
        time.sleep(7)
        third.switch("500")
        two.all_down()
        assert third.ask(SESSION).header("X-Auth-Fallback") == "grace", "as long as it passes on what it hears"
        forger.answer = answer
        assert is_challenge(third.ask(session(f"{MEMBER.partition('=')[2]}-other")))
        assert len(forger.asked) == 2
        said = "".join(body for _headers, body in forger.asked)
        assert "MEMBER" not in said
        assert HOST not in said
        assert not any("alice" in sealed for sealed in forger.sealed)
    finally:
        forger.close()
