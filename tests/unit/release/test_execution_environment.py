"""The execution environment: what ansible-builder makes of its definition, and finds in the collection."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from release.artefact import ROOT, build, program, version
from tests.versions import interpreters

BUILDER = program("ansible-builder")
DEFINITION = yaml.safe_load((ROOT / "execution-environment.yml").read_text())


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context that `ansible-builder create` makes, with an artefact built for it."""
    folder = tmp_path_factory.mktemp("ee")
    build(folder / "build/artefact")
    (folder / "execution-environment.yml").write_text((ROOT / "execution-environment.yml").read_text())
    subprocess.run([BUILDER, "create"], cwd=folder, check=True, capture_output=True)
    return folder / "context"


def test_the_definition_makes_a_containerfile(context: Path) -> None:
    text = (context / "Containerfile").read_text()
    for words in (
        "COPY --from=docker.io/alpine/helm",
        "ENV LC_ALL=C.UTF-8",
        DEFINITION["images"]["base_image"]["name"],
    ):
        assert words in text, words


def test_the_artefact_installs_from_the_context(context: Path, tmp_path: Path) -> None:
    """As the stage `galaxy` does it, in the same folder with the same file of requirements."""
    command = [program("ansible-galaxy"), "collection", "install", "--offline"]
    command += ["-r", "requirements.yml", "-p", str(tmp_path)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "ANSIBLE_COLLECTIONS_PATH": str(tmp_path)}
    subprocess.run(command, cwd=context / "_build", env=environment, check=True, capture_output=True)
    assert (tmp_path / "ansible_collections/resilient/traefik/playbooks/harden.yml").is_file()


def test_the_builder_finds_the_collections_needs(context: Path, tmp_path: Path) -> None:
    collection = tmp_path / "ansible_collections/resilient/traefik"
    collection.mkdir(parents=True)
    for name in ("galaxy.yml", "meta", "requirements.txt", "bindep.txt"):
        (collection / name).symlink_to(ROOT / name)
    told = subprocess.run(
        [BUILDER, "introspect", str(tmp_path)], check=True, capture_output=True, text=True, cwd=tmp_path
    ).stdout
    found = yaml.safe_load(told)
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    # PyYAML comes with Ansible, and the builder leaves it out.
    wanted = {line.split(">")[0].lower() for line in lines if line and not line.startswith("#")} - {"pyyaml"}
    assert {str(line).split(">")[0].lower() for line in found["python"]} == wanted
    assert [str(line).split()[0] for line in found["system"]] == ["helm"]


def test_it_names_this_version_and_a_core_that_is_tested() -> None:
    (collection,) = DEFINITION["dependencies"]["galaxy"]["collections"]
    assert collection["name"] == f"artefact/resilient-traefik-{version()}.tar.gz"
    core = Requirement(DEFINITION["dependencies"]["ansible_core"]["package_pip"])
    tested = interpreters.supported(interpreters.REQUIREMENTS.read_text())
    assert any(core.specifier.contains(Version(each)) for each in tested.values())


def test_templates_of_awx_name_the_same_image() -> None:
    given = yaml.safe_load((ROOT / "awx/templates.yml").read_text())
    assert given["execution_environment_image"].endswith(f":{version()}")
