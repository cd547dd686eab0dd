"""Runs other programs so that none outlives this one, and a failure says something."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from lab.errors import DiskFull, Interrupted, LabError

SHOWN_LINES = 15
GRACE_SECONDS = 10.0
_NO_SPACE = ("no space left on device", "disk quota exceeded")

_running: set[subprocess.Popen[str]] = set()
# Re-entrant: the signal handler runs in the main thread, which may hold it.
_guard = threading.RLock()
_stopping = threading.Event()


def run(
    command: Sequence[str | Path],
    *,
    doing: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    stdin: IO[bytes] | str | None = None,
    check: bool = True,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end and return it with its output; with `log` the output goes to that file instead.

    `env` is added to this process's environment. Raises LabError with the output's last lines when the command fails
    and `check` holds, DiskFull when they say so, and Interrupted when the run is being stopped.
    """
    words = [str(word) for word in command]
    try:
        finished = _run(words, cwd, env, log, stdin, timeout)
    except FileNotFoundError:
        raise LabError(
            f"The program '{words[0]}' was not found while: {doing}.", f"Install {words[0]} and run it again."
        ) from None
    except subprocess.TimeoutExpired:
        raise LabError(f"'{words[0]}' did not end within {timeout:.0f} s while: {doing}.", _see(log)) from None
    if _stopping.is_set():
        raise Interrupted("a signal")
    if check and finished.returncode != 0:
        raise _failure(words, doing, finished, log)
    return finished


def output(
    command: Sequence[str | Path], *, doing: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """What `command` prints, without the last line's end. Raises as `run` does."""
    return run(command, doing=doing, env=env, cwd=cwd).stdout.rstrip("\n")


def stop_all() -> None:
    """End every running program and refuse new ones: the run is being stopped. Who does not listen is killed."""
    _stopping.set()
    _signal_all(signal.SIGTERM)
    killer = threading.Timer(GRACE_SECONDS, _signal_all, [signal.SIGKILL])
    killer.daemon = True
    killer.start()


def stopping() -> bool:
    """Whether the run is being stopped."""
    return _stopping.is_set()


def resume() -> None:
    """Allow programs again after `stop_all`."""
    _stopping.clear()


def _signal_all(sent: signal.Signals) -> None:
    with _guard:
        for process in tuple(_running):
            _kill_group(process, sent)


def _run(
    words: list[str],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    log: Path | None,
    stdin: IO[bytes] | str | None,
    timeout: float | None,
) -> subprocess.CompletedProcess[str]:
    if _stopping.is_set():
        raise Interrupted("a signal")
    text = stdin if isinstance(stdin, str) else None
    source: IO[bytes] | int = subprocess.PIPE if isinstance(stdin, str) else stdin or subprocess.DEVNULL
    sink = log.open("a") if log else None
    try:
        process = subprocess.Popen(
            _tied_to_this_process(words),
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=source,
            stdout=sink or subprocess.PIPE,
            stderr=subprocess.STDOUT if sink else subprocess.PIPE,
            text=True,
            errors="replace",
            process_group=0,
        )
        with _guard:
            _running.add(process)
        try:
            stdout, stderr = process.communicate(text, timeout)
        finally:
            with _guard:
                _running.discard(process)
            _kill_group(process, signal.SIGKILL)
            process.wait()
    finally:
        if sink:
            sink.close()
    return subprocess.CompletedProcess(words, process.returncode, stdout or "", stderr or "")


def _tied_to_this_process(words: list[str]) -> list[str]:
    """The command, ended by the kernel when this process dies, SIGKILL included (Linux only)."""
    if shutil.which(words[0]) is None:
        raise FileNotFoundError(words[0])
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *words] if setpriv else words


def _kill_group(process: subprocess.Popen[str], sent: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, sent)


def _failure(words: list[str], doing: str, finished: subprocess.CompletedProcess[str], log: Path | None) -> LabError:
    said = (log.read_text(errors="replace") if log else finished.stderr or finished.stdout).strip()
    if any(mark in said.lower() for mark in _NO_SPACE):
        return DiskFull(doing)
    last = "\n".join(f"    {line}" for line in said.splitlines()[-SHOWN_LINES:])
    return LabError(
        f"Failed while: {doing}. '{Path(words[0]).name}' ended with {finished.returncode} and said:\n{last}", _see(log)
    )


def _see(log: Path | None) -> str:
    return f"All of its output: {log}" if log else ""
