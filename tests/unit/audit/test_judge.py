"""Profiles, thresholds, baselines and suppressions: what counts against an audit, and what does not."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.audit import module
from ansible_collections.resilient.traefik.plugins.module_utils.audit.suppressions import ANNOTATION, parsed
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from tests.unit.audit.well import World, direct, well

TODAY = date(2026, 11, 30)
RULE = {"rule": "RT101", "object": "Middleware traefik/*", "reason": "a test", "until": "2026-12-31"}


def _direct() -> World:
    """One finding: Traefik asks authentik itself, and no proxy of ours is there."""
    world = well()
    direct(world)
    world["Service traefik/auth-proxy"]["metadata"].pop("labels")
    return world


def _options(tmp_path: Path, **given: Any) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in module.OPTIONS.items()}
    return defaults | {"title": "the audit", "cluster": "lab", "directory": str(tmp_path), "outputs": ["json"]} | given


def _files(tmp_path: Path, world: World) -> str:
    path = tmp_path / "all.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(world.objects.values())}))
    return str(path)


def test_a_profile_has_severities_of_its_own() -> None:
    world = well()
    world["Deployment traefik/traefik"]["spec"]["replicas"] = 1
    assert [each.severity for each in world.audit(profile="production").findings] == ["high"]
    assert [each.severity for each in world.audit(profile="homelab").findings] == ["medium"]
    assert world.audit(profile="homelab").verdict == "passed"


@pytest.mark.parametrize(
    ("fail_on", "verdict"), [("critical", "passed"), ("high", "deviated"), ("info", "deviated"), ("never", "passed")]
)
def test_the_threshold_decides(fail_on: str, verdict: str) -> None:
    assert _direct().audit(fail_on=fail_on).verdict == verdict


def test_a_suppression_holds_up_to_its_last_day() -> None:
    given, faults = parsed([RULE])
    assert faults == []
    held = _direct().audit(suppressed=given, today=date(2026, 12, 31))
    assert (held.verdict, [each.rule for each, _why in held.suppressed], held.findings) == ("passed", ["RT101"], ())
    over = _direct().audit(suppressed=given, today=date(2027, 1, 1))
    assert (over.verdict, len(over.findings)) == ("deviated", 1)
    assert over.notes == ("suppression of RT101 for Middleware traefik/* ended on 2026-12-31",)


def test_a_suppression_that_fits_nothing_is_told() -> None:
    given, _faults = parsed([RULE])
    assert "fits no finding any more" in well().audit(suppressed=given, today=TODAY).notes[0]


@pytest.mark.parametrize("missing", list(RULE))
def test_a_suppression_without_one_of_its_parts_is_refused(missing: str) -> None:
    given, (fault,) = parsed([RULE | {missing: ""}])
    assert given == []
    assert missing in fault


def test_an_object_may_carry_its_own() -> None:
    world = _direct()
    world["Middleware traefik/auth"]["metadata"]["annotations"] = {
        ANNOTATION: "RT101 until 2026-12-31: moved next week; RT102: for ever"
    }
    found = world.audit(today=TODAY)
    assert [each.rule for each, _why in found.suppressed] == ["RT101"]
    (note,) = found.notes
    assert note.startswith("Middleware traefik/auth: annotation resilient.traefik/audit-ignore: 'RT102: for ever'")


def test_what_a_baseline_has_fails_nothing(tmp_path: Path) -> None:
    manifests = _files(tmp_path, _direct())
    with pytest.raises(ResilientError) as failed:
        module.run(Task(_options(tmp_path, manifests=[manifests], manifests_complete=True)))
    assert failed.value.facts["exit_code"] == 10
    report = failed.value.facts["files"]["json"]
    kept = str(Path(report).rename(tmp_path / "before.json"))
    again = module.run(Task(_options(tmp_path, manifests=[manifests], manifests_complete=True, baseline=kept)))
    assert again["verdict"] == "passed"
    assert "known from the baseline" in again["summary"]
    assert [each["new"] for each in again["findings"]] == [False]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"suppressions": [{"rule": "RT101"}]}, "suppressions: item 1 lacks object"),
        ({"suppressions": {"rule": "RT101"}}, "expected a list"),
        ({"suppressions": "/nowhere.yml"}, "/nowhere.yml cannot be read"),
        ({"baseline": "/nowhere.json"}, "baseline: /nowhere.json cannot be read"),
        ({"baseline": __file__}, "is no JSON report of an audit"),
        ({"manifests": ["/nowhere"]}, "there is no /nowhere"),
    ],
)
def test_a_wrong_option_is_told_in_a_sentence(tmp_path: Path, given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadArgument, match=words):
        module.run(Task(_options(tmp_path, **given)))


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    manifests = _files(tmp_path, well())
    task = Task(_options(tmp_path, manifests=[manifests], manifests_complete=True), check_mode=True)
    files = module.run(task)["files"]
    assert not Path(files["json"]).exists()
    assert task.warnings == [f"check mode writes no report: {files['json']}"]


def test_an_empty_cluster_is_not_a_pass() -> None:
    assert World([]).audit().verdict == "not_run"


def test_what_could_not_be_read_is_not_a_pass() -> None:
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Terms, audit

    found = audit(well().snapshot(unread={"Middleware": "forbidden"}), Terms())
    assert found.verdict == "inconclusive"
    assert found.notes == ("Middleware was not judged: forbidden",)
