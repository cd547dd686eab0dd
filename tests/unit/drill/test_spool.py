"""Records on disk and back."""

from __future__ import annotations

import gzip
from pathlib import Path
from threading import Thread

from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record
from ansible_collections.resilient.traefik.plugins.module_utils.drill.spool import COLUMNS, Spool

NAMES = ["private.test, no credentials", 'a "quoted", name']
RECORDS = [
    Record(1795263383.123, 0.0125, 0.001, "traefik-a", 0, 302),
    Record(1795263383.456, 2.0, 0.0, "traefik-b", 1, 0, False, 'closed, "early"'),
    Record(1795263383.789, 0.5, 0.0, "traefik-b", 1, 401, True),
]


def test_there_and_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "requests.csv.gz", NAMES)
    for record in RECORDS:
        spool.add(record)
    assert spool.flush() == RECORDS
    assert spool.flush() == []
    spool.close()
    assert list(spool) == list(spool) == RECORDS


def test_people_can_read_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "requests.csv.gz", NAMES)
    spool.add(RECORDS[0])
    spool.close()
    lines = gzip.decompress(spool.path.read_bytes()).decode().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert lines[1] == '1795263383123.000,12.500,1.000,traefik-a,"private.test, no credentials",302,0,'


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "requests.csv.gz", NAMES)
    flushed: list[Record] = []

    def add() -> None:
        for _ in range(500):
            spool.add(RECORDS[0])

    threads = [Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        flushed += spool.flush()
    flushed += spool.flush()
    spool.close()
    assert len(flushed) == len(list(spool)) == 4000
