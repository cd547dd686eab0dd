"""How many sessions the memory that is set aside holds, measured in nginx itself. No cluster needed."""

from __future__ import annotations

import http.client
import subprocess
from pathlib import Path

import pytest

from ansible_collections.resilient.traefik.plugins.plugin_utils.nginx_engine import engine
from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import free_ports, limited

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback

# A tenth of what is promised, in a tenth of the memory.
SHARE = 10
SESSIONS = 100_000 // SHARE

CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log stderr warn;
events {{ }}
http {{
    access_log off;
    js_path {engine}/;
    js_path {folder}/;
    js_import fill from {folder}/fill.js;
    js_shared_dict_zone zone=sessions:{kilobytes}k type=string timeout=900s evict;
    js_shared_dict_zone zone=forms:1m type=string;
    js_shared_dict_zone zone=ended:4m type=string timeout=900s evict;
    server {{
        listen 127.0.0.1:{port};
        location = /fill {{ js_content fill.fill; }}
        location = /known {{ js_content fill.known; }}
    }}
}}
"""

# An answer as the lab's authentik gives it: who it is about is in seven of its headers.
SCRIPT = """
import crypto from 'crypto';
import memory from 'memory.js';

function hash(text) {
    return crypto.createHash('sha256').update(text).digest('base64url');
}

function answer(i) {
    const user = `user${i}`, uid = crypto.createHash('sha256').update(user).digest('hex');
    const claims = {iss: 'stand-in', sub: user, preferred_username: user, filler: ''};
    const parts = [{alg: 'HS256', typ: 'JWT'}, claims].map((part) => JSON.stringify(part));
    const token = parts.map((part) => Buffer.from(part).toString('base64url'));
    return JSON.stringify({
        'X-Authentik-Username': user,
        'X-Authentik-Groups': 'authentik Admins|lab',
        'X-Authentik-Entitlements': 'lab',
        'X-Authentik-Email': `${user}@lab.test`,
        'X-Authentik-Name': `Test user ${user}`,
        'X-Authentik-Uid': uid,
        'X-Authentik-Jwt': `${token.join('.')}.${hash(`signature ${i}`)}`,
        'X-Authentik-Meta-Jwks': 'https://auth.lab.test/application/o/private/jwks/',
        'X-Authentik-Meta-Outpost': 'authentik Embedded Outpost',
        'X-Authentik-Meta-Provider': 'private',
        'X-Authentik-Meta-App': 'private',
        'X-Authentik-Meta-Version': 'goauthentik.io/outpost/2026.8.0',
        'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
        'X-Powered-By': 'authentik_proxy2',
        Vary: 'Accept-Encoding',
    });
}

// As many as are asked for, from that number on.
function fill(r) {
    const from = Number(r.args.from), number = Number(r.args.number), began = Date.now();
    for (let i = from; i < from + number; i++) {
        memory.keep(hash(`session ${i}`), 'private.lab.test', answer(i), 0, 900000);
    }
    r.return(200, `${Date.now() - began}`);
}

// How many of those are kept, whole.
function known(r) {
    const from = Number(r.args.from), number = Number(r.args.number);
    let whole = 0;
    for (let i = from; i < from + number; i++) {
        const found = memory.find(hash(`session ${i}`));
        whole += found && found.text === answer(i) ? 1 : 0;
    }
    r.return(200, `${whole}`);
}

export default {fill, known};
"""


def test_a_hundred_thousand_sessions_have_room_and_the_oldest_go_first(nginx: Path, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    folder = Path(engine.__file__).parent
    values = {
        "folder": tmp_path,
        "engine": folder,
        "port": port,
        "kilobytes": engine.SESSIONS_MEGABYTES * 1024 // SHARE,
    }
    (tmp_path / "nginx.conf").write_text(CONFIGURATION.format(**values))
    (tmp_path / "fill.js").write_text(SCRIPT)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(limited(nginx, tmp_path, "nginx.conf"), stdout=log, stderr=log)

    def ask(path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        assert response.status == 200, text + (tmp_path / "log").read_text()
        return int(text)

    def fill(begin: int, number: int) -> None:
        for start in range(begin, begin + number, 1000):
            ask(f"/fill?from={start}&number=1000")

    def known(begin: int, number: int) -> int:
        return sum(ask(f"/known?from={start}&number=1000") for start in range(begin, begin + number, 1000))

    def listens() -> bool:
        try:
            return ask("/known?from=0&number=0") == 0
        except OSError:
            return False

    try:
        eventually(listens, "nginx listens", 10)
        fill(0, SESSIONS)
        assert known(0, SESSIONS) == SESSIONS
        fill(SESSIONS, SESSIONS)
        assert known(SESSIONS, SESSIONS) == SESSIONS
        assert known(0, 1000) == 0
    finally:
        process.terminate()
        process.wait(10)
