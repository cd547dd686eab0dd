"""The collection's artefact: the same bytes from the same files, wherever and whenever it is built."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

import yaml

from release.addresses import Addresses
from release.errors import ReleaseError
from release.links import led_out

ROOT = Path(__file__).parents[1]
# The least that a gzip header and a tar entry can say of time, and every tool takes: 1 January 1980.
EPOCH = 315532800

Members = dict[str, tuple[tarfile.TarInfo, bytes]]


def build(folder: Path, addresses: Addresses | None = None, epoch: int = EPOCH) -> Path:
    """Build the artefact into `folder` and return it. Of this repository only what Git knows, or would add, goes in."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        source, built = Path(made) / "source", Path(made) / "built"
        copy(known_to_git(ROOT), ROOT, source)
        if addresses:
            galaxy = source / "galaxy.yml"
            galaxy.write_text(addresses.fill(galaxy.read_text()))
            _lead_out(source, addresses)
        command = [program("ansible-galaxy"), "collection", "build", "--output-path", str(built), str(source)]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        if told.returncode:
            raise ReleaseError(f"ansible-galaxy could not build the artefact: {told.stderr.strip()}")
        (artefact,) = built.glob("*.tar.gz")
        target = folder / artefact.name
        target.write_bytes(reproducible(artefact.read_bytes(), epoch))
    return target


def _lead_out(source: Path, addresses: Addresses) -> None:
    """Lead links of the texts to files that are not in the artefact to where these can be read."""
    ignored = yaml.safe_load((source / "galaxy.yml").read_text())["build_ignore"]
    names = [str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()]
    kept = {name for name in names if not any(f"{name}/".startswith(f"{each}/") for each in ignored)}
    kept |= {str(Path(name).parent) for name in kept}
    for name in sorted(kept):
        if name.endswith(".md"):
            page = source / name
            page.write_text(led_out(page.read_text(), name, kept, addresses.of_file(version())))


def program(name: str) -> str:
    """A program of the virtual environment that this runs in, whatever PATH says."""
    return str(Path(sys.executable).with_name(name))


def version() -> str:
    """The version of galaxy.yml."""
    return str(yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"])


def known_to_git(root: Path) -> list[str]:
    """Files that Git tracks, or would if it were asked to add all: nothing that it ignores."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    told = subprocess.run(command, capture_output=True, check=False)
    if told.returncode:
        raise ReleaseError(f"git could not tell the files of {root}: {told.stderr.decode().strip()}")
    return [name for name in os.fsdecode(told.stdout).split("\0") if name and (root / name).is_file()]


def copy(names: Iterable[str], root: Path, folder: Path) -> None:
    """Copy the files `names` of `root` into `folder`."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, folder / name)


def reproducible(artefact: bytes, epoch: int = EPOCH) -> bytes:
    """The artefact with its files in order and of one time: the same bytes for the same files."""
    with tarfile.open(fileobj=io.BytesIO(artefact)) as tar:
        members = {member.name: (member, _content(tar, member)) for member in tar.getmembers()}
    _sort_manifests(members)
    # Galaxy reads the manifests first.
    first = ["MANIFEST.json", "FILES.json"]
    return reproducible_tar({name: members[name] for name in [*first, *sorted(members.keys() - set(first))]}, epoch)


def reproducible_tar(members: Members, epoch: int = EPOCH) -> bytes:
    """Members in the order given, all of one time, packed with gzip."""
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", fileobj=packed, mtime=epoch) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for member, content in members.values():
            member.mtime, member.size, member.pax_headers = epoch, len(content), {}
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isfile() else None
    return file.read() if file else b""


def _sort_manifests(members: Members) -> None:
    """ansible-galaxy lists files as the file system does, and the manifest has the checksum of that list."""
    files = json.loads(members["FILES.json"][1])
    files["files"].sort(key=lambda file: file["name"])
    listed = json.dumps(files, indent=True).encode()
    manifest = json.loads(members["MANIFEST.json"][1])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(listed).hexdigest()
    for name, content in (("FILES.json", listed), ("MANIFEST.json", json.dumps(manifest, indent=True).encode())):
        members[name] = (members[name][0], content)
