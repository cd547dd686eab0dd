"""Configurations that people run: addresses, kinds of services, owners and networks of other clusters than the lab."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth as fa
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_findings as judgement
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_routes as routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_discovery import (
    discover,
    kind_faults,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_kinds import kind_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import wishes_from
from tests.unit.traefik.test_forward_auth import middleware, route, service
from tests.unit.traefik.test_forward_auth_findings import DOMAIN, FOUND, WISH, facts_of, told, workload

AUTHENTIK_PATH = "/outpost.goauthentik.io/auth/traefik"
BOTH = [{"name": "https", "port": 9443, "targetPort": 9443}, {"name": "http", "port": 9000, "targetPort": 9000}]


def asking(address: str, **more: Any) -> Found:
    """A cluster whose one ForwardAuth middleware, traefik/login, asks that address."""
    login = middleware("login", forwardAuth={"address": address} | more)
    routes = routing.routes([route("Host(`a.test`)", "traefik/login")], [login])
    return replace(FOUND, middlewares=[login], routes=routes)


def test_a_bare_name_is_a_service_beside_traefik() -> None:
    bouncer = service("bouncer", "traefik", ports=[{"port": 80, "targetPort": 8080}])
    found = replace(asking("http://bouncer/auth"), services={("traefik", "bouncer"): bouncer})
    assert told(found) == {}
    assert facts_of(found)["target"]["service"] == "bouncer"
    elsewhere = replace(asking("http://outpost:9000/auth"), services=FOUND.services)
    assert "is no Service of this cluster" in told(elsewhere)["target"], "outpost is in another namespace"


def test_the_query_of_an_address_stays_with_it() -> None:
    known = facts_of(asking("http://outpost.sso:9000/auth?rd=https://login.example.test"))
    assert known["address"].endswith(":9000/auth?rd=https://login.example.test")
    assert known["policy"]["query"] == "rd=https://login.example.test"
    assert known["questions"][0]["request"]["path"] == "/auth?rd=https://login.example.test"
    assert facts_of(FOUND)["address"].endswith(":9000/auth")
    assert "query" not in facts_of(FOUND)["policy"]


def test_a_query_that_would_be_a_directive_of_nginx_is_refused() -> None:
    found = asking("http://outpost.sso:9000/auth?rd=x;return 200")
    assert "whose query has signs" in told(found)["middleware"]


def test_a_public_address_needs_the_target_by_name_and_then_is_led_there() -> None:
    found = asking("https://auth.example.test/auth", tls={"insecureSkipVerify": True})
    assert "name the Service that is to be asked" in told(found)["target"]
    wish = {"target": {"namespace": "sso", "service": "outpost", "port": 9000}}
    assert told(found, **wish) == {}
    (one,) = wishes_from(WISH, [wish])
    there = situation(one, found, DOMAIN)
    assert there.behind == "public"
    (warning,) = judgement.warnings_of(one, found, there)
    assert "asks https://auth.example.test/auth, an address outside the cluster" in warning
    wrong = asking("http://elsewhere.sso:9000/auth")
    services = {**FOUND.services, ("sso", "elsewhere"): service("elsewhere")}
    assert "neither the target nor this proxy" in told(replace(wrong, services=services), **wish)["target"]


def test_another_cluster_domain_is_told_with_its_option() -> None:
    found = asking("http://outpost.sso.svc.k8s.example.test:9000/auth")
    assert "cluster_domain, which is cluster.local here" in told(found)["target"]
    (one,) = wishes_from(WISH, [{}])
    assert situation(one, found, "k8s.example.test").behind == "direct"


def test_http_is_never_spoken_to_a_port_of_https() -> None:
    found = asking("https://outpost.sso:9443/auth", tls={"insecureSkipVerify": True})
    found = replace(found, services={("sso", "outpost"): service("outpost", ports=BOTH)})
    assert "the proxy asks by http" in told(found)["target"]
    named = {"target": {"namespace": "sso", "service": "outpost"}}
    assert told(found, **named) == {}
    assert facts_of(found, **named)["target"]["port"] == 9000
    forced = {"target": {"namespace": "sso", "service": "outpost", "port": 9443}}
    assert "port 9443 of Service sso/outpost speaks https" in told(found, **forced)["target"]
    only = replace(found, services={("sso", "outpost"): service("outpost", ports=BOTH[:1])})
    assert "speaks https" in told(only, **named)["target"]


def test_a_middleware_that_authentik_keeps_is_refused_with_the_ways_out() -> None:
    kept = middleware("ak-outpost", "sso", forwardAuth={"address": "http://outpost.sso:9000/auth"})
    kept["metadata"]["labels"] = {
        "app.kubernetes.io/managed-by": "goauthentik.io",
        "app.kubernetes.io/instance": "authentik-embedded-outpost",
    }
    found = replace(
        FOUND, middlewares=[kept], routes=routing.routes([route("Host(`a.test`)", "sso/ak-outpost")], [kept])
    )
    words = told(found)["middleware"]
    assert "is kept by authentik outpost authentik-embedded-outpost" in words
    assert "kubernetes_disabled_components" in words
    assert told(found, where_kept="switch") == {}
    assert "neither refuse nor switch" in told(where_kept="perhaps")["where_kept"]


@pytest.mark.parametrize(
    ("pod", "remedy"),
    [
        ({"hostNetwork": True}, "ClusterFirstWithHostNet"),
        ({"hostNetwork": True, "dnsPolicy": "Default"}, "ClusterFirstWithHostNet"),
        ({"dnsPolicy": "Default"}, "ClusterFirst"),
        ({"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}, ""),
        ({"dnsPolicy": "None"}, ""),
        ({}, ""),
    ],
)
def test_a_traefik_that_resolves_no_name_of_the_cluster_is_refused(pod: dict[str, Any], remedy: str) -> None:
    traefik = workload()
    traefik.item["spec"]["template"]["spec"] |= pod
    faults = dict(judgement.cluster_faults(replace(FOUND, workload=traefik)))
    assert remedy in faults.get("traefik_name", "")
    assert bool(faults) is bool(remedy)


def test_providers_whose_routes_are_not_read_are_named() -> None:
    found = replace(FOUND, workload=workload(providers__kubernetesgateway="true", providers__file__directory="/x"))
    said = " ".join(judgement.provider_warnings(found))
    assert "providers.kubernetesgateway" in said
    assert "providers.file" in said
    assert judgement.provider_warnings(FOUND) == []


def cluster(*asked: tuple[Any, ...], also: dict[tuple[str, str], Any] | None = None) -> Found:
    """A cluster whose routes use middlewares, given as (namespace/name, address, Service's namespace/name, more)."""
    items, services = [], dict(also or {})
    for place, address, target, *more in asked:
        namespace, name = place.split("/")
        items.append(middleware(name, namespace, forwardAuth={"address": address} | (more[0] if more else {})))
        space, _slash, called = target.partition("/")
        ports = [{"port": fa.address_of(address).port or 80, "targetPort": 9000}]
        services.setdefault((space, called), service(called, space, ports=ports))
    used = [route(f"Host(`s{number}.test`)", each[0]) for number, each in enumerate(asked)]
    return replace(FOUND, middlewares=items, routes=routing.routes(used, items), services=services)


AUTHELIA = ("sso/authelia", "http://authelia.sso:9091/api/authz/forward-auth", "sso/authelia")
OAUTH = ("apps/oauth", "http://oauth2-proxy.sso:4180/oauth2/auth", "sso/oauth2-proxy")
AUTHENTIK = ("traefik/sso", f"http://outpost.sso:9000{AUTHENTIK_PATH}", "sso/outpost")
OUTPOST = {("sso", "outpost"): service("outpost", "sso", labels={"app.kubernetes.io/name": "authentik-proxy"})}
BOTS = ("traefik/ai-bot-block", "http://blocker.bots:8080/check", "bots/blocker")
CROWDSEC = ("traefik/crowdsec", "http://bouncer.crowdsec:80/api/v1/forwardAuth", "crowdsec/bouncer")
AUTH_WISH = {"namespace": "traefik", "path": AUTHENTIK_PATH, "middleware": {}, "users": [{"name": "x"}]}
BOT_WISH = {"namespace": "traefik", "path": "", "middleware": {"name": "ai-bot-block"}, "fallback_policy": "allow"}


def discovered(
    role: str, found: Found, settings: dict[str, Any], *entries: dict[str, Any]
) -> tuple[list[Any], list[str]]:
    """The names of the proxies, and what is said to be absent."""
    given = list(entries) or [{"name": "auth-proxy" if role == "auth" else "bot-block-proxy"}]
    result = discover(role, given, wishes_from(settings, given), found, DOMAIN)
    return [each["name"] for each in result.entries], result.absent


@pytest.mark.parametrize(
    ("asked", "auth", "bots"),
    [
        ([AUTHENTIK, BOTS], ["auth-proxy"], ["bot-block-proxy"]),
        ([], [], []),
        ([AUTHENTIK], ["auth-proxy"], []),
        ([AUTHELIA], ["auth-proxy-authelia"], []),
        ([AUTHENTIK, OAUTH, BOTS], ["auth-proxy", "auth-proxy-oauth2-proxy"], ["bot-block-proxy"]),
        ([CROWDSEC, AUTHELIA], ["auth-proxy-authelia"], ["bot-block-proxy-crowdsec"]),
    ],
)
def test_the_proxies_that_a_cluster_needs_are_found(asked: list[Any], auth: list[str], bots: list[str]) -> None:
    found = cluster(*asked)
    names, absent = discovered("auth", found, AUTH_WISH)
    assert names == auth
    assert bool(absent) is (AUTHENTIK not in asked)
    names, absent = discovered("bot_block", found, BOT_WISH)
    assert names == bots
    assert bool(absent) is (BOTS not in asked)


def test_a_service_of_no_known_kind_is_named_with_its_sites() -> None:
    found = cluster(AUTHENTIK, ("apps/own", "http://gate.apps:80/ask", "apps/gate"))
    given = [{"name": "auth-proxy"}]
    (words,) = discover("auth", given, wishes_from(AUTH_WISH, given), found, DOMAIN).unknown
    assert "Middleware apps/own asks http://gate.apps:80/ask, a service of no known kind" in words
    assert "s1.test" in words
    named: list[dict[str, Any]] = [*given, {"name": "own", "path": "/ask", "middleware": {"name": "own"}}]
    assert discover("auth", named, wishes_from(AUTH_WISH, named), found, DOMAIN).unknown == []


def test_what_somebody_names_is_never_left_out() -> None:
    found = cluster(AUTHELIA)
    chosen = {"name": "mine", "middleware": {"name": "gone"}}
    assert discovered("auth", found, AUTH_WISH, chosen) == (["mine"], [])
    assert discovered("auth", found, AUTH_WISH | {"path": "/other"}) == (["auth-proxy"], [])


def test_a_found_proxy_has_the_headers_and_the_secret_of_its_kind() -> None:
    entry = discover(
        "auth", [{"name": "auth-proxy"}], wishes_from(AUTH_WISH, [{"name": "auth-proxy"}]), cluster(AUTHELIA), DOMAIN
    )
    (authelia,) = entry.entries
    assert authelia["identity_headers"] == ["Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email"]
    assert authelia["users_secret"] == "auth-proxy-authelia-users"
    known = facts_of(cluster(AUTHELIA), **authelia)
    assert known["path"] == "/api/authz/forward-auth"
    assert {"Remote-User", "X-Auth-Fallback"} <= set(known["middleware"]["response_headers"])


def test_the_same_proxies_are_found_once_they_stand() -> None:
    """After the switch the middlewares ask the proxies, which remember whom they stand before."""
    annotations = {fa.TARGET_ANNOTATION: "sso/authelia:9091"}
    ours = service("auth-proxy-authelia", "traefik", labels=dict(OUR_LABELS), annotations=annotations)
    address = "http://auth-proxy-authelia.traefik.svc.cluster.local.:9000/api/authz/forward-auth"
    also = {
        ("traefik", "auth-proxy-authelia"): ours,
        ("sso", "authelia"): service("authelia", ports=[{"port": 9091, "targetPort": 9091}]),
    }
    found = cluster(("sso/authelia", address, "traefik/auth-proxy-authelia"), also=also)
    assert discovered("auth", found, AUTH_WISH)[0] == ["auth-proxy-authelia"]


@pytest.mark.parametrize(
    ("address", "name", "kind"),
    [
        ("http://x.y:1/outpost.goauthentik.io/auth/nginx", "x", "authentik"),
        ("http://x.y:1/api/verify?rd=https://login.example.test", "x", "authelia"),
        ("http://x.y:1/oauth2/auth", "x", "oauth2_proxy"),
        ("http://x.y:1/", "traefik-forward-auth", "traefik_forward_auth"),
        ("http://x.y:1/verify", "pomerium", "pomerium"),
        ("http://x.y:1/api/auth/traefik", "x", "tinyauth"),
        ("http://x.y:1/api/v1/forwardAuth", "x", "crowdsec"),
        ("http://x.y:1/", "anubis", "bot_block"),
        ("http://x.y:1/", "something", ""),
    ],
)
def test_kinds_are_told_by_path_or_by_name(address: str, name: str, kind: str) -> None:
    found = kind_of(middleware("login", forwardAuth={"address": address}), service(name, "y"))
    assert (found.name if found else "") == kind


def test_a_login_is_not_opened_to_everybody_because_of_a_word_in_its_name() -> None:
    """What falls back to letting in has to be a blocker for sure."""
    login = middleware("login", forwardAuth={"address": "http://x.y:1/check", "authResponseHeaders": ["X-User"]})
    assert kind_of(login, service("anubis-sso", "y")) is None
    assert (
        kind_of(middleware("gate", forwardAuth={"address": "http://x.y:1/check"}), service("sso-bouncer", "y")) is None
    )
    # Headers that a proxy before it had listed do not make a login of a blocker.
    ours = {"address": "http://x.y:1/check", "authResponseHeaders": ["X-authentik-uid", "X-Auth-Fallback"]}
    found = kind_of(middleware("gate", forwardAuth=ours), service("anubis", "y"))
    assert found is not None
    assert found.role == "bot_block"


@pytest.mark.parametrize("host", ["elsewhere.example.test", "outpost.other"])
def test_no_finding_shows_the_password_of_an_address(host: str) -> None:
    found = asking(f"http://ops:s3cret@{host}:9000/auth")
    assert "s3cret" not in str(told(found))
    given = [{"name": "auth-proxy"}]
    unknown = cluster(("apps/own", f"http://ops:s3cret@{host}:80/ask", "apps/gate"))
    said = discover("auth", given, wishes_from(AUTH_WISH, given), unknown, DOMAIN)
    assert said.unknown
    assert "s3cret" not in str(said.unknown)


def looked_at(role: str, found: Found, *entries: dict[str, Any], **more: Any) -> tuple[dict[str, Any], Any]:
    """The middlewares of each proxy of a role by the proxy's name, and all that was found."""
    settings = AUTH_WISH | {"authentik": True} if role == "auth" else BOT_WISH
    given = list(entries) or [{"name": "auth-proxy" if role == "auth" else "bot-block-proxy"}]
    said = discover(role, given, wishes_from(settings, given), found, DOMAIN, **more)
    wishes = said.wishes(settings)
    there = {wish.name: situation(wish, found, DOMAIN) for wish in wishes}
    assert not [fault for each in there.values() for fault in each.faults], "what is found can be protected"
    return {
        name: sorted(f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in each.middlewares)
        for name, each in there.items()
    }, said


USER = {"authResponseHeaders": ["X-Auth-Request-User"]}


@pytest.mark.parametrize(
    "given",
    [
        {"authResponseHeaders": ["X-User", "X-Email"]},
        {"authResponseHeadersRegex": "^X-User"},
        {"headerField": "X-WebAuth-User"},
        {"addAuthCookiesToResponse": ["session"]},
        {"authSigninURL": "https://login.example.test"},
        {"authResponseHeaders": ["X-User", "X-Auth-Fallback", "Authorization"]},
    ],
)
@pytest.mark.parametrize("asked", ["http://sso-gate.sso:80/api/v1/forwardAuth", "http://anubis-sso.sso:80/check"])
def test_what_names_a_user_is_no_blocker_whatever_its_path_or_name(asked: str, given: dict[str, Any]) -> None:
    called = fa.address_of(asked).host.partition(".")[0]
    proxies, _said = looked_at("bot_block", cluster(("a/login", asked, f"sso/{called}", given)))
    assert proxies == {}


def test_a_found_proxy_takes_the_middlewares_that_it_was_found_for_and_no_other() -> None:
    found = cluster(
        ("a/bots", "http://anubis.bots:8080", "bots/anubis"),
        ("a/oauth", "http://oauth2-proxy.sso:4180/", "sso/oauth2-proxy", USER),
    )
    assert looked_at("bot_block", found)[0] == {"bot-block-proxy-bot-block": ["a/bots"]}
    assert looked_at("auth", found)[0] == {"auth-proxy-oauth2-proxy": ["a/oauth"]}


def test_a_proxy_of_the_other_role_is_left_alone() -> None:
    """It would turn a login into something that lets everybody in, at the second run."""
    notes = {fa.TARGET_ANNOTATION: "apps/anubis:80", fa.ROLE_ANNOTATION: "auth"}
    ours = service("auth-proxy-own", "traefik", labels=dict(OUR_LABELS), annotations=notes)
    also = {
        ("traefik", "auth-proxy-own"): ours,
        ("apps", "anubis"): service("anubis", "apps", ports=[{"port": 80, "targetPort": 8080}]),
    }
    asked = ("a/gate", "http://auth-proxy-own.traefik.svc.cluster.local.:9000/check", "traefik/auth-proxy-own")
    assert looked_at("bot_block", cluster(asked, also=also))[0] == {}
    ours["metadata"]["annotations"][fa.ROLE_ANNOTATION] = "bot_block"
    assert looked_at("bot_block", cluster(asked, also=also))[0] == {"auth-proxy-own": ["a/gate"]}


def test_two_ports_of_a_service_are_two_targets_and_https_beside_http_is_one() -> None:
    two = [{"name": "one", "port": 4180}, {"name": "two", "port": 4181}]
    asked = (
        ("a/one", "http://oauth2-proxy.sso:4180/oauth2/auth", "sso/oauth2-proxy", USER),
        ("m/two", "http://oauth2-proxy.sso:4181/oauth2/auth", "sso/oauth2-proxy", USER),
    )
    also = {("sso", "oauth2-proxy"): service("oauth2-proxy", "sso", ports=two)}
    assert looked_at("auth", cluster(*asked, also=also))[0] == {
        "auth-proxy-oauth2-proxy": ["a/one"],
        "auth-proxy-oauth2-proxy-2": ["m/two"],
    }
    https = ("a/https", "https://outpost.sso:9443/oauth2/auth", "sso/outpost", USER)
    http = ("b/http", "http://outpost.sso:9000/oauth2/auth", "sso/outpost", USER)
    also = {("sso", "outpost"): service("outpost", "sso", ports=BOTH)}
    assert looked_at("auth", cluster(https, http, also=also))[0] == {"auth-proxy-oauth2-proxy": ["a/https", "b/http"]}


def test_every_copy_is_led_to_its_own_target_where_two_targets_share_a_path() -> None:
    found = cluster(
        ("a/oauth", "http://oauth2-proxy.sso:4180/oauth2/auth", "sso/oauth2-proxy", USER),
        ("b/oauth", "http://oauth2-proxy.sso:4180/oauth2/auth", "sso/oauth2-proxy", USER),
        ("c/oauth", "http://oauth2-proxy.dev:4180/oauth2/auth", "dev/oauth2-proxy", USER),
    )
    assert looked_at("auth", found)[0] == {
        "auth-proxy-oauth2-proxy": ["a/oauth", "b/oauth"],
        "auth-proxy-oauth2-proxy-2": ["c/oauth"],
    }


def test_each_outpost_of_authentik_has_a_proxy() -> None:
    labels = {"app.kubernetes.io/name": "authentik-proxy"}
    also = {**OUTPOST, ("dev", "outpost"): service("outpost", "dev", labels=labels)}
    found = cluster(AUTHENTIK, ("dev/sso", f"http://outpost.dev:9000{AUTHENTIK_PATH}", "dev/outpost"), also=also)
    assert looked_at("auth", found)[0] == {"auth-proxy": ["traefik/sso"], "auth-proxy-authentik": ["dev/sso"]}


def test_what_no_named_proxy_stands_before_is_told_with_the_entry_for_it() -> None:
    found = cluster(
        AUTHENTIK,
        ("a/oauth", "http://oauth2-proxy.sso:4180/oauth2/auth", "sso/oauth2-proxy", USER),
        ("a/own", "http://gate.apps:80/ask", "apps/gate"),
        also=OUTPOST,
    )
    own = {"name": "own", "middleware": {"namespace": "a", "name": "own"}}
    proxies, said = looked_at("auth", found, {"name": "auth-proxy"}, own)
    assert proxies == {"auth-proxy": ["traefik/sso"], "own": ["a/own"]}
    (words,) = said.unknown
    assert "a/oauth" in words
    assert '"kind": "oauth2_proxy"' in words
    assert looked_at("auth", found, own, left_alone=["a/oauth"])[1].unknown == [
        each for each in looked_at("auth", found, own)[1].unknown if "a/oauth" not in each
    ]


def test_an_entry_for_another_login_has_that_ones_headers_and_not_authentiks() -> None:
    own = ("a/own", "http://gate.apps:80/ask", "apps/gate", {"authResponseHeaders": ["X-Role", "X-User"]})
    found = cluster(AUTHENTIK, AUTHELIA, own, also=OUTPOST)
    named = {"name": "own", "middleware": {"namespace": "a", "name": "own"}}
    _proxies, said = looked_at("auth", found, named, {"name": "lia", "middleware": {"name": "authelia"}})
    entry, authelia = said.entries
    assert (entry["path"], entry["authentik"], entry["user_header"]) == ("/ask", False, "X-User")
    assert entry["identity_headers"] == ["X-User", "X-Role"]
    assert authelia["identity_headers"][0] == "Remote-User"
    _proxies, said = looked_at("auth", found, named | {"identity_headers": ["X-Mine"], "authentik": "no"})
    assert said.entries[0]["identity_headers"] == ["X-Mine"]
    assert said.wishes(AUTH_WISH)[0].given["authentik"] is False


def test_a_kind_is_named_where_it_cannot_be_told_and_belongs_to_its_role() -> None:
    given = [{"name": "own", "kind": "generic_allow", "middleware": {"name": "own"}}]
    assert kind_faults("bot_block", wishes_from(BOT_WISH, given)) == []
    ((option, words),) = kind_faults("auth", wishes_from(AUTH_WISH, given))
    assert option == "proxies"
    assert "generic_allow, which is for the other role" in words
    (wish,) = wishes_from(AUTH_WISH, [{"name": "own", "kind": "authelai"}])
    assert "no kind of service" in dict(wish.faults)["proxies"]


def test_an_address_without_a_path_is_found_too() -> None:
    given = {"authResponseHeaders": ["X-Forwarded-User"]}
    asked = ("traefik/tfa", "http://traefik-forward-auth.sso:4181", "sso/traefik-forward-auth", given)
    assert looked_at("auth", cluster(asked))[0] == {"auth-proxy-traefik-forward-auth": ["traefik/tfa"]}


def test_what_only_has_the_usual_name_is_no_reason_to_refuse_the_run() -> None:
    plugin = middleware("ai-bot-block", plugin={"bouncer": {}})
    found = replace(
        FOUND, middlewares=[plugin], routes=routing.routes([route("Host(`a.test`)", "traefik/ai-bot-block")], [plugin])
    )
    proxies, said = looked_at("bot_block", found)
    assert proxies == {}
    assert "no ForwardAuth middleware is called ai-bot-block" in said.absent[0]


def test_one_that_cannot_be_protected_does_not_hold_up_the_others() -> None:
    found = cluster(AUTHENTIK, also=OUTPOST)
    outside = middleware("oauth", "a", forwardAuth={"address": "https://oauth.example.test/oauth2/auth"})
    items = [*found.middlewares, outside]
    routes = [route("Host(`a.test`)", "traefik/sso"), route("Host(`b.test`)", "a/oauth")]
    found = replace(found, middlewares=items, routes=routing.routes(routes, items))
    proxies, said = looked_at("auth", found)
    assert proxies == {"auth-proxy": ["traefik/sso"]}
    (words,) = said.absent
    assert "a/oauth asks https://oauth.example.test/oauth2/auth: no proxy will stand before it" in words


def test_a_kind_is_told_by_the_image_and_not_by_where_the_image_comes_from() -> None:
    gate = middleware("gate", forwardAuth={"address": "http://gate.sso:80/verify"})
    assert getattr(kind_of(gate, service("gate"), ["mirror.test/authelia/authelia:4.39"]), "name", "") == "authelia"
    assert kind_of(gate, service("gate"), ["authelia.example.test:5000/own/gate"]) is None


def test_a_body_that_the_target_decides_by_is_not_dropped_without_a_word() -> None:
    found = replace(asking("http://outpost.sso:9000/auth", forwardBody=True), services=FOUND.services)
    assert "has forwardBody, and the proxy hands no body on" in told(found)["without_body"]
    assert told(found, without_body="true") == {}
    assert told(replace(asking("http://outpost.sso:9000/auth", forwardBody=False), services=FOUND.services)) == {}


def test_a_middleware_of_an_operator_is_refused_as_authentiks_is() -> None:
    found = replace(asking("http://outpost.sso:9000/auth"), services=FOUND.services)
    owned = found.middlewares[0]["metadata"]
    owned["ownerReferences"] = [{"kind": "Login", "name": "sso", "controller": True}]
    assert "belongs to Login sso, whose controller may take a change back" in told(found)["middleware"]
    assert told(found, where_kept="switch") == {}
    owned["ownerReferences"] = [{"kind": "ConfigMap", "name": "sso"}]
    assert told(found) == {}


def test_a_login_by_annotations_of_ingress_nginx_is_named_where_traefik_reads_them() -> None:
    notes = {"nginx.ingress.kubernetes.io/auth-url": "https://ops:s3cret@auth.example.test/check"}
    item = {"kind": "Ingress", "metadata": {"namespace": "apps", "name": "shop", "annotations": notes}}
    other = {"kind": "Ingress", "metadata": {"namespace": "apps", "name": "open"}}
    on = {"providers.kubernetesingressnginx": "true"}
    assert routing.logins_of_nginx([item, other], {}) == []
    found = replace(
        FOUND,
        workload=workload(providers__kubernetesingressnginx="true"),
        nginx_logins=routing.logins_of_nginx([item, other], on),
    )
    _provider, words = judgement.provider_warnings(found)
    assert words.startswith(
        "Ingress apps/shop asks https://auth.example.test/check (nginx.ingress.kubernetes.io/auth-url)"
    )


@pytest.mark.parametrize(
    ("port", "is_https"),
    [
        ({"port": 9443, "name": "https"}, True),
        ({"port": 1, "name": "web-secure"}, True),
        ({"port": 1, "name": "tls"}, True),
        ({"port": 1, "appProtocol": "kubernetes.io/wss"}, True),
        ({"port": 1, "name": "x", "appProtocol": "https"}, True),
        ({"port": 443}, True),
        ({"port": 9000, "name": "http"}, False),
        ({"port": 9000, "name": "http-ssl-free", "appProtocol": "http"}, False),
        ({"port": 9000, "appProtocol": "kubernetes.io/h2c"}, False),
        ({"port": 9000}, False),
    ],
)
def test_a_port_says_that_it_is_for_https(port: dict[str, Any], is_https: bool) -> None:
    assert fa.is_of_https(port) is is_https


def test_what_traefik_asks_by_http_today_speaks_it_whatever_the_port_is_called() -> None:
    ports = [{"port": 443, "targetPort": 9000}]
    found = replace(
        asking("http://outpost.sso:443/auth"), services={("sso", "outpost"): service("outpost", ports=ports)}
    )
    assert told(found) == {}
    notes = {fa.TARGET_ANNOTATION: "sso/outpost:443"}
    ours = service("auth-proxy", "traefik", labels=dict(OUR_LABELS), annotations=notes)
    behind = replace(
        asking("http://auth-proxy.traefik.svc.cluster.local.:9000/auth"),
        services={**found.services, ("traefik", "auth-proxy"): ours},
    )
    assert told(behind) == {}, "at the second run too"
