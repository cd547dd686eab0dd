"""The lab's PostgreSQL and PgBouncer: built where they are wanted, out of a root of Debian's files."""

from __future__ import annotations

from pathlib import Path

from lab.debian_root import DebianRoot
from lab.image_catalogue import POSTGRESQL, workload_images
from lab.kit import common_artefacts
from lab.layers import Entry, entries_of
from lab.settings import from_environment


def _names(wanted: str) -> set[str]:
    settings = from_environment({"HOME": "/h", "LAB_AUTHENTIK_DB": wanted})
    return {artefact.name for artefact in common_artefacts(settings)}


def test_nothing_of_it_is_built_unless_it_is_wanted() -> None:
    assert _names("1") - _names("0") == {POSTGRESQL.artefact().name}
    assert POSTGRESQL.reference not in {image.reference for image in workload_images()}


def test_other_files_make_another_root() -> None:
    one = DebianRoot("one", ("pgbouncer",), ("usr/sbin/pgbouncer",))
    other = DebianRoot("one", ("pgbouncer",), ("usr/sbin",))
    assert one.artefact().key != other.artefact().key


def test_a_folder_becomes_entries_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program, text = tmp_path / "bin" / "program", tmp_path / "text"
    for path, mode in ((program, 0o755), (text, 0o600)):
        path.write_text("x")
        path.chmod(mode)
    (tmp_path / "link").symlink_to("/bin/program")
    assert list(entries_of(tmp_path)) == [
        Entry("bin", None, 0o755),
        Entry("bin/program", program, 0o755),
        Entry("link", "/bin/program", link=True),
        Entry("text", text, 0o644),
    ]
