"""What Traefik is to be like: values that add up, arguments, and the workload with them worked in."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha import pods
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.arguments import (
    defined_entry_points,
    wished_arguments,
    with_arguments,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import (
    SCHEDULE_ANYWAY,
    WISHES,
    Wishes,
    seconds_of,
)

TIMEOUT = "serversTransport.forwardingTimeouts.responseHeaderTimeout"


def wished(**given: Any) -> Wishes:
    """The defaults, with some of them given."""
    return Wishes.of({name: option.get("default") for name, option in WISHES.items()} | given)


def workload(**pod: Any) -> dict[str, Any]:
    """A Traefik with two entry points."""
    container = {"name": "traefik", "args": ["--entryPoints.Web.address=:80", "--entryPoints.api.address=:8080/tcp"]}
    sidecar = {"name": "logs"}
    return {
        "kind": "Deployment",
        "metadata": {"name": "edge", "namespace": "net"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "edge"}},
            "template": {"metadata": {}, "spec": {"containers": [sidecar, container], **pod}},
        },
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1m30s", 90), ("90", 90), ("1.5h", 5400), ("250ms", 0.25), ("", 0), ("0s", 0)],
)
def test_a_time_as_traefik_reads_it(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["30 s", "soon", "-3s", "s", "3d", "1m30"])
def test_what_is_no_time(text: str) -> None:
    assert seconds_of(text) is None
    for name in ("dial_timeout", "response_header_timeout"):
        assert [fault.split(":")[0] for fault in wished(**{name: text}).faults()] == [name]


def test_the_defaults_add_up() -> None:
    assert wished().faults() == []


def test_grace_times_that_do_not_add_up() -> None:
    (fault,) = wished(pre_stop_sleep=20).faults()
    assert "pre_stop_sleep 20 s + request_accept_grace_timeout 10 s + grace_timeout 30 s = 60 s" in fault
    assert "give 65 or more" in fault


def test_numbers_that_cannot_be_meant() -> None:
    faults = wished(replicas=0, min_available=-1, response_header_timeout="0s").faults()
    assert [fault.split(":")[0] for fault in faults] == ["min_available", "replicas", "response_header_timeout"]


def test_arguments_are_set_in_place_once_and_the_others_stay() -> None:
    given = ["--api", f"--{TIMEOUT.upper()}=0s", "-log.level", "INFO", f"--{TIMEOUT}=5s", "--ping=true"]
    assert with_arguments(given, {TIMEOUT: "30s"}) == ["--api", f"--{TIMEOUT}=30s", "-log.level", "INFO", "--ping=true"]
    assert with_arguments(["--log.level", "INFO"], {"log.level": "DEBUG"}) == ["--log.level=DEBUG"]
    assert with_arguments(["--ping"], {TIMEOUT: "30s"}) == ["--ping", f"--{TIMEOUT}=30s"]


def test_arguments_that_say_the_same_stay_as_they_are_written() -> None:
    given = [f"-{TIMEOUT.lower()}=30s", "--log.level", "INFO"]
    assert with_arguments(given, {TIMEOUT: "30s", "log.level": "INFO"}) == given


def test_every_defined_entry_point_gets_its_grace_times() -> None:
    given = ["--entryPoints.Web.address=:80", "--entrypoints.api.address", ":8080", "--entryPoints.none.http.tls"]
    assert defined_entry_points(given) == ["Web", "api"]
    names = wished_arguments(wished(response_header_timeout="", dial_timeout=""), ["Web", "api"])
    assert names == {
        "entryPoints.Web.transport.lifeCycle.requestAcceptGraceTimeout": "10s",
        "entryPoints.Web.transport.lifeCycle.graceTimeOut": "30s",
        "entryPoints.api.transport.lifeCycle.requestAcceptGraceTimeout": "10s",
        "entryPoints.api.transport.lifeCycle.graceTimeOut": "30s",
    }


def test_only_what_is_wished_changes_and_a_second_time_nothing() -> None:
    before = workload(dnsPolicy="ClusterFirst")
    kept = copy.deepcopy(before)
    after = pods.with_wishes(before, "traefik", wished(priority_class="edge"))
    assert before == kept
    spec, pod = after["spec"], after["spec"]["template"]["spec"]
    sidecar, container = pod["containers"]
    assert sidecar == {"name": "logs"}
    assert (spec["replicas"], spec["minReadySeconds"], pod["dnsPolicy"]) == (3, 5, "ClusterFirst")
    assert "strategy" not in spec
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert len(container["args"]) == 2 + 2 + 4
    assert pods.with_wishes(after, "traefik", wished(priority_class="edge")) == after


def test_a_daemon_set_is_neither_scaled_nor_spread() -> None:
    item = workload() | {"kind": "DaemonSet"}
    spec = pods.with_wishes(item, "traefik", wished(replicas=7))["spec"]
    assert spec["replicas"] == 3
    assert "topologySpreadConstraints" not in spec["template"]["spec"]


def test_a_longer_readiness_delay_stays() -> None:
    item = workload()
    item["spec"]["template"]["spec"]["containers"][1]["readinessProbe"] = {"initialDelaySeconds": 9}
    assert pods.with_wishes(item, "traefik", wished()) != item
    after = pods.with_wishes(item, "traefik", wished())["spec"]["template"]["spec"]["containers"][1]
    assert after["readinessProbe"] == {"initialDelaySeconds": 9}


def test_another_priority_class_drops_what_admission_made_of_the_former() -> None:
    pod = pods.with_wishes(workload(priorityClassName="low", priority=1), "traefik", wished(priority_class="high"))
    assert "priority" not in pod["spec"]["template"]["spec"]


def test_the_constraint_over_nodes_is_merged_and_others_stay() -> None:
    zone = {"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"}
    own = {"topologyKey": "kubernetes.io/hostname", "maxSkew": 3, "minDomains": 2, "labelSelector": {"own": "one"}}
    merged = pods.with_spread([own, zone], {"app": "edge"}, wished(when_unsatisfiable=SCHEDULE_ANYWAY))
    assert merged == [
        {
            "topologyKey": "kubernetes.io/hostname",
            "maxSkew": 1,
            "whenUnsatisfiable": "ScheduleAnyway",
            "nodeTaintsPolicy": "Honor",
            "matchLabelKeys": ["pod-template-hash"],
            "labelSelector": {"own": "one"},
        },
        zone,
    ]
    strict = pods.with_spread([own], {"app": "edge"}, wished())
    assert (strict[0]["minDomains"], strict[0]["whenUnsatisfiable"]) == (2, "DoNotSchedule")


def test_a_budget_changes_over_from_max_unavailable() -> None:
    budget = {"spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "edge"}}}}
    after = pods.with_budget(budget, wished(min_available=4))
    assert after["spec"] == {"minAvailable": 4, "selector": {"matchLabels": {"app": "edge"}}}
    assert pods.new_budget(workload(), wished())["spec"] == {
        "minAvailable": 2,
        "selector": {"matchLabels": {"app": "edge"}},
    }
