"""Unit tests, sanity and a run on the lab with each supported Python but the one of ``make test``.

    python -m tests.versions                     the collection's unit tests and sanity, oldest and newest Python
    python -m tests.versions --all --lab         every Python, all unit tests; harden, verify, rollback on the lab too
    python -m tests.versions --only 3.13 --steps unit

A Python that this machine does not have is named and passed over. Ends with 1 when a step failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.progress import Progress
from lab.settings import from_environment
from tests.versions import environment, interpreters
from tests.versions.steps import FAILED, ROOT, STEPS, Row, Step, environment_of, run_steps, steps_of, table

LOGS = ROOT / "build/versions"
MISSING = "this machine has no such Python"


def main(arguments: Sequence[str]) -> int:
    """Run what was chosen, print the table. Returns the exit code."""
    known = interpreters.supported(interpreters.REQUIREMENTS.read_text())
    chosen = _parser(known).parse_args(arguments)
    steps = (chosen.steps or ["unit" if chosen.all else "collection", "sanity"]) + (["lab"] if chosen.lab else [])
    if "lab" in steps and not (kubeconfig := from_environment().kubeconfig).is_file():
        print(f"There is no lab ({kubeconfig.relative_to(ROOT)}), so nothing is run on it. `make lab` brings it up.")
        steps = [step for step in steps if step != "lab"]
    own = environment.own_version()
    wanted = chosen.only or wanted_versions(list(known), own, every=chosen.all)
    progress, rows = Progress(), list[Row]()
    for version in wanted:
        rows += _of_version(version, known[version], steps, progress)
    print("\n" + "\n".join(table(rows)) if rows else f"Python {own} is the only one that was asked for: nothing to do.")
    return 1 if any(row.result == FAILED for row in rows) else 0


def wanted_versions(known: Sequence[str], own: str, *, every: bool) -> list[str]:
    """The oldest and the newest, or every one, without the one that runs the other tests."""
    return [version for version in (known if every else dict.fromkeys((known[0], known[-1]))) if version != own]


def _of_version(version: str, core: str, steps: Sequence[str], progress: Progress) -> list[Row]:
    interpreter = interpreters.find_interpreter(version, os.environ["PATH"], interpreters.pyenv_root())
    if not interpreter:
        progress.say(f"Python {version}: {MISSING}, neither on PATH nor in {interpreters.pyenv_root()}")
        return [Row(version, "all", None, MISSING)]
    progress.say(f"Python {version} with ansible-core {core}: {interpreter}")
    folder = environment_of(version)
    if not environment.is_current(folder, version):
        made = Step("setup", [interpreter, environment.__file__, str(folder)])
        rows = run_steps(version, [made], LOGS, progress)
        if rows[0].result == FAILED:
            return rows
    else:
        rows = []
    return rows + run_steps(version, steps_of(version, steps, _artefact(), LOGS / version), LOGS, progress)


def _artefact() -> Path:
    """What `make build` left. Sanity says so when it is not there."""
    return next((ROOT / "build/artefact").glob("*.tar.gz"), ROOT / "build/artefact/none.tar.gz")


def _parser(known: dict[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.versions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--all", action="store_true", help=f"every supported Python: {', '.join(known)}")
    parser.add_argument("--only", action="append", choices=list(known), help="this one, also if it is that of .venv")
    parser.add_argument("--steps", type=_steps, help=f"of {','.join(STEPS)}")
    parser.add_argument("--lab", action="store_true", help="on the lab too; nothing else may use it meanwhile")
    return parser


def _steps(given: str) -> list[str]:
    names = given.split(",")
    if unknown := set(names) - set(STEPS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(STEPS)}")
    return names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
