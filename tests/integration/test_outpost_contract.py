"""The stand-in for authentik answers as the embedded outpost of a real one does, well and in trouble.

What a real one answers was recorded from authentik 2026.5 with PostgreSQL 15.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.http_in_pod import Answer, Door, ask
from tests.integration.lab_cluster import eventually
from tests.integration.standin import StandIn
from tests.integration.support_login import LOGIN, QUESTION, callback_of, cookie_of, forwarded, log_in

pytestmark = pytest.mark.alone

HOST = "private.lab.test"
RIGHT = forwarded(HOST, "/page?a=b&c=d")
IDENTITY = (
    *("Username", "Groups", "Entitlements", "Email", "Name", "Uid", "Jwt"),
    *("Meta-Jwks", "Meta-Outpost", "Meta-Provider", "Meta-App", "Meta-Version"),
)
COOKIE = re.compile(
    r"authentik_proxy_[0-9a-f]{8}=[A-Z2-7]{52}; Path=/; Expires=[^;]+ GMT; "
    r"Max-Age=(\d+); HttpOnly; Secure; SameSite=Lax"
)


@pytest.fixture
def door(outpost: StandIn) -> Door:
    """The HTTP port of one of the outpost's pods."""
    return outpost.door(outpost.pods()[0])


def question(door: Door, headers: Mapping[str, str] = RIGHT, *, cookie: str = "", time_limit: float = 10) -> Answer:
    """The answer to what Traefik asks."""
    more = {"Cookie": cookie} if cookie else {}
    return ask(door, "outpost", QUESTION, headers={**headers, **more}, time_limit=time_limit)


def credentials(text: str) -> str:
    """A Basic login of that text."""
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_a_stranger_is_led_straight_to_the_login_with_one_cookie(door: Door) -> None:
    answer = question(door)
    location = urlsplit(answer.header("Location"))
    values = {name: value[0] for name, value in parse_qs(location.query).items()}
    assert (answer.status, location.netloc, location.path) == (302, "auth.lab.test", "/application/o/authorize/")
    assert values["redirect_uri"] == f"https://{HOST}{LOGIN}/callback?X-authentik-auth-callback=true"
    claims = json.loads(base64.urlsafe_b64decode(values["state"].split(".")[1] + "=="))
    assert claims["redirect"] == f"https://{HOST}/page?a=b&c=d"
    (line,) = answer.all_headers("Set-Cookie")
    found = COOKIE.fullmatch(line)
    assert found, line
    assert found[1] == "3601"
    assert line.startswith(f"authentik_proxy_{hashlib.sha256(values['client_id'].encode()).hexdigest()[:8]}=")
    assert claims["sid"] == cookie_of(answer).partition("=")[2]
    assert answer.body.startswith('<a href="https://auth.lab.test/')
    assert (answer.header("Content-Type"), answer.header("Vary")) == ("text/html; charset=utf-8", "Accept-Encoding")


def test_a_session_is_known_to_every_replica(outpost: StandIn, door: Door) -> None:
    cookie = log_in(door, HOST)
    for pod in outpost.pods():
        answer = question(outpost.door(pod), RIGHT | {"User-Agent": "browser"}, cookie=f"theme=dark; {cookie}")
        names = [name for name, _ in answer.headers]
        assert (answer.status, answer.body, answer.header("Set-Cookie")) == (200, "", "")
        assert [name for name in IDENTITY if f"X-Authentik-{name}" not in names] == [], "this case, and no other"
        assert answer.header("X-Authentik-Username") == "alice"
        assert answer.header("User-Agent") == "browser"
        assert answer.header("X-Powered-By") == "authentik_proxy2"


@pytest.mark.parametrize("spoil", [lambda cookie: cookie + "A", lambda cookie: cookie[:-20] + "A" * 20])
def test_an_unknown_session_keeps_its_cookie(outpost: StandIn, door: Door, spoil: Callable[[str], str]) -> None:
    cookie = spoil(log_in(door, HOST))
    made = outpost.state(door.pod)["sessions"]
    answer = question(door, cookie=cookie)
    assert (answer.status, answer.header("Set-Cookie")) == (302, "")
    assert not answer.header("X-Authentik-Username")
    assert outpost.state(door.pod)["sessions"] == made


def test_every_question_without_a_cookie_makes_a_session(outpost: StandIn, door: Door) -> None:
    before = outpost.state(door.pod)["sessions"]
    cookies = {cookie_of(question(door)) for _ in range(5)}
    assert len(cookies) == 5
    assert outpost.state(door.pod)["sessions"] == before + 5
    assert question(door, cookie=cookies.pop()).status == 302
    assert outpost.state(door.pod)["sessions"] == before + 5


@pytest.mark.parametrize(
    ("headers", "status", "body", "at_least"),
    [
        (forwarded("unknown.test"), 404, "Not Found", 0.07),
        (forwarded(HOST.upper()), 404, "Not Found", 0.07),
        (forwarded(f"{HOST}:443"), 404, "Not Found", 0.07),
        (forwarded(f"{HOST}."), 404, "Not Found", 0.07),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Uri": "/"}, 404, "Not Found", 0.07),
        ({"X-Forwarded-Host": HOST, "X-Forwarded-Uri": "/"}, 500, "configuration error", 0.26),
        ({"Host": HOST}, 500, "configuration error", 0.26),
        (forwarded(HOST, "/secret?#%"), 500, "configuration error", 0.26),
        (forwarded(HOST, "/%zz"), 500, "configuration error", 0.26),
        (forwarded("a%zz.domain.lab.test"), 500, "configuration error", 0.26),
        (forwarded("a%zz"), 404, "Not Found", 0.07),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": HOST}, 302, "Found", 0),
        ({"Host": HOST, "X-Forwarded-Proto": "https"}, 302, "Found", 0),
        (forwarded(HOST, "/skipped/page"), 200, "", 0),
    ],
)
def test_what_is_asked_wrongly(door: Door, headers: Mapping[str, str], status: int, body: str, at_least: float) -> None:
    answer = question(door, headers)
    assert answer.status == status
    assert body in answer.body
    assert answer.seconds >= at_least
    assert not answer.header("X-Authentik-Username")


def test_a_domain_wide_provider_has_a_cookie_for_its_domain(door: Door) -> None:
    assert "; Domain=domain.lab.test; " in question(door, forwarded("any.domain.lab.test")).header("Set-Cookie")


@pytest.mark.parametrize("path", [f"{QUESTION}/", f"{QUESTION}/more", "/nothing"])
def test_other_paths_are_not_found(door: Door, path: str) -> None:
    assert ask(door, HOST, path, headers=RIGHT).status == 404


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (credentials("alice:wrong"), 302),
        ("Bearer wrong", 302),
        (credentials("alice:app-password"), 200),
        ("Bearer app-password-alice", 200),
    ],
)
def test_credentials_are_a_question_for_the_core(door: Door, authorization: str, status: int) -> None:
    answer = question(door, RIGHT | {"Authorization": authorization})
    assert answer.status == status
    assert answer.seconds >= 0.07
    assert COOKIE.fullmatch(answer.header("Set-Cookie"))


def test_many_credentials_at_once_have_to_wait(door: Door) -> None:
    with ThreadPoolExecutor(24) as pool:
        wrong = [RIGHT | {"Authorization": credentials(f"x:{number}")} for number in range(24)]
        answers = list(pool.map(lambda headers: question(door, headers), wrong))
    assert {answer.status for answer in answers} == {302}
    assert max(answer.seconds for answer in answers) > 0.9


@pytest.mark.parametrize("by", ["callback", "question"])
def test_a_login_ends_with_a_session_and_its_code_is_used_up(door: Door, by: str) -> None:
    away = question(door)
    path = callback_of(away.header("Location"))

    def come_back(path: str) -> Answer:
        if by == "callback":
            return ask(door, HOST, path, headers={"Cookie": cookie_of(away)})
        return question(door, forwarded(HOST, "/?" + path.partition("?")[2]), cookie=cookie_of(away))

    assert (come_back(path[:-1] + "~").status, come_back(path[:-1] + "~").body) == (400, ""), "no state of ours"
    back = come_back(path)
    found = COOKIE.fullmatch(back.header("Set-Cookie"))
    assert (back.status, back.header("Location")) == (302, f"https://{HOST}/page?a=b&c=d")
    assert found, "the same name"
    assert int(found[1]) <= 3600
    assert question(door, cookie=cookie_of(back)).header("X-Authentik-Username") == "alice"
    assert come_back(path).status == 400


def test_a_callback_of_another_session_is_refused(door: Door) -> None:
    path = callback_of(question(door).header("Location"))
    assert ask(door, HOST, path, headers={"Cookie": cookie_of(question(door))}).status == 400
    assert ask(door, HOST, path).status == 400


@pytest.mark.parametrize("by", ["sign_out", "question"])
def test_signing_out_ends_the_session(door: Door, by: str) -> None:
    cookie = log_in(door, HOST)

    def sign_out() -> Answer:
        if by == "question":
            return question(door, forwarded(HOST, "/?X-authentik-logout=true"), cookie=cookie)
        return ask(door, HOST, f"{LOGIN}/sign_out", headers={"Cookie": cookie})

    first = sign_out()
    assert first.status == 302
    assert "/end-session/?id_token_hint=ey" in first.header("Location")
    assert question(door, cookie=cookie).status == 302
    again = sign_out()
    assert f"{LOGIN}/start?rd=" in again.header("Location")


def test_start_leads_to_the_login_and_back_to_no_foreign_site(door: Door) -> None:
    for target in ("", "https://elsewhere.test/", "//elsewhere.test/", f"https://{HOST}.elsewhere.test/"):
        away = ask(door, HOST, f"{LOGIN}/start" + (f"?rd={target}" if target else ""))
        assert urlsplit(away.header("Location")).path == "/application/o/authorize/"
        back = ask(door, HOST, callback_of(away.header("Location")), headers={"Cookie": cookie_of(away)})
        assert urlsplit(back.header("Location")).netloc == HOST


def test_a_browser_can_log_in_through_traefik_and_comes_back(door: Door, traefik_doors: list[Door]) -> None:
    site = traefik_doors[0]
    first = ask(site, HOST, "/get?page=1")
    login = urlsplit(first.header("Location"))
    form = ask(door, login.netloc, f"{login.path}?{login.query}")
    assert form.status == 200
    assert f'action="http://{HOST}{LOGIN}/callback"' in form.body
    back = ask(site, HOST, callback_of(first.header("Location"), "bob"), headers={"Cookie": cookie_of(first)})
    assert (back.status, back.header("Location")) == (302, f"http://{HOST}/get?page=1")
    page = ask(site, HOST, "/get?page=1", headers={"Cookie": cookie_of(back)})
    assert page.status == 200
    assert "bob@lab.test" in page.body


@pytest.mark.parametrize(
    ("mode", "stranger", "member", "ready"),
    [("db_stopped", 400, 302, 500), ("db_readonly", 400, 200, 200), ("db_no_table", 400, 302, 200)],
)
def test_a_database_in_trouble(outpost: StandIn, door: Door, mode: str, stranger: int, member: int, ready: int) -> None:
    cookie = log_in(door, HOST)
    with outpost.failing(mode, [door.pod]):
        answers = question(door), question(door, cookie=cookie)
        assert ask(door, "any", "/-/health/ready/").status == ready
        assert ask(door, "any", f"{LOGIN}/ping").status == 204
    assert [answer.status for answer in answers] == [stranger, member]
    assert answers[0].body == ""
    assert not any(answer.header("Set-Cookie") for answer in answers)
    assert question(door, cookie=cookie).status == 200


def test_a_database_that_hangs_silences_everybody(outpost: StandIn, door: Door) -> None:
    cookie = log_in(door, HOST)
    with outpost.failing("db_hung", [door.pod]):
        assert question(door, time_limit=1).timed_out
        assert question(door, cookie=cookie, time_limit=1).timed_out
        assert ask(door, "any", "/-/health/ready/", time_limit=1).timed_out


def test_a_core_that_hangs_silences_only_what_needs_it(outpost: StandIn, door: Door) -> None:
    cookie = log_in(door, HOST)
    away = question(door)
    with outpost.failing("core_hung", [door.pod]):
        assert (question(door).status, question(door, cookie=cookie).status) == (302, 200)
        back = callback_of(away.header("Location"))
        silent = [
            question(door, RIGHT | {"Authorization": credentials("alice:wrong")}, time_limit=1),
            question(door, forwarded("unknown.test"), time_limit=1),
            question(door, {"X-Forwarded-Host": HOST}, time_limit=1),
            ask(door, HOST, back, headers={"Cookie": cookie_of(away)}, time_limit=1),
        ]
        assert all(answer.timed_out for answer in silent), silent


def test_a_pod_that_starts_is_ready_before_it_knows_its_applications(outpost: StandIn, door: Door) -> None:
    cookie = log_in(door, HOST)
    with outpost.failing("starting", [door.pod], ms=1500):
        began = time.monotonic()
        refused = question(door, cookie=cookie)
        assert (refused.status, refused.header("Retry-After"), refused.body) == (503, "5", "authentik starting")
        assert ask(door, "any", "/-/health/ready/").status == 503
        eventually(lambda: ask(door, "any", "/-/health/ready/").status == 200, "ready", 5)
        assert question(door, cookie=cookie).status == 404
        eventually(lambda: question(door, cookie=cookie).status == 200, "right", 8)
        assert 4.5 <= time.monotonic() - began < 8
