"""The body of the module htpasswd: its options, its errors, and files."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from passlib.hash import apr_md5_crypt, bcrypt

from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd import body, schemes, text
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.hiding import Secrets
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.wishes import (
    OPTIONS,
    USER_OPTIONS,
    check_places,
    wishes_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import (
    BadArgument,
    Invalid,
    WriteFailed,
)
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

PASSWORD = "correct höpse 1"
APR1 = apr_md5_crypt.hash(PASSWORD)
BCRYPT = bcrypt.using(rounds=4, ident="2y").hash(PASSWORD)
FAST = schemes.hashing_of("bcrypt", 4)


def _params(**given: Any) -> dict[str, Any]:
    params = {name: option.get("default") for name, option in OPTIONS.items()} | {"run_id": None} | given
    defaults = {name: option.get("default") for name, option in USER_OPTIONS.items()}
    params["users"] = [defaults | user for user in params["users"] or []]
    return params


@pytest.mark.parametrize(
    ("users", "reason"),
    [
        ([{"name": "a:secret"}], "users: the name of item 1 has a colon"),
        ([{"name": "a"}, {"name": "b\n"}], "users: the name of item 2 has a control character"),
        ([{"name": "a"}, {"name": "a"}], "users: a: given more than once"),
        (
            [{"name": "a", "password_key": "k"}, {"name": "b", "password_key": "k"}],
            "users: password_key: k: given more",
        ),
        ([{"name": "a", "password": ""}], "users: the password of a is empty"),
        ([{"name": "a", "password": "x" * 73}], "users: the password of a has 73 bytes"),
        ([{"name": "a", "password": "pw", "rotation": "1"}], "rotation is for generated ones"),
        ([{"name": "a", "password": "pw", "state": "absent"}], "users: a is to be absent"),
        ([{"name": "a", "password_key": "../x"}], "users: password_key '../x' of a must be"),
        ([{"name": "a", "password_key": "rotation.x"}], "must not begin with rotation."),
    ],
)
def test_options_that_cannot_be_used_are_named(users: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(BadArgument) as caught:
        wishes_of(_params(users=users), schemes.SCHEMES["bcrypt"])
    assert reason in str(caught.value)
    assert "xxxxxxx" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"secret": "a", "password_secret": "a"}, "password_secret: it must be another Secret"),
        ({"secret": "a", "key": "a/b"}, "key: 'a/b' must be"),
        ({"secret": "a", "password_dir": "/x"}, "password_dir: only together with path"),
        ({"secret": "a", "mode": "0600"}, "mode: only together with path"),
        ({"path": "/x", "password_secret": "a"}, "password_secret: only together with secret"),
    ],
)
def test_places_that_do_not_go_together(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadArgument, match=reason.replace("(", "\\(")):
        check_places(_params(users=[], **given))


def test_errors_lose_secrets_and_keep_their_type_and_facts() -> None:
    hidden = Secrets()
    hidden.add(APR1, None, b"", "pass-word")
    quoted = f"denied: {APR1} and cGFzcy13b3Jk and pass-word"
    cause = Invalid(quoted, status=422, reason="Invalid", causes=[{"message": quoted}])
    error = WriteFailed(quoted, results=[{"error": quoted, "written": False}], cause=cause)
    hidden.hide_in(error)
    assert str(error) == str(error.cause) == "denied: <hidden> and <hidden> and <hidden>"
    assert error.facts == {"results": error.results, "status": 422, "reason": "Invalid"}
    assert error.results == [{"error": str(error), "written": False}]
    assert cause.causes == [{"message": str(error)}]


def _run(path: Path, users: Sequence[dict[str, Any]], check: bool = False, **more: Any) -> dict[str, Any]:
    given = {"path": str(path), "users": users, "cost": 4} | more
    return body.run(Task(_params(**given), check_mode=check))


def test_check_apply_check_apply_on_a_file(tmp_path: Path) -> None:
    path, store = tmp_path / "htpasswd", tmp_path / "passwords"
    users = [{"name": "alice", "password": PASSWORD}, {"name": "ops", "rotation": "1"}]
    options: dict[str, Any] = {"password_dir": str(store)}

    check = _run(path, users, check=True, **options)
    assert check["changed"]
    assert list(tmp_path.iterdir()) == []

    applied = _run(path, users, **options)
    assert applied["changed"]
    assert applied["diff"] == check["diff"]
    password = (store / "password-ops").read_text().removesuffix("\n")
    lines = text.parse(path.read_bytes(), "it")
    assert FAST.verifies(password, text.hashes(lines, "ops")[0])
    assert FAST.verifies(PASSWORD, text.hashes(lines, "alice")[0])
    assert (store / "rotation.password-ops").read_text() == "1\n"
    for file in (path, store / "password-ops"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    for secret in (password, PASSWORD, *(line.hashed for line in lines)):
        assert secret not in repr((check, applied))

    before = path.stat()
    for checking in (True, False):
        assert not _run(path, users, check=checking, **options)["changed"]
    assert path.stat() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["htpasswd", "passwords"]


def test_the_mode_of_a_file_is_kept_set_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "htpasswd"
    path.write_text(f"alice:{BCRYPT}\n")
    path.chmod(0o640)
    _run(path, [{"name": "bob", "password": PASSWORD}])
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    check = _run(path, [], check=True, mode="0600")
    assert check["changed"]
    assert (check["diff"][0]["before"], check["diff"][0]["after"]) == ("mode 0640\n", "mode 0600\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert _run(path, [], mode="600")["changed"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not _run(path, [], mode="0600")["changed"]


@pytest.mark.parametrize("mode", [640, "u=rw", "888", "4755", 0o640, ""])
def test_modes_that_are_no_octal_text(tmp_path: Path, mode: Any) -> None:
    with pytest.raises(BadArgument, match=r"^mode: "):
        _run(tmp_path / "htpasswd", [], mode=mode)


def test_a_file_that_everybody_reads_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "htpasswd"
    path.write_text(f"alice:{BCRYPT}\n")
    path.chmod(0o644)
    task = Task(_params(path=str(path), users=[], cost=4))
    assert not body.run(task)["changed"]
    assert task.warnings == [f"{path}: everybody on this machine may read it (mode 0644)"]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("# mine\n")
    link.symlink_to(real)
    _run(link, [{"name": "alice", "password": PASSWORD}])
    assert link.is_symlink()
    assert real.read_text().startswith("# mine\nalice:$2y$04$")


def test_files_that_cannot_be_used_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    user = {"name": "alice", "password": PASSWORD}
    with pytest.raises(BadArgument, match="path: there is no folder"):
        _run(tmp_path / "none" / "htpasswd", [user])
    with pytest.raises(BadArgument, match="is not a file"):
        _run(tmp_path, [user])
    with pytest.raises(BadArgument, match="password_dir: there is no folder"):
        _run(tmp_path / "htpasswd", [{"name": "ops"}], password_dir=str(tmp_path / "none" / "store"))
    broken = tmp_path / "broken"
    broken.write_text(f"alice:{BCRYPT}\nnonsense-content\n")
    with pytest.raises(text.NotHtpasswd, match=f"{broken}: line 2 is not an htpasswd entry: it has no colon"):
        _run(broken, [user])
    assert [file.name for file in tmp_path.iterdir()] == ["broken"]


def test_a_slow_cost_is_announced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said: list[str] = []
    task = Task(_params(path=str(tmp_path / "htpasswd"), users=[], cost=15), progress=said.append)
    body.run(task)
    assert said == ["hashing with bcrypt, cost 15 takes a while"]
    assert "about 2 s at every check" in task.warnings[0]
