"""The module traefik_settings on the objects of k3s: its HelmChart stays, its HelmChartConfig gets the values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_gone, wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_engine import Audited
from tests.integration.support_own_traefik import OwnTraefik, watching_only
from tests.integration.support_playbook import Played, Player

pytest_plugins = ["tests.integration.support_fixtures"]

DEFINITIONS = Path(__file__).parents[2] / "molecule" / "k3s" / "files" / "definitions.yml"
API = "helm.cattle.io/v1"
OF_THE_CHART = {"priorityClassName": "system-cluster-critical", "additionalArguments": ["--log.level=INFO"]}
OF_THE_USER = {"env": [{"name": "DNS_PASSWORD", "value": "correct-horse"}], "deployment": {"podLabels": {"a": "b"}}}


@pytest.fixture
def definitions(admin: Client) -> Iterator[None]:
    """The kinds of k3s. They are gone before the next test wants them again."""
    defined = list(yaml.safe_load_all(DEFINITIONS.read_text()))
    writer, refs = Writer(admin, check_mode=False), [ref_of(item) for item in defined]
    # Those of a test before this one may still be on their way out: applied now, they would be gone a moment later.
    wait_until_gone(admin, [ref for ref in refs if _is_going(admin, ref)], 60, print)
    writer.apply(defined)
    wait_until_ready(admin, refs, 30, print)
    yield
    writer.delete(refs)
    wait_until_gone(admin, refs, 60, print)


def _is_going(admin: Client, ref: ObjectRef) -> bool:
    return bool(((admin.find(ref) or {}).get("metadata") or {}).get("deletionTimestamp"))


@pytest.fixture
def chart(admin: Client, namespace: str, definitions: None) -> ObjectRef:
    """A Traefik without pods as k3s leaves it, and the HelmChart that made it."""
    del definitions
    writer = Writer(admin, check_mode=False)
    (_account, _files, workload) = OwnTraefik(namespace, watching_only(namespace), replicas=0).objects("traefik:v3.7.9")
    marks = {"meta.helm.sh/release-name": "edge", "meta.helm.sh/release-namespace": namespace}
    workload["metadata"] = workload["metadata"] | {"annotations": marks}
    writer.apply([workload, of_k3s("HelmChart", namespace, OF_THE_CHART)])
    return ObjectRef(API, "HelmChartConfig", "edge", namespace)


def of_k3s(kind: str, namespace: str, values: dict[str, Any]) -> Object:
    """An object of k3s with values."""
    spec = {"valuesContent": yaml.safe_dump(values)}
    return {"apiVersion": API, "kind": kind, "metadata": {"name": "edge", "namespace": namespace}, "spec": spec}


def play(player: Player, config: ObjectRef, check: bool = False, **more: Any) -> Played:
    """One task of the module; nobody carries it out here, so there is nothing to wait for."""
    options = {"namespace": config.namespace, "wait": False, "min_available": 0} | more
    return player.task("traefik_settings", options, check=check, diff=True)


def values_of(client: Client, config: ObjectRef) -> dict[str, Any]:
    """The values in the HelmChartConfig."""
    return dict(yaml.safe_load(client.get(config)["spec"]["valuesContent"]))


def four_times(audited: Audited, config: ObjectRef, run_id: str) -> None:
    """Check, apply, check, apply."""
    player = audited.player()
    planned = play(player, config, check=True, run_id=run_id)
    assert (planned.outcome, planned.changed) == ("ok", True), planned.message
    assert audited.writes() == []
    done = play(player, config, run_id=run_id)
    assert (done.outcome, done.changed) == ("ok", True), done.message
    assert "correct-horse" not in str([planned.result, done.result])
    assert [write.kind for write in audited.writes() if write.namespace == config.namespace] == ["helmchartconfigs"]
    for check in (True, False):
        again = play(player, config, check=check, run_id=run_id)
        assert (again.outcome, again.changed) == ("ok", False), again.message
    assert audited.writes() == []


@pytest.mark.variation("the same with a HelmChartConfig that is not there yet")
def test_a_config_is_created_and_a_rollback_removes_it(
    chart: ObjectRef, audited: Audited, admin: Client, player: Player
) -> None:
    run_id = f"k3s-{chart.namespace}"
    four_times(audited, chart, run_id)
    values = values_of(admin, chart)
    # Helm replaces lists: what the HelmChart has in one must stand in the HelmChartConfig's too.
    assert values["additionalArguments"][0] == "--log.level=INFO"
    assert "--serversTransport.forwardingTimeouts.responseHeaderTimeout=30s" in values["additionalArguments"]
    assert "priorityClassName" not in values
    assert player.task("restore", {"run_id": run_id}).outcome == "ok"
    assert admin.find(chart) is None


def test_a_config_that_is_there_is_merged_and_put_back(
    chart: ObjectRef, audited: Audited, admin: Client, player: Player
) -> None:
    own = of_k3s("HelmChartConfig", chart.namespace, OF_THE_USER)
    Writer(admin, check_mode=False).apply([own])
    run_id = f"k3s-{chart.namespace}"
    four_times(audited, chart, run_id)
    values = values_of(admin, chart)
    assert values["env"] == OF_THE_USER["env"]
    assert values["deployment"]["podLabels"] == {"a": "b"}
    assert values["deployment"]["terminationGracePeriodSeconds"] == 60
    assert player.task("restore", {"run_id": run_id}).outcome == "ok"
    assert admin.get(chart)["spec"] == own["spec"]


@pytest.mark.parametrize("own", [None, OF_THE_USER])
def test_what_k3s_does_not_carry_out_is_taken_back(
    chart: ObjectRef, admin: Client, player: Player, own: dict[str, Any] | None
) -> None:
    if own:
        Writer(admin, check_mode=False).apply([of_k3s("HelmChartConfig", chart.namespace, own)])
    before, run_id = admin.find(chart), f"k3s-{chart.namespace}"
    failed = play(player, chart, wait=True, wait_timeout=3, run_id=run_id)
    assert failed.outcome == "failed"
    assert f"{chart} is {'as it was' if own else 'gone again'}, which k3s carries out by itself" in failed.message
    assert "not upgraded by k3s after 3 s" in failed.message
    assert "correct-horse" not in str(failed.result)
    now = admin.find(chart)
    assert (now or {}).get("spec") == (before or {}).get("spec")
    assert player.task("restore", {"run_id": run_id}).outcome == "ok"
    after = admin.find(chart)
    assert (after or {}).get("spec") == (before or {}).get("spec")


def test_refused_before_anything_is_written(chart: ObjectRef, audited: Audited, admin: Client) -> None:
    bad = play(audited.player(), chart, values={"deployment": {"replicas": "three"}})
    assert "Traefik's chart does not take deployment.replicas: is string, not integer or null" in bad.message
    Writer(admin, check_mode=False).apply(
        [of_k3s("HelmChartConfig", chart.namespace, {}) | {"spec": {"valuesContent": "- a list"}}]
    )
    told = play(audited.player(), chart, only_findings=True)
    assert "spec.valuesContent is no YAML mapping" in " ".join(told.result["findings"])
    assert audited.writes() == []


def test_as_a_file(chart: ObjectRef, audited: Audited, tmp_path: Path) -> None:
    rendered = play(audited.player(), chart, render_to=str(tmp_path))
    assert rendered.outcome == "ok", rendered.message
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    item = yaml.safe_load(file.read_text())
    assert ref_of(item) == chart
    assert "additionalArguments" in yaml.safe_load(item["spec"]["valuesContent"])
    assert audited.writes() == []
