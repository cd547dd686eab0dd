"""Takes programs out of Debian's packages without installing them; apt verifies each by its archive's signature."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import commands
from lab.cache import Artefact, Workplace

# Debian's programs read some files of their package below /usr/share, where nothing of it is installed: these are laid
# over it, in a mount namespace of the program's own.
WITH_OWN_SHARE = """#!/bin/sh
root=$(dirname "$(readlink -f "$0")")/root
[ "$(id -u)" = 0 ] || mapped=--map-root-user
exec unshare --mount $mapped sh -c 'mount --bind "$0/usr/share" /usr/share && exec "$0/{path}" "$@"' "$root" "$@"
"""


@dataclass(frozen=True)
class DebianPrograms:
    """Programs of some packages: `programs` maps a name to its path there, `with_share` names those that need files."""

    name: str
    packages: tuple[str, ...]
    programs: Mapping[str, str]
    with_share: tuple[str, ...] = ()

    def artefact(self) -> Artefact:
        """A folder with one file a program, and the unpacked packages in its folder `root`."""
        programs = repr(sorted(self.programs.items()))
        inputs = (release(), *self.packages, programs, *self.with_share, WITH_OWN_SHARE)
        return Artefact(f"debian-{self.name}", self._build, inputs, seconds=10)

    def _build(self, workplace: Workplace) -> None:
        _download(self.packages, workplace)
        root = workplace.destination / "root"
        for package in workplace.destination.glob("*.deb"):
            commands.run(["dpkg-deb", "--extract", package, root], doing=f"unpacking {package.name}", log=workplace.log)
            package.unlink()
        for name, path in self.programs.items():
            program = workplace.destination / name
            if name in self.with_share:
                program.write_text(WITH_OWN_SHARE.format(path=path))
                program.chmod(0o755)
            else:
                program.symlink_to(Path("root") / path)


def is_there() -> bool:
    """Whether this machine's packages are Debian's, or those of a relative of Debian."""
    return all(shutil.which(program) for program in ("apt-get", "dpkg-deb"))


def release() -> str:
    """The distribution's release, for example `VERSION_CODENAME=bookworm`: another one has other versions."""
    lines = Path("/etc/os-release").read_text().splitlines()
    return " ".join(line for line in lines if line.startswith(("ID=", "VERSION_CODENAME=")))


def _download(packages: tuple[str, ...], workplace: Workplace) -> None:
    # Package lists of its own: the machine's may be missing or old, and need root and a lock to be renewed.
    lists, cache = workplace.destination / "lists", workplace.destination / "cache"
    for folder in (lists, cache):
        (folder / "partial").mkdir(parents=True)
    apt = ["apt-get", "--quiet", f"--option=Dir::State::Lists={lists}", f"--option=Dir::Cache={cache}"]
    commands.run([*apt, "update"], doing="reading Debian's package lists", log=workplace.log)
    command = [*apt, "download", *packages]
    commands.run(command, doing=f"downloading {', '.join(packages)}", cwd=workplace.destination, log=workplace.log)
    for folder in (lists, cache):
        shutil.rmtree(folder)
