"""The request: what is refused in one sentence, and that no secret of it is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.explain.explain import REQUEST_OPTIONS, _without
from ansible_collections.resilient.traefik.plugins.module_utils.explain.report import result
from ansible_collections.resilient.traefik.plugins.module_utils.explain.request import (
    request_of,
    secrets_in,
)
from ansible_collections.resilient.traefik.plugins.module_utils.explain.verdict import verdicts
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest
from tests.unit.explain.sample import answers, facts

SECRET = "hunter2-of-the-tests"


def _params(**given: Any) -> dict[str, Any]:
    return (
        {name: option.get("default") for name, option in REQUEST_OPTIONS.items()} | {"host": "app.example.test"} | given
    )


@pytest.mark.parametrize(
    ("given", "url", "https"),
    [
        ({}, "http://app.example.test/", None),
        ({"path": "/a?token=x"}, "http://app.example.test/a?...", None),
        ({"host": "https://app.example.test/login?x=1"}, "https://app.example.test/login?...", True),
        ({"host": "http://app.example.test:8080"}, "http://app.example.test:8080/", False),
        ({"scheme": "https"}, "https://app.example.test/", True),
        ({"host": "[2001:db8::1]:80"}, "http://[2001:db8::1]:80/", None),
    ],
)
def test_a_host_or_a_whole_url(given: dict[str, Any], url: str, https: bool | None) -> None:
    request = request_of(_params(**given))
    assert (request.url, request.https) == (url, https)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"host": ""}, "host: '' is no host name"),
        ({"host": "a b"}, "host: 'a b' is no host name"),
        ({"host": "app.example.test/login"}, "host: 'app.example.test/login' is no host name"),
        ({"host": "ftp://app.example.test"}, "host: give http://HOST/PATH"),
        ({"host": f"https://ops:{SECRET}@app.example.test"}, "host: give http://HOST/PATH"),
        ({"host": "http://a.test:x"}, "host: is no URL"),
        ({"host": "http://a.test/b", "path": "/c"}, "host: is a URL with a path"),
        ({"host": "http://a.test", "scheme": "https"}, "scheme: is https"),
        ({"path": "login"}, "path: must begin with /"),
        ({"path": "/ä"}, "path: must begin with /"),
        ({"path": "/a#b"}, "path: must begin with /"),
        ({"headers": {"a b": "x"}}, "headers: 'a b' is no header name"),
        ({"headers": {"Host": "x"}}, "headers: Host is given by the option host"),
        ({"headers": {"Cookie": f"{SECRET}\r\nX: y"}}, "headers: the value of Cookie holds characters"),
        ({"client_ip": "localhost"}, "client_ip: 'localhost' is no IP address"),
        ({"body_bytes": -1}, "body_bytes: must be at least 0, got -1"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadArgument) as refused:
        request_of(_params(**given))
    assert str(refused.value).startswith(words)
    assert SECRET not in str(refused.value)


def test_no_secret_of_the_request_is_in_the_result() -> None:
    headers = {
        "Cookie": f"session={SECRET}",
        "Authorization": f"Bearer {SECRET}",
        "X-Key": SECRET,
        "Origin": "https://a",
    }
    request = SiteRequest("app.example.test", f"/a?token={SECRET}", headers=headers)
    given = facts(request=request, answers=answers(0, problem=f"cannot read session={SECRET} of ?token={SECRET}"))
    shown = _without(result(given, verdicts(given), {"own": 0.1, "all": 0.2}, []), secrets_in(request))
    assert SECRET not in json.dumps(shown)
    assert shown["request"]["headers"]["Origin"] == "https://a"
    assert shown["request"]["headers"]["Cookie"] == "<hidden>"


def test_paths_are_compared_as_traefik_decodes_them() -> None:
    assert SiteRequest("a.test", "/%61%2Fb%20c?x=%61").path == "/a%2Fb c"


def test_a_websocket_brings_its_headers() -> None:
    request = request_of(_params(websocket=True))
    assert request.is_websocket
    assert request.header("sec-websocket-version") == ["13"]
