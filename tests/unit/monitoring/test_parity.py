"""What Traefik's replicas are compared by, and where."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.parity import (
    Comparison,
    EntryPoint,
    comparison_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.settings_report import report
from ansible_collections.resilient.traefik.plugins.plugin_utils.parity_exporter.exporter import (
    Exporter,
    exporter_from,
    files_of,
)

ARGUMENTS = {
    "entrypoints.web.address": ":8000/tcp",
    "entrypoints.web.http.redirections.entrypoint.to": "websecure",
    "entrypoints.websecure.address": ":8443/tcp",
    "entrypoints.websecure.http.tls": "true",
    "entrypoints.plain.address": ":8001",
    "entrypoints.games.address": ":9999/udp",
    "ping": "true",
}
SITES = [("a.test", "/"), ("b.test", "/a path|with^things?")]


def traefik(arguments: dict[str, str] = ARGUMENTS) -> dict[str, Any]:
    """A result of traefik_info."""
    points = [{"traefik": {"entry_point": name}} for name in ("web", "websecure", "plain", "games")]
    requests = [{"host": host, "path": path} for host, path in SITES]
    return {
        "settings": report(arguments, "arguments"),
        "site_check": {"points": points, "requests": requests},
    }


def workload(selector: dict[str, Any]) -> dict[str, Any]:
    """A Deployment."""
    return {"kind": "Deployment", "metadata": {"name": "edge", "namespace": "net"}, "spec": {"selector": selector}}


COMPARISON = comparison_of(traefik(), workload({"matchLabels": {"app": "edge", "tier": "a"}}), ["c.test"])


def test_entry_points_that_tell_nothing_are_left_out() -> None:
    assert COMPARISON.entry_points == {"websecure": EntryPoint(8443, tls=True), "plain": EntryPoint(8001)}
    assert COMPARISON.api == EntryPoint(8080)


def test_each_site_is_asked_at_each_entry_point() -> None:
    assert [question["item"] for question in COMPARISON.questions] == [
        "a.test/ at plain",
        "a.test/ at websecure",
        "b.test/a%20path%7Cwith%5Ethings%3F at plain",
        "b.test/a%20path%7Cwith%5Ethings%3F at websecure",
    ]


def test_hosts_can_be_left_out() -> None:
    without = comparison_of(traefik(), workload({"matchLabels": {"app": "edge"}}), ["a.test"])
    assert [site["host"] for site in without.sites] == ["b.test"]


def test_pods_are_found_by_the_workloads_selector() -> None:
    path = COMPARISON.as_settings()["pods_path"]
    assert path == "/api/v1/namespaces/net/pods?labelSelector=app%3Dedge%2Ctier%3Da&resourceVersion=0"


def test_a_workload_that_selects_everything_is_refused() -> None:
    with pytest.raises(BadArgument, match=r"Deployment net/edge has no selector"):
        comparison_of(traefik(), workload({}))


def test_the_api_below_a_path_and_without_an_internal_entry_point() -> None:
    moved = comparison_of(traefik(ARGUMENTS | {"api.basepath": "/deep/"}), workload({"matchLabels": {"app": "edge"}}))
    assert moved.api_path == "/deep/api"
    quiet = {name: value for name, value in ARGUMENTS.items() if name != "ping"}
    assert comparison_of(traefik(quiet), workload({"matchLabels": {"app": "edge"}})).api.port == 0


def test_every_fault_of_the_place_is_named() -> None:
    with pytest.raises(BadArgument) as refused:
        exporter_from({"interval": 5, "grace": "soon", "colour": "red"})
    assert str(refused.value) == (
        "The place of the exporter cannot be used. colour: there is no such option. folder: is needed. "
        "grace: expected a number of at least 0, got 'soon'. interval: expected a number of at least 10, got 5."
    )
    with pytest.raises(BadArgument, match="Expected options and values"):
        exporter_from("/etc")


def test_numbers_may_come_as_texts() -> None:
    place = exporter_from({"folder": "/etc/parity", "interval": "20", "questions_a_round": "7", "modules": ["a.so"]})
    assert (place.interval, place.questions_a_round, place.modules) == (20, 7, ("a.so",))


@pytest.mark.parametrize("interval", [10, 15, 60])
def test_a_round_ends_before_the_next_one(interval: int) -> None:
    place = Exporter(folder="/etc/parity", interval=interval)
    assert place.longest + place.connect_within + place.answer_within < place.interval


def test_the_files_say_what_is_compared() -> None:
    files = files_of(COMPARISON, exporter_from({"folder": "/etc/parity", "modules": ["modules/js.so"]}))
    assert "load_module modules/js.so;" in files["parity.conf"]
    assert "js_path /etc/parity/;" in files["parity.conf"]
    told = json.loads(files["settings.js"].removeprefix("export default ").rstrip(";\n"))
    assert told["entry_points"]["websecure"] == {"port": 8443, "tls": True}
    assert told["api"] == {"port": 8080, "tls": False, "path": "/api"}
    assert (told["sites"], len(told["questions"]), told["grace_ms"]) == (2, 4, 30_000)
    imported = {line.split("from ")[1] for text in files.values() for line in text.splitlines() if "import " in line}
    own = {line.strip("';") for line in imported if line.strip("';").endswith(".js")}
    assert own <= files.keys()


def test_without_sites_only_routers_are_compared() -> None:
    assert Comparison("net", "DaemonSet", "edge", "app=edge", EntryPoint(8080)).questions == []
