"""What a ForwardAuth target, or an application, that does not answer does to the unhardened lab."""

from __future__ import annotations

import pytest

from tests.integration.figures import Record
from tests.integration.http_in_pod import Answer, Door, ask, ask_all
from tests.integration.lab_cluster import LabCluster
from tests.integration.standin import StandIn

pytestmark = pytest.mark.quiet

BOT = {"User-Agent": "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)"}


def statuses(answers: dict[str, Answer]) -> set[int]:
    """The different statuses of all replicas."""
    return {answer.status for answer in answers.values()}


@pytest.mark.parametrize(
    ("case", "host", "headers", "status"),
    [
        ("well: public, a person", "public.lab.test", {}, 200),
        ("well: public, a bot", "public.lab.test", BOT, 403),
        ("well: private, no session", "private.lab.test", {}, 302),
        ("well: api", "api.lab.test", {}, 200),
    ],
)
def test_well(
    traefik_doors: list[Door], record: Record, case: str, host: str, headers: dict[str, str], status: int
) -> None:
    answers = ask_all(traefik_doors, host, "/get", headers=headers)
    record(case, answers)
    assert statuses(answers) == {status}


def test_well_with_a_session(traefik_doors: list[Door], record: Record, session_cookie: str) -> None:
    answers = ask_all(traefik_doors, "private.lab.test", "/get", headers={"Cookie": session_cookie})
    record("well: private, a session", answers)
    assert statuses(answers) == {200}
    assert all('"alice"' in answer.body for answer in answers.values()), "the application has to be told who it is"


@pytest.mark.slow
def test_hanging_outpost_costs_30_seconds_and_answers_500(
    traefik_doors: list[Door], outpost: StandIn, record: Record, session_cookie: str
) -> None:
    with outpost.failing("hang"):
        answers = ask_all(traefik_doors, "private.lab.test", "/get", headers={"Cookie": session_cookie})
        others = ask_all(traefik_doors, "public.lab.test", "/get")
        assert len(outpost.pods()) == 3, "the hang must not show in the pods' readiness"
    record("authentik hangs: private", answers)
    record("authentik hangs: public", others)
    assert statuses(answers) == {500}
    assert all(29.0 <= answer.seconds <= 31.5 for answer in answers.values()), answers
    assert statuses(others) == {200}, "sites without this ForwardAuth do not notice"


def test_missing_blocker_answers_500_to_everybody(
    traefik_doors: list[Door], cluster: LabCluster, record: Record, session_cookie: str
) -> None:
    with cluster.scaled("poison-fountain", "poison-fountain", 0):
        public = ask_all(traefik_doors, "public.lab.test", "/get")
        private = ask_all(traefik_doors, "private.lab.test", "/get", headers={"Cookie": session_cookie})
        api = ask_all(traefik_doors, "api.lab.test", "/get")
    record("no blocker: public", public)
    record("no blocker: private, a session", private)
    record("no blocker: api", api)
    assert statuses(public) == statuses(private) == statuses(api) == {500}


def test_application_whose_every_second_request_hangs(traefik_doors: list[Door], record: Record) -> None:
    door = traefik_doors[0]
    answers = [ask(door, "stuck.lab.test", time_limit=3.0) for _ in range(4)]
    for number, answer in enumerate(answers, 1):
        record(f"stuck application: request {number}", {door.pod: answer})
    first = answers[0].timed_out
    assert [answer.timed_out for answer in answers] == [first, not first, first, not first]
    assert {answer.status for answer in answers if not answer.timed_out} == {200}
