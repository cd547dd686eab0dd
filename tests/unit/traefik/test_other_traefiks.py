"""A Traefik beside the hardened one that serves routes with the same middleware: let in, denied, or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_facts as facts
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_findings as judgement
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_targets import Targets
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import wishes_from
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.other_traefiks import (
    OtherTraefik,
    asker,
    others_beside,
    shape_faults,
)
from tests.unit.traefik.test_forward_auth import LOGIN, route
from tests.unit.traefik.test_forward_auth_findings import DOMAIN, FOUND, WISH, told

Object = dict[str, Any]
API: Object = {"apiVersion": "traefik.io/v1alpha1"}
ROUTES = [API | route("Host(`a.test`)", "traefik/login"), API | route("Host(`open.test`)")]


class NoFiles:
    """Nothing is mounted."""

    def find(self, ref: ObjectRef) -> Object | None:
        """Return nothing."""
        raise AssertionError(f"{ref} was read")


def traefik(*arguments: str, namespace: str = "inner", kind: str = "Deployment", **pod: Any) -> Object:
    """A Traefik that watches all namespaces unless ``arguments`` say otherwise."""
    container = {
        "name": "traefik",
        "image": "docker.io/traefik:v3.7.9",
        "args": ["--providers.kubernetescrd", *arguments],
    }
    labels = {"app": "inner"}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "traefik", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels, "matchExpressions": [{"key": "tier", "operator": "Exists"}]},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container], **pod}},
        },
    }


def beside(*workloads: Object) -> Found:
    """The sound cluster of the other tests, with those workloads in it."""
    assert FOUND.workload is not None
    targets = Targets(ROUTES, frozenset())
    return replace(FOUND, others=others_beside(NoFiles(), FOUND.workload, workloads, targets, [LOGIN]))


def warned(found: Found, **wish: Any) -> str:
    """All warnings of one wish."""
    (one,) = wishes_from(WISH, [wish])
    return " ".join(judgement.warnings_of(one, found, situation(one, found, DOMAIN)))


def test_one_that_serves_a_route_with_the_middleware_is_named_with_its_hosts_and_the_remedy() -> None:
    words = told(beside(traefik()))["other_traefiks"]
    assert "Deployment inner/traefik serves 1 route (a.test) with the same middleware" in words
    assert "{inner/traefik: allow}" in words


@pytest.mark.parametrize(
    "other",
    [
        traefik("--providers.kubernetescrd.namespaces=elsewhere"),
        traefik("--providers.kubernetescrd.ingressclass=inner"),
        traefik("--providers.kubernetescrd.labelselector=edge=inner"),
        traefik() | {"kind": "Deployment", "metadata": {"name": "traefik", "namespace": "traefik"}},
    ],
    ids=["other namespaces", "other class", "other labels", "the hardened one"],
)
def test_one_that_serves_no_such_route_is_not_spoken_of(other: Object) -> None:
    assert told(beside(other)) == {}
    assert "inner/traefik" not in warned(beside(other))


def _from_the_environment() -> Object:
    other = traefik()
    other["spec"]["template"]["spec"]["containers"][0] |= {"args": [], "envFrom": [{"secretRef": {"name": "traefik"}}]}
    return other


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (_from_the_environment(), "since its settings cannot be read"),
        (traefik("--providers.kubernetesgateway"), "since it has providers.kubernetesgateway"),
        (traefik("--providers.file.filename=/routes.yml"), "since it has providers.file"),
        (traefik("--providers.kubernetesgateway", kind="StatefulSet"), "StatefulSet inner/traefik serves"),
    ],
)
def test_one_of_whose_routes_nothing_is_known_is_taken_to_ask(other: Object, why: str) -> None:
    assert why in told(beside(other))["other_traefiks"]
    other["spec"]["replicas"] = 0
    assert "nothing is known" not in str(told(beside(other)))


def test_a_middleware_of_a_routes_service_counts_as_one_of_the_route() -> None:
    assert FOUND.workload is not None
    own: Object = dict[str, Any](API | route("Host(`a.test`)"))
    own["spec"]["routes"][0]["services"] = [{"name": "web", "middlewares": [{"name": "login", "namespace": "traefik"}]}]
    (other,) = others_beside(NoFiles(), FOUND.workload, [traefik()], Targets([own], frozenset()), [LOGIN])
    assert other.asks(["traefik-login@kubernetescrd"])


def test_one_at_whose_entry_point_everybody_is_asked_asks_for_every_route() -> None:
    other = traefik("--entrypoints.web.address=:80", "--entrypoints.web.http.middlewares=traefik-login@kubernetescrd")
    assert "serves 2 routes (a.test, open.test)" in told(beside(other))["other_traefiks"]


def test_one_that_may_ask_is_let_in_by_all_of_its_selector() -> None:
    found, choice = beside(traefik(kind="DaemonSet")), {"inner/traefik": "allow"}
    assert told(found, other_traefiks=choice) == {}
    assert "resilient_traefik_traefik_namespace: inner" in warned(found, other_traefiks=choice)
    (one,) = wishes_from(WISH, [{"other_traefiks": choice}])
    around = facts.Surroundings(found, DOMAIN, {}, facts.traefik_facts(found.workload, ""))
    own, other = facts.proxy_facts(one, situation(one, found, DOMAIN), around)["askers"]
    assert own == {"namespace": "traefik", "pods": {"matchLabels": {"app": "traefik"}}, "host_network": False}
    assert other["namespace"] == "inner"
    assert other["pods"] == traefik()["spec"]["selector"]


def test_one_that_is_denied_stays_out_and_what_it_answers_is_told() -> None:
    found, choice = beside(traefik()), {"inner/traefik": "deny"}
    assert told(found, other_traefiks=choice) == {}
    assert "it answers 500 for 1 route (a.test)" in warned(found, other_traefiks=choice)
    (one,) = wishes_from(WISH, [{"other_traefiks": choice}])
    around = facts.Surroundings(found, DOMAIN, {}, facts.traefik_facts(found.workload, ""))
    assert len(facts.proxy_facts(one, situation(one, found, DOMAIN), around)["askers"]) == 1


@pytest.mark.parametrize("given", [False, "false", "no"])
def test_without_a_fence_nobody_is_kept_out(given: Any) -> None:
    assert told(beside(traefik()), network_policy=given) == {}
    # The template, to which text would be true, writes none either.
    (one,) = wishes_from(WISH, [{"network_policy": given}])
    assert one.given["network_policy"] is False


def test_one_that_may_ask_must_be_able_to_resolve_the_proxys_name() -> None:
    found = beside(traefik(hostNetwork=True))
    words = told(found, other_traefiks={"inner/traefik": "allow"})["traefik_name"]
    assert "inner/traefik is on the host's network" in words
    assert asker(found.others[0].workload)["host_network"]


def test_a_name_that_nobody_has_is_told_and_refuses_nothing() -> None:
    choice = {"inner/treafik": "allow"}
    assert told(other_traefiks=choice) == {}
    assert "other_traefiks names inner/treafik, and there is no such" in warned(FOUND, other_traefiks=choice)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["inner/traefik"], "expected a mapping"),
        ({"traefik": "allow"}, "'traefik' is no namespace/name"),
        ({"a/b/c": "allow"}, "'a/b/c' is no namespace/name"),
        ({"inner/traefik": True}, "True for inner/traefik is neither allow nor deny"),
    ],
)
def test_what_is_no_choice_is_told(given: Any, words: str) -> None:
    assert words in " ".join(shape_faults(given))
    assert words in told(other_traefiks=given)["other_traefiks"]


def test_more_hosts_than_a_sentence_holds_are_counted() -> None:
    assert FOUND.workload is not None
    hosts = " || ".join(f"Host(`{name}.test`)" for name in "abcde")
    (other,) = others_beside(
        NoFiles(), FOUND.workload, [traefik()], Targets([API | route(hosts, "traefik/login")], frozenset()), [LOGIN]
    )
    assert isinstance(other, OtherTraefik)
    assert other.told(["traefik-login@kubernetescrd"]) == "1 route (a.test, b.test, c.test and 2 more)"
