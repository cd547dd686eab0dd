"""The lab's commands: `python -m lab up|down|status|tools`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from types import FrameType

from lab import commands
from lab.down import down
from lab.errors import DiskFull, Interrupted, LabError, is_disk_full
from lab.locks import only_run
from lab.progress import Progress
from lab.settings import Settings, from_environment, lock_folder
from lab.status import describe
from lab.tools import tools
from lab.up import up


def main(arguments: list[str]) -> int:
    """Run one command, return the exit code; an error that a user can meet ends in a sentence, not in a traceback."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True)
    subparsers.add_parser("up", help="bring the lab up, or heal it")
    subparsers.add_parser("down", help="remove the lab; the cache stays")
    subparsers.add_parser("tools", help="put promtool, amtool and alertmanager into lab/bin; no cluster is needed")
    status = subparsers.add_parser("status", help="say what runs")
    status.add_argument("--json", action="store_true", help="for programs")
    chosen = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        return _run(chosen, from_environment())
    except LabError as error:
        print(f"\nlab: {error}", file=sys.stderr)
    except BrokenPipeError:
        # Who reads the output has seen enough; Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if not is_disk_full(error):
            raise
        print(f"\nlab: {DiskFull('writing ' + str(error.filename))}", file=sys.stderr)
    return 1


def _run(chosen: argparse.Namespace, settings: Settings) -> int:
    if chosen.command == "status":
        report = describe(settings)
        print(
            json.dumps(report, indent=2)
            if chosen.json
            else "\n".join(f"{key}: {value}" for key, value in report.items())
        )
        return 0 if report["healthy"] else 1
    if chosen.command == "tools":
        tools(settings, Progress())
        return 0
    with only_run(lock_folder(), settings.name):
        (up if chosen.command == "up" else down)(settings, Progress())
    return 0


def _stop(number: int, _frame: FrameType | None) -> None:
    # A second signal must not interrupt the cleaning up after the first.
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    commands.stop_all()
    raise Interrupted(signal.Signals(number).name)
