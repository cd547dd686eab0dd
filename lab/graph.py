"""Builds many artefacts in parallel, as far as their needs allow."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from lab import commands
from lab.cache import Artefact, Store
from lab.progress import Progress

# Downloads and compilers take turns at the network and the processor; more at once only needs more memory.
WORKERS = 4


def in_order(wanted: Iterable[Artefact]) -> list[Artefact]:
    """Everything wanted and what it needs, each once: needs before those who need them, else the longest first."""
    ordered: list[Artefact] = []

    def visit(artefact: Artefact) -> None:
        if artefact in ordered:
            return
        for need in sorted(artefact.needs, key=_chain_seconds, reverse=True):
            visit(need)
        ordered.append(artefact)

    for artefact in sorted(wanted, key=_chain_seconds, reverse=True):
        visit(artefact)
    return ordered


def build_all(wanted: Iterable[Artefact], store: Store, logs: Path, progress: Progress) -> list[Artefact]:
    """Build what is missing. Returns what was built, in the order of finishing. The first failure stops the rest."""
    missing = [artefact for artefact in in_order(wanted) if not store.has(artefact)]
    progress.plan(*(_title(artefact) for artefact in missing), before_others=True)
    logs.mkdir(parents=True, exist_ok=True)
    built: list[Artefact] = []
    running: dict[Future[None], Artefact] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            while missing or running:
                for artefact in _startable(missing, list(running.values()))[: WORKERS - len(running)]:
                    missing.remove(artefact)
                    running[pool.submit(_build, artefact, store, logs, progress)] = artefact
                done, _ = wait(running, timeout=1, return_when=FIRST_COMPLETED)
                for future in done:
                    built.append(running.pop(future))
                    future.result()
                progress.beat()
        except BaseException:
            commands.stop_all()
            raise
    return built


def _startable(missing: list[Artefact], running: list[Artefact]) -> list[Artefact]:
    unfinished = {*missing, *running}
    return [artefact for artefact in missing if not unfinished.intersection(artefact.needs)]


def _build(artefact: Artefact, store: Store, logs: Path, progress: Progress) -> None:
    log = logs / f"{artefact.name}.log"
    log.write_text("")
    with progress.step(_title(artefact)):
        store.make(artefact, log)


def _title(artefact: Artefact) -> str:
    return f"build {artefact.name}"


def _chain_seconds(artefact: Artefact) -> int:
    return artefact.seconds + max((_chain_seconds(need) for need in artefact.needs), default=0)
