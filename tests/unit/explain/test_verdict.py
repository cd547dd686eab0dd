"""The table of symptoms: from facts to the one sentence that names what fails and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.explain.asking import ReplicaAnswer
from ansible_collections.resilient.traefik.plugins.module_utils.explain.backend import DirectAnswer, PodState
from ansible_collections.resilient.traefik.plugins.module_utils.explain.certificate import Certificate
from ansible_collections.resilient.traefik.plugins.module_utils.explain.entrance import Door, Entrance
from ansible_collections.resilient.traefik.plugins.module_utils.explain.facts import Facts, ReplicaState
from ansible_collections.resilient.traefik.plugins.module_utils.explain.middlewares import follow
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routing import Candidate, Selection
from ansible_collections.resilient.traefik.plugins.module_utils.explain.target import Target
from ansible_collections.resilient.traefik.plugins.module_utils.explain.verdict import verdicts
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth import address_of
from tests.unit.explain.sample import (
    CRASH,
    HOST,
    REF,
    REPLICAS,
    REQUEST,
    ROUTER,
    answers,
    backend,
    empty_backend,
    facts,
    middleware,
)

LOADED = Selection((ROUTER,))
NONE = Selection()
HTTPS = replace(REQUEST, https=True)
PROXIED = replace(REQUEST, headers={"X-Forwarded-Proto": "https"}, client_ip="192.0.2.10")
LATER = datetime(2999, 1, 1, tzinfo=UTC)
AUTH = "http://auth.idp.svc:9000/check"


def _effects(request: Any = REQUEST, proto: str = "http", **spec: Any) -> Any:
    return follow(["shop-one@kubernetescrd"], {"shop-one@kubernetescrd": middleware("one", **spec)}, request, proto)


def _target(*direct: DirectAnswer, **more: Any) -> Target:
    return Target("shop-auth@kubernetescrd", address_of(AUTH), backend(*direct, **more))


def _shown(*names: str, subject: str = "") -> list[Certificate]:
    return [Certificate(replica, names, subject or names[0], "CA", LATER) for replica in REPLICAS]


def _sticky(facts_of: dict[str, Any], **more: Any) -> Facts:
    return facts(backends=[backend(**more)], **facts_of)


SYMPTOMS: list[tuple[str, Facts, str, str]] = [
    (
        "404 on one replica, its API open",
        facts(
            answers=answers(404, 200, 200, own_words=True),
            loaded=dict(zip(REPLICAS, (NONE, LOADED, LOADED), strict=True)),
        ),
        "replicas_differ",
        f"404 on traefik-abc only: its router `{ROUTER.name}` is missing; the other two answer 200 by it",
    ),
    (
        "404 on one replica, its API closed",
        facts(answers=answers(200, 404, 200)),
        "replicas_differ",
        f"404 on traefik-def only: it has not loaded router `{ROUTER.name}`; the other two answer 200 by it (its API "
        "is closed, so the answers tell)",
    ),
    (
        "404 without any route",
        facts(answers=answers(404), selection=NONE, backends=[]),
        "404",
        f"404: no Ingress and no IngressRoute that this Traefik looks at names the host {HOST}",
    ),
    (
        "404 next to a route",
        facts(
            answers=answers(404),
            selection=Selection(near=(Candidate(ROUTER, "it has TLS, and the request comes without TLS to web"),)),
            backends=[],
        ),
        "404",
        f"404: no router takes GET http://{HOST}/ at entry point web; the nearest is router `{ROUTER.name}` of Ingress "
        "shop/app: it has TLS, and the request comes without TLS to web",
    ),
    (
        "404 of an Ingress of another class",
        facts(answers=answers(404), selection=NONE, backends=[], unserved=["Ingress shop/app is of another class"]),
        "404",
        f"404: no router takes GET http://{HOST}/ at entry point web; Ingress shop/app is of another class",
    ),
    (
        "404 by a dangling middleware",
        facts(answers=answers(404), dropped=["middleware x@kubernetescrd does not exist"]),
        "404",
        f"404: Traefik drops router `{ROUTER.name}` of Ingress shop/app: middleware x@kubernetescrd does not exist",
    ),
    (
        "404 by a service without endpoints",
        facts(answers=answers(404), backends=[empty_backend()]),
        "404",
        f"404: Service shop/web has no endpoints: 0 of 2 pods ready: {CRASH}, so Traefik drops router `{ROUTER.name}` "
        "of Ingress shop/app (it runs without allowEmptyServices)",
    ),
    (
        "404 by the application",
        facts(answers=answers(404), backends=[backend(DirectAnswer("web-1", 404, 0.01))]),
        "404",
        "404: by the application: pod web-1 answers 404 to GET / without Traefik too",
    ),
    (
        "502 without endpoints",
        facts(answers=answers(502), backends=[empty_backend()]),
        "502",
        f"502: Service shop/web has no endpoints: 0 of 2 pods ready: {CRASH}",
    ),
    (
        "502 at a port where nothing listens",
        facts(
            answers=answers(502, own_words=True),
            backends=[backend(DirectAnswer("web-1", problem="connection refused: nothing listens there"))],
        ),
        "502",
        "502: Service shop/web leads to pod web-1 port 8080, and there: connection refused: nothing listens there",
    ),
    (
        "502 on the way from Traefik",
        facts(answers=answers(502, own_words=True), backends=[backend(DirectAnswer("web-1", 200, 0.01))]),
        "502",
        "502: pod web-1 behind Service shop/web answers 200 when it is asked directly, so it is the way from Traefik "
        "to it: a NetworkPolicy, the nodes' network, or a pod that does not speak http",
    ),
    (
        "503 without endpoints",
        facts(answers=answers(503, own_words=True), backends=[empty_backend()], allows_empty=True),
        "503",
        f"503: Service shop/web has no endpoints: 0 of 2 pods ready: {CRASH}",
    ),
    (
        "503 by a circuit breaker",
        facts(answers=answers(503), effects=_effects(circuitBreaker={"expression": "NetworkErrorRatio() > 0.3"})),
        "503",
        "503: middleware shop-one@kubernetescrd (circuitBreaker) answers 503 while NetworkErrorRatio() > 0.3",
    ),
    (
        "504 by a slow backend",
        facts(
            answers=answers(504, seconds=30.0),
            backends=[backend(DirectAnswer("web-1", 200, 41.2), response_timeout=30.0)],
        ),
        "504",
        "504 after 30 s: backend Service shop/web answers in 41 s, Traefik waits 30 s",
    ),
    (
        "504 without a connection",
        facts(
            answers=answers(504, seconds=30.0),
            backends=[backend(DirectAnswer("web-1", 200, 0.01), dial_timeout=30.0)],
        ),
        "504",
        "504 after 30 s: Traefik gets no connection to Service shop/web in 30 s (dialTimeout): pod web-1 answers 200 "
        "when it is asked directly",
    ),
    (
        "500 by a hung ForwardAuth target",
        facts(
            answers=answers(500, seconds=30.0),
            targets=[_target(DirectAnswer("auth-1", seconds=60.0, problem="not a byte for 60 s (timeout)"))],
        ),
        "500",
        f"500 after 30 s: the ForwardAuth target {AUTH} of shop-auth@kubernetescrd gives no answer in 60 s; Traefik "
        "waits 30 s, which is fixed",
    ),
    (
        "500 by a ForwardAuth target without pods",
        facts(answers=answers(500), targets=[_target(problem="Service idp/auth has no endpoints: no pod")]),
        "500",
        f"500: the ForwardAuth target {AUTH} of shop-auth@kubernetescrd cannot be reached: Service idp/auth has no "
        "endpoints: no pod",
    ),
    (
        "401 by a ForwardAuth target",
        facts(answers=answers(401), targets=[_target(DirectAnswer("auth-1", 401, 0.01))]),
        "401",
        f"401: the ForwardAuth target {AUTH} of shop-auth@kubernetescrd answers 401",
    ),
    (
        "no answer of a hung backend",
        facts(
            answers=answers(0, problem="not a byte for 60 s (timeout)"),
            backends=[backend(DirectAnswer("web-1", seconds=60.0, problem="not a byte for 60 s (timeout)"))],
        ),
        "no_answer",
        "no answer in 60 s: backend Service shop/web gives no answer in 60 s (pod web-1), Traefik waits for ever "
        "(responseHeaderTimeout 0)",
    ),
    (
        "no answer of a hung ForwardAuth target",
        facts(
            answers=answers(0, problem="not a byte for 2 s (timeout)"),
            effects=_effects(forwardAuth={"address": AUTH}),
            targets=[_target(DirectAnswer("auth-1", seconds=2.0, problem="not a byte for 2 s (timeout)"))],
            seconds=2.0,
        ),
        "no_answer",
        f"no answer in 2 s: the ForwardAuth target {AUTH} of shop-auth@kubernetescrd gives no answer in 2 s; Traefik "
        "waits 30 s, which is fixed",
    ),
    (
        "refused on a node without a replica",
        facts(
            entrance=Entrance(
                doors=(
                    Door("192.0.2.1", 80, "node port of Service traefik", "node-a", True),
                    Door("192.0.2.2", 80, "node port of Service traefik", "node-b", True),
                ),
                empty_nodes=("node-b",),
                reached={"192.0.2.1": "open", "192.0.2.2": "refused"},
            )
        ),
        "refused",
        "connection refused at 192.0.2.2: no replica on node node-b and externalTrafficPolicy Local",
    ),
    (
        "refused without any replica",
        facts(replicas=[ReplicaState("traefik-abc", "node-a", CRASH)], answers=()),
        "refused",
        f"connection refused: no replica of Deployment traefik/traefik is ready (0 of 3): {CRASH}",
    ),
    (
        "refused at a port without an entry point",
        facts(entry_point="", public_port=8443, answers=()),
        "refused",
        "connection refused: no entry point of Deployment traefik/traefik is at port 8443",
    ),
    (
        "mixed content by a proxy that is not trusted",
        facts(request=PROXIED, trusted=False, proto="http"),
        "mixed_content",
        "mixed content: the proxy in front (192.0.2.10) is not in forwardedHeaders.trustedIPs of entry point web, so "
        "X-Forwarded-Proto is http",
    ),
    (
        "mixed content by the application",
        facts(request=HTTPS, proto="https", answers=answers(200, insecure_links=3)),
        "mixed_content",
        "mixed content: the page names its own host 3 times with http, though X-Forwarded-Proto is https: the "
        "application makes these links",
    ),
    (
        "redirect loop behind a proxy that ends TLS",
        facts(
            request=PROXIED,
            answers=answers(302, location=f"https://{HOST}/"),
            loops=True,
            effects=_effects(PROXIED, redirectScheme={"scheme": "https"}),
        ),
        "redirect_loop",
        "redirect loop: middleware shop-one@kubernetescrd (redirectScheme) redirects to https because "
        "X-Forwarded-Proto is http: the proxy in front (192.0.2.10) is not in forwardedHeaders.trustedIPs of entry "
        "point web",
    ),
    (
        "redirect loop of the application",
        facts(request=HTTPS, proto="https", answers=answers(301, location=f"https://{HOST}/login"), loops=True),
        "redirect_loop",
        f"redirect loop: the application sends the client to https://{HOST}/login, and following it leads back to "
        "where it was",
    ),
    (
        "413 by buffering",
        facts(
            answers=answers(413),
            effects=_effects(replace(REQUEST, body_bytes=2000), buffering={"maxRequestBodyBytes": 1000}),
        ),
        "413",
        "413: middleware shop-one@kubernetescrd (buffering) answers 413: the body has 2000 bytes, and "
        "maxRequestBodyBytes is 1000",
    ),
    (
        "413 by the application",
        facts(answers=answers(413), backends=[backend(DirectAnswer("web-1", 413, 0.01))]),
        "413",
        "413: by the application: pod web-1 answers 413 to GET / without Traefik too",
    ),
    (
        "431 by the entry point",
        facts(
            request=replace(REQUEST, headers={"Cookie": "x" * 3000}),
            answers=answers(431),
            max_header_bytes=1000,
            backends=[],
        ),
        "431",
        "431: the headers have 3052 bytes, and entry point web takes 1000 (http.maxHeaderBytes)",
    ),
    (
        "431 by the application",
        facts(answers=answers(431), backends=[backend(DirectAnswer("web-1", 431, 0.01))]),
        "431",
        "431: the application takes no headers of 42 bytes: pod web-1 answers 431 without Traefik too",
    ),
    (
        "a certificate of another name",
        facts(request=HTTPS, proto="https", certificates=_shown("other.test", "*.other.test")),
        "certificate",
        f"the certificate is not for {HOST}: it is for other.test, *.other.test",
    ),
    (
        "Traefik's own certificate",
        facts(request=HTTPS, proto="https", certificates=_shown("x.traefik.default", subject="TRAEFIK DEFAULT CERT")),
        "certificate",
        f"the certificate is not for {HOST}: Traefik's own default certificate is shown: it has none for this name",
    ),
    (
        "sticky sessions without a cookie",
        facts(request=replace(REQUEST, headers={"Cookie": "session=x"})),
        "sticky_sessions",
        "sticky sessions lost: Service shop/web has 2 pods and no sticky cookie, so each request may reach another pod",
    ),
    (
        "sticky sessions with nativeLB",
        _sticky({}, sticky="cookie", native=True),
        "sticky_sessions",
        "sticky sessions lost: Service shop/web has nativeLB, so the cluster chooses the pod each time",
    ),
    (
        "sticky sessions with a secure cookie over http",
        _sticky({}, sticky="cookie", sticky_secure=True),
        "sticky_sessions",
        "sticky sessions lost: the cookie of Service shop/web is secure, and the client speaks http",
    ),
    (
        "sticky sessions that another replica does not keep",
        _sticky({"again": [ReplicaAnswer("traefik-def", status=200, cookies=("_pin",))]}, sticky="cookie"),
        "sticky_sessions",
        "sticky sessions lost: traefik-def gives another cookie _pin",
    ),
    (
        "a WebSocket through buffering",
        facts(
            request=replace(REQUEST, headers={"Upgrade": "websocket"}),
            answers=answers(500),
            effects=_effects(replace(REQUEST, headers={"Upgrade": "websocket"}), buffering={}),
        ),
        "websocket",
        "WebSocket fails with 500: middleware shop-one@kubernetescrd (buffering) reads the whole answer before it "
        "sends it on: a WebSocket cannot be had through it",
    ),
    (
        "a WebSocket that the application does not open",
        facts(
            request=replace(REQUEST, headers={"Upgrade": "websocket"}),
            answers=answers(200),
            backends=[backend(DirectAnswer("web-1", 200, 0.01))],
        ),
        "websocket",
        "WebSocket fails with 200: the application opens none: its pod answers 200 without Traefik too",
    ),
    (
        "one replica whose way is cut",
        facts(answers=answers(502, 200, 200)),
        "replicas_differ",
        "502 on traefik-abc only: the other two answer 200, so it is that replica (node node-abc), or its way from "
        "there: nothing that all replicas share explains it",
    ),
]


@pytest.mark.parametrize(
    ("given", "symptom", "sentence"), [each[1:] for each in SYMPTOMS], ids=[each[0] for each in SYMPTOMS]
)
def test_the_table_of_symptoms(given: Facts, symptom: str, sentence: str) -> None:
    first = verdicts(given)[0]
    assert (first.symptom, first.sentence) == (symptom, sentence)


def test_of_a_site_that_is_well_nothing_else_is_said() -> None:
    (verdict,) = verdicts(facts())
    assert verdict.symptom == "ok"
    assert verdict.sentence == (
        f"200 on every replica in at most 0.01 s, by router `{ROUTER.name}` of Ingress shop/app: it is the only router "
        "that takes it"
    )


@pytest.mark.parametrize(
    "given",
    [
        facts(request=HTTPS, proto="https", certificates=_shown("*.example.test")),
        facts(request=PROXIED, trusted=True, proto="https"),
        facts(answers=answers(302, location="https://login.test/")),
        facts(answers=answers(301, location=f"https://{HOST}/")),
        facts(request=replace(REQUEST, headers={"Upgrade": "websocket"}), answers=answers(101)),
        facts(
            request=replace(REQUEST, headers={"Cookie": "session=x"}),
            backends=[backend(pods=(PodState("web-1", "a", "10.0.0.1", True),))],
        ),
        facts(targets=[_target(DirectAnswer("auth-1", 200, 0.01))]),
    ],
    ids=["wildcard", "trusted proxy", "login elsewhere", "to https", "websocket", "one pod", "let in"],
)
def test_what_is_well_is_no_symptom(given: Facts) -> None:
    assert [verdict.symptom for verdict in verdicts(given)] == ["ok"]


def test_what_was_not_sent_is_foretold() -> None:
    assert verdicts(facts(sent=False, answers=()))[0].symptom == "not_sent"
    foretold = verdicts(facts(sent=False, answers=(), backends=[empty_backend()], allows_empty=True))[0]
    assert foretold.sentence.startswith("503 is to be expected: Service shop/web has no endpoints")
    assert verdicts(facts(sent=False, answers=(), selection=NONE))[0].symptom == "404"


def test_what_else_is_wrong_is_told_beside_the_first() -> None:
    found = verdicts(
        facts(request=HTTPS, proto="https", answers=answers(502), certificates=_shown("other.test"), backends=[])
    )
    assert [each.symptom for each in found] == ["502", "certificate"]


def test_an_unknown_reason_is_called_one() -> None:
    (first, *_rest) = verdicts(facts(answers=answers(500), backends=[replace(backend(), ref=REF)]))
    assert "nothing that was read explains 500" in first.sentence
