"""Two runs on one lab."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.locks import only_run

HOLDER = """
import sys
from pathlib import Path
from lab.locks import only_run
with only_run(Path(sys.argv[1]), "x"):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold_elsewhere(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_run_fails_at_once_and_names_the_first(tmp_path: Path) -> None:
    with hold_elsewhere(tmp_path) as holder:
        with pytest.raises(LabError) as caught, only_run(tmp_path, "x"):
            pytest.fail("two runs at once")
        assert f"process {holder.pid}, since " in caught.value.problem
        with only_run(tmp_path, "another"):
            pass
        holder.communicate("")


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    with hold_elsewhere(tmp_path) as holder:
        holder.kill()
    with only_run(tmp_path, "x"):
        assert str(os.getpid()) in (tmp_path / "resilient-traefik-x.holder").read_text()
    assert not (tmp_path / "resilient-traefik-x.holder").exists()
