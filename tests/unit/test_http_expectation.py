"""What an answer is expected to be, and what of it is shown."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Answer, Request, host_name
from ansible_collections.resilient.traefik.plugins.module_utils.http_expectation import (
    Expectation,
    HeaderExpectation,
    excerpt,
    expectation,
    secrets_of,
    shown_headers,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

ANSWER = Answer(200, {"server": "nginx", "set-cookie": "session=chocolate-chip; Path=/"}, b"all is well", 0.1)


@pytest.mark.parametrize(
    ("expected", "problem"),
    [
        (Expectation(), ""),
        (Expectation(status=(200, 204)), ""),
        (Expectation(status=(500,)), "expected status 500, came 200"),
        (Expectation(status=(204, 201)), "expected status 201 or 204, came 200"),
        (Expectation(status=tuple(range(201, 500))), "expected status 201 to 499, came 200"),
        (Expectation(status=(500, 301, 302, 303, 401)), "expected status 301 to 303 or 401 or 500, came 200"),
        (Expectation(headers=[HeaderExpectation("Server")]), ""),
        (Expectation(headers=[HeaderExpectation("SERVER", equals="nginx")]), ""),
        (Expectation(headers=[HeaderExpectation("X-A")]), "header X-A is missing"),
        (Expectation(headers=[HeaderExpectation("X-A", absent=True)]), ""),
        (
            Expectation(headers=[HeaderExpectation("Server", absent=True)]),
            "header Server should be absent, came 'nginx'",
        ),
        (
            Expectation(headers=[HeaderExpectation("Server", equals="Nginx")]),
            "header Server should be 'Nginx', came 'nginx'",
        ),
        (
            Expectation(headers=[HeaderExpectation("Server", matches=re.compile("^x"))]),
            "header Server should match '^x', came 'nginx'",
        ),
        (
            Expectation(headers=[HeaderExpectation("Set-Cookie", equals="a=b")]),
            "header Set-Cookie should be '<hidden>', came '<hidden>'",
        ),
        (Expectation(body=re.compile("is w")), ""),
        (
            Expectation(status=(404,), body=re.compile("ill")),
            "expected status 404, came 200; body should match 'ill', came 'all is well'",
        ),
    ],
)
def test_problems_are_named(expected: Expectation, problem: str) -> None:
    assert expected.problem(ANSWER) == problem


def test_without_an_expectation_the_status_must_be_200() -> None:
    assert expectation(None, "x").status == (200,)


def test_what_is_no_expression_is_refused() -> None:
    given: dict[str, Any] = {"status": [], "headers": [], "body": "("}
    with pytest.raises(BadArgument, match=r"^requests: item 1 expect\.body: '\(' is no regular expression"):
        expectation(given, "requests: item 1 expect")


def test_an_echo_shows_no_secret() -> None:
    request = Request(
        host="a.test", headers={"Cookie": "session=0123456789; theme=dark"}, user="alice", password="open-sesame"
    )
    secrets = secrets_of(request)
    echo = " ".join([*request.all_headers().values(), "open-sesame"])
    shown = excerpt(Answer(200, {}, echo.encode(), 0.1), secrets)
    for secret in ("0123456789", "open-sesame", "YWxpY2U6b3Blbi1zZXNhbWU="):
        assert secret not in shown


def test_cookies_of_the_answer_are_not_shown_either() -> None:
    answer = Answer(200, dict(ANSWER.headers), b"your session is chocolate-chip", 0.1)
    assert excerpt(answer, []) == "your session is <hidden>"
    assert shown_headers(answer, ["Set-Cookie", "SERVER", "X-A"]) == {"set-cookie": "<hidden>", "server": "nginx"}


@pytest.mark.parametrize(
    ("host", "name"), [("a.test", "a.test"), ("a.test:8443", "a.test"), ("[::1]:8443", "::1"), ("1.2.3.4", "1.2.3.4")]
)
def test_the_server_name_of_a_host(host: str, name: str) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (Expectation(), "an answer"),
        (Expectation(status=(200, 204)), "status 200 or 204"),
        (Expectation(body=re.compile("well")), "a body like 'well'"),
        (
            Expectation(
                status=(302,),
                headers=[
                    HeaderExpectation("X-A"),
                    HeaderExpectation("X-B", absent=True),
                    HeaderExpectation("X-C", equals="d"),
                    HeaderExpectation("Location", matches=re.compile("^https")),
                    HeaderExpectation("Set-Cookie", equals="session=chocolate-chip"),
                ],
            ),
            "status 302, a header X-A, no header X-B, header X-C 'd', header Location like '^https', "
            "header Set-Cookie '<hidden>'",
        ),
    ],
)
def test_an_expectation_in_words(expected: Expectation, words: str) -> None:
    assert expected.words() == words
