"""Two runs of pytest that share files: every file is played once, and a failure of either is seen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stages import sharing

ROOT = Path(__file__).parents[3]
# Each test notes itself; what a file and what a run sets up notes its beginning and its end.
CONFTEST = """
import os, pytest

def note(text):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(text + "\\n")

@pytest.fixture(scope="session", autouse=True)
def whole():
    note("begin")
    yield
    note("end")

@pytest.fixture(scope="module", autouse=True)
def of_file(request):
    note(f"begin {request.path.name}")
    yield
    note(f"end {request.path.name}")
"""
TEST = """
import time
from conftest import note

def test_first():
    time.sleep({seconds})
    note("{name} first")

def test_second():
    note("{name} second")
    assert {passes}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files of tests of which none fails."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name in ("a", "b", "c"):
        _write(tmp_path, name)
    return tmp_path


def _write(folder: Path, name: str, *, seconds: float = 0.2, passes: bool = True) -> None:
    text = TEST.format(name=name, seconds=seconds, passes=passes)
    (folder / f"test_{name}.py").write_text(text)


def _run(folder: Path, notes: str, *options: str) -> subprocess.Popen[str]:
    environment = os.environ | {"NOTES": str(folder / notes), sharing.VARIABLE: str(folder / "shared")}
    environment["PYTHONPATH"] = f"{ROOT}:{folder}"
    command = [sys.executable, "-m", "pytest", "-p", "tests.stages.sharing", "-p", "no:cacheprovider", "-q"]
    command += ["--rootdir", str(folder), *options, str(folder)]
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _ended(run: subprocess.Popen[str]) -> tuple[int, str]:
    output = run.communicate(timeout=60)[0]
    return run.returncode, output


def test_every_file_is_played_once_and_whole(folder: Path) -> None:
    one, other = _run(folder, "one"), _run(folder, "other")
    assert [_ended(each)[0] for each in (one, other)] == [0, 0]
    notes = [(folder / each).read_text().splitlines() for each in ("one", "other") if (folder / each).exists()]
    tests = sorted(line for lines in notes for line in lines if line.endswith(("first", "second")))
    assert tests == [f"{name} {test}" for name in "abc" for test in ("first", "second")]
    for lines in notes:
        assert (lines[0], lines[-1], lines.count("begin"), lines.count("end")) == ("begin", "end", 1, 1)
        for name in {line[0] for line in lines if line.endswith("first")}:
            whole = [f"begin test_{name}.py", f"{name} first", f"{name} second", f"end test_{name}.py"]
            assert lines[lines.index(whole[0]) :][:4] == whole, lines


def test_a_failure_is_of_the_run_that_took_the_file(folder: Path) -> None:
    _write(folder, "b", passes=False)
    code, output = _ended(_run(folder, "one"))
    assert (code, "1 failed, 5 passed" in output) == (1, True), output
    code, output = _ended(_run(folder, "other"))
    assert code == 0, output
    assert "failed" not in output


def test_what_cannot_be_collected_fails_both(folder: Path) -> None:
    (folder / "test_c.py").write_text("import nothing_of_that_name")
    assert [_ended(_run(folder, notes))[0] for notes in ("one", "other")] == [2, 2]


def test_the_first_failure_ends_it_where_that_is_wanted(folder: Path) -> None:
    _write(folder, "a", passes=False)
    code, output = _ended(_run(folder, "one", "-x"))
    assert (code, "1 failed, 1 passed" in output) == (1, True), output


def test_the_files_that_take_minutes_are_there_and_come_first() -> None:
    for name in sharing.LONG:
        assert (ROOT / "tests/integration" / name).is_file()
