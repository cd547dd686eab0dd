"""What `make test` runs: every stage once, what measures time alone, and a failure of one is a failure of the whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.stages import run as stages
from tests.stages import table, tested
from tests.stages.plan import BESIDE, DEPTHS, Stage, only, plan
from tests.stages.run import Run

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


@pytest.mark.parametrize("labs", ["1", "2"])
@pytest.mark.parametrize("depth", DEPTHS)
def test_every_stage_is_a_target_and_needs_what_there_is(depth: str, labs: str) -> None:
    known = (Path(__file__).parents[3] / "Makefile").read_text()
    chosen = plan(depth, {"LABS": labs})
    names = [stage.name for stage in chosen]
    assert len(set(names)) == len(names)
    for stage in chosen:
        assert f"\n{stage.target}:" in known
        assert set(stage.needs) | set(stage.after) < set(names)


# One target for all stages: which of them fails is told by a variable.
ANY = "{targets}: ; @echo played $@ on $(LAB_NAME); test $@:$(LAB_NAME) != $(FAILS)\n"
LANES = [(depth, labs, stage) for depth in DEPTHS for labs in ("1", "2") for stage in plan(depth, {"LABS": labs})]


@pytest.mark.parametrize(
    ("depth", "labs", "stage"), LANES, ids=[f"{depth} {labs} {stage.name}" for depth, labs, stage in LANES]
)
def test_a_failure_in_each_stage_fails_the_whole(
    said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: str, labs: str, stage: Stage
) -> None:
    """What does not need the stage that fails is played all the same, above all what takes the other lab away."""
    chosen = plan(depth, {"LABS": labs})
    (tmp_path / "Makefile").write_text(ANY.format(targets=" ".join({each.target for each in chosen})))
    monkeypatch.delenv("LAB_NAME", raising=False)
    monkeypatch.setenv("FAILS", f"{stage.target}:{BESIDE if stage.beside else ''}")
    run = Run(chosen, said.append)
    assert not run.run()
    ended = {each.stage.name: each for each in run.ended}
    assert set(ended) == {each.name for each in chosen}
    assert {name for name, each in ended.items() if each.code and not each.skipped} == {stage.name}
    assert {name for name, each in ended.items() if each.skipped} == _without(stage.name, chosen)


def _without(failed: str, chosen: Sequence[Stage]) -> set[str]:
    """The stages that cannot be played without that one."""
    missing = {failed}
    while more := {each.name for each in chosen if missing & set(each.needs)} - missing:
        missing |= more
    return missing - {failed}


def test_stages_of_the_other_lab_are_played_there_and_share_their_files(said: list[str], tmp_path: Path) -> None:
    text = "alone: ; @echo $(LAB_NAME) $(K8S_AUTH_KUBECONFIG) $(SHARED_FILES) >> $(FOLDER)/played-$(LAB_NAME)\n"
    (tmp_path / "Makefile").write_text(text)
    here = Stage("alone", "lab", shared=True)
    beside = Stage("alone", "beside", beside=True, shared=True, called="alone-beside")
    assert Run((here, beside), said.append).run()
    lab, kubeconfig, shared = (tmp_path / f"played-{BESIDE}").read_text().split()
    assert (lab, Path(kubeconfig).name) == (BESIDE, f"kubeconfig.{BESIDE}")
    assert (tmp_path / "played-").read_text().split()[-1] == shared
    assert Path(shared).is_dir()


def test_nothing_is_proved_on_a_lab_that_somebody_has_changed() -> None:
    for depth in DEPTHS:
        for labs in ("1", "2"):
            on_the_lab = [each for each in plan(depth, {"LABS": labs}) if each.lane == "lab"]
            assert [each.target for each in on_the_lab[:2]] == ["lab-down", "lab"]


def test_with_one_lab_nothing_is_left_out() -> None:
    for depth in DEPTHS:
        both, one = plan(depth, {"LABS": "2"}), plan(depth, {})
        assert {each.target for each in both} - {each.target for each in one} == set()
        assert not any(each.beside for each in one)
    with pytest.raises(ValueError, match="LABS=3"):
        plan("short", {"LABS": "3"})


def test_what_measures_time_has_no_other_lab_beside_it() -> None:
    for depth in DEPTHS:
        names = [each.name for each in plan(depth, {"LABS": "2"})]
        assert names.index("lab-down") > names.index("alone-beside")
        assert "quiet" in names
        (quiet,) = (each for each in plan(depth, {"LABS": "2"}) if each.name == "quiet")
        assert quiet.quiet


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


def covered(folder: Path, *times: table.StageTime, outcomes: Sequence[str] = ()) -> str:
    """The page after a run of these stages, with tests of those outcomes in `alone`."""
    (folder / "build").mkdir(exist_ok=True)
    tests = [
        {"id": "a", "stage": "alone", "outcome": outcome, "seconds": 2.0, "cpu": 0.0, "variation": "every row"}
        for outcome in outcomes
    ]
    names = ["lab", "alone", "molecule"]
    tested.write(folder / "tested.md", table.Figures("all", 120, times, tests, [], [], []), names, folder)
    return (folder / "tested.md").read_text()


def test_the_page_tells_what_was_covered(tmp_path: Path) -> None:
    times = [table.StageTime("alone", 1, 0, 5, 1), table.StageTime("molecule", 1, 0, 0, 0, "lab failed")]
    page = covered(tmp_path, *times, outcomes=("passed", "failed"))
    assert "| every row | 1 | 1 | 0 | 4 |" in page
    assert "| molecule | not run: lab failed | 0 | 0 | 0 | 0 | 0 |" in page
    assert "Stages that failed: alone, molecule. Not played: lab" in page


def test_a_stage_that_is_played_again_takes_the_place_of_its_last_run(tmp_path: Path) -> None:
    covered(tmp_path, table.StageTime("alone", 1, 0, 5, 1), outcomes=("passed", "failed"))
    page = covered(tmp_path, table.StageTime("molecule", 0, 0, 7, 1))
    assert "| alone | failed | 1 | 1 | 0 | 5 |" in page
    page = covered(tmp_path, table.StageTime("alone", 0, 0, 5, 1), outcomes=("passed", "passed"))
    assert "Tests: 2 passed, 0 failed, 0 skipped. Stages that failed: none. Not played: lab" in page
    assert "| molecule | passed | 0 | 0 | 0 | 7 |" in page


def test_a_few_stages_are_played_with_what_they_need() -> None:
    names = [each.name for each in only(plan("all", {}), ["browser", "loopback"])]
    assert names == ["chromium", "browser", "loopback"]
    assert [each.name for each in only(plan("all", {}), ["monitoring"])] == ["lab", "monitoring"]
    with pytest.raises(ValueError, match="There is no stage moniteur"):
        only(plan("all", {}), ["moniteur"])
