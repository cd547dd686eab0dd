"""forward_auth_check and the playbook verify on the hardened lab, with one thing broken at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab_cluster import LabCluster, eventually
from tests.integration.support_books import QUICK, Books, hardened_by
from tests.integration.support_playbook import Played, Player
from tests.integration.support_sabotage import created, patched

pytest_plugins = ("tests.integration.support_fixtures",)
pytestmark = pytest.mark.alone

MIDDLEWARES = "/apis/traefik.io/v1alpha1/namespaces/{}/middlewares"
AUTH = MIDDLEWARES.format("traefik") + "/authentik-forward-auth"
OUTPOST = (
    "http://ak-outpost-authentik-embedded-outpost.authentik.svc.cluster.local:9000/outpost.goauthentik.io/auth/traefik"
)
SERVICES = "/api/v1/namespaces/{}/services"
Broken = Callable[[LabCluster], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def hardened(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """The lab after harden, and as before in the end."""
    with hardened_by(Books(kubeconfig, tmp_path_factory.mktemp("reports"), QUICK)) as books:
        yield books


def check(player: Player, **options: Any) -> Played:
    """One look."""
    return player.task("forward_auth_check", {"wait_timeout": 0} | options)


def failed(played: Played) -> str:
    """What did not pass, in words."""
    return "\n".join(
        f"{each['name']}: {each['found']}" for each in played.result.get("checks", []) if not each["passed"]
    )


def _forward_auth(**fields: Any) -> Broken:
    return lambda cluster: patched(cluster, AUTH, spec={"forwardAuth": fields})


def _without_a_header(cluster: LabCluster) -> AbstractContextManager[None]:
    listed = cluster.read(AUTH)["spec"]["forwardAuth"]["authResponseHeaders"]
    return _forward_auth(authResponseHeaders=[each for each in listed if each != "X-authentik-uid"])(cluster)


@contextmanager
def _copy(cluster: LabCluster) -> Iterator[None]:
    """A route with a copy of the middleware, made before the proxy was there."""
    copy = {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "Middleware",
        "metadata": {"name": "copy", "namespace": "apps"},
        "spec": {"forwardAuth": {"address": OUTPOST}},
    }
    route = {"match": "Host(`copy.lab.test`)", "kind": "Rule", "middlewares": [{"name": "copy"}]}
    item = {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "IngressRoute",
        "metadata": {"name": "copied", "namespace": "apps"},
        "spec": {"routes": [route | {"services": [{"name": "httpbin", "port": "http"}]}]},
    }
    with ExitStack() as stack:
        stack.enter_context(created(cluster, MIDDLEWARES.format("apps"), copy))
        stack.enter_context(created(cluster, "/apis/traefik.io/v1alpha1/namespaces/apps/ingressroutes", item))
        yield


@contextmanager
def _an_old_pod(cluster: LabCluster) -> Iterator[None]:
    """As a pod of an earlier configuration says of itself."""
    name = cluster.ready_pods("traefik", "app.kubernetes.io/name=auth-proxy")[0]
    annotations = {"resilient.traefik/configuration": "0" * 64}
    with patched(cluster, f"/api/v1/namespaces/traefik/pods/{name}", metadata={"annotations": annotations}):
        yield


def _nobody(namespace: str, name: str) -> Broken:
    path = f"{SERVICES.format(namespace)}/{name}"

    @contextmanager
    def broken(cluster: LabCluster) -> Iterator[None]:
        slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"

        def without() -> bool:
            found = cluster.read(slices, labelSelector=f"kubernetes.io/service-name={name}")["items"]
            return not any(each.get("endpoints") for each in found)

        with patched(cluster, path, spec={"selector": {"saboteur": "nobody"}}):
            eventually(without, f"{name} has no endpoint")
            yield
        eventually(lambda: not without(), f"{name} has endpoints again")

    return broken


def _no_users(cluster: LabCluster) -> AbstractContextManager[None]:
    return patched(cluster, "/api/v1/namespaces/traefik/secrets/auth-proxy-users", data={"users": ""})


SABOTAGES: dict[str, tuple[Broken, str]] = {
    "address led back": (_forward_auth(address=OUTPOST), f"a proxy stands before whom it asks: {OUTPOST}"),
    "address of another port": (
        _forward_auth(address="http://auth-proxy.traefik.svc.cluster.local.:9113/outpost.goauthentik.io/auth/traefik"),
        "its address is the proxy's port",
    ),
    "one header out of the list": (_without_a_header, "from nobody but the proxy: not X-authentik-uid"),
    "no pattern of headers": (_forward_auth(authResponseHeadersRegex=""), "other spellings of identity headers"),
    "a route with an old copy": (_copy, "Middleware apps/copy: a proxy stands before whom it asks"),
    "the Service selects nobody": (_nobody("traefik", "auth-proxy"), "selects the proxy's pods: 0 ready"),
    "the proxy finds no target": (_nobody("authentik", "auth-proxy-peers"), "asks the pods of its target"),
    "an old configuration on one pod": (_an_old_pod, "has the configuration of the policy: pod auth-proxy-"),
    "the users are gone": (_no_users, "has loaded the emergency logins: it holds no user"),
}
SHORT_SABOTAGES = ("one header out of the list", "a route with an old copy")
EVERY_LINK = pytest.mark.variation("every link of the way broken")


def test_every_link_holds_on_the_hardened_lab(hardened: Books, player: Player) -> None:
    played = check(player, wait_timeout=30)
    assert played.outcome == "ok", failed(played)
    assert played.result["routes"]["protected"] == played.result["routes"]["asking"] >= 3
    names = [each["name"] for each in played.result["checks"]]
    assert any("each replica asks the proxy" in name for name in names)


@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=() if what in SHORT_SABOTAGES else EVERY_LINK) for what in SABOTAGES]
)
def test_what_is_broken_is_found_and_named(what: str, hardened: Books, player: Player, cluster: LabCluster) -> None:
    broken, words = SABOTAGES[what]
    with broken(cluster):
        played = check(player)
    assert played.outcome == "failed"
    assert words in failed(played)


def test_who_led_the_address_back_is_named_with_its_routes(
    hardened: Books, player: Player, cluster: LabCluster
) -> None:
    with _forward_auth(address=OUTPOST)(cluster):
        told = failed(check(player))
    assert "written last by saboteur (Update) at 20" in told
    # Sites of other tests ask their proxies, or nobody's.
    ((protected, all_of_them, bare),) = re.findall(
        r"(\d+) of (\d+) routes that ask somebody are protected; not: (.*)", told
    )
    assert 2 <= int(protected) < int(all_of_them)
    assert "Middleware traefik/authentik-forward-auth -> " in bare
    assert "Ingress apps/private private.lab.test/" in told


def test_only_those_that_were_asked_for_hold_it_up(hardened: Books, player: Player, cluster: LabCluster) -> None:
    bots = [{"middleware": {"namespace": "traefik", "name": "ai-bot-block"}}]
    with _forward_auth(address=OUTPOST)(cluster):
        played = check(player, required="listed", proxies=bots)
        alone = check(player, left_alone=["traefik/authentik-forward-auth"])
        target = {"namespace": "authentik", "service": "ak-outpost-authentik-embedded-outpost"}
        by_target = check(player, required="listed", proxies=[{"target": target}])
    assert (played.outcome, alone.outcome) == ("ok", "ok"), (failed(played), failed(alone))
    assert by_target.outcome == "failed"
    found = played.result["checks"][-1]["found"]
    assert "not asked for: Middleware traefik/authentik-forward-auth" in found


def _report(books: Books) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(next(books.reports.glob("*.json")).read_text())
    return report


def test_verify_fails_where_the_address_is_led_back(hardened: Books, cluster: LabCluster) -> None:
    with _forward_auth(address=OUTPOST)(cluster):
        ended = hardened.play("verify", "--tags", "auth")
    assert ended.code != 0
    report = _report(hardened)
    assert report["title"] == "Not proved: Routes ask proxies (forward_auth)"
    states = {each["name"]: each["state"] for each in report["areas"]}
    assert (states["auth"], states["forward_auth"], states["traefik_ha"]) == ("passed", "failed", "not_looked_at")


def test_only_what_was_asked_for_is_claimed(hardened: Books) -> None:
    ended = hardened.play("verify", "--tags", "traefik_ha")
    assert ended.code == 0, ended.output
    report = _report(hardened)
    assert report["title"] == (
        "Traefik survives the loss of a node (traefik_ha); Sites answer through each replica (sites)"
    )
    assert "not looked at: not asked for" in ended.output


def test_what_may_not_be_read_is_not_proved(kubeconfig: Path, tmp_path: Path) -> None:
    """Somebody without any right: nothing can be looked at, so everything that was asked for fails."""
    books = Books(kubeconfig, tmp_path, environment={"K8S_AUTH_IMPERSONATE_USER": "nobody@lab.test"})
    ended = books.play("verify")
    assert ended.code != 0
    states = {each["name"]: each["state"] for each in _report(books)["areas"]}
    assert set(states.values()) == {"failed"}, states
