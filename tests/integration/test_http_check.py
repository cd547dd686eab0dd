"""The module http_check on the lab, and its limits on a site that misbehaves as it is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import find_workload
from lab.certificates import Authority
from tests.integration.support_engine import Audited
from tests.integration.support_playbook import AS_MODULE, BOTH_WAYS, IN_PROCESS, WAYS, Played, Player
from tests.integration.support_rights import May, rule
from tests.integration.support_site import Site

pytest_plugins = ["tests.integration.support_fixtures", "tests.integration.support_rights_fixtures"]

WEB = {"traefik": {"namespace": "traefik", "entry_point": "web"}}
WEBSECURE = {"traefik": {"namespace": "traefik", "entry_point": "websecure"}}
HTTPBIN = {"service": {"namespace": "apps", "name": "httpbin"}}
NOWHERE: dict[str, Any] = {"host": "nowhere.test", "expect": {"status": [404]}}
PASSWORD, TOKEN = "open-sesame-9", "abcdef0123456789"


@pytest.fixture
def site() -> Iterator[Site]:
    """A web site on loopback."""
    with Site() as served:
        yield served


def _task(*points: dict[str, Any], requests: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"resilient.traefik.http_check": {"points": list(points), "requests": requests, **more}}


def check(player: Player, *points: dict[str, Any], requests: list[dict[str, Any]], **more: Any) -> Played:
    """One task of the module. Ways of playing are told from options by their names."""
    ways = {name: more.pop(name) for name in ("way", "check", "options") if name in more}
    return player.play(_task(*points, requests=requests, **more), **ways).tasks[0]


def test_every_replica_and_every_pod_is_asked(player: Player, admin: Client) -> None:
    played = check(player, WEB, WEBSECURE, requests=[NOWHERE | {"validate_certs": False}])
    assert played.outcome == "ok", played.message
    names = {replica.name for replica in find_workload(admin, "traefik").ready}
    asked = {(answer["point"], answer["request"]) for answer in played.result["answers"]}
    assert asked == {
        (f"replica traefik/{name} entry point {entry_point}", f"GET {scheme}://nowhere.test/")
        for name in names
        for entry_point, scheme in (("web", "http"), ("websecure", "https"))
    }
    assert all(0 < answer["seconds"] < 5 for answer in played.result["answers"])
    assert played.result["slowest_seconds"] == max(answer["seconds"] for answer in played.result["answers"])


def test_the_pods_behind_a_service_and_one_of_them(player: Player) -> None:
    request = {"path": "/get?a=b", "expect": {"body": '"httpbin.apps.svc"'}}
    by_service = check(player, HTTPBIN, requests=[request])
    assert by_service.outcome == "ok", by_service.message
    pods = [answer["point"].split()[3] for answer in by_service.result["answers"]]
    assert len(set(pods)) == 2
    point = {"pod": {"namespace": "apps", "name": pods[0], "port": "http"}}
    assert check(player, point, requests=[{"path": "/status/418", "expect": {"status": [418]}}]).outcome == "ok"


def test_what_is_wrong_is_said(player: Player) -> None:
    expect = {
        "status": [200, 204],
        "headers": [{"name": "X-Kind", "equals": "well"}, {"name": "Content-Type", "matches": "json"}],
        "body": "all is well",
    }
    played = check(player, WEB, requests=[{"host": "nowhere.test", "expect": expect}])
    assert played.outcome == "failed"
    assert not played.changed
    assert played.message.startswith("3 of 3 answers are not as expected (after")
    for told in (
        "replica traefik/traefik-",
        "entry point web: GET http://nowhere.test/: expected status 200 or 204, came 404",
        "header X-Kind is missing",
        "header Content-Type should match 'json', came 'text/plain; charset=utf-8'",
        "body should match 'all is well', came '404 page not found",
    ):
        assert told in played.message, told
    assert [answer["status"] for answer in played.result["answers"]] == [404] * 3


# Point, request and what the message tells.
WRONG: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"traefik": {"namespace": "traefik", "entry_point": "nope"}}, NOWHERE, "it has: metrics, traefik, web"),
    ({"traefik": {"namespace": "apps", "entry_point": "web"}}, NOWHERE, "in namespace apps"),
    (WEB, {"path": "/"}, "requests: item 1 host: an entry point of Traefik serves many hosts"),
    (WEB, {"host": "a.test", "headers": {"authorization": TOKEN}}, "authorization belongs into secret_headers"),
    (WEB, {"host": "a.test", "secret_headers": {"X-A": f"{TOKEN}\r\nX-B: c"}}, "item 1 X-A: holds characters"),
    (WEB, {"host": "a.test", "path": "a"}, "path: must begin with /"),
    (WEB, {"host": "a.test", "path": "/a b"}, "path: holds characters that HTTP does not take"),
    (WEB, {"host": "a.test", "ca": "none"}, "ca: is no PEM text"),
    (WEB, {"host": "a.test", "expect": {"body": "("}}, "requests: item 1 expect.body: '(' is no regular"),
    (HTTPBIN | {"url": "http://a.test"}, NOWHERE, "mutually exclusive: traefik|service|pod|url found in points"),
    ({}, NOWHERE, "one of the following is required: traefik, service, pod, url"),
    ({"url": "http://me:secret@a.test"}, NOWHERE, "points.url: only scheme, host and port"),
    ({"url": "ftp://a.test"}, NOWHERE, "points.url: give http://HOST"),
    ({"service": {"namespace": "apps", "name": "httpbin", "port": "x"}}, NOWHERE, "has these ports: http ("),
    ({"service": {"namespace": "apps", "name": "nobody"}}, {"name": "one"}, "Service apps/nobody: one: does not exist"),
    ({"pod": {"namespace": "apps", "name": "nobody", "port": "80"}}, {}, "no answer: port-forward to Pod apps/nobody"),
    ({"url": "http://127.0.0.1:9"}, {}, "no answer: no connection: [Errno 111] Connection refused"),
]


def test_what_cannot_be_is_said(player: Player) -> None:
    tasks = [_task(point, requests=[request]) for point, request, _told in WRONG]
    play = player.play(*tasks, options=("-vvv",))
    for played, (point, request, told) in zip(play.tasks, WRONG, strict=True):
        assert played.outcome == "failed", (point, request)
        assert told in played.message
    assert TOKEN not in play.output


def test_a_service_without_a_ready_pod(player: Player, namespace: str, writer: Writer) -> None:
    spec = {"selector": {"app": "none"}, "ports": [{"port": 80}]}
    metadata = {"name": "empty", "namespace": namespace}
    writer.apply([{"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}])
    played = check(player, {"service": metadata}, requests=[{}], wait_timeout=2)
    assert played.outcome == "failed"
    assert f"Service {namespace}/empty: requests: item 1: no ready endpoint that is a pod" in played.message
    assert played.result["rounds"] > 1


def test_it_waits_until_all_is_as_expected() -> None:
    with Site(well_after=4) as site:
        played = check(Player({}), {"url": site.url}, requests=[{}], wait_timeout=30)
        assert played.outcome == "ok", played.message
        assert played.result["rounds"] == len(site.asked) == 5


# Path, limits and what the message tells.
LIMITS: list[tuple[str, dict[str, float], str]] = [
    ("/hang", {"timeout": 0.5}, "no answer: not a byte for 0.5 s (timeout)"),
    ("/drip", {"timeout": 0.5, "max_seconds": 1.5}, "no answer: no whole answer within 1.5 s (max_seconds)"),
    ("/hang", {"timeout": 30, "max_seconds": 1}, "no answer: no whole answer within 1 s (max_seconds)"),
]


@pytest.mark.quiet
def test_time_limits(site: Site) -> None:
    started = time.monotonic()
    tasks = [_task({"url": site.url}, requests=[{"path": path}], **limits) for path, limits, _told in LIMITS]
    for played, (_path, _limits, told) in zip(Player({}).play(*tasks).tasks, LIMITS, strict=True):
        assert played.outcome == "failed"
        assert told in played.message
    assert time.monotonic() - started < 25


def test_redirects_are_answers(site: Site) -> None:
    expect = {"status": [302], "headers": [{"name": "location", "equals": "https://elsewhere.test/"}]}
    played = check(Player({}), {"url": site.url}, requests=[{"path": "/moved", "expect": expect}])
    assert played.outcome == "ok", played.message
    assert played.result["answers"][0]["headers"] == {"location": "https://elsewhere.test/"}
    assert site.asked == ["GET /moved"]


@pytest.mark.parametrize("way", WAYS)
def test_secrets_are_nowhere(site: Site, way: str) -> None:
    requests = [
        {"path": "/echo", "user": "alice", "password": PASSWORD, "expect": {"body": "no such text"}},
        {"path": "/echo", "secret_headers": {"Authorization": f"Bearer {TOKEN}"}},
        {"path": "/cookie", "expect": {"headers": [{"name": "Set-Cookie", "equals": "other"}]}},
    ]
    task = _task({"url": site.url}, requests=requests, return_headers=["Set-Cookie"])
    play = Player({}).play(task, way=way, options=("-vvv",))
    assert play.tasks[0].outcome == "failed"
    everything = play.output + str(play.tasks[0].result)
    for secret in (PASSWORD, TOKEN, "chocolate-chip", "YWxpY2U6b3Blbi1zZXNhbWUtOQ"):
        assert secret not in everything, secret
    answers = play.tasks[0].result["answers"]
    assert [answer.get("status") for answer in answers] == [200, 200, 200], play.output
    assert answers[2]["headers"] == {"set-cookie": "<hidden>"}


def test_check_mode_reads_and_writes_nothing(site: Site, audited: Audited) -> None:
    requests = [{"path": "/a", "method": "POST"}, {"path": "/b"}, {"path": "/c", "method": "HEAD"}]
    played = check(Player({}), {"url": site.url}, requests=requests, check=True)
    assert played.outcome == "ok", played.message
    assert sorted(site.asked) == ["GET /b", "HEAD /c"]
    assert played.result["answers"][0]["skipped"]
    assert "check mode sends no POST requests" in str(played.result["warnings"])
    for in_check_mode in (True, False):
        played = check(audited.player(), WEB, HTTPBIN, requests=[NOWHERE], check=in_check_mode)
        assert played.result["answers"], played.message
    assert audited.writes() == []


@BOTH_WAYS
def test_the_same_both_ways(player: Player) -> None:
    here, there = (check(player, WEB, HTTPBIN, requests=[NOWHERE], way=way) for way in (IN_PROCESS, AS_MODULE))
    assert here.outcome == there.outcome == "failed"
    assert _without_time(here) == _without_time(there)


def _without_time(played: Played) -> list[dict[str, Any]]:
    return [{key: value for key, value in answer.items() if key != "seconds"} for answer in played.result["answers"]]


def test_a_missing_right_is_named(player: Player) -> None:
    stranger = Player(player.defaults | {"impersonate_user": "stranger"})
    played = check(stranger, WEB, requests=[NOWHERE])
    assert played.outcome == "failed"
    assert 'cannot list resource "deployments"' in played.message
    point = {"pod": {"namespace": "traefik", "name": "any", "port": "80"}}
    assert 'cannot get resource "pods/portforward"' in check(stranger, point, requests=[{}]).message


def test_the_documented_rights_are_enough(player: Player, may: May) -> None:
    forwarding = rule("", "pods/portforward", "get create")
    user = may([rule("apps", "deployments daemonsets", "list"), rule("", "pods", "list"), forwarding])
    slices = rule("discovery.k8s.io", "endpointslices", "list")
    may([rule("", "services", "get"), slices, forwarding], "apps", user["impersonate_user"])
    traefik, service = player.play(
        _task(WEB, requests=[NOWHERE], **user), _task(HTTPBIN, requests=[{"path": "/get"}], **user)
    ).tasks
    assert traefik.outcome == "ok", traefik.message
    assert service.outcome == "ok", service.message


@pytest.fixture
def secure_site(admin: Client, namespace: str) -> Iterator[tuple[str, Authority]]:
    """A host of the lab's Traefik with a certificate of an authority of its own."""
    host, authority = f"{namespace}.test", Authority()
    key, certificate = authority.issue(host)
    metadata = {"name": "own", "namespace": namespace}
    secret = {"type": "kubernetes.io/tls", "stringData": {"tls.key": key, "tls.crt": certificate}}
    route = {"kind": "Rule", "match": f"Host(`{host}`)"}
    services = [{"kind": "TraefikService", "name": "noop@internal"}]
    spec = {"entryPoints": ["websecure"], "routes": [route | {"services": services}], "tls": {"secretName": "own"}}
    objects: list[Object] = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata} | secret,
        {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": metadata, "spec": spec},
    ]
    writer = Writer(admin, check_mode=False)
    writer.apply(objects)
    yield host, authority
    writer.delete([ObjectRef("traefik.io/v1alpha1", "IngressRoute", "own", namespace)])


def test_tls_with_server_name_and_authority(player: Player, secure_site: tuple[str, Authority]) -> None:
    host, authority = secure_site
    # noop@internal answers 418.
    request = {"host": host, "ca": authority.certificate, "expect": {"status": [418]}}
    played = check(player, WEBSECURE, requests=[request], wait_timeout=30)
    assert played.outcome == "ok", played.message
    not_trusted = check(player, WEBSECURE, requests=[request | {"ca": Authority().certificate}])
    assert "the certificate is not accepted" in not_trusted.message
    other_name = check(player, WEBSECURE, requests=[request | {"sni": "other.test"}])
    assert "no TLS session for other.test: the certificate is not accepted" in other_name.message
    other_host = request | {"host": "other.test", "sni": host, "expect": {"status": [404, 421]}}
    assert check(player, WEBSECURE, requests=[other_host]).outcome == "ok"
    plain = check(player, HTTPBIN, requests=[request | {"scheme": "https"}])
    assert "no answer: no TLS session" in plain.message


ANY: dict[str, Any] = {"expect": {"status": []}}


def test_checks_tell_what_was_expected_and_found(player: Player, site: Site) -> None:
    requests: list[dict[str, Any]] = [
        {"path": "/", "name": "the front page", "expect": {"body": "well"}},
        {"path": "/moved", "method": "HEAD"},
        {"path": "/b", "method": "POST"},
    ]
    played = check(player, {"url": site.url}, requests=requests[:2])
    here = site.url.removeprefix("http://")
    first, second = played.result["checks"]
    assert first["name"] == f"the front page: {here}/ through {here}"
    assert (first["passed"], first["expected"]) == (True, "status 200, a body like 'well'")
    assert first["found"] == f"200 in {played.result['answers'][0]['seconds']:g} s"
    assert second["name"] == f"HEAD {here}/moved through {here}"
    assert (second["passed"], second["expected"]) == (False, "status 200")
    assert second["found"].startswith("302 to https://elsewhere.test in ")
    assert second["found"].endswith(" s: expected status 200, came 302")
    assert [told["passed"] for told in played.result["checks"]] == [
        not answer["problem"] for answer in played.result["answers"]
    ]
    left_out = check(player, {"url": site.url}, requests=requests, check=True)
    assert len(left_out.result["checks"]) == 2, "what was not sent proves nothing"
    nobody = check(player, {"service": {"namespace": "apps", "name": "nobody"}}, requests=[{"path": "/a"}])
    assert nobody.result["checks"] == [
        {
            "name": "/a through Service apps/nobody",
            "passed": False,
            "expected": "status 200",
            "found": "does not exist",
        }
    ]


EARLIER = "{{ earlier.answers }}"
REMEMBERED = {"register": "earlier"}


def _as_if(**change: Any) -> str:
    """The earlier answers as if they had been others."""
    return f"{{{{ earlier.answers | map('combine', {change!r}) | list }}}}"


@pytest.mark.parametrize("way", WAYS)
def test_sites_answer_as_before(player: Player, way: str) -> None:
    requests = [{"host": host} | ANY for host in ("nowhere.test", "public.lab.test")]
    earlier, same, replaced, differing = player.play(
        _task(WEB, requests=requests) | REMEMBERED,
        _task(WEB, requests=requests, as_before=EARLIER),
        _task(WEB, requests=requests, as_before=_as_if(point="replica traefik/old")),
        _task(WEB, requests=requests, as_before=_as_if(status=200)),
        way=way,
    ).tasks
    assert {answer["behind"] for answer in earlier.result["answers"]} == {"Deployment traefik/traefik entry point web"}
    assert same.outcome == "ok", same.message
    assert {told["expected"] for told in same.result["checks"]} == {"as before (404)", "as before (200)"}
    assert replaced.outcome == "ok", "replicas that are new are compared with those that were"
    assert differing.outcome == "failed"
    assert "GET http://nowhere.test/: was 200 before, is 404" in differing.message
    assert [told["passed"] for told in differing.result["checks"]] == [False] * 3 + [True] * 3


def test_what_was_broken_may_be_mended_and_not_the_reverse() -> None:
    point, request = {"url": "set below"}, {"path": "/"} | ANY
    with Site(well_after=1) as site:
        point["url"] = site.url
        broken, mended = (
            Player({})
            .play(
                _task(point, requests=[request]) | REMEMBERED,
                _task(point, requests=[{"path": "/"}], as_before=EARLIER),
            )
            .tasks
        )
        assert broken.result["answers"][0]["status"] == 503
        assert mended.outcome == "ok", mended.message
        assert mended.result["checks"][0]["expected"] == "as before (503)"
        well = mended.result["answers"]
        site.well_after = 100
        again = check(Player({}), point, requests=[{"path": "/"}], as_before=well)
        assert "was 200 before, is 503" in again.message


def test_no_answer_is_as_before_only_where_there_was_none(site: Site) -> None:
    point, limit = {"url": site.url}, {"timeout": 0.5}
    hanging: list[dict[str, Any]] = [{"path": "/hang"} | ANY]
    wanted = [{"path": "/hang", "expect": {"status": [200]}}]
    earlier, still, not_well, lost = (
        Player({})
        .play(
            _task(point, requests=hanging, **limit) | REMEMBERED,
            _task(point, requests=hanging, as_before=EARLIER, **limit),
            _task(point, requests=wanted, as_before=EARLIER, **limit),
            _task(point, requests=hanging, as_before=_as_if(status=200), **limit),
        )
        .tasks
    )
    assert "status" not in earlier.result["answers"][0]
    assert (still.outcome, still.result["checks"][0]["found"]) == ("ok", "no answer"), still.message
    assert not_well.outcome == "failed"
    assert "was 200 before, is no answer; no answer: not a byte for 0.5 s" in lost.message


def test_headers_and_redirects_as_before(site: Site) -> None:
    point, moved, cookie = {"url": site.url}, {"path": "/moved"} | ANY, {"path": "/cookie"} | ANY
    earlier, same, missing, elsewhere = (
        Player({})
        .play(
            _task(point, requests=[moved, cookie], return_headers=["Set-Cookie", "Date"]) | REMEMBERED,
            _task(point, requests=[cookie, moved], as_before=EARLIER, as_before_headers=["Set-Cookie"]),
            _task(point, requests=[moved], as_before=EARLIER, as_before_headers=["Location"]),
            _task(point, requests=[moved], as_before=_as_if(redirect_to="https://login.test")),
        )
        .tasks
    )
    assert earlier.result["answers"][0]["redirect_to"] == "https://elsewhere.test"
    assert same.outcome == "ok", same.message
    assert "header location was missing before, is 'https://elsewhere.test/'" in missing.message
    assert "was 302 to https://login.test before, is 302 to https://elsewhere.test" in elsewhere.message


def test_a_comparison_that_proves_nothing_is_refused(site: Site) -> None:
    point = {"url": site.url}
    _earlier, other, empty, foreign, both = (
        Player({})
        .play(
            _task(point, requests=[{"path": "/a"} | ANY]) | REMEMBERED,
            _task(point, requests=[{}], as_before=EARLIER),
            _task(point, requests=[{}], as_before=[]),
            _task(point, requests=[{}], as_before=[{"a": 1}]),
            _task(point, requests=[{"path": "/a"}, {"path": "/new"}], as_before=EARLIER),
        )
        .tasks
    )
    assert "none of its answers is to a request" in other.message
    assert "as_before: is empty" in empty.message
    assert "item 1 is no answer of http_check" in foreign.message
    assert both.outcome == "ok", both.message
    assert both.result["checks"][1]["expected"] == "no error of the server (not asked before)"
