"""The proxy's pods know each other by what the role made, and who is signed in stays in through each of them."""

from __future__ import annotations

import base64
from typing import Any

from tests.integration.http_in_pod import Door, ask
from tests.integration.lab_cluster import eventually
from tests.integration.support_login import log_in_through_traefik
from tests.integration.support_proxy_roles import AUTH, HOST, PROXY, SPACE, ProxyLab

pytest_plugins = ["tests.integration.support_proxy_roles", "tests.integration.support_fixtures"]
QUESTION = "/outpost.goauthentik.io/auth/traefik"
FORWARDED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": HOST,
    "X-Forwarded-Method": "GET",
    "X-Forwarded-Uri": "/",
}
GRACE: dict[str, Any] = {"session_grace": 900}


def doors(lab: ProxyLab, port: int) -> list[Door]:
    """A port of each of the proxy's pods."""
    return [Door(lab.cluster, SPACE, pod, port) for pod in lab.cluster.ready_pods(SPACE, PROXY)]


def know_each_other(lab: ProxyLab) -> bool:
    """Whether each pod counts one neighbour."""
    told = [ask(door, "proxy", "/metrics").body for door in doors(lab, 9113)]
    return len(told) == 2 and all("\nfallback_proxy_neighbours 1\n" in each for each in told)


def test_who_is_signed_in_stays_in_through_each_pod(bare: ProxyLab, traefik_doors: list[Door]) -> None:
    played = bare.auth("--diff", **GRACE)
    assert played.code == 0, played.output
    secret = bare.cluster.read(f"/api/v1/namespaces/{SPACE}/secrets/auth-proxy-neighbours")
    key = base64.b64decode(secret["data"]["key"]).decode()
    assert len(key) == 64
    assert key not in played.output
    assert secret["data"]["key"] not in played.output
    again = bare.auth(**GRACE)
    assert (again.code, again.changed) == (0, 0), again.output
    assert bare.auth(**GRACE, retry_after=31).code == 0
    kept = bare.cluster.read(f"/api/v1/namespaces/{SPACE}/secrets/auth-proxy-neighbours")
    assert kept["data"] == secret["data"], "it survives another run"
    eventually(lambda: know_each_other(bare), "the pods know each other", 60)
    member = FORWARDED | {"Cookie": log_in_through_traefik(traefik_doors[0], HOST)}
    one, other = doors(bare, 9000)
    before = ask(one, "proxy", QUESTION, headers=member)
    assert before.status == 200
    with bare.target.failing("503"):
        eventually(lambda: ask(one, "proxy", QUESTION, headers=FORWARDED).status == 401, "down", 20)
        for door in (one, other):
            answer = ask(door, "proxy", QUESTION, headers=member)
            assert (answer.status, answer.header("X-Auth-Fallback")) == (200, "grace")
            assert answer.header("X-Authentik-Username") == before.header("X-Authentik-Username")
    verified = bare.roles.play("auth_proxy", AUTH | GRACE | {"retry_after": 31}, tasks_from="verify")
    assert (verified.code, verified.changed) == (0, 0), verified.output
