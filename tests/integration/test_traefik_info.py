"""The module traefik_info on the lab's Traefik."""

from __future__ import annotations

from typing import Any

from tests.integration.support_opening import OPEN, info
from tests.integration.support_playbook import AS_MODULE, BOTH_WAYS, IN_PROCESS, Player

pytest_plugins = ["tests.integration.support_fixtures"]


def test_with_the_api_closed_the_rest_is_told(player: Player) -> None:
    play = player.play(info(namespace="traefik", hosts=["nowhere.test", "public.lab.test/status/204"]))
    told = play.tasks[0].result
    assert told["api"] == "closed", play.output
    assert "HTTP 404 for /api/overview on entry point 'traefik'" in told["api_reason"]
    assert told["delivery"]["kind"] == "manifest"
    assert told["settings"]["entry_points"]["websecure"]["tls"]
    assert told["settings"]["entry_points"]["metrics"]["port"] == 9100
    assert told["settings"]["forwarding_timeouts"]["responseheadertimeout"] == "0s"
    assert set(told["settings"]["providers"]) == {"kubernetescrd", "kubernetesingress"}
    assert told["parity_proof"] == ["behaviour"]
    for replica in told["replicas"]:
        assert replica["node"]
        assert replica["routing"] is None
        assert replica["answers"][0]["status"] == 404
        assert replica["metrics"]["reloads"] > 0
        assert replica["metrics"]["last_reload"] >= replica["metrics"]["started"] > "2026"


@BOTH_WAYS
def test_the_same_both_ways(player: Player) -> None:
    def told(way: str) -> dict[str, Any]:
        result = player.play(info(**OPEN), way=way).tasks[0].result
        for replica in result["replicas"]:
            del replica["metrics"]
        return {key: value for key, value in result.items() if key not in ("invocation", "ansible_facts")}

    here, there = told(IN_PROCESS), told(AS_MODULE)
    # Everybody else's routes may change between the two.
    for result in (here, there):
        for replica in result["replicas"]:
            replica["routing"] = {kind: sorted(found) for kind, found in replica["routing"].items()}
        result["faults"], result["parity"] = [], []
    assert {key: value for key, value in there.items() if key in here} == here


def test_missing_rights_are_named(player: Player) -> None:
    stranger = Player(player.defaults | {"impersonate_user": "stranger"})
    message = stranger.play(info(namespace="traefik")).tasks[0].message
    assert 'cannot list resource "deployments" in API group "apps" in the namespace "traefik"' in message
