"""Programs out of Debian's packages, with stand-ins for apt-get and mount."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lab import debian
from lab.cache import Store
from lab.debian import DebianPrograms

PROGRAMS = DebianPrograms("greeters", ("greeter",), {"hello": "usr/bin/greeter", "plain": "usr/bin/plain"}, ("hello",))
CONTROL = "Package: greeter\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody\nDescription: greets\n"


def package(folder: Path) -> None:
    """A package with two programs: one says what the file in /usr/share says, the other its own words."""
    root = folder / "package"
    files = {
        "DEBIAN/control": CONTROL,
        "usr/share/greeter/words": "well met,",
        "usr/bin/greeter": '#!/bin/sh\nprintf %s "$(cat /usr/share/greeter/words) $*"\n',
        "usr/bin/plain": "#!/bin/sh\nprintf plain\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    subprocess.run(["dpkg-deb", "--build", root, folder / "greeter.deb"], check=True, capture_output=True)


@pytest.mark.skipif(not debian.is_there(), reason="no packages of Debian's here")
def test_a_program_finds_the_files_of_its_package_although_it_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path)
    (tmp_path / "bin").mkdir()
    stand_in = tmp_path / "bin" / "apt-get"
    stand_in.write_text(f'#!/bin/sh\ncase "$*" in *download*) cp {tmp_path}/greeter.deb . ;; esac\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    folder = Store(tmp_path / "cache").make(PROGRAMS.artefact(), tmp_path / "log")
    assert sorted(path.name for path in folder.iterdir()) == ["hello", "plain", "root"]
    assert subprocess.check_output([folder / "plain"], text=True) == "plain"
    (tmp_path / "link").symlink_to(folder / "hello")
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0:
        assert subprocess.check_output([tmp_path / "link", "you", "all"], text=True) == "well met, you all"
    assert not Path("/usr/share/greeter").exists()


def test_another_release_has_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    def key(release: str, programs: DebianPrograms = PROGRAMS) -> str:
        monkeypatch.setattr(debian, "release", lambda: release)
        return programs.artefact().key

    assert key("one") == key("one")
    assert len({key("one"), key("other"), key("one", replace(PROGRAMS, packages=("greeter", "words")))}) == 3
