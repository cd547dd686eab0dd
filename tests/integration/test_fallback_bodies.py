"""Bodies that Traefik sends along: nobody here needs them, and they lie nowhere. No cluster needed."""

from __future__ import annotations

import http.client
import re
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import SESSION, USER, Answer, Proxy, basic, is_challenge, running
from tests.integration.support_fallback_target import HOST, PATH

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
BYTES, PIECE = 40 << 20, b"x" * (1 << 16)
# Of the workers together, while a body comes in.
MEMORY_KIB = 4096
# What the log says where a check met a proxy without connections.
_NO_MEANS = "the target could not be asked"
LOGIN_PAGE = "/outpost.goauthentik.io/start"


def on_disk(proxy: Proxy) -> list[str]:
    """The bodies that workers keep in files: nginx deletes such a file at once, and has it open."""
    found = []
    for worker in proxy.workers():
        for number in Path(f"/proc/{worker}/fd").iterdir():
            with suppress(OSError):
                found.append(str(number.readlink()))
    return [path for path in found if "/body/" in path or "/proxy/" in path]


def memory_kib(proxy: Proxy) -> int:
    """What the workers have in memory together."""
    texts = [Path(f"/proc/{worker}/status").read_text() for worker in proxy.workers()]
    return sum(int(text.partition("VmRSS:")[2].split()[0]) for text in texts)


def head_of(path: str, *more: str) -> bytes:
    """A POST as Traefik asks with forwardBody, up to the body."""
    lines = [f"POST {path} HTTP/1.1", "Host: proxy.test", "X-Forwarded-Proto: https", f"X-Forwarded-Host: {HOST}"]
    lines += ["X-Forwarded-Uri: /", "X-Forwarded-Method: POST", "X-Forwarded-For: 192.0.2.7", *more, "", ""]
    return "\r\n".join(lines).encode()


@contextmanager
def opened(proxy: Proxy, path: str = PATH, *more: str) -> Iterator[socket.socket]:
    """A connection on which the head of a POST was sent."""
    with closing(socket.create_connection(("127.0.0.1", proxy.port), timeout=30)) as connection:
        connection.sendall(head_of(path, *more))
        yield connection


def answer_on(connection: socket.socket) -> Answer:
    """What comes back on it."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Answer(response.status, 0, response.getheaders(), response.read().decode())


def posted(port: int, path: str, headers: dict[str, str]) -> int:
    """The status of a POST with a body of 100 KB."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection):
        connection.request("POST", path, body=b"x" * 100_000, headers=headers)
        return connection.getresponse().status


@pytest.mark.parametrize("path", [PATH, LOGIN_PAGE])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_forty_megabytes_of_a_stranger_lie_nowhere(proxy: Proxy, path: str, chunked: bool) -> None:
    before = memory_kib(proxy)
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {BYTES}"
    piece = b"%x\r\n%s\r\n" % (len(PIECE), PIECE) if chunked else PIECE
    with opened(proxy, path, framing) as connection:
        for number in range(BYTES // len(PIECE)):
            connection.sendall(piece)
            if number % 100 == 99:
                assert not on_disk(proxy)
                assert memory_kib(proxy) - before < MEMORY_KIB
    assert "buffered to a temporary file" not in proxy.log()
    assert proxy.ask(SESSION).status == 200


def test_the_answer_does_not_wait_for_the_body_and_is_the_same(proxy: Proxy) -> None:
    for headers in ({}, SESSION):
        plain = proxy.ask(headers)
        lines = [f"{name}: {value}" for name, value in headers.items()]
        with opened(proxy, PATH, f"Content-Length: {BYTES}", *lines) as connection:
            answer = answer_on(connection)
        assert answer.status == plain.status
        own = {"Content-Length", "Content-Type", "Date", "Location", "Set-Cookie", "Transfer-Encoding"}
        for name in {name for name, _value in plain.headers} - own:
            assert answer.all(name) == plain.all(name), name
        assert bool(answer.header("Location")) is bool(plain.header("Location"))
        assert len(answer.all("Set-Cookie")) == len(plain.all("Set-Cookie"))


def test_a_redirect_within_the_site_stays_one(proxy: Proxy) -> None:
    for pod in proxy.pods:
        pod.poison = ("x-within", "within")
    with opened(proxy, PATH, "Content-Length: 5", "x-within: 1") as connection:
        location = answer_on(connection).header("Location")
    assert location == proxy.ask({"x-within": "1"}).header("Location") == "/outpost.goauthentik.io/start?rd=x"


def test_several_cookies_stay_several(proxy: Proxy) -> None:
    unknown = "Cookie: authentik_proxy_4e95c3c8=unknown; " + SESSION["Cookie"].partition("=")[0] + "=unknown"
    with opened(proxy, PATH, "Content-Length: 5", unknown) as connection:
        assert len(answer_on(connection).all("Set-Cookie")) == 3


def test_what_a_body_says_is_no_request(proxy: Proxy) -> None:
    inside, member = b"GET /metrics HTTP/1.1\r\nHost: proxy.test\r\n\r\n", f"Cookie: {SESSION['Cookie']}"
    with opened(proxy, PATH, f"Content-Length: {len(inside)}", member) as connection:
        connection.sendall(inside + head_of(PATH, "Content-Length: 0", "Connection: close", member))
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 ") == answers.count(b"HTTP/1.1 200 ") == 2, answers
    assert answers.lower().count(b"x-authentik-username: alice") == 2


def test_a_fallback_answers_as_without_a_body(nginx: Path, tmp_path: Path) -> None:
    hosts = {"open.test": "allow", "shut.test": "deny"}
    with running(nginx, tmp_path, hosts=hosts, emergency_users=[USER]) as proxy:
        proxy.seen_well()
        proxy.switch("close")
        with opened(proxy, PATH, f"Content-Length: {BYTES}") as connection:
            assert is_challenge(answer_on(connection))
        login = f"Authorization: {basic()['Authorization']}"
        with opened(proxy, PATH, f"Content-Length: {BYTES}", login) as connection:
            right = answer_on(connection)
        assert (right.status, right.header("X-authentik-username")) == (200, USER)
        for host, status in (("open.test", 200), ("shut.test", 503)):
            given = {"X-Forwarded-Host": host, "X-Forwarded-Method": "POST", "X-Forwarded-Uri": "/"}
            assert posted(proxy.port, PATH, given) == status


def test_a_failed_request_with_a_body_gets_its_own_error(proxy: Proxy) -> None:
    for pod in proxy.pods:
        pod.poison = ("x-poison", "500")
    with opened(proxy, PATH, f"Content-Length: {BYTES}", "x-poison: 1") as connection:
        assert answer_on(connection).status == 500


def test_bodies_that_do_not_come_take_nothing_from_others(proxy: Proxy) -> None:
    """Their connections are counted; a page of the login without a body is not."""
    for pod in proxy.pods:
        # As a server does that waits for the body.
        pod.poison = ("POST ", "hang")
    with ExitStack() as stack:
        held = [stack.enter_context(opened(proxy, LOGIN_PAGE, "Content-Length: 10")) for _ in range(30)]
        for connection in held:
            connection.sendall(b"x")
        time.sleep(0.5)
        refused = [connection for connection in held if select.select([connection], [], [], 0)[0]]
        assert {answer_on(connection).status for connection in refused} == {503}
        assert len(held) - len(refused) == 8, "of one client"
        assert proxy.ask(path=LOGIN_PAGE).status == 404, "the stand-in knows no page without a query"
        assert proxy.ask(SESSION).status == 200
    for pod in proxy.pods:
        pod.poison = ("", "")
    eventually(lambda: _accepted(proxy), "places come back", 10)


def _accepted(proxy: Proxy) -> bool:
    with opened(proxy, LOGIN_PAGE, "Content-Length: 1") as connection:
        connection.sendall(b"x")
        return answer_on(connection).status != 503


def test_without_connections_left_nobody_takes_the_target_for_gone(nginx: Path, tmp_path: Path) -> None:
    """nginx then answers its own checks by errors, and has asked nobody."""
    with running(nginx, tmp_path, edit=_with_few_connections, default="allow") as proxy:
        proxy.seen_well()
        seen: list[int] = []
        for pod in proxy.pods:
            pod.poison = ("POST ", "hang")
        # Which worker is left without connections, and whether a check meets it, is a matter of chance.
        for held in (40, 50, 60) * 5:
            with ExitStack() as stack:
                for _ in range(held):
                    _hold(stack, proxy)
                _asked(proxy, seen, 3.0)
            _asked(proxy, seen, 1.5)
            if held == 60 and _NO_MEANS in proxy.log():
                break
        assert 200 not in seen, "nobody is let in"
        assert seen[-1] == 302, "and in the end the target is asked"
        assert _NO_MEANS in proxy.log(), "or this has shown nothing"


def test_without_files_left_a_check_that_waits_for_nginx_says_nothing(nginx: Path, tmp_path: Path) -> None:
    """The last file is the check's own question, which then waits until its time is over: nobody was asked."""
    options: dict[str, Any] = {"check_every": 0.5, "check_within": 0.2}
    with running(nginx, tmp_path, edit=_with_few_files, default="allow", **options) as proxy, ExitStack() as stack:
        proxy.seen_well()
        seen: list[int] = []
        for pod in proxy.pods:
            pod.poison = ("POST ", "hang")
        # One more each time: sooner or later a question of the check takes the last file that there is.
        left = 3
        for held in range(24):
            _hold(stack, proxy)
            if held >= 12:
                _asked(proxy, seen, 1.2)
            left -= "accept4() failed (24" in proxy.log()
            if not left:
                break
        assert not left, "or this has shown nothing"
        assert 302 in seen
        assert 200 not in seen, "nobody is let in"


def _hold(stack: ExitStack, proxy: Proxy) -> None:
    """One more body that does not come to its end."""
    with suppress(OSError):
        connection = stack.enter_context(opened(proxy, LOGIN_PAGE, "Content-Length: 10"))
        connection.sendall(b"x")


def _asked(proxy: Proxy, seen: list[int], seconds: float) -> None:
    """What strangers get for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError, http.client.HTTPException):
            seen.append(proxy.ask().status)
        time.sleep(0.1)


def _with_few_connections(folder: Path) -> None:
    _edit(folder, ("worker_connections 4096", "worker_connections 64"))


def _with_few_files(folder: Path) -> None:
    one = (r"worker_processes \d+;", "worker_processes 1;\nworker_rlimit_nofile 48;")
    _edit(folder, one, ("client_body_timeout 5s", "client_body_timeout 120s"))


def _edit(folder: Path, *changes: tuple[str, str]) -> None:
    """Make the changes, and have as many clients as it takes: none of them is counted."""
    conf = folder / "proxy.conf"
    text = conf.read_text()
    for pattern, wanted in changes:
        text = re.sub(pattern, wanted, text)
    conf.write_text("\n".join(line for line in text.splitlines() if "limit_conn bodies" not in line))


def test_nobody_sends_a_body_to_the_port_that_tells_of_the_state(proxy: Proxy) -> None:
    assert posted(proxy.status_port, "/metrics", {}) == 413
