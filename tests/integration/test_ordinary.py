"""A lab as people have it: HTTPS, two Traefiks, two login services, routes of several namespaces."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from tests.integration.lab_cluster import LabCluster
from tests.integration.standin import StandIn
from tests.integration.support_books import QUICK, Books, Ended
from tests.integration.support_drill import variables
from tests.integration.support_playbook import Player
from tests.integration.support_whole_state import State, differing, whole_state

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = [pytest.mark.alone, pytest.mark.slow]

OUTPOSTS = "authentik/ak-outpost-authentik-embedded-outpost"
INTERNAL = "traefik-internal/traefik-internal"
# What nobody but its operator can know of such a cluster.
ANSWERS = {
    "resilient_traefik_traefik_namespace": "traefik",
    "resilient_traefik_other_traefiks": {INTERNAL: "allow"},
    "resilient_traefik_left_alone": [OUTPOSTS],
}
LOGIN = {"status": [302]}
FALLBACK = {"status": [401], "headers": [{"name": "X-Auth-Fallback", "matches": "true"}]}
# Sites by whom they ask.
BEHIND_AUTHENTIK = {"private.lab.test": "websecure", "partners.lab.test": "partners"}
BEHIND_AUTHELIA = {"shop.lab.test": "websecure"}


@pytest.fixture(scope="module", autouse=True)
def before(kubeconfig: Path, cluster: LabCluster) -> State:
    """The whole cluster, unhardened. The tests are skipped where the lab is the plain one."""
    client = Client({"kubeconfig": str(kubeconfig)})
    if client.find(ObjectRef("v1", "Namespace", "traefik-internal")) is None:
        pytest.skip("this is the plain lab: LAB_ORDINARY=1 make lab")
    StandIn(cluster, "sso", "app.kubernetes.io/name=authelia", 9091).switch("ok")
    return whole_state(client)


@pytest.fixture
def authelia(cluster: LabCluster) -> StandIn:
    """The second login service."""
    return StandIn(cluster, "sso", "app.kubernetes.io/name=authelia", 9091)


@pytest.fixture(scope="module")
def authority(kubeconfig: Path) -> str:
    """The authority that issued the lab's certificates, as PEM text."""
    secret = Client({"kubeconfig": str(kubeconfig)}).get(ObjectRef("v1", "Secret", "lab-test-tls", "traefik"))
    return base64.b64decode(secret["data"]["ca.crt"]).decode()


@pytest.fixture(scope="module")
def books(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The playbooks with an operator's answers."""
    return Books(kubeconfig, tmp_path_factory.mktemp("reports"), QUICK)


def play(books: Books, name: str, *options: str, **more: Any) -> Ended:
    """A playbook with the answers, and what a test says beside them."""
    return books.play(name, "-e", json.dumps(ANSWERS | more), *options)


def asked(player: Player, sites: dict[str, str], authority: str, *, workload: str = "traefik", **more: Any) -> None:
    """Each site by HTTPS, at its entry point, through every replica, its certificate verified."""
    place = {"namespace": workload, "workload": workload}
    for host, entry_point in sites.items():
        request = {"host": host, "scheme": "https", "ca": authority} | more
        point = {"traefik": place | {"entry_point": entry_point}}
        played = player.task("http_check", {"points": [point], "requests": [request], "max_seconds": 5})
        assert played.outcome == "ok", f"{host}: {played.message}"
        assert len(played.result["answers"]) == (3 if workload == "traefik" else 1)


def test_sites_ask_whom_they_should(player: Player, authority: str) -> None:
    asked(player, BEHIND_AUTHENTIK | BEHIND_AUTHELIA | {"admin.lab.test": "websecure"}, authority, expect=LOGIN)
    asked(player, {"wiki.lab.test": "websecure"}, authority, workload="traefik-internal", expect=LOGIN)
    rd = [{"name": "Location", "matches": r"^https://login\.lab\.test/\?rd="}]
    asked(player, BEHIND_AUTHELIA, authority, expect={"status": [302], "headers": rd})


def test_what_only_its_operator_knows_is_asked_for_once(books: Books, admin: Client, before: State) -> None:
    refused = books.play("harden")
    assert refused.code != 0
    told = refused.output.rpartition("Nothing was changed.")[2]
    assert told.count("more than one Traefik found") == 1, told
    assert "resilient_traefik_traefik_namespace: more than one Traefik" in told
    assert f"resilient_traefik_left_alone: [{OUTPOSTS}]" in told
    refused = play(books, "harden", resilient_traefik_other_traefiks={})
    assert refused.code != 0
    assert f"{INTERNAL} serves 1 route (wiki.lab.test)" in refused.output
    assert differing(before, whole_state(admin)) == {}


@pytest.fixture(scope="module")
def hardened(books: Books, before: State, kubeconfig: Path) -> Iterator[Ended]:
    """The lab after harden, and as before in the end."""
    ended = play(books, "harden")
    try:
        assert ended.code == 0, ended.output
        yield ended
    finally:
        back = play(books, "rollback")
    assert back.code == 0, back.output
    assert differing(before, whole_state(Client({"kubeconfig": str(kubeconfig)}))) == {}


def test_it_says_what_it_protects_and_what_not(hardened: Ended) -> None:
    assert "Proxies will stand before all that 6 of 7 routes ask" in hardened.output
    assert "auth-proxy-authelia (1 route)" in hardened.output
    told = re.sub(r'[\s",]+', " ", hardened.output)
    assert "6 of 7 routes outlive whom they ask (not: IngressRoute authentik/admin" in told
    assert "depends on no ForwardAuth service" not in hardened.output


def test_sites_are_as_before(hardened: Ended, player: Player, authority: str) -> None:
    test_sites_ask_whom_they_should(player, authority)


def test_each_login_service_may_hang(
    hardened: Ended, player: Player, authority: str, authelia: StandIn, outpost: StandIn
) -> None:
    with authelia.failing("hang"):
        asked(player, BEHIND_AUTHELIA, authority, expect=FALLBACK)
        asked(player, BEHIND_AUTHENTIK, authority, expect=LOGIN)
    with outpost.failing("hang"):
        asked(player, BEHIND_AUTHENTIK, authority, expect=FALLBACK)
        asked(player, {"wiki.lab.test": "websecure"}, authority, workload="traefik-internal", expect=FALLBACK)
        asked(player, BEHIND_AUTHELIA, authority, expect=LOGIN)


def test_the_bot_blocker_may_hang(hardened: Ended, player: Player, authority: str, blocker: StandIn) -> None:
    sites = {"public.lab.test": "websecure", "api.lab.test": "websecure"}
    with blocker.failing("hang"):
        asked(player, sites, authority, expect={"status": [200]})


@pytest.mark.variation("drills on the lab as people have it; on the plain one they are played all")
def test_a_drill_measures_sites_where_people_ask_them(hardened: Ended, books: Books) -> None:
    """The site that is meant to ask without a proxy is dead in it, and is said to be."""
    drilled = play(books, "drill", **variables(scenarios=["forward_auth_hung"]))
    assert drilled.code != 0
    assert "admin.lab.test" in drilled.output
    left_out = ["stuck.lab.test", "admin.lab.test"]
    drilled = play(
        books, "drill", resilient_traefik_sites_left_out=left_out, **variables(scenarios=["forward_auth_hung"])
    )
    assert drilled.code == 0, drilled.output


@pytest.mark.variation("a controller that takes the switch back; test_sabotages.py leads it back by hand")
def test_a_controller_that_takes_it_back_is_found(hardened: Ended, books: Books) -> None:
    """Switched all the same: the outpost's controller leads it back within seconds, and nobody is told otherwise."""
    taken = play(books, "harden", "--tags", "auth", resilient_traefik_left_alone=[], auth_proxy_where_kept="switch")
    try:
        assert taken.code != 0, taken.output
        assert OUTPOSTS in taken.output
    finally:
        back = play(books, "rollback")
        assert back.code == 0, back.output
