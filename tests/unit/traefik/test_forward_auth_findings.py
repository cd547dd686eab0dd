"""What stands in the way of a wished proxy, each in a sentence that names the option."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth as fa
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_facts as facts
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_findings as judgement
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_room as room
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_routes as routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import (
    common_faults,
    ready_made,
    wishes_from,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload
from tests.unit.traefik.test_forward_auth import LOGIN, middleware, route, service

DOMAIN = "cluster.local"
GOOD = "emergency:$2y$10$" + "a" * 53
Object = dict[str, Any]


def node(name: str, **spec: Any) -> Object:
    """A Node."""
    return {"metadata": {"name": name}, "spec": spec}


def workload(version: str = "3.7.9", **arguments: str) -> Workload:
    """A Traefik."""
    template = {"metadata": {"labels": {"app": "traefik"}}, "spec": {"containers": []}}
    item = {
        "metadata": {"name": "traefik", "namespace": "traefik"},
        "spec": {"template": template, "selector": {"matchLabels": {"app": "traefik"}}},
    }
    settings = {
        "providers.kubernetescrd": "true",
        "entrypoints.web.address": ":8000",
        "entrypoints.websecure.address": ":8443",
    }
    settings |= {name.replace("__", "."): it for name, it in arguments.items()}
    points = {"web": 8000, "websecure": 8443}
    ref = ObjectRef("apps/v1", "Deployment", "traefik", "traefik")
    return Workload(ref, version, [], points, settings, "arguments", "traefik", 3, item)


FOUND = Found(
    workload=workload(),
    traefik_fault="",
    middlewares=[LOGIN],
    routes=routing.routes([route("Host(`a.test`)", "traefik/login"), route("Host(`open.test`)")], [LOGIN]),
    services={("sso", "outpost"): service("outpost", labels={"app.kubernetes.io/name": "authentik-proxy"})},
    nodes=[node("one"), node("two"), node("three")],
)
WISH = {"name": "auth-proxy", "namespace": "traefik", "path": "/auth", "users": [{"name": "emergency"}]}


def told(found: Found = FOUND, **wish: Any) -> dict[str, str]:
    """The faults of one wish by option, all of an option in one text."""
    (one,) = wishes_from(WISH, [wish])
    faults = judgement.faults_of(one, found, situation(one, found, DOMAIN))
    return {option: " ".join(words for about, words in faults if about == option) for option, _words in faults}


def test_a_sound_wish_has_no_fault_and_its_target_is_found() -> None:
    (one,) = wishes_from(WISH, [{}])
    there = situation(one, FOUND, DOMAIN)
    assert told() == {}
    assert there.behind == "direct"
    assert there.place == {"namespace": "sso", "service": "outpost", "port": 9000}
    assert there.pod_port == 9000


@pytest.mark.parametrize(
    ("wish", "option", "words"),
    [
        ({"replicas": 4}, "replicas", "need as many nodes that take pods, and there are 3"),
        ({"replicas": 0}, "replicas", "a number from 1 to 100"),
        ({"replcas": 3}, "proxies", "replcas is no setting of a proxy"),
        ({"name": "Auth_Proxy"}, "name", "no name for a Service"),
        ({"when_unsatisfiable": "Never"}, "when_unsatisfiable", "neither DoNotSchedule nor ScheduleAnyway"),
        ({"middleware": {"name": "none"}}, "middleware", "no ForwardAuth middleware named none; there are Middleware"),
        ({"path": "/other"}, "middleware", "no ForwardAuth middleware that asks /other"),
        ({"path": "/other", "middleware": {"name": "login"}}, "path", "the path here is another one"),
        ({"target": {"service": "else", "namespace": "sso"}}, "target", "neither the target nor this proxy"),
        ({"target": {"service": "outpost", "namespace": "sso", "port": 1}}, "target", "has no port 1; it has 9000"),
        ({"fallback_policies": {"unheard.test": "deny"}}, "fallback_policies", "unheard.test is an unknown host"),
        ({"fallback_policies": {"open.test": "deny"}}, "fallback_policies", "whose routes do not use this middleware"),
        ({"fallback_policies": {"a.test": "perhaps"}}, "fallback_policies", "'perhaps' is no fallback policy"),
        ({"hosts": ["unheard.test"]}, "hosts", "behind the middleware are a.test"),
        ({"users": []}, "fallback_policies", "there are no users for it"),
        ({"htpasswd": "emergency:plain text"}, "htpasswd", "line 1 is not an htpasswd entry"),
        ({"htpasswd": "# nobody\n"}, "htpasswd", "nobody could log in"),
        ({"htpasswd": "emergency:abcdefghijklm"}, "htpasswd", "line 1 is of no kind that nginx takes"),
        ({"htpasswd": GOOD.replace("$10$", "$15$")}, "htpasswd", "takes over a second a login"),
        ({"memory": "lots"}, "memory", "'lots' is no quantity"),
    ],
)
def test_each_fault_is_a_sentence_about_its_option(wish: dict[str, Any], option: str, words: str) -> None:
    assert words in told(**wish)[option]


def test_several_on_a_node_need_no_more_nodes() -> None:
    assert told(replicas=4, when_unsatisfiable="ScheduleAnyway") == {}


def test_nodes_that_take_no_pods_do_not_count() -> None:
    taint = {"key": "gpu", "effect": "NoSchedule"}
    found = replace(FOUND, nodes=[node("one"), node("two", unschedulable=True), node("three", taints=[taint])])
    assert "there is 1" in told(found)["replicas"]
    assert told(found, tolerations=[{"operator": "Exists"}], replicas=2) == {}


def test_a_middleware_of_another_kind_is_named_with_its_kind() -> None:
    found = replace(FOUND, middlewares=[middleware("login", retry={})])
    assert "is not a ForwardAuth middleware, it has retry" in told(found, middleware={"name": "login"})["middleware"]


def test_of_several_middlewares_those_that_routes_use_are_meant() -> None:
    asked = LOGIN["spec"]["forwardAuth"]
    unused = [middleware("login", "shop", forwardAuth=asked), middleware("again", "traefik", forwardAuth=asked)]
    assert told(replace(FOUND, middlewares=[LOGIN, *unused])) == {}
    assert "more than one" in told(replace(FOUND, middlewares=unused * 2, routes=()))["middleware"]


def test_copies_for_routes_of_other_namespaces_are_switched_together() -> None:
    asked = {"address": "http://outpost.sso:9000/auth", "authResponseHeaders": ["X-authentik-username"]}
    copies = [middleware("login", space, forwardAuth=asked) for space in ("traefik", "media", "docs")]
    used = [route("Host(`media.test`)", "media/login"), route("Host(`docs.test`)", "docs/login")]
    found = replace(FOUND, middlewares=copies, routes=routing.routes(used, copies))
    assert told(found) == {}
    known = facts_of(found)
    assert known["hosts"] == ["docs.test", "media.test"]
    assert [each["metadata"]["namespace"] for each in known["switch"]] == ["media", "docs"]
    assert {each["spec"]["forwardAuth"]["address"] for each in known["switch"]} == {known["address"]}
    assert [each["spec"]["forwardAuth"] for each in known["switch_back"]] == [asked, asked]


def test_copies_that_ask_different_services_are_not_taken_for_one() -> None:
    copies = [
        middleware("login", space, forwardAuth={"address": f"http://{name}.sso:9000/auth"})
        for space, name in (("media", "outpost"), ("docs", "other"))
    ]
    used = [route("Host(`media.test`)", "media/login"), route("Host(`docs.test`)", "docs/login")]
    services = {**FOUND.services, ("sso", "other"): service("other")}
    found = replace(FOUND, middlewares=copies, routes=routing.routes(used, copies), services=services)
    assert "more than one" in told(found)["middleware"]


def test_somebody_elses_proxy_is_named_and_ours_is_fine() -> None:
    foreign = replace(FOUND, services={("sso", "outpost"): service("outpost")})
    assert "Service sso/outpost is not authentik's" in told(foreign, authentik=True)["target"]
    labels, annotations = dict(OUR_LABELS), {fa.TARGET_ANNOTATION: "sso/outpost:9000"}
    ours = service("auth-proxy", "traefik", labels=labels, annotations=annotations)
    asked = {"address": "http://auth-proxy.traefik.svc.cluster.local.:9000/auth"}
    services = {("traefik", "auth-proxy"): ours, **FOUND.services}
    found = replace(FOUND, services=services, middlewares=[middleware("login", forwardAuth=asked)])
    (one,) = wishes_from(WISH, [{}])
    there = situation(one, found, DOMAIN)
    assert (there.behind, there.place["service"]) == ("ours", "outpost")
    assert told(found) == {}


def test_objects_of_others_are_not_taken_over() -> None:
    found = replace(FOUND, services={**FOUND.services, ("traefik", "auth-proxy"): service("auth-proxy", "traefik")})
    assert "is there and not of this collection" in told(found)["name"]


OURS: dict[str, Any] = {"managedFields": [{"manager": "resilient.traefik", "operation": "Update"}]}


@pytest.mark.parametrize("policy", ["basic", "deny"])
def test_a_secret_of_somebody_else_is_only_taken_over_on_demand(policy: str) -> None:
    metadata = {"name": "auth-proxy-users", "namespace": "traefik", "managedFields": [{"manager": "helm"}]}
    found = replace(FOUND, secrets={("traefik", "auth-proxy-users"): {"metadata": metadata, "data": {}}})
    words = told(found, fallback_policy=policy)["users_secret"]
    assert "Secret traefik/auth-proxy-users is there and not of this collection" in words
    assert "take_over_secret: true" in words
    assert told(found, fallback_policy=policy, take_over_secret=True) == {}
    metadata |= OURS
    assert told(found, fallback_policy=policy) == {}


def test_garbage_in_the_secret_that_is_there_is_found_without_showing_it() -> None:
    data = {"users": base64.b64encode(b"emergency:correct horse").decode()}
    secret = {"metadata": {**OURS, "name": "auth-proxy-users", "namespace": "traefik"}, "data": data}
    words = told(replace(FOUND, secrets={("traefik", "auth-proxy-users"): secret}))["users_secret"]
    assert "line 1 is not an htpasswd entry" in words
    assert "horse" not in words


def test_ready_made_hashes_are_taken() -> None:
    assert ready_made(GOOD, "the text") == (["emergency"], [])


def quota(**hard: str) -> Object:
    """A ResourceQuota of which nothing is used."""
    named = {name.replace("__", "."): value for name, value in hard.items()}
    return {"metadata": {"name": "small"}, "spec": {"hard": named}, "status": {"used": {}}}


@pytest.mark.parametrize(
    ("hard", "words"),
    [
        ({"pods": "2"}, "leaves 2 of pods, and 3 pods"),
        (
            {"limits__memory": "1Gi"},
            "leaves 1024Mi of limits.memory, and 3 pods (one more while they are replaced) need 1152Mi",
        ),
        ({"limits__cpu": "4"}, "demands limits.cpu of every pod"),
    ],
)
def test_a_small_quota_is_refused_with_its_numbers(hard: dict[str, str], words: str) -> None:
    assert words in told(replace(FOUND, quotas={"traefik": [quota(**hard)]}))["namespace"]


def test_what_runs_already_counts_only_once() -> None:
    (one,) = wishes_from(WISH, [{}])
    full = quota(pods="3")
    full["status"]["used"] = {"pods": "2"}
    assert room.quota_findings([full], one.containers(), 3, one.containers(), 2) == []
    assert room.quota_findings([full], one.containers(), 3)


def test_limits_of_a_container_are_kept() -> None:
    limit = {"type": "Container", "max": {"memory": "128Mi"}, "min": {"memory": "64Mi"}, "default": {"cpu": "50m"}}
    ranges = [{"metadata": {"name": "range"}, "spec": {"limits": [limit]}}]
    (one,) = wishes_from(WISH, [{}])
    found = room.limit_findings(ranges, one.containers())
    assert any("allows a container 128Mi of memory, and it asks for 192Mi" in words for words in found)
    assert any("at least 64Mi" in words for words in found)
    there = situation(one, FOUND, DOMAIN)
    (warning,) = judgement.warnings_of(one, replace(FOUND, ranges={"traefik": ranges}), there)
    assert "CPU limit of 50m" in warning


def test_traefik_must_be_one_and_not_too_old() -> None:
    assert judgement.cluster_faults(FOUND) == []
    assert "2.11.2" in judgement.cluster_faults(replace(FOUND, workload=workload("2.11.2")))[0][1]
    assert judgement.cluster_faults(replace(FOUND, workload=workload("3.0.0"))) == []
    none = replace(FOUND, workload=None, traefik_fault="workload: more than one Traefik found: a, b.")
    assert judgement.cluster_faults(none) == [("traefik_name", "more than one Traefik found: a, b.")]


def test_routes_that_cannot_be_read_leave_hosts_alone() -> None:
    found = replace(FOUND, workload=workload(providers__file__directory="/etc/traefik"))
    assert told(found, hosts=["unheard.test"]) == {}


def test_a_host_named_for_all_needs_to_be_behind_one_of_them() -> None:
    (one,) = wishes_from({**WISH, "fallback_policies": {"other.test": "deny"}}, [{}])
    there = situation(one, FOUND, DOMAIN)
    assert judgement.faults_of(one, FOUND, there, {"other.test"}) == []
    assert judgement.faults_of(one, FOUND, there)
    (own,) = wishes_from(WISH, [{"fallback_policies": {"other.test": "deny"}}])
    assert judgement.faults_of(own, FOUND, there, {"other.test"})


def test_rights_are_those_that_the_wish_needs() -> None:
    (one,) = wishes_from(WISH, [{}])
    there = situation(one, FOUND, DOMAIN)
    asked = {
        (right.verb, right.resource, right.namespace) for right in judgement.rights_of(one, there, "traefik", True)
    }
    assert {
        ("patch", "secrets", "traefik"),
        ("patch", "services", "sso"),
        ("create", "pods/portforward", "sso"),
    } < asked
    (bots,) = wishes_from(WISH, [{"fallback_policy": "allow"}])
    fewer = {right.resource for right in judgement.rights_of(bots, there, "traefik", False)}
    assert not fewer & {"secrets", "networkpolicies.networking.k8s.io"}


def test_the_same_proxy_twice_is_refused() -> None:
    assert "traefik/auth-proxy is there twice" in common_faults(wishes_from(WISH, [{}, {}]))[0][1]


def test_each_proxy_has_emergency_logins_of_its_own() -> None:
    one, other = {"name": "one"}, {"name": "other"}
    assert common_faults(wishes_from(WISH, [one, other])) == []
    shared = WISH | {"users_secret": "logins"}
    ((option, words),) = common_faults(wishes_from(shared, [one, other]))
    assert option == "users_secret"
    assert "Secret traefik/logins is that of one and other" in words
    assert common_faults(wishes_from(shared, [one, other | {"namespace": "else"}])) == []
    without = {"users": [], "fallback_policy": "allow"}
    assert common_faults(wishes_from(shared | without, [one, other])) == []


def test_a_secret_of_another_proxy_that_stands_is_refused() -> None:
    volumes = [{"name": "users", "secret": {"secretName": "auth-proxy-users"}}]
    standing = {
        "metadata": {"name": "older", "namespace": "traefik", "labels": dict(OUR_LABELS)},
        "spec": {"template": {"spec": {"containers": [], "volumes": volumes}}},
    }
    found = replace(FOUND, workloads={("traefik", "older"): standing})
    wishes = wishes_from(WISH, [{}])
    ((option, words),) = judgement.secrets_of_others(wishes, found)
    assert option == "users_secret"
    assert "Deployment traefik/older" in words
    assert judgement.secrets_of_others(wishes_from(WISH, [{}, {"name": "older"}]), found) == []
    assert judgement.secrets_of_others(wishes_from(WISH, [{"users_secret": "own"}]), found) == []


def facts_of(found: Found = FOUND, **wish: Any) -> dict[str, Any]:
    """The facts of one wish."""
    (one,) = wishes_from(WISH, [wish])
    traefik = facts.traefik_facts(found.workload, "", found.services.values())
    around = facts.Surroundings(found, DOMAIN, facts.dns_facts("", facts.dns_service(found.services)), traefik)
    return facts.proxy_facts(one, situation(one, found, DOMAIN), around)


def test_facts_are_what_the_templates_need_and_hold_no_secret() -> None:
    known = facts_of(users=[{"name": "emergency", "password": "correct horse"}], identity_headers=["X-authentik-uid"])
    assert known["address"] == "http://auth-proxy.traefik.svc.cluster.local.:9000/auth"
    assert known["hosts"] == known["guarded_hosts"] == ["a.test"]
    assert known["policy"]["host"] == "outpost.sso.svc.cluster.local:9000"
    assert known["policy"]["emergency_users"] == ["emergency"]
    listed = ["X-authentik-uid", "X-authentik-username", "X-Auth-Fallback", "Authorization"]
    assert known["middleware"]["response_headers"] == listed
    assert "horse" not in str(known)


def test_a_login_that_the_target_gives_is_left_to_it() -> None:
    spec = LOGIN["spec"]["forwardAuth"] | {"authResponseHeaders": ["Authorization"]}
    known = facts_of(replace(FOUND, middlewares=[middleware("login", forwardAuth=spec)]))
    assert "emergency_users" not in known["policy"]
    assert known["hides_login"] is False


def test_identity_is_not_taken_from_requests_behind_the_login() -> None:
    login = middleware("sso", forwardAuth={"address": "http://x.y/z", "authResponseHeaders": ["X-authentik-uid"]})
    bots = middleware("bots", forwardAuth={"address": "http://outpost.sso:9000/auth"})
    wish = {"fallback_policy": "allow", "identity_headers": ["X-authentik-uid"], "middleware": {"name": "bots"}}
    for names, taken in ((("traefik/bots", "traefik/sso"), True), (("traefik/sso", "traefik/bots"), False)):
        routes = routing.routes([route("Host(`a.test`)", *names)], [login, bots])
        known = facts_of(replace(FOUND, middlewares=[login, bots], routes=routes), **wish)
        assert ("X-authentik-uid" in known["middleware"]["response_headers"]) is taken
        assert bool(known["warnings"]) is not taken


OUTPOST = {"app.kubernetes.io/name": "authentik-proxy"}


@pytest.mark.parametrize(
    ("spec", "image", "apart"),
    [
        ({}, "", ""),
        ({"selector": {"app.kubernetes.io/name": "authentik"}}, "ghcr.io/goauthentik/server:2026.5.0", ""),
        ({"sessionAffinity": "None"}, "", ""),
        ({"sessionAffinity": "ClientIP"}, "", "Service sso/outpost has sessionAffinity ClientIP"),
        ({"selector": OUTPOST}, "", "Service sso/outpost leads to a standalone outpost"),
        ({"selector": {"app": "mine"}}, "ghcr.io/goauthentik/proxy:2026.5.0", "leads to a standalone outpost"),
        ({"selector": {"app": "mine"}}, "registry.example.test/goauthentik/proxy-of-ours", ""),
    ],
)
def test_pods_that_keep_their_sessions_to_themselves_get_a_client_back(
    spec: dict[str, Any], image: str, apart: str
) -> None:
    target = service("outpost", labels=OUTPOST, **spec)
    template = {"metadata": {"labels": target["spec"]["selector"]}, "spec": {"containers": [{"image": image}]}}
    pods = {"metadata": {"name": "pods", "namespace": "sso"}, "spec": {"template": template}}
    found = replace(FOUND, services={("sso", "outpost"): target}, workloads={("sso", "pods"): pods})
    (one,) = wishes_from(WISH, [{"authentik": True}])
    there = situation(one, found, DOMAIN)
    assert there.apart.endswith(apart) if apart else there.apart == ""
    assert facts_of(found, authentik=True)["policy"].get("sticky", False) is bool(apart)
    (other,) = wishes_from(WISH, [{}])
    assert bool(judgement.warnings_of(other, found, there)) is bool(apart)
    assert not judgement.warnings_of(one, found, there)


def test_dns_is_found_by_name_or_label() -> None:
    ports = [{"port": 53, "targetPort": 5353}, {"port": 9153, "targetPort": 9153}]
    labelled = service("coredns", "kube-system", labels={"k8s-app": "kube-dns"}, ports=ports, clusterIP="10.0.0.10")
    found = facts.dns_service({("kube-system", "coredns"): labelled})
    known = facts.dns_facts("", found)
    assert known["address"] == "10.0.0.10"
    assert {each["port"] for each in known["ports"]} == {53, 5353}
    assert facts.dns_service({("sso", "outpost"): service("outpost")}) is None
    assert judgement.dns_faults("", None)
    assert facts.dns_facts("10.0.0.53", found)["selector"] == {}


def test_dns_may_listen_at_a_port_with_a_name() -> None:
    """As OpenShift's does: 5353 by the name dns."""
    ports = [
        {"port": 53, "targetPort": name, "protocol": protocol}
        for name, protocol in (("dns", "UDP"), ("dns-tcp", "TCP"))
    ]
    found = service("dns-default", "openshift-dns", ports=ports, clusterIP="172.30.0.10")
    assert [each["port"] for each in facts.dns_facts("", found)["ports"]] == [
        53,
        53,
        "dns",
        "dns",
        "dns-tcp",
        "dns-tcp",
    ]


@pytest.mark.parametrize(("given", "address"), [("", "fd00:10:96::a"), ("fd00::53", "10.0.0.10")])
def test_a_cluster_of_ipv6_is_refused(given: str, address: str) -> None:
    ((option, words),) = judgement.dns_faults(given, service("kube-dns", "kube-system", clusterIP=address))
    assert option == "dns"
    assert "listens and asks by IPv4 alone" in words


def test_a_dns_address_by_ipv4_makes_no_ipv6_cluster_reachable() -> None:
    api = service("kubernetes", "default", clusterIP="fd00:10:96::1")
    ((_option, words),) = judgement.dns_faults("10.96.0.10", None, api)
    assert "default/kubernetes has the IPv6 address fd00:10:96::1" in words
    assert judgement.dns_faults("10.96.0.10", None, service("kubernetes", "default", clusterIP="10.96.0.1")) == []


def test_sites_are_asked_where_web_leads() -> None:
    redirected = workload(entrypoints__web__http__redirections__entrypoint__to="websecure")
    assert facts.traefik_facts(redirected, "")["entry_point"] == "websecure"
    assert facts.traefik_facts(redirected, "")["https"] is True
    assert facts.traefik_facts(workload(), "")["entry_point"] == "web"
    assert facts.traefik_facts(None, "")["namespace"] == ""


@pytest.mark.parametrize(
    ("wish", "option", "words"),
    [
        ({"fallback_policies": "deny"}, "fallback_policies", "expected a policy by host"),
        ({"users": "oncall:s3cret"}, "users", "expected a list of users, each a mapping with its name"),
        ({"users": ["oncall"]}, "users", "expected a list of users, each a mapping with its name"),
        ({"users": [{"name": "on:call"}]}, "users", "the name of item 1 has a colon"),
        ({"users": [{"name": ""}]}, "users", "the name of item 1 is empty"),
        (
            {"users": [{"pasword": "s3cret", "name": "a"}]},
            "users",
            "item 1: pasword: there is no such setting (is password",
        ),
        ({"users": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}, "users", "a: given more than once"),
        ({"users": [{"name": "jürgen", "password": "s3cret"}]}, "users", "'jürgen' is a name that cannot be kept from"),
        ({"users": [{"name": "a", "password": "s3cret" * 20}]}, "users", "the password of a"),
        ({"middleware": "login"}, "middleware", "expected a mapping"),
        ({"target": ["x"]}, "target", "expected a mapping"),
        ({"tolerations": "all"}, "tolerations", "expected a list"),
    ],
)
def test_users_and_shapes_are_judged_before_anything_is_written(wish: Object, option: str, words: str) -> None:
    faults = told(**wish)
    assert words in faults[option], faults
    assert len(faults) == 1, faults
    assert "s3cret" not in str(faults)


def test_names_beyond_ascii_will_do_where_applications_may_see_the_login() -> None:
    assert told(users=[{"name": "jürgen"}], hide_login=False) == {}


def test_several_mistakes_in_users_are_told_at_once() -> None:
    assert told(users=[{"name": "a:b"}, {"name": "c", "state": "gone"}])["users"] == (
        "the name of item 1 has a colon, which ends the name in an htpasswd text item 2: state: there is no 'gone'; "
        "there are present, absent"
    )


def test_entry_points_are_those_that_traefik_has() -> None:
    assert judgement.entry_point_faults("WebSecure", FOUND) == []
    assert judgement.entry_point_faults("", FOUND) == []
    assert judgement.entry_point_faults("webb", FOUND) == [
        ("entry_point", "Deployment traefik/traefik has no TCP entry point 'webb'; there are web, websecure")
    ]


@pytest.mark.parametrize(
    ("kubernetes", "word"),
    [(0, ""), (30, ""), (31, "PreferClose"), (33, "PreferClose"), (34, "PreferSameNode"), (36, "PreferSameNode")],
)
def test_the_second_hop_stays_as_near_as_the_cluster_can_say(kubernetes: int, word: str) -> None:
    assert facts_of(replace(FOUND, kubernetes=kubernetes))["traffic_distribution"] == word
