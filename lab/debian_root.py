"""A small root file system of Debian's programs: chosen files of packages, and the libraries that these load."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import commands
from lab.cache import Artefact, Workplace
from lab.debian import release

ROOT = "root"
_LIBRARIES = Path("usr/lib/x86_64-linux-gnu")
_LOADER = Path("lib64/ld-linux-x86-64.so.2")
_ELF = b"\x7fELF"
# Of what a package depends on only libraries are loaded; these are large and belong to what is left out.
_LEFT_OUT = re.compile(r"lib(llvm|perl|python|z3)|.*-(perl|dev)$")
_LEFT_OUT_FILES = ("bitcode", "llvmjit*")
_APT = ("Dir::State::status=/dev/null", "APT::Install-Recommends=false", "Debug::NoLocking=1")


@dataclass(frozen=True)
class DebianRoot:
    """Files at ``paths`` (folders whole) out of ``packages`` and what these depend on."""

    name: str
    packages: tuple[str, ...]
    paths: tuple[str, ...]

    def artefact(self) -> Artefact:
        """A folder ROOT with the files where a running system has them."""
        inputs = (release(), *self.packages, *self.paths, _LEFT_OUT.pattern, *_LEFT_OUT_FILES, *_APT)
        return Artefact(f"root-{self.name}", self._build, inputs, seconds=30)

    def _build(self, workplace: Workplace) -> None:
        whole, root = workplace.destination / "whole", workplace.destination / ROOT
        _unpack(self.packages, whole, workplace)
        for path in self.paths:
            _copy(whole / path, root / path)
        _add_libraries(whole, root, workplace)
        shutil.rmtree(whole)


def _unpack(packages: tuple[str, ...], whole: Path, workplace: Workplace) -> None:
    """Unpack the packages and the libraries that they depend on; apt verifies each by its archive's signature."""
    work = workplace.destination / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    options = [*_APT, f"Dir::State::Lists={work / 'lists'}", f"Dir::Cache={work / 'cache'}"]
    apt = ["apt-get", "--quiet", *(f"--option={option}" for option in options)]
    commands.run([*apt, "update"], doing="reading Debian's package lists", log=workplace.log)
    listing = [*apt, "install", "--yes", "--print-uris", *packages]
    told = commands.run(listing, doing=f"finding what {', '.join(packages)} need").stdout
    names = re.findall(r"^'[^']+' ([^_ ]+)_", told, re.MULTILINE)
    wanted = [name for name in names if name in packages or (name.startswith(("lib", "zlib")) and not _left_out(name))]
    download = [*apt, "download", *wanted]
    commands.run(download, doing=f"downloading {', '.join(packages)}", cwd=work, log=workplace.log)
    for package in sorted(work.glob("*.deb")):
        commands.run(["dpkg-deb", "--extract", package, whole], doing=f"unpacking {package.name}", log=workplace.log)
    shutil.rmtree(work)


def _left_out(name: str) -> bool:
    return bool(_LEFT_OUT.match(name))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT_FILES))
    else:
        shutil.copy2(source, target)


def _add_libraries(whole: Path, root: Path, workplace: Workplace) -> None:
    """Put the loader and what it would load for each program where a system has them."""
    folders = [whole / _LIBRARIES, whole / "lib/x86_64-linux-gnu"]
    loader = whole / "lib/x86_64-linux-gnu" / _LOADER.name
    _copy(loader, root / _LOADER)
    for program in list(_programs(root)):
        command: list[str | Path] = [loader, "--list", "--library-path", ":".join(map(str, folders)), program]
        told = commands.run(command, doing=f"finding the libraries of {program.name}", check=False).stdout
        for library in map(Path, re.findall(rf"=> ({re.escape(str(whole))}\S+)", told)):
            if not (root / _LIBRARIES / library.name).exists():
                _copy(library, root / _LIBRARIES / library.name)


def _programs(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and path != root / _LOADER:
            with path.open("rb") as file:
                if file.read(4) == _ELF:
                    yield path
