"""Images written without a container engine."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

from lab.layers import DIGEST, LAYER, Entry, write_archive, write_layer, write_layout

ENTRIES = (Entry("tmp", None, 0o1777), Entry("etc/name", "text\n"), Entry("bin/sh", "/bin/busybox", link=True))


def layer(folder: Path) -> Path:
    folder.mkdir()
    write_layer(folder, ENTRIES)
    return folder


def test_a_layer_holds_its_entries_and_names_its_digest(tmp_path: Path) -> None:
    folder = layer(tmp_path / "one")
    with tarfile.open(folder / LAYER) as tar:
        assert tar.getmember("tmp").mode == 0o1777
        member = tar.extractfile("etc/name")
        assert member is not None
        assert member.read() == b"text\n"
        assert tar.getmember("bin/sh").linkname == "/bin/busybox"
    assert (folder / DIGEST).read_text() == hashlib.sha256((folder / LAYER).read_bytes()).hexdigest()


def test_equal_entries_make_equal_bytes(tmp_path: Path) -> None:
    assert (layer(tmp_path / "a") / LAYER).read_bytes() == (layer(tmp_path / "b") / LAYER).read_bytes()


def test_an_archive_names_its_reference_and_holds_its_layers(tmp_path: Path) -> None:
    folder = layer(tmp_path / "one")
    write_archive(tmp_path / "image.tar", "localhost/lab/x:1", [folder], {"Entrypoint": ["/x"]})
    with tarfile.open(tmp_path / "image.tar") as tar:

        def read(name: str) -> bytes:
            member = tar.extractfile(name)
            assert member is not None
            return member.read()

        [manifest] = json.loads(read("manifest.json"))
        assert manifest["RepoTags"] == ["localhost/lab/x:1"]
        config = json.loads(read(manifest["Config"]))
        assert config["config"]["Entrypoint"] == ["/x"]
        assert config["rootfs"]["diff_ids"] == [f"sha256:{(folder / DIGEST).read_text()}"]
        assert read(manifest["Layers"][0]) == (folder / LAYER).read_bytes()


def test_a_layout_leads_from_index_to_layers_and_copies_none(tmp_path: Path) -> None:
    folder = layer(tmp_path / "one")
    write_layout(tmp_path / "layout", [folder], {})
    blobs = tmp_path / "layout" / "blobs"

    def blob(descriptor: dict[str, Any]) -> Path:
        path = blobs / descriptor["digest"].replace(":", "/")
        assert descriptor["digest"] == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        assert descriptor["size"] == path.stat().st_size
        return Path(path)

    index = json.loads((tmp_path / "layout" / "index.json").read_text())
    manifest = json.loads(blob(index["manifests"][0]).read_text())
    blob(manifest["config"])
    assert blob(manifest["layers"][0]).samefile(folder / LAYER)
