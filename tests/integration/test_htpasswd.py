"""The module htpasswd on real Secrets: both ways to run it, beside other writers, and what must never be seen."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from passlib.hash import apr_md5_crypt, bcrypt

from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd import body, text, wishes
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import Invalid, ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from tests.integration.lab_cluster import eventually
from tests.integration.support_engine import Audited, secret
from tests.integration.support_playbook import AS_MODULE, BOTH_WAYS, IN_PROCESS, WAYS, Player

pytest_plugins = ["tests.integration.support_fixtures"]

PASSWORD = "given-Pässword-4711"
APR1 = apr_md5_crypt.hash("somebody else's")


def _data(client: Client, namespace: str, name: str) -> dict[str, bytes]:
    """The Secret's values; empty when it is not there."""
    found = client.find(ObjectRef("v1", "Secret", name, namespace)) or {}
    return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}


def _login(namespace: str, *users: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"secret": "login", "namespace": namespace, "cost": 4, "users": list(users)} | more


def _fits(client: Client, namespace: str, user: str, password: str) -> bool:
    lines = text.parse(_data(client, namespace, "login")["users"], "login")
    return bool(bcrypt.verify(password, text.hashes(lines, user)[0]))


@pytest.mark.parametrize("way", WAYS)
def test_check_apply_check_apply(way: str, namespace: str, audited: Audited, admin: Client, writer: Writer) -> None:
    before = f"# by hand\r\nbob:{APR1}\r\ncarol:{APR1}:on call\r\n\r\n"
    writer.apply([secret(namespace, "login", users=before, other="left alone")])
    people = [
        {"name": "alice", "password": PASSWORD},
        {"name": "ops", "rotation": "2026-11"},
        {"name": "bob", "state": "absent"},
        {"name": "carol"},
    ]
    arguments = _login(namespace, *people)
    player = audited.player()

    check = player.task("htpasswd", arguments, check=True, diff=True, way=way)
    assert (check.outcome, check.changed) == ("ok", True), check
    assert audited.writes() == []
    applied = player.task("htpasswd", arguments, diff=True, way=way)
    assert (applied.outcome, applied.changed) == ("ok", True), applied
    assert [(write.verb, write.name) for write in audited.writes()] == [
        ("create", "login-passwords"),
        ("patch", "login"),
    ]
    assert applied.result["diff"] == check.result["diff"]
    assert [(user["name"], user["change"], user["password"]) for user in applied.result["users"]] == [
        ("alice", "added", "given"),
        ("ops", "added", "generated"),
        ("bob", "removed", ""),
        ("carol", "kept", "unknown"),
    ]
    for checking in (True, False):
        again = player.task("htpasswd", arguments, check=checking, diff=True, way=way)
        assert (again.outcome, again.changed) == ("ok", False), again
        assert audited.writes() == []

    stored = _data(admin, namespace, "login-passwords")
    assert set(stored) == {"password-ops", "rotation.password-ops"}
    assert _fits(admin, namespace, "alice", PASSWORD)
    assert _fits(admin, namespace, "ops", stored["password-ops"].decode())
    after = _data(admin, namespace, "login")
    assert after["other"] == b"left alone"
    assert after["users"].decode().startswith(f"# by hand\r\ncarol:{APR1}:on call\r\n\r\nalice:$2y$04$")


@BOTH_WAYS
def test_both_ways_give_the_same_result(namespace: str, player: Player) -> None:
    user = {"name": "alice", "password": PASSWORD}
    tasks = [
        _login(namespace, user, {"name": "ops"}),
        _login(namespace, user, {"name": "ops"}),
        _login(namespace, user, exclusive=True, scheme="apr1", cost=None),
        _login(namespace, {"name": "a:b"}),
        _login(namespace, {"name": "a", "password": "x" * 73}),
        _login(namespace, user, cost=32),
        _login(namespace, user, password_secret="login"),
        _login(namespace, user, key="a b"),
        _login(namespace, user, path="/tmp/x"),
        {"users": [user]},
        {"users": [user], "secret": "login"},
        _login(namespace, user, impersonate_user="nobody"),
        _login(namespace, exclusive=True),
    ]
    seen = []
    for way in (IN_PROCESS, AS_MODULE):
        played = player.play(*({"resilient.traefik.htpasswd": task} for task in tasks), way=way, diff=True).tasks
        keys = ("changed", "msg", "users", "results", "diff", "warnings", "status", "reason")
        seen.append([(one.outcome, {key: one.result.get(key) for key in keys}) for one in played])
        assert [one.outcome for one in played].count("failed") == 9
        player.task(
            "apply", {"objects": [secret(namespace, "login"), secret(namespace, "login-passwords")], "state": "absent"}
        )
    assert seen[0] == seen[1]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_secret_is_ever_seen(
    way: str, namespace: str, player: Player, admin: Client, writer: Writer, tmp_path: Path
) -> None:
    """Neither in output with -vvv and --diff, nor in the log, results, failures or the process list."""
    writer.apply(
        [secret(namespace, "login", users=f"bob:{APR1}\n"), secret(namespace, "broken", users=f"x:{APR1}\nx {APR1}")]
    )
    user = {"name": "alice", "password": PASSWORD}
    tasks = [
        _login(namespace, user, {"name": "ops"}),
        _login(namespace, user, {"name": "ops", "rotation": "1"}, {"name": "bob", "state": "absent"}),
        _login(namespace, user, secret="broken"),
        _login(namespace, user, {"name": "a:b"}),
        _login(namespace, user, impersonate_user="nobody"),
        _login(namespace, user, host="https://127.0.0.1:1", no_such_option=PASSWORD),
    ]
    log = tmp_path / "ansible.log"
    secrets = {PASSWORD, APR1}
    with _command_lines() as commands:
        play = player.play(
            *({"resilient.traefik.htpasswd": task} for task in tasks),
            way=way,
            diff=True,
            options=("-vvv",),
            environment={"ANSIBLE_LOG_PATH": str(log)},
            forked=False,
        )
    assert [one.outcome for one in play.tasks] == ["ok", "ok", "failed", "failed", "failed", "failed"]
    assert "login, key users" in play.output
    assert "broken, key users: line 2 is not an htpasswd entry" in play.tasks[2].message
    for name in ("login", "login-passwords"):
        data = _data(admin, namespace, name)
        secrets |= {base64.b64encode(value).decode() for value in data.values()}
        secrets |= {line.hashed for line in text.parse(data.get("users", b""), "it") if line.user}
        secrets |= {value.decode() for key, value in data.items() if key.startswith("password-")}
    assert len(secrets) >= 7
    assert any("ansible-playbook" in command for command in commands)
    everywhere = {
        "output": play.output,
        "log": log.read_text(),
        "results": repr(play.tasks),
        "processes": "\n".join(commands),
    }
    # The option that does not exist is named, its value is not.
    assert [(place, secret) for place, seen in everywhere.items() for secret in secrets if secret in seen] == []


@contextmanager
def _command_lines() -> Iterator[set[str]]:
    """The command lines of all processes that are seen meanwhile."""
    seen: set[str] = set()
    over = Event()

    def look() -> None:
        while not over.wait(0.01):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    seen.add((process / "cmdline").read_bytes().decode(errors="replace"))
                except (FileNotFoundError, ProcessLookupError):
                    continue

    watcher = Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def _task(client: Client, arguments: dict[str, Any], **more: Any) -> Task:
    params = {name: option.get("default") for name, option in wishes.OPTIONS.items()} | arguments
    defaults = {name: option.get("default") for name, option in wishes.USER_OPTIONS.items()}
    task = Task(params | {"users": [defaults | user for user in arguments["users"]], "run_id": None}, **more)
    task.client = client
    return task


def test_both_secrets_are_created(namespace: str, admin: Client) -> None:
    result = body.run(_task(admin, _login(namespace, {"name": "ops"})))
    assert [(one["name"], one["change"], one["written"]) for one in result["results"]] == [
        ("login-passwords", "created", True),
        ("login", "created", True),
    ]
    assert _fits(admin, namespace, "ops", _data(admin, namespace, "login-passwords")["password-ops"].decode())
    assert set(_data(admin, namespace, "login")) == {"users"}, "Traefik takes a Secret with one key only"


def test_a_password_is_rotated_handed_over_and_removed(namespace: str, admin: Client) -> None:
    def password() -> str:
        return _data(admin, namespace, "login-passwords").get("password-ops", b"").decode()

    body.run(_task(admin, _login(namespace, {"name": "ops", "rotation": "1"})))
    first = password()
    body.run(_task(admin, _login(namespace, {"name": "ops", "rotation": "1"}, scheme="bcrypt", cost=5)))
    assert password() == first
    assert _fits(admin, namespace, "ops", first)
    body.run(_task(admin, _login(namespace, {"name": "ops", "rotation": "2"})))
    second = password()
    assert second != first
    assert _fits(admin, namespace, "ops", second)
    body.run(_task(admin, _login(namespace, {"name": "ops", "password": PASSWORD})))
    assert password() == ""
    assert _fits(admin, namespace, "ops", PASSWORD)
    body.run(_task(admin, _login(namespace, {"name": "ops", "state": "absent"})))
    assert _data(admin, namespace, "login") == {"users": b""}


def test_tasks_side_by_side_lose_nobody(namespace: str, admin: Client) -> None:
    names = [f"user{number}" for number in range(6)]
    with ThreadPoolExecutor(len(names)) as pool:
        results = list(pool.map(lambda name: body.run(_task(admin, _login(namespace, {"name": name}))), names))
    assert all(result["changed"] for result in results)
    stored = _data(admin, namespace, "login-passwords")
    assert sorted(stored) == [f"password-{name}" for name in names]
    assert all(_fits(admin, namespace, name, stored[f"password-{name}"].decode()) for name in names)


def test_a_run_killed_between_its_two_writes_is_finished(namespace: str, admin: Client, writer: Writer) -> None:
    writer.apply([secret(namespace, "login-passwords", **{"password-ops": "was-stored-before-the-kill"})])
    result = body.run(_task(admin, _login(namespace, {"name": "ops"})))
    assert [(user["change"], user["password"]) for user in result["users"]] == [("added", "stored")]
    assert _fits(admin, namespace, "ops", "was-stored-before-the-kill")


def test_what_cannot_be_written_is_refused_before_anything_is(namespace: str, audited: Audited, writer: Writer) -> None:
    large = secret(namespace, "login", filling="x" * (1024 * 1024 - 50))
    fixed = secret(namespace, "fixed", users=f"bob:{APR1}\n") | {"immutable": True}
    latin = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "latin", "namespace": namespace}}
    latin["data"] = {"users": base64.b64encode(f"bob:{APR1}\nj\xfcrgen:{APR1}\n".encode("latin-1")).decode()}
    writer.apply([large, fixed, latin])
    client = audited.client()
    for name, reason in (
        ("login", "a Secret holds at most 1048576"),
        ("fixed", "field is immutable"),
        ("latin", "key users: line 2 is not UTF-8"),
    ):
        with pytest.raises(ResilientError) as caught:
            body.run(_task(client, _login(namespace, {"name": "ops"}, secret=name)))
        assert reason in str(caught.value)
        assert f"Secret {namespace}/{name}" in str(caught.value)
        assert audited.writes() == []


def test_check_mode_before_the_namespace_is_there(admin: Client) -> None:
    task = _task(admin, _login("htpasswd-not-yet.test".replace(".", "-"), {"name": "ops"}), check_mode=True)
    result = body.run(task)
    assert result["changed"]
    assert [one["written"] for one in result["results"]] == [False, False]
    assert any("there is no namespace htpasswd-not-yet-test yet" in warning for warning in task.warnings)


def test_a_policy_that_quotes_the_text_reveals_nothing(
    namespace: str, admin: Client, writer: Writer, cleaned: Callable[[ObjectRef], None]
) -> None:
    """An admission policy may put the object that it refuses into its message."""
    for item in _quoting_policy(namespace):
        writer.apply([item])
        cleaned(ObjectRef(item["apiVersion"], item["kind"], item["metadata"]["name"]))

    def refusal() -> str:
        probe = secret(namespace, "probe", users="what-is-quoted")
        try:
            Writer(admin, check_mode=True).apply([probe])
        except Invalid as error:
            return str(error)
        return ""

    quoted = base64.b64encode(b"what-is-quoted").decode()
    eventually(lambda: f"quoted: {quoted}" in refusal(), "the policy refuses and quotes")
    with pytest.raises(ResilientError) as caught:
        body.run(_task(admin, _login(namespace, {"name": "alice", "password": PASSWORD})))
    assert "quoted: <hidden>" in str(caught.value)
    assert base64.b64encode(b"alice:$2y$04$")[:15].decode() not in repr((str(caught.value), caught.value.facts))


def _quoting_policy(namespace: str) -> list[Object]:
    name = f"quoting-{namespace}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"]}
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    validation = {"expression": "false", "messageExpression": "'quoted: ' + object.data.users"}
    api_version = "admissionregistration.k8s.io/v1"
    return [
        {
            "apiVersion": api_version,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {"matchConstraints": {"resourceRules": [rule]}, "validations": [validation]},
        },
        {
            "apiVersion": api_version,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {
                "policyName": name,
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": selector},
            },
        },
    ]
