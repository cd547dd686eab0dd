"""Which servers let whom in by the texts that the module htpasswd writes: real nginx and Traefik, no cluster needed."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from passlib.hash import apr_md5_crypt, bcrypt

from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd import body, wishes
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from lab.cache import Store
from lab.image_catalogue import NGINX, traefik_image
from lab.settings import from_environment
from lab.versions import TRAEFIK_VERSIONS

# nginx stays far below this; a mistake in its configuration must not take the machine's memory.
MEMORY_BYTES = 2_000_000_000
PASSWORD = "sésame: open 1"

NGINX_CONF = """
daemon off;
worker_processes 1;
{user}
pid {folder}/pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        auth_basic test;
        auth_basic_user_file {users};
        location / {{
            try_files /nonexistent @ok;
        }}
        location @ok {{
            return 204;
        }}
    }}
}}
"""
TRAEFIK_CONF = """
http:
  routers:
    all:
      rule: PathPrefix(`/`)
      service: ping@internal
      middlewares: [login]
  middlewares:
    login:
      basicAuth:
        usersFile: {users}
"""


@dataclass(frozen=True)
class Server:
    """A running server that asks for a login."""

    port: int

    def lets_in(self, user: str, password: str) -> bool:
        """Whether the login is accepted. HTTPError for any other answer than in or 401."""
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/", headers={"Authorization": f"Basic {pair}"})
        try:
            urllib.request.urlopen(request, timeout=30).close()
        except urllib.error.HTTPError as error:
            if error.code == 401:
                return False
            raise
        return True


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """nginx and Traefik as the lab runs them, out of the lab's store of artefacts."""
    store = Store(from_environment().cache)
    log = tmp_path_factory.mktemp("build") / "log"
    images = {"nginx": NGINX, "traefik": traefik_image(TRAEFIK_VERSIONS[0])}
    return {name: store.make(image.made_by(), log) / image.program for name, image in images.items()}


@contextmanager
def _running(command: list[str], folder: Path, port: int, **environment: str) -> Iterator[Server]:
    output = folder / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, cwd=folder, env=os.environ | environment)
    try:
        deadline = time.monotonic() + 60
        while not _answers(port):
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, f"not listening within 60 s: {output.read_text()}"
            time.sleep(0.05)
        yield Server(port)
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    """True once somebody unknown is sent away: the routes are loaded too."""
    try:
        return not Server(port).lets_in("somebody-unknown", "x")
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _nginx(program: Path, folder: Path, users: Path) -> Iterator[Server]:
    port, conf = _free_port(), folder / "nginx.conf"
    # The text is for its owner alone, as the module makes it: the worker must be that owner.
    user = "user root;" if os.geteuid() == 0 else ""
    conf.write_text(NGINX_CONF.format(folder=folder, port=port, users=users, user=user))
    limit = ["prlimit", f"--as={MEMORY_BYTES}"]
    with _running([*limit, str(program), "-e", "stderr", "-p", str(folder), "-c", str(conf)], folder, port) as server:
        yield server


@contextmanager
def _traefik(program: Path, folder: Path, users: Path) -> Iterator[Server]:
    port, conf = _free_port(), folder / "routes.yml"
    conf.write_text(TRAEFIK_CONF.format(users=users))
    command = [
        str(program),
        f"--entrypoints.web.address=127.0.0.1:{port}",
        "--ping=true",
        "--ping.manualrouting=true",
        f"--providers.file.filename={conf}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]
    with _running(command, folder, port, GOMEMLIMIT="500MiB") as server:
        yield server


@contextmanager
def _servers(programs: dict[str, Path], folder: Path, users: Path) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        started = {}
        for name, start in (("nginx", _nginx), ("traefik", _traefik)):
            own = folder / name
            own.mkdir()
            started[name] = stack.enter_context(start(programs[name], own, users))
        yield started


def _write(path: Path, user: str, password: str | None, scheme: str, cost: int | None = None) -> None:
    """One user more (or with None one less), by the module's body."""
    given = {"name": user, "password": password, "state": "absent" if password is None else "present"}
    defaults = {name: option.get("default") for name, option in wishes.USER_OPTIONS.items()}
    params = {name: option.get("default") for name, option in wishes.OPTIONS.items()}
    body.run(Task(params | {"path": str(path), "scheme": scheme, "cost": cost, "users": [defaults | given]}))


# Seen with nginx 1.31.3 on musl and Traefik 3.7.9; docs/htpasswd.md adds nginx on glibc and Apache.
TAKEN = {
    ("bcrypt", 4): {"nginx", "traefik"},
    ("bcrypt", 10): {"nginx", "traefik"},
    ("sha512_crypt", None): {"nginx"},
    ("sha512_crypt", 1000): {"nginx"},
    ("apr1", None): {"nginx", "traefik"},
    ("ssha", None): {"nginx"},
}


def test_servers_take_the_schemes_that_the_documentation_says(programs: dict[str, Path], tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_bytes(b"# by hand\r\n\r\n")
    for scheme, cost in TAKEN:
        _write(users, f"{scheme}-{cost}", PASSWORD, scheme, cost)
    with _servers(programs, tmp_path, users) as servers:
        for (scheme, cost), taken in TAKEN.items():
            user = f"{scheme}-{cost}"
            assert {name for name, server in servers.items() if server.lets_in(user, PASSWORD)} == taken, user
            assert not any(server.lets_in(user, PASSWORD + "x") for server in servers.values()), user


def test_the_longest_passwords_work(programs: dict[str, Path], tmp_path: Path) -> None:
    users = tmp_path / "users"
    longest = {"bcrypt": "ü" * 36, "sha512_crypt": "x" * 255, "apr1": "y" * 255, "ssha": "z" * 255}
    for scheme, password in longest.items():
        _write(users, scheme, password, scheme, 4 if scheme == "bcrypt" else None)
    with _servers(programs, tmp_path, users) as servers:
        for scheme, password in longest.items():
            assert servers["nginx"].lets_in(scheme, password), scheme
            assert not servers["nginx"].lets_in(scheme, password[:-1]), scheme
        assert servers["traefik"].lets_in("bcrypt", longest["bcrypt"])


def test_nginx_takes_changes_at_once(programs: dict[str, Path], tmp_path: Path) -> None:
    users = tmp_path / "users"
    _write(users, "alice", "first", "bcrypt", 4)
    with _nginx(programs["nginx"], tmp_path, users) as nginx:
        assert nginx.lets_in("alice", "first")
        _write(users, "alice", "second", "bcrypt", 4)
        assert not nginx.lets_in("alice", "first")
        assert nginx.lets_in("alice", "second")
        _write(users, "alice", None, "bcrypt")
        assert not nginx.lets_in("alice", "second")


def test_of_a_user_listed_twice_nginx_takes_the_first_and_traefik_the_last(
    programs: dict[str, Path], tmp_path: Path
) -> None:
    users = tmp_path / "users"
    users.write_text(f"alice:{apr_md5_crypt.hash('first')}\nalice:{apr_md5_crypt.hash('last')}\n")
    users.chmod(0o600)
    with _servers(programs, tmp_path, users) as servers:
        seen = {name: [server.lets_in("alice", word) for word in ("first", "last")] for name, server in servers.items()}
        assert seen == {"nginx": [True, False], "traefik": [False, True]}


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_every_kind_of_bcrypt_counts_the_same(programs: dict[str, Path], tmp_path: Path, prefix: str) -> None:
    """The module keeps an entry of each."""
    users = tmp_path / "users"
    users.write_text(f"alice:{prefix}{bcrypt.using(rounds=4, ident='2y').hash(PASSWORD)[4:]}\n")
    before = users.read_bytes()
    _write(users, "alice", PASSWORD, "bcrypt", 4)
    assert users.read_bytes() == before
    with _servers(programs, tmp_path, users) as servers:
        assert all(server.lets_in("alice", PASSWORD) for server in servers.values())
