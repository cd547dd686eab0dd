"""The artefact: built from what Git knows, the same bytes each time, with the addresses of whoever publishes it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from release.addresses import Addresses, given, nowhere
from release.artefact import ROOT, copy, known_to_git, reproducible
from release.errors import ReleaseError
from release.judge import ROOMS, strangers


def _artefact(files: dict[str, bytes], mtime: float) -> bytes:
    """As ansible-galaxy packs it: files in the order given, with times of their own."""
    listed = json.dumps({"files": [{"name": name, "ftype": "file"} for name in files], "format": 1}).encode()
    manifest = json.dumps({"file_manifest_file": {"chksum_sha256": hashlib.sha256(listed).hexdigest()}}).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in {"MANIFEST.json": manifest, "FILES.json": listed, **files}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), mtime
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _read(artefact: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(artefact)) as tar:
        file = tar.extractfile(name)
        assert file
        return file.read()


def test_neither_order_nor_time_of_files_shows() -> None:
    one = reproducible(_artefact({"a": b"1", "b": b"2"}, 1_700_000_000.25))
    other = reproducible(_artefact({"b": b"2", "a": b"1"}, 1_800_000_000.75))
    assert one == other
    assert one != reproducible(_artefact({"a": b"1", "b": b"3"}, 1_700_000_000.25))


def test_the_manifest_has_the_checksum_of_the_sorted_list() -> None:
    artefact = reproducible(_artefact({"b": b"2", "a": b"1"}, 1.5))
    listed = _read(artefact, "FILES.json")
    assert [file["name"] for file in json.loads(listed)["files"]] == ["a", "b"]
    manifest: dict[str, Any] = json.loads(_read(artefact, "MANIFEST.json"))
    assert manifest["file_manifest_file"]["chksum_sha256"] == hashlib.sha256(listed).hexdigest()


def test_addresses_of_a_repository() -> None:
    filled = yaml.safe_load(given({"REPOSITORY": "https://git.example.test/us/traefik/"}).fill("name: traefik\n"))
    assert filled == {
        "name": "traefik",
        "repository": "https://git.example.test/us/traefik",
        "issues": "https://git.example.test/us/traefik/issues",
        "documentation": "https://git.example.test/us/traefik",
        "homepage": "https://git.example.test/us/traefik",
    }


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "make release REPOSITORY="),
        ({"REPOSITORY": "git@git.example.test:us/traefik"}, "REPOSITORY is no https address"),
        ({"REPOSITORY": "https://a.test", "ISSUES": "https://a.test/x y"}, "ISSUES is no https address"),
    ],
)
def test_what_is_no_address_is_refused(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ReleaseError, match=message):
        given(environment)


def test_an_address_is_stated_once() -> None:
    with pytest.raises(ReleaseError, match="states issues itself"):
        nowhere().fill("name: traefik\nissues: https://a.test\n")


def test_the_repository_states_none_that_it_does_not_know() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert galaxy.keys() & Addresses.__annotations__.keys() == set()


def test_what_git_ignores_is_not_copied(tmp_path: Path) -> None:
    names = known_to_git(ROOT)
    assert "galaxy.yml" in names
    assert [name for name in names if name.startswith((".venv", "build/", ".ansible/"))] == []
    copy(["meta/runtime.yml"], ROOT, tmp_path)
    assert (tmp_path / "meta/runtime.yml").is_file()


def test_a_file_in_no_room_is_named(tmp_path: Path) -> None:
    artefact = tmp_path / "made.tar.gz"
    artefact.write_bytes(
        _artefact({"README.md": b"", "roles/a/x": b"", "notes/x": b"", "docs/.hidden": b"", "READMES": b""}, 1)
    )
    assert strangers(artefact) == ["notes/x", "docs/.hidden", "READMES"]


def test_every_tracked_room_is_shipped_or_left_out_on_purpose() -> None:
    """A new folder has to be added to galaxy.yml's build_ignore, or to the rooms that users get."""
    ignored = yaml.safe_load((ROOT / "galaxy.yml").read_text())["build_ignore"]
    tops = {Path(name).parts[0] for name in known_to_git(ROOT)} - {"galaxy.yml", "tests"}
    assert tops - set(ROOMS) - set(ignored) == set()
