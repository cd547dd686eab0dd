"""Keeps what was built, keyed by the content that made it, so that nothing is built twice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from filelock import FileLock

from lab import commands
from lab.errors import DiskFull, LabError, is_disk_full

NEARLY_FULL = 256 * 2**20
# Another checkout may still use an older form.
FORGOTTEN_SECONDS = 14 * 86400


@dataclass(frozen=True)
class Workplace:
    """What a build function gets: an empty folder to fill, the finished folders of what it needs, a file for output."""

    destination: Path
    needs: dict[str, Path]
    log: Path


@dataclass(frozen=True, eq=False)
class Artefact:
    """Something to build once: `build` fills a folder from `inputs` and from the artefacts that it `needs`.

    `inputs` holds everything else that decides the result, as texts; `seconds` is about how long a cold build takes.
    """

    name: str
    build: Callable[[Workplace], None]
    inputs: tuple[str, ...]
    needs: tuple[Artefact, ...] = ()
    seconds: int = 1

    @cached_property
    def key(self) -> str:
        """16 hex digits that change with the inputs, and with those of everything needed."""
        content = json.dumps([self.name, self.inputs, [need.key for need in self.needs]])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def __eq__(self, other: object) -> bool:
        """Two descriptions of the same content are the same artefact."""
        return isinstance(other, Artefact) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)


def digest_of_files(files: Iterable[Path]) -> str:
    """One digest over names and contents, for an artefact's inputs."""
    digest = hashlib.sha256()
    for file in sorted(files):
        content = file.read_bytes()
        digest.update(f"{file.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


@dataclass(frozen=True)
class Store:
    """The folder of finished artefacts."""

    folder: Path

    def path(self, artefact: Artefact) -> Path:
        """Where the finished artefact lies; nothing unfinished is ever seen there."""
        return self.folder / "artefacts" / f"{artefact.name}-{artefact.key}"

    def has(self, artefact: Artefact) -> bool:
        """Whether it is there; being used keeps it from being pruned."""
        path = self.path(artefact)
        if not path.is_dir():
            return False
        os.utime(path)
        return True

    def make(self, artefact: Artefact, log: Path) -> Path:
        """Build the artefact unless it is there. Two processes never build the same one at the same time."""
        with self._building(artefact):
            if not self.has(artefact):
                self._build(artefact, log)
        return self.path(artefact)

    def prune(self, keep: Iterable[Artefact]) -> list[str]:
        """Remove older forms of these artefacts that no run has used for a while. Returns their folders' names."""
        kept = {artefact.name: self.path(artefact).name for artefact in keep}
        removed = []
        for folder in (self.folder / "artefacts").glob("*"):
            name = folder.name.rsplit("-", 1)[0]
            forgotten = time.time() - folder.stat().st_mtime > FORGOTTEN_SECONDS
            if forgotten and name in kept and folder.name != kept[name]:
                shutil.rmtree(folder)
                removed.append(folder.name)
        return removed

    @contextmanager
    def _building(self, artefact: Artefact) -> Iterator[None]:
        locks = self.folder / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(locks / f"{artefact.name}-{artefact.key}")
        lock.acquire(cancel_check=commands.stopping)
        try:
            yield
        finally:
            lock.release()

    def _build(self, artefact: Artefact, log: Path) -> None:
        # Under the lock nobody else uses this folder: what lies there is what a killed run left.
        unfinished = self.folder / "unfinished" / f"{artefact.name}-{artefact.key}"
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            unfinished.mkdir(parents=True)
            artefact.build(Workplace(unfinished, {need.name: self.path(need) for need in artefact.needs}, log))
            final = self.path(artefact)
            final.parent.mkdir(parents=True, exist_ok=True)
            unfinished.rename(final)
        except (OSError, LabError) as error:
            # Not every program says why it could not write.
            cramped = shutil.disk_usage(self.folder).free < NEARLY_FULL
            if cramped or (isinstance(error, OSError) and is_disk_full(error)):
                raise DiskFull(f"building {artefact.name}") from error
            raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
