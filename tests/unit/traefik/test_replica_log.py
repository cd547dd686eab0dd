"""Traefik's own words out of its log, in both formats, as 3.7.9 writes them."""

from __future__ import annotations

import json

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_log import told

COMMON = [
    '2026-11-21T12:32:15Z ERR error="middleware \\"shop-m@kubernetescrd\\" does not exist" entryPointName=traefik '
    "routerName=shop-r-539b@kubernetescrd",
    "2026-11-21T12:32:22Z ERR Error while reading basic auth middleware error=\"secret 'shop/none' not found\" "
    "middlewareName=shop-m providerName=kubernetescrd",
    '2026-11-21T12:32:23Z INF error="not an error" middlewareName=shop-m',
    "2026-11-21T12:32:24Z ERR error=refused middlewareName=shop-m2 providerName=kubernetescrd",
    "2026-11-21T12:32:25Z ERR server.go:1 > Something else routerName=shop-x@kubernetescrd",
]


def _as_json(line: str) -> str:
    """The same event in Traefik's JSON format."""
    known = {
        COMMON[0]: ("error", "", 'middleware "shop-m@kubernetescrd" does not exist', "shop-r-539b@kubernetescrd"),
        COMMON[1]: ("error", "Error while reading basic auth middleware", "secret 'shop/none' not found", "shop-m"),
        COMMON[2]: ("info", "", "not an error", "shop-m"),
        COMMON[3]: ("error", "", "refused", "shop-m2"),
        COMMON[4]: ("error", "Something else", "", "shop-x@kubernetescrd"),
    }
    level, message, error, name = known[line]
    return json.dumps({"level": level, "message": message, "error": error, "middlewareName": name})


@pytest.mark.parametrize("lines", [COMMON, [_as_json(line) for line in COMMON]], ids=["common", "json"])
def test_whose_words_count(lines: list[str]) -> None:
    cause = "Error while reading basic auth middleware: secret 'shop/none' not found"
    assert told(lines, ["shop-r-539b@kubernetescrd", "shop-m"]) == cause, "the cause, not its consequence"
    assert told(lines[:1], ["shop-r-539b@kubernetescrd", "shop-m"]).endswith("does not exist"), "better than nothing"
    assert told(lines, ["shop-m2"]) == "refused", "no part of a longer name, no other level"
    assert told(lines, ["shop-x@kubernetescrd"]) == "Something else"
    assert told(lines, ["shop-r"]) == ""
    assert told([], ["shop-m"]) == ""


def test_what_is_not_a_log_line() -> None:
    assert told(["{shop-m", "", "shop-m", '["shop-m"]', "panic: shop-m"], ["shop-m"]) == ""
