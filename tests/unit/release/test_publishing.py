"""What is published beside the artefact: a bill of materials, checksums, and links that lead somewhere."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from release.addresses import given
from release.artefact import build, version
from release.errors import ReleaseError
from release.links import links, target_of
from release.publishing import checksums, publish
from release.sbom import sbom

ADDRESSES = given({"REPOSITORY": "https://git.example.test/us/traefik"})


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artefact as it is published."""
    return build(tmp_path_factory.mktemp("published"), ADDRESSES)


def test_the_bill_has_what_is_bundled_and_what_is_needed(artefact: Path) -> None:
    bill = json.loads(sbom(artefact, ADDRESSES))
    names = {component["name"].lower(): component for component in bill["components"]}
    assert {"uplot", "dagre", "kubernetes", "urllib3", "pyyaml", "certifi"} <= names.keys()
    assert "pytest" not in names, "of what only the tests need it says nothing"
    assert names["uplot"]["licenses"] == [{"license": {"id": "MIT"}}]
    about = bill["metadata"]["component"]
    assert (about["name"], about["version"]) == ("resilient.traefik", version())
    needs = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    direct = {ref.partition("@")[0].rpartition("/")[2] for ref in needs[about["bom-ref"]]}
    assert {"uplot", "kubernetes", "libpass"} <= direct
    assert "certifi" not in direct, "that is what kubernetes needs"


def test_links_of_the_published_artefact_lead_somewhere(artefact: Path) -> None:
    with tarfile.open(artefact) as tar:
        names = {member.name for member in tar.getmembers()}
        pages = {name: tar.extractfile(name).read().decode() for name in names if name.endswith(".md")}  # type: ignore[union-attr]
    assert "README.md" in pages
    broken = [
        f"{page}: {link}"
        for page, text in pages.items()
        for link in links(text)
        if target_of(page, link)[0] not in names
    ]
    assert broken == []
    assert "https://git.example.test/us/traefik/blob/v" in pages["README.md"]


def test_checksums_are_what_sha256sum_checks(tmp_path: Path) -> None:
    made = tmp_path / "a.tar.gz"
    made.write_bytes(b"artefact")
    (tmp_path / "SHA256SUMS").write_text(checksums([made]))
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, check=True, capture_output=True)


def test_a_release_without_an_address_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="make release REPOSITORY="):
        publish(tmp_path / "release", {})
    assert not (tmp_path / "release").exists()
