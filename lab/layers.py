"""Writes container images without a container engine: reproducible layers, image archives, OCI layouts."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAYER = "layer.tar"
DIGEST = "layer.sha256"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Entry:
    """A file or folder of a layer: `source` is a file to copy, a text, a link's target, or None for a folder."""

    path: str
    source: Path | str | None
    mode: int = 0o644
    link: bool = False


def entries_of(root: Path) -> Iterator[Entry]:
    """Yield what is in a folder as it is there: folders, files that may be executed or not, links."""
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            yield Entry(name, str(path.readlink()), link=True)
        elif path.is_dir():
            yield Entry(name, None, 0o755)
        else:
            yield Entry(name, path, 0o755 if path.stat().st_mode & 0o100 else 0o644)


def write_layer(folder: Path, entries: Iterable[Entry]) -> None:
    """Write LAYER and DIGEST into `folder`. Equal entries make equal bytes: no times, no owners."""
    with tarfile.open(folder / LAYER, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            _add(tar, entry)
    write_digest(folder)


def write_digest(folder: Path) -> None:
    """Write DIGEST beside a LAYER that another program made."""
    with (folder / LAYER).open("rb") as layer:
        (folder / DIGEST).write_text(hashlib.file_digest(layer, "sha256").hexdigest())


def write_archive(archive: Path, reference: str, layers: list[Path], config: Mapping[str, Any]) -> None:
    """Write an image that `docker load`, `podman load` and `ctr images import` take.

    `layers` are folders that `write_layer` filled, the lowest first; `config` holds Entrypoint, Env and the like.
    """
    image = _image_config(layers, config)
    name = hashlib.sha256(image).hexdigest()
    members = [f"{(folder / DIGEST).read_text()}.tar" for folder in layers]
    manifest = [{"Config": f"{name}.json", "RepoTags": [reference], "Layers": members}]
    with tarfile.open(archive, "w") as tar:
        _add_bytes(tar, f"{name}.json", image)
        for folder, member in zip(layers, members, strict=True):
            with (folder / LAYER).open("rb") as layer:
                _add_stream(tar, member, layer, (folder / LAYER).stat().st_size)
        _add_bytes(tar, "manifest.json", json.dumps(manifest).encode())


def write_layout(folder: Path, layers: list[Path], config: Mapping[str, Any]) -> None:
    """Write an OCI image layout; the layers are hard links, so that nothing is copied."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    descriptors = []
    for layer in layers:
        digest = (layer / DIGEST).read_text()
        os.link(layer / LAYER, blobs / digest)
        descriptors.append(
            _descriptor("application/vnd.oci.image.layer.v1.tar", digest, (layer / LAYER).stat().st_size)
        )
    image = _image_config(layers, config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _blob(blobs, "application/vnd.oci.image.config.v1+json", image),
        "layers": descriptors,
    }
    index = {"schemaVersion": 2, "manifests": [_blob(blobs, manifest["mediaType"], json.dumps(manifest).encode())]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def _image_config(layers: list[Path], config: Mapping[str, Any]) -> bytes:
    digests = [f"sha256:{(folder / DIGEST).read_text()}" for folder in layers]
    image = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": [f"PATH={PATH}"], **config},
        "rootfs": {"type": "layers", "diff_ids": digests},
    }
    return json.dumps(image).encode()


def _blob(blobs: Path, media_type: object, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return _descriptor(str(media_type), digest, len(content))


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.path.lstrip("/"))
    info.mode = entry.mode
    if entry.source is None:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    elif entry.link:
        info.type, info.linkname = tarfile.SYMTYPE, str(entry.source)
        tar.addfile(info)
    elif isinstance(entry.source, Path):
        info.size = entry.source.stat().st_size
        with entry.source.open("rb") as source:
            tar.addfile(info, source)
    else:
        content = entry.source.encode()
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    _add_stream(tar, name, io.BytesIO(content), len(content))


def _add_stream(tar: tarfile.TarFile, name: str, stream: Any, size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size = size
    tar.addfile(info, stream)
