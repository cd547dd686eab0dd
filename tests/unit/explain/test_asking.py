"""Redirections followed as a browser follows them, and what an answer tells of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.explain import asking
from ansible_collections.resilient.traefik.plugins.module_utils.explain.asking import (
    ReplicaAnswer,
    insecure_links,
    is_own_words,
    redirects_in_a_circle,
    same_site,
)
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Answer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Replica
from tests.unit.explain.sample import HOST, REQUEST

REPLICA = Replica("traefik-abc", "traefik", "a", "", True)
PROXIED = replace(REQUEST, headers={"X-Forwarded-Proto": "https"})
Page = Callable[[SiteRequest, str], tuple[str, tuple[str, ...]]]


def _circle(monkeypatch: pytest.MonkeyPatch, page: Page, request: SiteRequest = REQUEST) -> bool:
    """Follow a site whose ``page`` returns where it leads and the cookies that it sets."""

    def answer(asked: SiteRequest, cookie: str) -> ReplicaAnswer:
        leads_to, cookies = page(asked, cookie)
        return ReplicaAnswer(REPLICA.name, status=302 if leads_to else 200, leads_to=leads_to, cookie_values=cookies)

    def through(*given: Any) -> ReplicaAnswer:
        return answer(given[3], given[5].get("Cookie", ""))

    monkeypatch.setattr(asking, "through_replica", through)
    client: Any = None
    return redirects_in_a_circle(client, REPLICA, 8000, request, answer(request, ""), 1.0)


@pytest.mark.parametrize(
    ("page", "request_", "circle"),
    [
        (lambda asked, cookie: ("/", ()), REQUEST, True),
        (lambda asked, cookie: ("/login" if asked.target == "/" else "/", ()), REQUEST, True),
        (lambda asked, cookie: ("" if asked.target == "/login" else "/login", ()), REQUEST, False),
        (lambda asked, cookie: ("" if "seen=1" in cookie else "/", ("seen=1",)), REQUEST, False),
        (lambda asked, cookie: ("/", (f"session={len(cookie)}",)), REQUEST, True),
        (lambda asked, cookie: (f"https://{HOST}/", ()), REQUEST, False),
        (lambda asked, cookie: (f"https://{HOST}/", ()), PROXIED, True),
        (lambda asked, cookie: (f"https://{HOST}:443/", ()), PROXIED, True),
        (lambda asked, cookie: ("https://login.test/", ()), REQUEST, False),
        (lambda asked, cookie: (f"{asked.target}x", ()), REQUEST, True),
    ],
    ids=["self", "two", "ends", "cookie", "new cookie", "to https", "proxied", "port", "elsewhere", "endless"],
)
def test_a_circle_is_one_that_a_browser_does_not_leave(
    page: Page, request_: SiteRequest, circle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _circle(monkeypatch, page, request_) is circle


@pytest.mark.parametrize(
    ("location", "target"),
    [("", ""), ("/a?b=1", "/a?b=1"), ("c", "/c"), (f"http://{HOST}", "/"), ("http://[", ""), ("mailto:a@b.test", "")],
)
def test_where_a_redirection_leads_on_the_same_site(location: str, target: str) -> None:
    assert same_site(location, REQUEST) == target


@pytest.mark.parametrize(
    ("status", "body", "own"),
    [
        (404, b"404 page not found\n", True),
        (404, b"", False),
        (500, b"", True),
        (502, b"Bad Gateway", True),
        (200, b"", False),
    ],
)
def test_words_that_traefik_writes_itself(status: int, body: bytes, own: bool) -> None:
    assert is_own_words(Answer(status, {}, body, 0.1)) is own


def test_links_of_a_page_to_its_own_host_without_tls() -> None:
    page = f"""<img src="http://{HOST}/a.png"><a href='http://{HOST}'>x</a><a href="http://{HOST}.other/">y</a>"""
    assert insecure_links(Answer(200, {"content-type": "text/html"}, page.encode(), 0.1), HOST) == 2
    assert insecure_links(Answer(200, {"content-type": "text/plain"}, page.encode(), 0.1), HOST) == 0
