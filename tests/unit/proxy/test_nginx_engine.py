"""What the policy becomes for nginx."""

from __future__ import annotations

import json
import zlib

from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy import policy_from
from ansible_collections.resilient.traefik.plugins.plugin_utils.nginx_engine.engine import Engine, files_of, keys

POLICY = policy_from(
    {
        "path": "/auth",
        "host": "blocker.test:8080",
        "check_host": "www.example.test",
        "default": "allow",
        "hosts": {"a.test": "deny"},
        "fallback_on": ["timeout", "404"],
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
    assert "error_page 418 404 502 504 = @judge;" in files["proxy.conf"]
    assert settings()["fallback_on"] == ["timeout", "404"]
    assert settings()["not_well"] == [404, 502, 504]


def test_no_login_is_asked_for_where_return_would_answer_first() -> None:
    login = files_of(POLICY, ENGINE)["login.conf"]
    location = login[login.index("location = /login {") :]
    assert "return" not in location[: location.index("}")]


def test_modules_are_loaded_where_the_image_needs_them() -> None:
    assert "load_module" not in files_of(POLICY, ENGINE)["proxy.conf"]
    other = Engine(target="t:1", dns="10.0.0.1", folder="/e", users="/u", modules=("modules/js.so",))
    assert "load_module modules/js.so;" in files_of(POLICY, other)["proxy.conf"]
    assert "load_module modules/js.so;" in files_of(POLICY, other)["quit.conf"]
