"""Whether an answer is as it was."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.http_before import alike, earlier_answers, redirect_to
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

LOGIN, OTHER = "https://login.test", "https://other.test"
Entry = dict[str, Any]


def entry(point: str, status: int | None = 200, *, request: str = "GET http://a.test/", **more: Any) -> Entry:
    """An answer of http_check."""
    told: Entry = {"point": point, "behind": "web", "name": "one", "request": request, "headers": {}} | more
    return told | ({} if status is None else {"status": status})


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        (200, 200, True),
        (200, 204, True),
        (200, 304, True),
        (304, 200, True),
        (200, 302, False),
        (200, 404, False),
        (200, 500, False),
        (200, None, False),
        (301, 308, True),
        (302, 200, False),
        (302, 304, False),
        (401, 401, True),
        (401, 403, False),
        (404, 404, True),
        (404, 200, False),
        (403, 500, False),
        # What was broken may be mended, but not lost.
        (500, 200, True),
        (503, 401, True),
        (500, 500, True),
        (500, 404, False),
        (None, 200, True),
        (None, None, True),
        (None, 404, False),
    ],
)
def test_alike(before: int | None, now: int | None, same: bool) -> None:
    assert alike(entry("a", now), entry("a", before)) is same


def test_redirects_lead_to_the_same_site() -> None:
    assert alike(entry("a", 302, redirect_to=LOGIN), entry("a", 302, redirect_to=LOGIN))
    assert not alike(entry("a", 302, redirect_to=OTHER), entry("a", 302, redirect_to=LOGIN))
    assert not alike(entry("a", 302), entry("a", 302, redirect_to=LOGIN))


@pytest.mark.parametrize(
    ("status", "location", "target"),
    [
        (302, "https://login.test/authorize?state=abc#x", LOGIN),
        (302, "HTTPS://Login.test:443/", LOGIN),
        (302, "https://login.test:8443/", f"{LOGIN}:8443"),
        (307, "/login;jsessionid=1", "http://a.test"),
        (303, "next?a=b", "http://a.test"),
        (302, "//login.test/x", "http://login.test"),
        (302, None, ""),
        (200, "https://login.test/", ""),
        (304, "https://login.test/", ""),
        (302, "http://[/", "http://[/"),
    ],
)
def test_redirect_to(status: int, location: str | None, target: str) -> None:
    assert redirect_to("http://a.test/deep/page?q=1", status, location) == target


def test_each_replica_is_compared_with_itself() -> None:
    before = earlier_answers([entry("a", 200), entry("b", 404)], [])
    assert before.problem(entry("a", 200)) == ""
    assert before.problem(entry("a", 404)) == "was 200 before, is 404"
    assert before.problem(entry("b", 200)) == "was 404 before, is 200"


def test_a_new_replica_is_compared_with_those_that_were() -> None:
    before = earlier_answers([entry("a", 200), entry("b", 404)], [])
    assert before.problem(entry("new", 200)) == before.problem(entry("new", 404)) == ""
    assert before.problem(entry("new", 403)) == "was 200 before, is 403"
    assert before.words(entry("new")) == "as before (200 or 404)"


@pytest.mark.parametrize("other", [{"request": "GET http://b.test/"}, {"name": "two"}, {"point": "b", "behind": "tls"}])
def test_another_request_is_not_compared(other: Entry) -> None:
    before = earlier_answers([entry("a")], [])
    asked: Entry = {"point": "a"} | other
    assert before.of(entry(**asked)) == []
    assert before.words(entry(**asked)) == "no error of the server (not asked before)"
    assert before.problem(entry(**asked, status=404)) == ""
    for status in (None, 500):
        assert before.problem(entry(**asked, status=status)) == "is new, and has no answer but an error of the server"


def test_a_request_without_a_name_may_move_in_the_list() -> None:
    before = earlier_answers([entry("a", name="requests: item 1")], [])
    assert before.problem(entry("a", 404, name="requests: item 2")) == "was 200 before, is 404"
    twice = earlier_answers([entry("a", name="requests: item 1"), entry("a", 403, name="requests: item 2")], [])
    assert twice.problem(entry("a", 200, name="requests: item 2")) == "was 403 before, is 200"


def test_a_comparison_with_something_else_is_refused() -> None:
    before = earlier_answers([entry("a")], [])
    before.check_use([entry("a"), entry("a", name="new")])
    before.check_use([{"point": "Service web/a", "name": "one", "problem": "no ready endpoint"}])
    with pytest.raises(BadArgument, match="none of its answers is to a request of this task"):
        before.check_use([entry("a", name="new"), entry("a", request="GET http://b.test/")])


def test_headers_that_must_be_the_same() -> None:
    basic = {"www-authenticate": 'Basic realm="A"', "date": "now"}
    before = earlier_answers([entry("a", 401, headers=basic)], ["WWW-Authenticate"])
    assert before.problem(entry("a", 401, headers=basic | {"date": "later"})) == ""
    assert before.problem(entry("a", 401, headers={})) == (
        "header www-authenticate was 'Basic realm=\"A\"' before, is missing"
    )


def test_where_a_redirect_leads_is_said() -> None:
    before = earlier_answers([entry("a", 302, redirect_to=LOGIN)], [])
    assert before.problem(entry("a", 302, redirect_to=OTHER)) == (
        "was 302 to https://login.test before, is 302 to https://other.test"
    )
    assert before.problem(entry("a", None)) == "was 302 to https://login.test before, is no answer"


@pytest.mark.parametrize(("given", "refusal"), [([], "is empty"), ([{"a": 1}], "item 1 is no answer of http_check")])
def test_what_is_no_earlier_run(given: list[Entry], refusal: str) -> None:
    with pytest.raises(BadArgument, match=refusal):
        earlier_answers(given, [])


def test_a_site_that_failed_at_one_replica_may_fail_at_another() -> None:
    before = earlier_answers([entry("pod a"), entry("pod b", None)], [])
    assert before.problem(entry("pod a", None)) == ""
    assert before.problem(entry("pod a", 404)) != ""


@pytest.mark.parametrize(
    ("then", "now", "lost"),
    [
        (401, 302, False),
        (302, 401, False),
        (200, 403, False),
        (401, 500, True),
        (200, None, True),
        (302, 404, True),
        (404, 404, False),
        (500, 502, False),
        (None, 500, False),
        (404, 500, False),
    ],
)
def test_only_that_an_answer_is_one_may_be_compared(then: int | None, now: int | None, lost: bool) -> None:
    common: dict[str, str | int] = {
        "request": "GET shop.test/",
        "name": "shop.test",
        "point": "pod",
        "behind": "traefik",
    }
    answered = [common | {"status": status} for status in (then,) if status is not None] or [common]
    entry = common | ({} if now is None else {"status": now})
    assert bool(earlier_answers(answered, [], only_answers=True).problem(entry)) is lost


def test_a_site_that_was_not_asked_before_cannot_be_lost() -> None:
    known = [{"request": "GET shop.test/", "name": "shop.test", "point": "pod", "behind": "traefik", "status": 200}]
    entry = {"request": "GET new.test/", "name": "new.test", "point": "pod", "behind": "traefik", "status": 500}
    assert earlier_answers(known, [], only_answers=True).problem(entry) == ""
    assert earlier_answers(known, []).problem(entry) != ""
