"""What the policy becomes for nginx."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import replace

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy_reading import policy_from
from ansible_collections.resilient.traefik.plugins.plugin_utils.nginx_engine.engine import (
    Engine,
    engine_from,
    files_of,
    keys,
)

POLICY = policy_from(
    {
        "path": "/auth",
        "host": "blocker.test:8080",
        "check_host": "www.example.test",
        "default": "allow",
        "hosts": {"a.test": "deny"},
        "fallback_on": ["timeout", "503"],
        "check_failures": [400, 404],
    }
)
ENGINE = Engine(target="peers.ns.svc.cluster.test.:9000", dns="10.96.0.10", folder="/etc/proxy", users="/users")


def settings() -> dict[str, object]:
    """What proxy.js is told."""
    text = files_of(POLICY, ENGINE)["settings.js"].removeprefix("export default ").rstrip(";\n")
    loaded: dict[str, object] = json.loads(text)
    return loaded


def test_key_i_leads_to_pod_i_of_any_number_of_pods() -> None:
    assert [(zlib.crc32(key.encode()) >> 16) & 0x7FFF for key in keys()] == list(range(32))


def test_what_nginx_tells_by_502_and_504_is_judged_whatever_the_policy_says() -> None:
    files = files_of(POLICY, ENGINE)
    assert "error_page 502 503 504 = @judge;" in files["proxy.conf"]
    assert settings()["fallback_on"] == ["timeout", "503"]
    assert settings()["not_well"] == [503, 502, 504, 400, 404]


def test_no_login_is_asked_for_where_return_would_answer_first() -> None:
    login = files_of(POLICY, ENGINE)["login.conf"]
    location = login[login.index("location = /check {") :]
    assert "return" not in location[: location.index("}")]


def test_modules_are_loaded_where_the_image_needs_them() -> None:
    assert "load_module" not in files_of(POLICY, ENGINE)["proxy.conf"]
    other = Engine(target="t:1", dns="10.0.0.1", folder="/e", users="/u", modules=("modules/js.so",))
    assert "load_module modules/js.so;" in files_of(POLICY, other)["proxy.conf"]
    assert "load_module modules/js.so;" in files_of(POLICY, other)["quit.conf"]


def test_no_worker_is_bound_to_a_round_of_checks() -> None:
    """njs takes all memory where worker_affinity comes after the interval; without it the first worker checks."""
    for text in files_of(POLICY, ENGINE).values():
        assert "worker_affinity" not in text


def test_every_import_of_a_script_is_among_the_files() -> None:
    files = files_of(POLICY, ENGINE)
    imported = {name for text in files.values() for name in re.findall(r"^import \w+ from '(.+\.js)';$", text, re.M)}
    assert imported - files.keys() == set()
    assert {name for name in files if name.endswith(".js")} - imported == {"names.js", "proxy.js", "quit.js"}


PLACE = {"target": "peers.test.:9000", "dns": "10.96.0.10", "folder": "/etc/proxy", "users": "/users"}


def test_a_place_may_say_numbers_as_text() -> None:
    engine = engine_from(PLACE | {"workers": "3", "port": "8080", "modules": ["modules/js.so"]})
    assert (engine.workers, engine.port, engine.modules) == (3, 8080, ("modules/js.so",))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"workers": 0}, "workers: expected a number from 1 to 65535, got 0"),
        ({"port": "http"}, "port: expected a number from 1 to 65535, got 'http'"),
        ({"colour": 1}, "colour: there is no such option"),
        ({"target": ""}, "target: is needed"),
        ({"dns": "10.96.0.10; return 200"}, "dns: expected a host or an address, with or without a port, got"),
        ({"users": "/users; include /tmp/x"}, "users: expected a path without special characters, got"),
        ({"modules": ["a b"]}, "modules: expected a path without special characters, got 'a b'"),
    ],
)
def test_a_place_that_cannot_be_used_is_named(given: dict[str, object], words: str) -> None:
    with pytest.raises(BadArgument) as refused:
        engine_from(PLACE | given)
    assert words in str(refused.value)


def test_a_place_that_is_none_is_shown() -> None:
    with pytest.raises(BadArgument, match="Expected options and their values, got None"):
        engine_from(None)


def test_timers_are_cleared_in_one_place_only() -> None:
    """Where one is cleared while it fires, njs 0.9.9 removes it twice, and a worker under load crashes."""
    files = files_of(POLICY, ENGINE)
    assert [name for name, text in files.items() if "clearTimeout" in text] == ["timers.js"]


def test_neighbours_are_asked_only_where_sessions_are_kept() -> None:
    street = {**PLACE, "neighbours": "proxies.ns.svc.test.:9005", "neighbours_key": "/etc/key/key"}
    assert "upstream neighbours" not in files_of(POLICY, engine_from(street))["proxy.conf"]
    kept = replace(POLICY, session_grace=60, session_cookies=("s_",))
    assert "server proxies.ns.svc.test.:9005 resolve" in files_of(kept, engine_from(street))["proxy.conf"]
    assert "upstream neighbours" not in files_of(kept, engine_from(PLACE))["proxy.conf"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"neighbours": "a.test.:9005"}, "neighbours: they need the file of their key"),
        ({"neighbours_key": "/key"}, "neighbours: they need the file of their key"),
        ({"neighbours": "a.test.:9005; }", "neighbours_key": "/key"}, "neighbours: expected a host or an address"),
        ({"neighbours": "a.test.:9005", "neighbours_key": "/key;"}, "neighbours_key: expected a path"),
        ({"neighbours_port": "x"}, "neighbours_port: expected a number"),
    ],
)
def test_a_wrong_place_of_neighbours_is_refused(options: dict[str, str], words: str) -> None:
    with pytest.raises(BadArgument, match=words):
        engine_from(PLACE | options)
