"""The monitoring is an addition: what is built, loaded and applied without it is what it was before."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab import tools
from lab.apply_workloads import MONITORING
from lab.cache import Store
from lab.go_programs import GO_FOLDER, KIND, PROMETHEUS
from lab.image_catalogue import MONITORING as MONITORING_IMAGES
from lab.image_catalogue import workload_images
from lab.kit import common_artefacts
from lab.settings import RULE_TOOLS_SOURCES, from_environment

# A Go module's version, and what the program calls itself: Prometheus 3.5.0 is v0.305.0.
GO_MODULES = {
    "prometheus": "github.com/prometheus/prometheus",
    "alertmanager": "github.com/prometheus/alertmanager",
    "pushgateway": "github.com/prometheus/pushgateway",
    "kube-state-metrics": "k8s.io/kube-state-metrics/v2",
}


def names(monitoring: str) -> list[str]:
    settings = from_environment({"HOME": "/h", "LAB_MONITORING": monitoring})
    return [artefact.name for artefact in common_artefacts(settings)]


def test_nothing_of_it_is_built_unless_it_is_wanted() -> None:
    added = set(names("1")) - set(names("0"))
    assert set(names("0")) < set(names("1"))
    assert added == {image.artefact().name for image in MONITORING_IMAGES} | {"files-prometheus-operator"}


def test_its_images_are_loaded_beside_the_others() -> None:
    usual = [image.reference for image in workload_images()]
    added = [image.reference for image in MONITORING_IMAGES]
    assert [image.reference for image in workload_images(monitoring=True)] == usual + added


def test_a_module_without_tags_keeps_its_key_and_tags_change_it() -> None:
    assert len(replace(PROMETHEUS, tags="").artefact().inputs) == len(KIND.artefact().inputs)
    assert replace(PROMETHEUS, tags="other").artefact().key != PROMETHEUS.artefact().key


@pytest.mark.parametrize("folder", GO_MODULES)
def test_the_version_that_an_image_bears_is_the_modules(folder: str) -> None:
    [image] = [image for image in MONITORING_IMAGES if image.program == folder]
    shown = image.reference.rsplit(":", 1)[1]
    pinned = re.search(
        rf"(?m)^\s*(?:require )?{GO_MODULES[folder]} v(\S+)", (GO_FOLDER / folder / "go.mod").read_text()
    )
    assert pinned is not None
    major, minor, patch = shown.split(".")
    assert pinned[1] == (f"0.{major}{int(minor):02d}.{patch}" if folder == "prometheus" else shown)


def test_the_manifests_name_the_images_that_are_loaded() -> None:
    manifests = [part for file in MONITORING.rglob("*.yaml") for part in yaml.safe_load_all(file.read_text())]
    pods = [part["spec"]["template"]["spec"] for part in manifests if "template" in part.get("spec", {})]
    named = {container["image"] for pod in pods for container in pod["containers"] if "image" in container}
    assert named == {image.reference for image in MONITORING_IMAGES}


@pytest.mark.parametrize("source", RULE_TOOLS_SOURCES)
def test_the_tools_are_links_into_the_cache_and_replace_older_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setattr(tools, "TOOLS_FOLDER", tmp_path / "bin")
    programs = tools.rule_tools(source, Store(tmp_path))
    assert set(programs) == {"promtool", "amtool", "alertmanager"}
    for target in ("first", "second"):
        (tmp_path / target).write_text(target)
        tools.link_tools(dict.fromkeys(programs, tmp_path / target))
        assert {link.name: link.read_text() for link in (tmp_path / "bin").iterdir()} == dict.fromkeys(programs, target)
