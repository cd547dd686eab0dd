"""The steps of a Python, one after the other, and the command around them."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from lab.progress import Progress
from tests.versions import __main__ as command
from tests.versions import environment, interpreters
from tests.versions.steps import Row, Step, run_steps, steps_of, table

GOOD = [sys.executable, "-c", "print('well')"]
BAD = [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"]


def test_after_a_failure_only_what_always_runs(tmp_path: Path) -> None:
    out = io.StringIO()
    steps = [Step("harden", BAD), Step("verify", GOOD, always=False), Step("rollback", GOOD)]
    rows = run_steps("3.13", steps, tmp_path, Progress(out))
    assert [(row.step, row.result) for row in rows] == [
        ("harden", "failed"),
        ("verify", "not run"),
        ("rollback", "passed"),
    ]
    assert "the reason" in out.getvalue()
    assert (tmp_path / "3.13-rollback.log").read_text() == "well\n"


def test_each_step_runs_in_the_environment_of_its_python(tmp_path: Path) -> None:
    steps = steps_of("3.13", ["lab", "unit"], tmp_path / "a.tar.gz", tmp_path)
    assert [step.name for step in steps] == ["unit", "harden", "verify", "rollback"]
    assert all(".venv-3.13/bin" in step.command[0] for step in steps)
    assert all(step.env["PATH"].split(":")[0].endswith(".venv-3.13/bin") for step in steps)
    runs = {word for step in steps for word in step.command if word.startswith("resilient_traefik_run_id=")}
    assert len(runs) == 1


def test_the_table() -> None:
    rows = [Row("3.13", "unit", 61.4, "passed"), Row("3.12", "all", None, "missing")]
    assert table(rows) == [
        "Python  step       seconds  result",
        "3.13    unit            61  passed",
        "3.12    all                 missing",
    ]


def test_which_pythons_are_run() -> None:
    known = ["3.11", "3.12", "3.13"]
    assert command.wanted_versions(known, "3.11", every=False) == ["3.13"]
    assert command.wanted_versions(known, "3.12", every=False) == ["3.11", "3.13"]
    assert command.wanted_versions(known, "3.13", every=True) == ["3.11", "3.12"]
    assert command.wanted_versions(["3.11"], "3.11", every=False) == []


def test_a_python_that_is_missing_is_named_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(interpreters, "find_interpreter", lambda *_given: "")
    newest = list(interpreters.supported(interpreters.REQUIREMENTS.read_text()))[-1]
    assert command.main(["--only", newest]) == 0
    assert f"Python {newest}: this machine has no such Python" in capsys.readouterr().out


@pytest.mark.parametrize(("step", "code"), [(GOOD, 0), (BAD, 1)])
def test_a_failed_step_fails_the_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: list[str], code: int
) -> None:
    monkeypatch.setattr(interpreters, "find_interpreter", lambda *_given: sys.executable)
    monkeypatch.setattr(environment, "is_current", lambda *_given: True)
    monkeypatch.setattr(command, "steps_of", lambda *_given: [Step("unit", step)])
    monkeypatch.setattr(command, "LOGS", tmp_path)
    newest = list(interpreters.supported(interpreters.REQUIREMENTS.read_text()))[-1]
    assert command.main(["--only", newest]) == code


def test_a_step_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--steps", "unit,spelling"])
    assert "spelling: there are unit, collection, sanity, lab" in capsys.readouterr().err
