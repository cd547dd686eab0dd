"""The stand-ins keep the contracts of what they stand for; each failure can be switched on for one pod and for all."""

from __future__ import annotations

import pytest

from tests.integration.http_in_pod import Answer, Door, ask
from tests.integration.lab_cluster import LabCluster, RequestFailed, eventually
from tests.integration.standin import StandIn
from tests.integration.support_login import QUESTION, forwarded, log_in

pytestmark = pytest.mark.alone

HOST = "private.lab.test"
STATUSES = ("400", "404", "500", "503")


@pytest.fixture
def outpost_doors(outpost: StandIn) -> list[Door]:
    """The HTTP port of each of the outpost's pods."""
    return [outpost.door(pod) for pod in outpost.pods()]


def ask_auth(door: Door, *, cookie: str = "", time_limit: float = 10.0) -> Answer:
    """The question that Traefik asks."""
    headers = {**forwarded(HOST, "/page?a=b&c=d"), **({"Cookie": cookie} if cookie else {})}
    return ask(door, "outpost", QUESTION, headers=headers, time_limit=time_limit)


@pytest.mark.parametrize(
    ("path", "status"), [("/outpost.goauthentik.io/ping", 204), ("/-/health/ready/", 200), ("/-/health/live/", 200)]
)
@pytest.mark.parametrize("mode", ["ok", "hang", "500"])
def test_ping_and_health_answer_whatever_happens(outpost: StandIn, path: str, status: int, mode: str) -> None:
    pods = outpost.pods()
    with outpost.failing(mode):
        assert [ask(outpost.door(pod), "any", path).status for pod in pods] == [status] * len(pods)


def test_a_huge_token_on_demand(outpost: StandIn, outpost_doors: list[Door], traefik_doors: list[Door]) -> None:
    cookie = log_in(outpost_doors[0], HOST)
    try:
        outpost.switch("ok", jwt_bytes=16384)
        assert len(ask_auth(outpost_doors[0], cookie=cookie).header("X-Authentik-Jwt")) >= 16384
        assert ask(traefik_doors[0], HOST, "/get", headers={"Cookie": cookie}).status == 200
    finally:
        outpost.switch("ok")


@pytest.mark.parametrize("mode", STATUSES)
@pytest.mark.parametrize("how_many", ["one", "all"])
def test_a_failure_by_status(outpost: StandIn, mode: str, how_many: str) -> None:
    pods = outpost.pods()
    chosen = pods[:1] if how_many == "one" else pods
    with outpost.failing(mode, chosen):
        seen = {pod: ask_auth(outpost.door(pod)).status for pod in pods}
    assert seen == {pod: int(mode) if pod in chosen else 302 for pod in pods}
    assert {ask_auth(outpost.door(pod)).status for pod in pods} == {302}


@pytest.mark.parametrize("mode", ["hang", "trickle"])
@pytest.mark.parametrize("how_many", ["one", "all"])
def test_a_failure_to_answer(outpost: StandIn, mode: str, how_many: str) -> None:
    pods = outpost.pods()
    chosen = pods[:1] if how_many == "one" else pods
    with outpost.failing(mode, chosen):
        waited = [ask_auth(outpost.door(pod), time_limit=2.0).timed_out for pod in chosen]
        others = [ask_auth(outpost.door(pod)).status for pod in pods if pod not in chosen]
        assert outpost.pods() == pods, "the pods stay Ready"
    assert all(waited)
    assert others == [302] * (len(pods) - len(chosen))


@pytest.mark.parametrize("mode", ["reset", "close"])
def test_a_connection_that_ends_without_an_answer(outpost: StandIn, mode: str) -> None:
    pods = outpost.pods()
    with outpost.failing(mode, pods[:1]):
        answers = [ask_auth(outpost.door(pod)) for pod in pods]
    assert [answer.status for answer in answers] == [0, 302, 302]
    assert not answers[0].timed_out


@pytest.mark.parametrize(("mode", "said"), [("reset", "connection reset by peer"), ("close", "EOF")])
def test_traefik_meets_a_reset_as_such(
    outpost: StandIn, traefik_doors: list[Door], cluster: LabCluster, mode: str, said: str
) -> None:
    # A port-forward hands on no RST: what came over the wire stands in Traefik's log.
    door = traefik_doors[0]
    since = len(cluster.log("traefik", door.pod))
    with outpost.failing(mode):
        assert ask(door, HOST).status == 500
    eventually(lambda: said in cluster.log("traefik", door.pod)[since:], f"Traefik says: {said}", seconds=10)


def test_slow_answers_are_right_ones(outpost: StandIn) -> None:
    slow, quick, *_ = outpost.pods()
    with outpost.failing("slow", [slow], ms=4000):
        late, prompt = ask_auth(outpost.door(slow)), ask_auth(outpost.door(quick))
    assert (late.status, prompt.status) == (302, 302)
    assert late.seconds >= 4.0
    assert prompt.seconds < 4.0


def test_a_crash_ends_the_container_and_a_new_one_starts_well(outpost: StandIn, cluster: LabCluster) -> None:
    def restarts() -> dict[str, int]:
        pods = cluster.pods("authentik", outpost.selector)
        return {pod["metadata"]["name"]: pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods}

    before = restarts()
    crashed, *others = outpost.pods()
    outpost.switch("crash", [crashed])
    eventually(lambda: restarts()[crashed] > before[crashed], f"a restart of {crashed}")
    # The kubelet waits longer before each restart of the same container, 5 minutes at the most.
    eventually(lambda: len(outpost.pods()) == len(before), "every pod Ready again", seconds=330)
    assert outpost.state(crashed)["mode"] == "ok"
    assert {pod: restarts()[pod] for pod in others} == {pod: before[pod] for pod in others}


@pytest.mark.parametrize(
    "query", [{"mode": "unknown"}, {}, {"mode": "slow", "ms": "-1"}, {"mode": "slow", "ms": "999999"}]
)
def test_a_wrong_command_is_refused_and_changes_nothing(
    outpost: StandIn, cluster: LabCluster, query: dict[str, str]
) -> None:
    pod = outpost.pods()[0]
    with pytest.raises(RequestFailed, match="must be"):
        cluster.request("POST", f"/api/v1/namespaces/authentik/pods/{pod}:9400/proxy/mode", query)
    assert outpost.state(pod)["mode"] == "ok"


@pytest.mark.parametrize("agent", ["GPTBot/1.2", "ClaudeBot/1.0", "CCBot/2.0", "Mozilla/5.0 (compatible; Bytespider)"])
def test_the_blocker_refuses_crawlers(blocker: StandIn, agent: str) -> None:
    for pod in blocker.pods():
        assert ask(blocker.door(pod), "any", "/auth", headers={"User-Agent": agent}).status == 403


def test_the_blocker_lets_people_pass(blocker: StandIn) -> None:
    assert [ask(blocker.door(pod), "any", "/auth").status for pod in blocker.pods()] == [200, 200]


def test_the_blocker_can_fail_too(blocker: StandIn) -> None:
    failing, well = blocker.pods()
    with blocker.failing("503", [failing]):
        assert ask(blocker.door(failing), "any", "/auth").status == 503
        assert ask(blocker.door(well), "any", "/auth").status == 200
