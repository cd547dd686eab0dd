"""The lock is kept while ansible-playbook lives, and free as soon as it is gone, however it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils import apply, run_lock
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.fence import LOCK, LockLost
from ansible_collections.resilient.traefik.plugins.module_utils.kube.lease import holding_of, lease_ref
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from tests.ansible_playbook.running import PROGRAM, environment
from tests.integration.support_books import Books, Ended, descendants
from tests.integration.support_engine import config_map

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.alone

# From the end of ansible-playbook until its lock is free.
SOON = 10.0
TASK_SECONDS = 12
STARTED = "TASK [Work]"
# A play's keeper has its environment, and those of tests on another lab have others.
MARK = "KEPT_LOCK_OF"


@pytest.fixture
def lock(namespace: str) -> ObjectRef:
    """A Lease of the test's own."""
    return lease_ref("lock", namespace)


def _holder(admin: Client, lock: ObjectRef) -> str:
    held = holding_of(admin.find(lock))
    return held.holder if held else ""


def _until(seconds: float, condition: Callable[[], bool]) -> bool:
    return any(condition() for _left in tries(seconds))


def _book(folder: Path, kubeconfig: Path, lock: ObjectRef, seconds: float, **more: Any) -> Path:
    """A play that takes the lock and then does something else for a while, without giving it back."""
    taking = {"kubeconfig": str(kubeconfig), "name": lock.name, "namespace": lock.namespace, "holder": "playing"}
    play = {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": [
            {"name": "Take", "resilient.traefik.run_lock": taking | more},
            {"name": "Take again", "resilient.traefik.run_lock": taking | more},
            {"name": "Work", "ansible.builtin.command": f"sleep {seconds:g}"},
        ],
    }
    book = folder / "play.yml"
    book.write_text(json.dumps([play]))
    return book


@contextmanager
def _playing(book: Path) -> Iterator[subprocess.Popen[str]]:
    """The play once its last task has begun."""
    process = subprocess.Popen(
        [PROGRAM, "-i", "cluster.test,", str(book)],
        env=environment(**{MARK: str(book)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    working: list[int] = []
    try:
        assert process.stdout is not None
        assert any(STARTED in line for line in process.stdout), "the play never came to its last task"
        working = descendants(process.pid)
        yield process
    finally:
        for number in (process.pid, *working):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.wait()


# AWX cancels by SIGTERM; nobody can do anything about SIGKILL.
ANOTHER_WAY = pytest.mark.variation("another signal")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, pytest.param(signal.SIGINT, marks=ANOTHER_WAY)])
def test_it_is_free_when_the_controller_is_gone(
    kubeconfig: Path, tmp_path: Path, admin: Client, lock: ObjectRef, number: signal.Signals
) -> None:
    with _playing(_book(tmp_path, kubeconfig, lock, 300)) as process:
        assert (process.poll(), _holder(admin, lock)) == (None, "playing")
        process.send_signal(number)
        process.wait(30)
        assert process.returncode != 0
        assert _until(SOON, lambda: _holder(admin, lock) == "")
        assert _until(SOON, lambda: not _keepers(tmp_path))


def test_a_short_lock_lasts_through_a_long_task(
    kubeconfig: Path, tmp_path: Path, admin: Client, lock: ObjectRef
) -> None:
    """Its output is read to the end, which would not come while another process had it open."""
    with _playing(_book(tmp_path, kubeconfig, lock, TASK_SECONDS, duration=5)) as process:
        taken = admin.get(lock)["spec"]["acquireTime"]
        ended = time.monotonic() + TASK_SECONDS - 1
        while time.monotonic() < ended:
            held = holding_of(admin.find(lock))
            assert held is not None
            assert not held.is_stale(admin.clock())
        assert admin.get(lock)["spec"]["acquireTime"] == taken
        assert len(_keepers(tmp_path)) == 1
        output = process.communicate(timeout=30)[0]
        assert process.returncode == 0, output
    assert _until(SOON, lambda: _holder(admin, lock) == "")


def test_nobody_keeps_a_lock_that_is_not_to_be_kept(
    kubeconfig: Path, tmp_path: Path, admin: Client, lock: ObjectRef
) -> None:
    with _playing(_book(tmp_path, kubeconfig, lock, 1, keep=False)) as process:
        assert _keepers(tmp_path) == []
        process.communicate(timeout=30)
    assert _holder(admin, lock) == "playing"


def test_keeper_leaves_alone_what_another_run_took_over(
    kubeconfig: Path, tmp_path: Path, admin: Client, lock: ObjectRef
) -> None:
    with _playing(_book(tmp_path, kubeconfig, lock, 300, duration=5)) as process:
        _lock(kubeconfig, lock, "thief", take_over_from="playing")
        process.terminate()
        process.wait(30)
        assert _until(SOON, lambda: not _keepers(tmp_path))
    assert _holder(admin, lock) == "thief"


def test_nothing_is_written_without_the_lock(kubeconfig: Path, admin: Client, namespace: str) -> None:
    def write(**data: str) -> dict[str, Any]:
        params: dict[str, Any] = {"kubeconfig": str(kubeconfig), "lock_holder": "me", "run_id": None}
        params |= {
            "render_to": None,
            "objects": [config_map(namespace, **data)],
            "state": "present",
            "on_conflict": "fail",
        }
        return apply.run(Task(params | {"namespace": None, "wait": False, "wait_timeout": 5}))

    settings = ObjectRef("v1", "ConfigMap", "settings", namespace)
    with pytest.raises(LockLost, match="nobody holds it now"):
        write(a="1")
    assert admin.find(settings) is None
    try:
        _lock(kubeconfig, LOCK, "me", duration=2)
        assert write(a="1")["changed"] is True
        first = admin.get(LOCK)["spec"]["renewTime"]
        # Each write renews it when it is time.
        numbers = map(str, range(2, 1000))
        assert _until(10, lambda: write(a=next(numbers))["changed"] and admin.get(LOCK)["spec"]["renewTime"] > first)
        written = admin.get(settings)["data"]
        _lock(kubeconfig, LOCK, "thief", take_over_from="me")
        with pytest.raises(LockLost, match="thief holds it now") as lost:
            write(a="stolen")
        assert lost.value.facts["holder"] == "thief"
        assert admin.get(settings)["data"] == written
    finally:
        _lock(kubeconfig, LOCK, "thief", state="released", force=True)


def _lock(kubeconfig: Path, lock: ObjectRef, holder: str, **more: Any) -> None:
    options = {"kubeconfig": str(kubeconfig), "name": lock.name, "namespace": lock.namespace, "holder": holder}
    defaults = {"state": "held", "run_id": None, "duration": 60, "keep": False, "force": False, "take_over_from": None}
    run_lock.run(Task(options | defaults | more))


def _keepers(folder: Path) -> list[int]:
    """The processes that keep locks of plays of this folder: the abstract sockets of keepers are theirs."""
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    sockets = {f"socket:[{line[6]}]" for line in lines if line[-1].startswith("@resilient.traefik/")}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            ours = f"{MARK}={folder}/".encode() in (process / "environ").read_bytes()
            if ours and sockets.intersection(_open_files(process)):
                found.append(int(process.name))
    return found


def _open_files(process: Path) -> Iterator[str]:
    """What a process of /proc has open. Files that it closes meanwhile are left out."""
    for file in (process / "fd").iterdir():
        with suppress(OSError):
            yield str(file.readlink())


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=ANOTHER_WAY)])
def test_a_cancelled_harden_frees_the_cluster(
    kubeconfig: Path, tmp_path: Path, admin: Client, number: signal.Signals
) -> None:
    books = Books(kubeconfig, tmp_path)
    ended = books.signal_at("Note how each site answers", number, "harden", resilient_traefik_run_id="cancelled")
    assert ended.code != 0
    assert _until(SOON, lambda: _holder(admin, LOCK) == "")


def test_a_refused_lock_is_all_that_is_said(kubeconfig: Path, tmp_path: Path) -> None:
    _lock(kubeconfig, LOCK, "somebody@else.test:run")
    try:
        refused = Books(kubeconfig, tmp_path).play("harden")
    finally:
        _lock(kubeconfig, LOCK, "somebody@else.test:run", state="released")
    _assert_only_refused(refused)


def _assert_only_refused(refused: Ended) -> None:
    assert refused.code != 0
    assert "Nothing was changed. Lease resilient-traefik/resilient-traefik is held by somebody@else" in refused.output
    assert (refused.output.count("[ERROR]"), refused.output.count("fatal:")) == (1, 1)
    assert "Give the lock back" not in refused.output
    assert "What was done before stays" not in refused.output
    assert (refused.count("failed"), refused.count("rescued")) == (1, 0)
