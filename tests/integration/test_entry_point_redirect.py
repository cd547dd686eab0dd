"""The lab's Traefik sends everybody from ``web`` to HTTPS, as the official chart does: that is no answer of a site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab_cluster import LabCluster
from tests.integration.support_drill import options
from tests.integration.support_playbook import Player
from tests.integration.support_sabotage import created, web_redirects

pytest_plugins = ("tests.integration.support_fixtures",)
pytestmark = [pytest.mark.alone, pytest.mark.variation("an entry point that redirects, as the chart writes it")]

INGRESSES = "/apis/networking.k8s.io/v1/namespaces/apps/ingresses"


@pytest.fixture(scope="module", autouse=True)
def redirecting(cluster: LabCluster) -> Iterator[None]:
    """Two roll-outs of Traefik: once for all tests."""
    with web_redirects(cluster):
        yield


def _at_web(**request: Any) -> dict[str, Any]:
    return {
        "points": [{"traefik": {"entry_point": "web"}}],
        "requests": [{"host": "private.lab.test", "scheme": "http"} | request],
    }


def test_sites_are_asked_where_they_are_served(player: Player) -> None:
    check = player.task("traefik_info", {"sites": True, "routing": False}).result["site_check"]
    assert [point["traefik"]["entry_point"] for point in check["points"]] == ["websecure"]
    assert {request["scheme"] for request in check["requests"]} == {"https"}
    # One of the lab's applications never answers.
    asked = [request for request in check["requests"] if request["host"] != "stuck.lab.test"]
    played = player.task("http_check", check | {"requests": asked})
    assert played.outcome == "ok", played.message
    statuses = {answer["name"]: answer["status"] for answer in played.result["answers"]}
    assert (statuses["public.lab.test"], statuses["private.lab.test"]) == (200, 302)


def test_the_redirect_is_no_answer_unless_it_is_asked_for(player: Player) -> None:
    any_answer = player.task("http_check", _at_web(expect={"status": []}))
    assert any_answer.outcome == "failed"
    assert "the entry point sends everybody to :443: that is no answer of the site" in any_answer.message
    headers = [{"name": "Location", "matches": "^https://private.lab.test/"}]
    itself = player.task("http_check", _at_web(expect={"status": [301], "headers": headers}))
    assert itself.outcome == "ok", itself.message


def test_a_site_that_is_only_served_there_is_not_proved(player: Player, cluster: LabCluster) -> None:
    backend = {"service": {"name": "httpbin", "port": {"name": "http"}}}
    rule = {"host": "lost.lab.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    annotations = {"traefik.ingress.kubernetes.io/router.entrypoints": "web"}
    item = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "lost", "namespace": "apps", "annotations": annotations},
        "spec": {"ingressClassName": "traefik", "rules": [rule]},
    }
    with created(cluster, INGRESSES, item):
        check = player.task("traefik_info", {"sites": True, "routing": False}).result["site_check"]
        played = player.task("http_check", check)
    assert played.outcome == "failed"
    assert "lost.lab.test (web sends everybody to :443, where it is not served)" in played.message
    assert "not asked, so not proved" in played.message


def test_a_drill_does_not_measure_the_redirect(player: Player, tmp_path: Path) -> None:
    """On the lab as it comes every site behind authentik is dead while that hangs."""
    refused = player.task("drill", options("forward_auth_hung", entry_point="web", directory=str(tmp_path)))
    assert refused.result["verdict"] == "not_run"
    assert "web sends everybody to :443" in refused.message
    drilled = player.task("drill", options("forward_auth_hung", directory=str(tmp_path), visitors=[]))
    assert drilled.result["verdict"] == "deviated", drilled.message
    seen = {visitor["host"]: visitor["before"] for visitor in drilled.result["drill"]["visitors"]}
    assert seen["private.lab.test"] == [302]
    assert drilled.result["drill"]["figures"]["requests"] > 0
