"""What each kind of middleware does to a request, in order, and which one answers it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.explain.middlewares import Effect, follow
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest
from tests.unit.explain.sample import HOST, REQUEST, middleware

NAME = "shop-one@kubernetescrd"


def _effect(spec: dict[str, Any], request: SiteRequest = REQUEST, proto: str = "http") -> Effect:
    (effect,) = follow([NAME], {NAME: middleware("one", **spec)}, request, proto)
    return effect


@pytest.mark.parametrize(
    ("spec", "target", "after"),
    [
        ({"stripPrefix": {"prefixes": ["/api"]}}, "/api/x?a=1", "/x?a=1"),
        ({"stripPrefix": {"prefixes": ["/no", "/api"]}}, "/api", "/"),
        ({"stripPrefix": {"prefixes": ["/no"]}}, "/api", "/api"),
        ({"stripPrefixRegex": {"regex": ["/v[0-9]+"]}}, "/v1/x", "/x"),
        ({"addPrefix": {"prefix": "/app"}}, "/x", "/app/x"),
        ({"replacePath": {"path": "/new"}}, "/old?a=1", "/new?a=1"),
        ({"replacePathRegex": {"regex": "^/a/(.*)", "replacement": "/b/$1"}}, "/a/x", "/b/x"),
        ({"replacePathRegex": {"regex": "/x", "replacement": "/${1}y$1z"}}, "/a/x", "/a/y"),
        ({"addPrefix": {"prefix": "/app"}}, "/%61pi%2Fx", "/app/api%2Fx"),
        ({"compress": {}}, "/x", "/x"),
    ],
)
def test_paths_are_rewritten(spec: dict[str, Any], target: str, after: str) -> None:
    effect = _effect(spec, REQUEST.with_target(target))
    assert effect.after.request.target == after
    assert not effect.status


@pytest.mark.parametrize(
    ("spec", "request_", "proto", "status", "location"),
    [
        ({"redirectScheme": {"scheme": "https"}}, REQUEST, "http", 302, f"https://{HOST}/"),
        ({"redirectScheme": {"scheme": "https", "permanent": True}}, REQUEST, "http", 301, f"https://{HOST}/"),
        ({"redirectScheme": {"scheme": "https", "port": "8443"}}, REQUEST, "http", 302, f"https://{HOST}:8443/"),
        ({"redirectScheme": {"scheme": "https"}}, replace(REQUEST, method="POST"), "http", 307, f"https://{HOST}/"),
        ({"redirectScheme": {"scheme": "https"}}, REQUEST, "https", 0, ""),
        (
            {"redirectRegex": {"regex": "^http://(.*)$", "replacement": "https://www.${1}"}},
            REQUEST,
            "http",
            302,
            f"https://www.{HOST}/",
        ),
        ({"redirectRegex": {"regex": "^https://", "replacement": "x"}}, REQUEST, "http", 0, ""),
        ({"ipAllowList": {"sourceRange": ["10.0.0.0/8"]}}, replace(REQUEST, client_ip="192.0.2.1"), "http", 403, ""),
        ({"ipAllowList": {"sourceRange": ["10.0.0.0/8"]}}, replace(REQUEST, client_ip="10.1.1.1"), "http", 0, ""),
        ({"ipAllowList": {"sourceRange": ["10.0.0.0/8"]}}, REQUEST, "http", 0, ""),
        ({"basicAuth": {"secret": "x"}}, REQUEST, "http", 401, ""),
        ({"basicAuth": {"secret": "x"}}, replace(REQUEST, headers={"authorization": "Basic x"}), "http", 0, ""),
        ({"buffering": {"maxRequestBodyBytes": 10}}, replace(REQUEST, body_bytes=11), "http", 413, ""),
        ({"buffering": {"maxRequestBodyBytes": 10}}, replace(REQUEST, body_bytes=10), "http", 0, ""),
        ({"headers": {"allowedHosts": ["other.test"]}}, REQUEST, "http", 500, ""),
        ({"headers": {"allowedHosts": [HOST]}}, REQUEST, "http", 0, ""),
        ({"headers": {"allowedHosts": [HOST]}}, replace(REQUEST, host=f"{HOST}:80"), "http", 500, ""),
        ({"redirectScheme": {"scheme": "http"}}, replace(REQUEST, host=f"{HOST}:8080"), "http", 302, f"http://{HOST}/"),
        ({"redirectScheme": {"scheme": "http"}}, replace(REQUEST, host=f"{HOST}:80"), "http", 0, ""),
    ],
)
def test_who_answers_and_with_what(
    spec: dict[str, Any], request_: SiteRequest, proto: str, status: int, location: str
) -> None:
    effect = _effect(spec, request_, proto)
    assert (effect.status, effect.location) == (status, location)


def test_a_chain_is_followed_in_order_up_to_the_one_that_answers() -> None:
    known = {
        "shop-all@kubernetescrd": middleware("all", chain={"middlewares": [{"name": "strip"}, {"name": "login"}]}),
        "shop-strip@kubernetescrd": middleware("strip", stripPrefix={"prefixes": ["/a"]}),
        "shop-login@kubernetescrd": middleware("login", basicAuth={"secret": "x"}),
        "shop-never@kubernetescrd": middleware("never", compress={}),
    }
    names = ["shop-all@kubernetescrd", "shop-never@kubernetescrd"]
    effects = follow(names, known, REQUEST.with_target("/a/b"), "http")
    assert [(effect.kind, effect.status) for effect in effects] == [("stripPrefix", 0), ("basicAuth", 401)]
    assert effects[-1].after.request.target == "/b"


def test_one_that_is_missing_costs_the_router_and_one_of_another_provider_is_not_known() -> None:
    missing, other = follow([NAME, "x@file"], {}, REQUEST, "http")
    assert missing.problem == f"middleware {NAME} does not exist"
    assert not other.problem
    assert "not known" in other.does
    (unread,) = follow([NAME], {}, REQUEST, "http", readable=False)
    assert not unread.problem


def test_nonsense_in_a_middleware_is_no_traceback() -> None:
    nonsense: list[dict[str, Any]] = [
        {"redirectRegex": {"regex": "("}},
        {"ipAllowList": {"sourceRange": ["x"]}},
        {"buffering": {"maxRequestBodyBytes": []}},
    ]
    for spec in nonsense:
        assert _effect(spec, replace(REQUEST, client_ip="10.0.0.1")).status == 0
    assert _effect({}).problem
    assert _effect({"plugin": {"a": 1}}).does == "what a plugin does is not known here"
