"""Which runs a restore takes back."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.footprint import Footprint
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import Run
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_entries import Entry
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.restore import chosen_runs, entries_of

REF = ObjectRef("v1", "ConfigMap", "settings", "shop")


def _run(run_id: str, field: str, restored: str = "", value: str = "1") -> Run:
    before = {"metadata": {"name": "settings"}, "data": {"a": value}}
    entry = Entry(REF, before, "changed", Footprint(taken=frozenset({("f:data", f"f:{field}")})))
    return Run(run_id, "2026-01-01T12:00:00Z", restored, [entry])


def _ids(runs: list[Run]) -> list[str]:
    return [run.run_id for run in runs]


def test_newest_open_run_by_default() -> None:
    recorded = [_run("third", "a", restored="yesterday"), _run("second", "a"), _run("first", "a")]
    assert _ids(chosen_runs(recorded, "", "refuse")) == ["second"]
    assert chosen_runs(recorded[:1], "", "refuse") == []
    assert chosen_runs([], "", "refuse") == []


def test_restored_run_is_done() -> None:
    assert chosen_runs([_run("first", "a", restored="yesterday")], "first", "refuse") == []


def test_unknown_run_names_the_known_ones() -> None:
    with pytest.raises(BadArgument, match=r"no run 'frist'\. Recorded runs: second, first"):
        chosen_runs([_run("second", "a"), _run("first", "a")], "frist", "refuse")


def test_newer_run_with_the_same_fields_is_in_the_way() -> None:
    recorded = [_run("second", "a", value="2"), _run("first", "a")]
    with pytest.raises(BadArgument, match=r"newer run second .* changed the same in ConfigMap shop/settings"):
        chosen_runs(recorded, "first", "refuse")
    included = chosen_runs(recorded, "first", "include")
    assert _ids(included) == ["second", "first"]
    assert [entry.before for entry in entries_of(included)] == [recorded[1].entries[0].before]


def test_newer_run_with_other_fields_is_not() -> None:
    assert _ids(chosen_runs([_run("second", "b"), _run("first", "a")], "first", "refuse")) == ["first"]
