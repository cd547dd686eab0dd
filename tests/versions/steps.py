"""What is run with each Python: commands by step, and one after the other with a line each."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from lab import commands
from lab.errors import LabError
from lab.progress import Progress
from tests.integration.support_books import QUICK

ROOT = Path(__file__).parents[2]
STEPS = ("unit", "collection", "sanity", "lab")
# Code of this repository that users never run.
NOT_THE_COLLECTION = ("lab", "bench", "stages", "versions", "release", "awx")
# Each by ansible-playbook; the last takes back what the first did, whatever became of them.
PLAYBOOKS = ("harden", "verify", "rollback")
PASSED, FAILED = "passed", "failed"


@dataclass(frozen=True)
class Step:
    """One command. ``always`` runs also when one before it, of the same Python, has failed."""

    name: str
    command: Sequence[str]
    env: dict[str, str] = field(default_factory=dict)
    always: bool = True


@dataclass(frozen=True)
class Row:
    """What became of a step."""

    version: str
    step: str
    seconds: float | None
    result: str


def steps_of(version: str, wanted: Iterable[str], artefact: Path, reports: Path) -> list[Step]:
    """The steps of one Python, in the environment ``environment_of`` gives. ``wanted`` are names of STEPS."""
    bin_folder = environment_of(version) / "bin"
    python = str(bin_folder / "python")
    env = {
        "PATH": os.pathsep.join([str(bin_folder), os.environ["PATH"]]),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_HOME": str(ROOT / ".ansible"),
    }
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "resilient-traefik"
    home = str(cache / f"ansible-test-{version}")
    steps = {
        "unit": [Step("unit", unit_tests(python), env)],
        "collection": [Step("collection", unit_tests(python, left_out=NOT_THE_COLLECTION), env)],
        "sanity": [Step("sanity", [python, "tests/sanity/run.py", str(artefact), home], env)],
        "lab": _playbooks(version, str(bin_folder / "ansible-playbook"), env, reports),
    }
    return [step for name in STEPS if name in wanted for step in steps[name]]


def unit_tests(python: str, left_out: Iterable[str] = ()) -> list[str]:
    """Return the command of the unit tests, without those folders of tests/unit."""
    ignored = [f"--ignore=tests/unit/{name}" for name in left_out]
    return [python, "-m", "pytest", "-p", "no:cacheprovider", "tests/unit", *ignored]


def environment_of(version: str) -> Path:
    """The folder of a Python's virtual environment."""
    return ROOT / f".venv-{version}"


def _playbooks(version: str, program: str, env: dict[str, str], reports: Path) -> list[Step]:
    """A whole run on the lab. The rollback names the run, so that it cannot take back somebody else's."""
    run = f"python-{version.replace('.', '-')}-{time.strftime('%Y%m%d-%H%M%S')}"
    names = {"resilient_traefik_run_id": run, "resilient_traefik_report_directory": reports} | QUICK
    given = [word for name, value in names.items() for word in ("-e", f"{name}={value}")]
    books = {name: [program, "-i", "inventories/lab", f"playbooks/{name}.yml", *given] for name in PLAYBOOKS}
    return [Step(name, command, env, always=name != "verify") for name, command in books.items()]


def run_steps(version: str, steps: Sequence[Step], logs: Path, progress: Progress) -> list[Row]:
    """Run them in order, each into a log of its own, and go on after a failure, whose last lines are shown."""
    rows: list[Row] = []
    logs.mkdir(parents=True, exist_ok=True)
    for step in steps:
        if not step.always and any(row.result == FAILED for row in rows):
            rows.append(Row(version, step.name, None, "not run"))
            continue
        begun = time.monotonic()
        passed = _passes(step, version, logs / f"{version}-{step.name}.log", progress)
        rows.append(Row(version, step.name, time.monotonic() - begun, PASSED if passed else FAILED))
    return rows


def _passes(step: Step, version: str, log: Path, progress: Progress) -> bool:
    log.write_text("")
    name = f"Python {version}: {step.name}"
    with progress.step(name), ThreadPoolExecutor(1) as pool:
        running = pool.submit(_run, step, name, log)
        try:
            while not wait([running], timeout=1).done:
                progress.beat()
        except BaseException:
            commands.stop_all()
            raise
    if fault := running.result():
        progress.say(fault)
    return not fault


def _run(step: Step, name: str, log: Path) -> str:
    """What went wrong, empty when nothing did."""
    try:
        commands.run(step.command, doing=name, cwd=ROOT, env=step.env, log=log)
    except LabError as error:
        return str(error)
    return ""


def table(rows: Sequence[Row]) -> list[str]:
    """The rows as lines: version, step, seconds, result."""
    lines = [("Python", "step", "seconds", "result")]
    lines += [(row.version, row.step, "" if row.seconds is None else f"{row.seconds:.0f}", row.result) for row in rows]
    return [f"{version:8}{step:10}{seconds:>8}  {result}".rstrip() for version, step, seconds, result in lines]
