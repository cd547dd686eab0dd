"""Running other programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import commands
from lab.errors import DiskFull, Interrupted, LabError

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _commands_allowed() -> Iterator[None]:
    yield
    commands.resume()


def wait_until_gone(pid: int, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_output_and_input() -> None:
    assert commands.run(["cat"], doing="echoing", stdin="hello").stdout == "hello"
    assert commands.output(["printf", "a\n"], doing="printing") == "a"


def test_a_failure_says_what_was_done_and_what_the_program_said() -> None:
    with pytest.raises(LabError) as caught:
        commands.run(["sh", "-c", "echo reason >&2; exit 3"], doing="testing")
    assert "testing" in caught.value.problem
    assert "reason" in caught.value.problem
    assert "3" in caught.value.problem


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(LabError, match="no-such-program"):
        commands.run(["no-such-program"], doing="testing")


def test_a_full_disk_is_recognised_in_what_a_program_says(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="testing"):
        commands.run(["sh", "-c", "echo x: No space left on device; exit 1"], doing="testing", log=tmp_path / "log")


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(LabError, match="did not end within"):
        commands.run(["sleep", "60"], doing="testing", timeout=0.2)


def test_stopping_ends_what_runs_and_refuses_more(tmp_path: Path) -> None:
    started = tmp_path / "started"
    caught: list[BaseException] = []

    def work() -> None:
        try:
            commands.run(["sh", "-c", f"touch {started}; sleep 60"], doing="testing")
        except Interrupted as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while not started.exists():
        time.sleep(0.02)
    commands.stop_all()
    thread.join(10)
    assert len(caught) == 1
    with pytest.raises(Interrupted):
        commands.run(["true"], doing="testing")


def test_a_program_dies_with_the_run_that_started_it(tmp_path: Path) -> None:
    code = f"from lab import commands; commands.run(['sh', '-c', 'echo $$ > {tmp_path}/pid; exec sleep 60'], doing='x')"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) as run:
        deadline = time.monotonic() + 10
        pid = ""
        while not pid and time.monotonic() < deadline:
            time.sleep(0.05)
            pid = (tmp_path / "pid").read_text().strip() if (tmp_path / "pid").exists() else ""
        run.send_signal(signal.SIGKILL)
    assert wait_until_gone(int(pid))
