# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An htpasswd text in a file, generated passwords in files of a folder beside it. No cluster involved."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.place import Carried
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

NEW_FILE_MODE = 0o600


class FilePlace:
    """``mode`` is the file's permissions as octal digits; empty leaves those of a file that is there alone.

    ``password_dir`` is the folder of the generated passwords, empty without one.
    """

    def __init__(self, path: str, password_dir: str, mode: Any) -> None:
        # A symbolic link stays one: what it points to is replaced.
        self._path = Path(path).resolve()
        self._store = Path(password_dir).resolve() if password_dir else None
        self._wanted_mode = _mode(mode)
        self.where = path
        self.store_where = password_dir
        self.remedy = "give one, or password_dir, a folder to keep a generated one in"

    def read(self) -> bytes | None:
        """The text, None when there is no file. Raises BadArgument for what is not a file, ResilientError."""
        with _told(self.where):
            if self._path.exists() and not self._path.is_file():
                raise BadArgument(f"path: {self.where} is not a file")
            return self._path.read_bytes() if self._path.exists() else None

    def stored(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The stored values of those keys that are there."""
        if not self._store:
            return {}
        with _told(self.store_where):
            files = {key: self._store / key for key in keys if "/" not in key}
            return {key: file.read_bytes().removesuffix(b"\n") for key, file in files.items() if file.is_file()}

    def warnings(self) -> list[str]:
        """What somebody should know about the file."""
        mode = self._mode_after()
        return [f"{self.where}: everybody on this machine may read it (mode {mode:04o})"] if mode & stat.S_IROTH else []

    def carry_out(self, task: Task, data: bytes | None, store: Mapping[str, str | None]) -> Carried:
        """Writes the passwords first: a run that is killed in between finds them and finishes the text.

        Raises BadArgument for a folder that is missing, before anything is written.
        """
        carried = Carried(bool(store) or data is not None, facts={"path": self.where})
        if self._path.exists() and self._mode_now() != self._mode_after():
            carried = Carried(True, f"mode {self._mode_now():04o}\n", f"mode {self._mode_after():04o}\n", carried.facts)
        if data is not None:
            _check_folder("path", self._path.parent)
        if store and self._store:
            _check_folder("password_dir", self._store.parent)
        if carried.changed and not task.check_mode:
            self._write_store(store)
            with _told(self.where):
                self._write(data)
        return carried

    def _mode_now(self) -> int:
        return stat.S_IMODE(self._path.stat().st_mode)

    def _mode_after(self) -> int:
        if self._wanted_mode is not None:
            return self._wanted_mode
        return self._mode_now() if self._path.exists() else NEW_FILE_MODE

    def _write_store(self, store: Mapping[str, str | None]) -> None:
        if not self._store or not store:
            return
        with _told(self.store_where):
            self._store.mkdir(mode=0o700, exist_ok=True)
            for key, value in store.items():
                if value is None:
                    (self._store / key).unlink(missing_ok=True)
                else:
                    _replace(self._store / key, value.encode() + b"\n", NEW_FILE_MODE)

    def _write(self, data: bytes | None) -> None:
        if data is not None:
            _replace(self._path, data, self._mode_after())
        elif self._mode_now() != self._mode_after():
            self._path.chmod(self._mode_after())


def _check_folder(option: str, folder: Path) -> None:
    if not folder.is_dir():
        raise BadArgument(f"{option}: there is no folder {folder}")


def _mode(given: Any) -> int | None:
    if given is None:
        return None
    if not isinstance(given, str) or not re.fullmatch(r"0?[0-7]{3}", given):
        raise BadArgument("mode: permissions are octal digits in quotes, such as '0640'")
    return int(given, 8)


def _replace(path: Path, data: bytes, mode: int) -> None:
    """Replaces a file in one step: a reader sees the old content or the new one, never half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:200]}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _like_the_old(temporary, path, mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _like_the_old(temporary: Path, path: Path, mode: int) -> None:
    """Owner, group and attributes of the file that is there, and the mode."""
    if path.exists():
        old = path.stat()
        if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(temporary, old.st_uid, old.st_gid)
        shutil.copystat(path, temporary)
        os.utime(temporary)
    temporary.chmod(mode)


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Turns a refusal of the system into an error that names the place and never its content."""
    try:
        yield
    except OSError as error:
        raise ResilientError(f"{where}: {error.strerror or type(error).__name__}") from None
