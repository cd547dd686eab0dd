"""What `make test` runs: every stage once, what measures time alone, and a failure of one is a failure of the whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.stages import run as stages
from tests.stages import table, tested
from tests.stages.run import Run, Stage

MAKEFILE = """
good: ; @touch $(FOLDER)/began-good; sleep 0.3; echo fine; touch $(FOLDER)/good
bad: ; @echo the reason; exit 3
after: ; @test -e $(FOLDER)/good && touch $(FOLDER)/after
quiet: ; @test -e $(FOLDER)/good && touch $(FOLDER)/quiet
"""


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stages of a Makefile of the test's own; what the run says."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    (tmp_path / "build/logs").mkdir(parents=True)
    monkeypatch.setenv("FOLDER", str(tmp_path))
    monkeypatch.setattr(stages, "ROOT", tmp_path)
    monkeypatch.setattr(stages, "BUILD", tmp_path / "build")
    monkeypatch.setattr(stages, "BEAT_SECONDS", 0.1)
    return []


def test_a_stage_follows_what_it_needs(said: list[str], tmp_path: Path) -> None:
    run = Run((Stage("good", "lab"), Stage("after", "free", needs=("good",))), said.append)
    assert run.run()
    assert (tmp_path / "after").exists()
    assert [(each.stage.target, each.code) for each in run.ended] == [("good", 0), ("after", 0)]
    assert run.ended[0].seconds >= 0.3


def test_a_stage_comes_after_another_whatever_became_of_that(said: list[str], tmp_path: Path) -> None:
    run = Run((Stage("bad", "lab"), Stage("good", "free", after=("bad",))), said.append)
    assert not run.run()
    assert [(each.stage.target, each.code) for each in run.ended] == [("bad", 2), ("good", 0)]
    assert (tmp_path / "good").exists()


def test_one_failure_is_shown_and_fails_the_whole(said: list[str]) -> None:
    run = Run((Stage("bad", "lab"), Stage("after", "lab", needs=("bad",)), Stage("good", "free")), said.append)
    assert not run.run()
    assert any("bad: FAILED" in text and "the reason" in text for text in said)
    assert "after: not run, bad failed" in said
    assert any(text.startswith("good: passed") for text in said)


def test_what_measures_time_has_the_machine_to_itself(said: list[str], tmp_path: Path) -> None:
    """It begins after the other lane's stages, and none of those is passed over."""
    run = Run((Stage("quiet", "lab", quiet=True), Stage("good", "free")), said.append)
    assert run.run()
    assert (tmp_path / "quiet").exists()


@pytest.mark.parametrize("depth", stages.DEPTHS)
def test_every_stage_is_a_target_and_needs_what_there_is(depth: str) -> None:
    known = (Path(__file__).parents[3] / "Makefile").read_text()
    targets = [stage.target for stage in stages.DEPTHS[depth]]
    assert len(set(targets)) == len(targets)
    for stage in stages.DEPTHS[depth]:
        assert f"\n{stage.target}:" in known
        assert set(stage.needs) < set(targets)


def test_the_table_sums_what_was_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "alone"
    folder.mkdir()
    test = {
        "kind": "test",
        "id": "tests/a.py::test_x",
        "outcome": "passed",
        "seconds": 2.0,
        "cpu": 0.5,
        "variation": "",
    }
    lines = [
        test,
        test | {"id": "tests/a.py::test_y", "outcome": "failed", "seconds": 1.0},
        {"kind": "wait", "what": "a roll", "seconds": 1.5},
        {"kind": "wait", "what": "a roll", "seconds": 0.5},
        {"kind": "task", "what": "Apply", "module": "resilient.traefik.apply", "seconds": 4.0},
    ]
    (folder / "1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = table.collect("short", 5.0, [table.StageTime("alone", 1, 0, 5, 1)], tmp_path)
    assert found.outcomes() == {"passed": 1, "failed": 1, "skipped": 0}
    assert (found.files[0].name, found.files[0].seconds, found.files[0].cpu) == ("tests/a.py", 3.0, 1.0)
    assert (found.waits[0].seconds, found.waits[0].count) == (2.0, 2)
    assert found.tasks[0].name == "apply: Apply"
    assert found.table().splitlines()[-1] == "1 passed, 1 failed, 0 skipped"
    found.write(tmp_path / "durations.json")
    assert json.loads((tmp_path / "durations.json").read_text())["stages"][0]["name"] == "alone"


def test_the_page_tells_what_was_covered(tmp_path: Path) -> None:
    tests = [
        {"id": "a", "outcome": outcome, "seconds": 2.0, "cpu": 0.0, "variation": "every row"}
        for outcome in ("passed", "failed")
    ]
    times = [table.StageTime("alone", 1, 0, 5, 1), table.StageTime("molecule", 1, 0, 0, 0, "lab failed")]
    tested.write(tmp_path / "tested.md", table.Figures("all", 120, times, tests, [], [], []), tmp_path)
    page = (tmp_path / "tested.md").read_text()
    assert "| every row | 1 | 1 | 0 | 4 |" in page
    assert "| molecule | not run: lab failed | 0 | 0 |" in page
    assert "stages that failed: alone, molecule" in page
