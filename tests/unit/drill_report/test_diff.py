"""Two runs of drills compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill import report, report_diff
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_diff import compare
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.proof.table import WIDTH
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from tests.unit.drill_report import sample

TOLERANCE = 20.0


def written(directory: Path, name: str, drills: list[dict[str, Any]]) -> str:
    """The path of a report's JSON."""
    try:
        files = report.run(Task(sample.options(directory=str(directory), name=name, drills=drills)))["files"]
    except ResilientError as error:
        files = error.facts["files"]
    return str(files["json"])


def diff(before: str, after: str, tolerance: float = TOLERANCE) -> dict[str, Any]:
    """The module's result."""
    return report_diff.run(Task({"before": before, "after": after, "tolerance_percent": tolerance}))


def changed(drill: dict[str, Any], **figures: Any) -> dict[str, Any]:
    """The drill with other figures."""
    return drill | {"figures": drill["figures"] | figures}


def changes(before: dict[str, Any], after: dict[str, Any], tolerance: float = TOLERANCE) -> dict[str, str]:
    """What became of each figure, and of the scenario under its name."""
    row = compare([before], [after], tolerance)[0]
    return {each["name"]: each["change"] for each in row["figures"]} | {"": row["change"]}


def test_hardening_makes_it_better(tmp_path: Path) -> None:
    before = written(tmp_path, "before", sample.before_hardening())
    after = written(tmp_path, "after", sample.all_passed())
    result = diff(before, after)
    assert (result["better"], result["worse"]) == (["forward_auth_hung", "forward_auth_down"], [])
    assert diff(after, before)["worse"] == result["better"]
    figures = {each["name"]: each for each in result["scenarios"][0]["figures"]}
    assert {name for name, each in figures.items() if each["change"] == "better"} >= {
        "bad_percent",
        "longest_ms",
        "settled_longest_ms",
        "recovery_seconds",
    }
    old, new = sample.before_hardening()[0]["figures"], sample.all_passed()[0]["figures"]
    assert (figures["longest_ms"]["before"], figures["longest_ms"]["after"]) == (old["longest_ms"], new["longest_ms"])
    assert max(map(len, result["table"])) <= WIDTH
    bad = figures["bad_percent"]
    row = f"no good answer {bad['before_shown']} {bad['after_shown']} better"
    assert row in [" ".join(line.split()) for line in result["table"]]


def test_a_run_is_the_same_as_itself(tmp_path: Path) -> None:
    path = written(tmp_path, "all", sample.every_verdict())
    result = diff(path, path, 0)
    assert (result["better"], result["worse"]) == ([], [])
    assert {row["change"] for row in result["scenarios"]} == {"same"}


def test_noise_is_no_change() -> None:
    drill = changed(sample.all_passed()[0], longest_ms=2000.0, p99_ms=10.0, slow_percent=2.0, recovery_seconds=1.0)
    interval = len(drill["visitors"]) / drill["settings"]["rate"]
    for figure, within, beyond in (
        ("longest_ms", 2400.0, 2600.0),
        ("p99_ms", 59.0, 61.0),
        ("slow_percent", 2.9, 3.1),
        ("recovery_seconds", 1.0 + interval * 0.9, 1.0 + interval * 1.1),
    ):
        assert changes(drill, changed(drill, **{figure: within}))[figure] == "same"
        assert changes(drill, changed(drill, **{figure: beyond}))[figure] == "worse"
        assert changes(changed(drill, **{figure: beyond}), drill)[figure] == "better"
    assert changes(drill, changed(drill, longest_ms=2400.0), 1)["longest_ms"] == "worse"


def test_a_single_bad_answer_is_no_noise() -> None:
    drill = changed(sample.all_passed()[0], requests=100_000, kinds={"as_before": 100_000})
    for kind in sample.BAD:
        one = changed(drill, kinds={"as_before": 99_999, kind: 1})
        assert changes(drill, one)["bad_percent"] == "worse"
        assert changes(drill, one)["let_in"] == ("worse" if kind == "let_in" else "same")
        assert changes(drill, one)[""] == "worse"


def test_what_never_came_back_is_worse_than_what_did() -> None:
    drill = sample.all_passed()[0]
    never = changed(drill, recovery_seconds=None)
    assert changes(drill, never)["recovery_seconds"] == "worse"
    assert changes(never, drill)["recovery_seconds"] == "better"
    assert changes(never, never)["recovery_seconds"] == "same"


def test_what_was_not_measured_is_not_compared() -> None:
    drill = sample.all_passed()[0]
    skipped = sample.drill("forward_auth_hung", "authentik hangs", "not_run", None)
    found = changes(drill, skipped)
    assert found.pop("") == "worse"
    assert set(found.values()) == {"not_measured"}


def test_the_verdict_counts_before_the_figures() -> None:
    drill = sample.all_passed()[0]
    assert changes(drill | {"verdict": "deviated"}, changed(drill, longest_ms=9000.0))[""] == "better"
    assert changes(drill, changed(drill, longest_ms=9000.0, recovery_seconds=0.0))[""] == "mixed"


def test_scenarios_of_one_run_are_told_as_that() -> None:
    one, other = sample.all_passed()
    rows = compare([one], [other], TOLERANCE)
    assert [(row["scenario"], row["change"], row["figures"]) for row in rows] == [
        (other["scenario"], "only_after", []),
        (one["scenario"], "only_before", []),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file or directory"),
        ("no json", "is not JSON"),
        ("[]", "is no report of drills"),
        ('{"schema": 1, "checks": []}', "is no report of drills"),
        ('{"schema": 2, "scenarios": []}', "has schema 2, and this version of the collection reads schema 1"),
        ('{"schema": 1, "scenarios": []}', "not as the schema says: at the top"),
    ],
)
def test_what_is_no_report_is_said(tmp_path: Path, content: str | None, told: str) -> None:
    good, bad = written(tmp_path, "good", sample.all_passed()), tmp_path / "bad.json"
    if content is not None:
        bad.write_text(content)
    for paths, name in (((str(bad), good), "before"), ((good, str(bad)), "after")):
        with pytest.raises(BadArgument, match=f"^{name}: ") as raised:
            diff(*paths)
        assert told in str(raised.value)


def test_a_tolerance_below_zero_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "good", sample.all_passed())
    with pytest.raises(BadArgument, match=r"^tolerance_percent: "):
        diff(path, path, -1)


def test_a_report_with_a_broken_scenario_names_the_place(tmp_path: Path) -> None:
    path = Path(written(tmp_path, "good", sample.all_passed()))
    broken = json.loads(path.read_text())
    del broken["scenarios"][1]["figures"]["p99_ms"]
    path.write_text(json.dumps(broken))
    with pytest.raises(BadArgument, match=r"at scenarios\.1\.figures 'p99_ms' is a required property"):
        diff(str(path), str(path))
