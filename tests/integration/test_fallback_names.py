"""Who is no emergency user cannot be told from who is and has forgotten the password. No cluster needed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from passlib.hash import bcrypt

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import PASSWORD, USER, Proxy, basic, is_challenge, running

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback
# What nginx says when it has computed a hash in vain, and when it has not.
CHECKED, NOT_CHECKED = "password mismatch", "was not found in"
OTHERS = {"ops.team": "other horse", "j\u00fcrgen": "battery"}


@contextmanager
def telling(nginx: Path, folder: Path) -> Iterator[Proxy]:
    """A proxy whose target is down, and whose login nginx tells what it checks."""
    with running(nginx, folder) as proxy:
        lines = [f"{name}:{bcrypt.using(rounds=4, ident='2y').hash(word)}" for name, word in OTHERS.items()]
        users = folder / "users"
        users.write_text("\n".join(["# emergency logins", *lines, users.read_text()]))
        config = folder / "login.conf"
        config.write_text(config.read_text().replace("error_log stderr crit;", "error_log stderr info;"))
        before = proxy.workers("login")
        proxy.processes["login"].send_signal(signal.SIGHUP)
        eventually(lambda: set(before).isdisjoint(proxy.workers("login")), "the login nginx is another one")
        proxy.seen_well()
        proxy.switch("close")
        yield proxy


def told(proxy: Proxy, line: str) -> list[str]:
    """The lines of the login nginx with these words."""
    return [each for each in (proxy.folder / "login.log").read_text().splitlines() if line in each]


def test_a_name_that_nobody_has_costs_one_hash_as_a_wrong_password_does(nginx: Path, tmp_path: Path) -> None:
    names = [USER, *OTHERS, "nobody", "emergenc", "emergency2", "# emergency logins", "ops", "Emergency", "j\u00fcrge"]
    with telling(nginx, tmp_path) as proxy:
        for number, name in enumerate(names, start=1):
            answer = proxy.ask(basic(name, "wrong") | {"X-Forwarded-For": f"192.0.2.{number}"})
            assert is_challenge(answer), name
            assert len(told(proxy, CHECKED)) == number, name
        assert not told(proxy, NOT_CHECKED)


def test_whoever_has_a_name_and_its_password_comes_in_by_it(nginx: Path, tmp_path: Path) -> None:
    with telling(nginx, tmp_path) as proxy:
        for name, word in {USER: PASSWORD, **OTHERS}.items():
            answer = proxy.ask(basic(name, word))
            assert (answer.status, answer.header("X-authentik-username")) == (200, name.encode().decode("latin-1"))
        assert is_challenge(proxy.ask(basic("nobody", PASSWORD)))


def test_the_name_that_stands_for_another_is_not_to_be_guessed(nginx: Path, tmp_path: Path) -> None:
    """Hashes may differ in their cost: which one such a name costs is always the same, and known to nobody."""
    with telling(nginx, tmp_path) as proxy:
        for number in range(24):
            for password in ("one", "two"):
                proxy.ask(basic(f"nobody {number}", password) | {"X-Forwarded-For": f"198.51.{number}.1"})
        users = [line.split('user "')[1].split('"')[0] for line in told(proxy, CHECKED)]
    assert len(users) == 48
    assert users[::2] == users[1::2]
    assert set(users) == {USER, *OTHERS}
