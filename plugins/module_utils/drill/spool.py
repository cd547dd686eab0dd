# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every record of a measurement on disk, as a gzip CSV: memory stays flat however long it lasts."""

from __future__ import annotations

import csv
import gzip
import io
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock

from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record

COLUMNS = ("sent_ms", "ms", "late_ms", "replica", "visitor", "status", "fallback", "error")
# Text shrinks to a sixth at this level; higher ones cost the measurement's own time.
_LEVEL = 2


class Spool:
    """Takes records from any thread, ``flush`` writes them. ``names`` are the visitors', all different."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        """Raises OSError when the file cannot be made."""
        self.path = path
        self._names = list(names)
        self._waiting: deque[Record] = deque()
        self._lock = Lock()
        self._file = io.TextIOWrapper(gzip.GzipFile(path, "wb", _LEVEL), encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(COLUMNS)

    def add(self, record: Record) -> None:
        """Takes a record; it is on disk after the next flush."""
        self._waiting.append(record)

    def flush(self) -> list[Record]:
        """Writes what has come since the last time, and gives it. Raises OSError (disk full)."""
        with self._lock:
            came = [self._waiting.popleft() for _each in range(len(self._waiting))]
            self._writer.writerows(self._row(record) for record in came)
        return came

    def close(self) -> None:
        """Writes the rest and ends the file."""
        self.flush()
        self._file.close()

    def __iter__(self) -> Iterator[Record]:
        """The records as they came, from disk. Close the spool before."""
        visitors = {name: number for number, name in enumerate(self._names)}
        with gzip.open(self.path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield _record(row, visitors)

    def _row(self, record: Record) -> tuple[object, ...]:
        return (
            f"{record.sent * 1000:.3f}",
            f"{record.seconds * 1000:.3f}",
            f"{record.late * 1000:.3f}",
            record.replica,
            self._names[record.visitor],
            record.status,
            int(record.fallback),
            record.error,
        )


def _record(row: Mapping[str, str], visitors: Mapping[str, int]) -> Record:
    return Record(
        sent=float(row["sent_ms"]) / 1000,
        seconds=float(row["ms"]) / 1000,
        late=float(row["late_ms"]) / 1000,
        replica=row["replica"],
        visitor=visitors[row["visitor"]],
        status=int(row["status"]),
        fallback=row["fallback"] == "1",
        error=row["error"],
    )
