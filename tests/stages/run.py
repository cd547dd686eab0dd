"""Runs all that `make test` checks, as far as possible at the same time, and says where the time went.

`python -m tests.stages.run short` proves each behaviour once, `all` proves it in every variation too. A stage is a
target of the Makefile (tests/stages/plan.py). What it prints lies in build/logs; of one that fails, the end is shown.
build/durations.json has every figure. With the variable STAGES only those of these names are run, and what they need.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.stages import durations, sharing, table, tested
from tests.stages.plan import Stage, only, plan, shared_folder

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
BEAT_SECONDS = 60.0
SHOWN_LINES = 150


@dataclass
class Ended:
    """What became of a stage: seconds of the clock, and of the processors for its own processes."""

    stage: Stage
    code: int
    began: float
    seconds: float
    cpu: float
    log: Path
    skipped: str = ""


@dataclass
class Run:
    """One run of many stages."""

    stages: Sequence[Stage]
    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    ended: list[Ended] = field(default_factory=list)
    running: dict[str, float] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def run(self) -> bool:
        """Run every stage to its end. Returns whether all of them passed."""
        lanes = dict.fromkeys(stage.lane for stage in self.stages)
        threads = [threading.Thread(target=self._lane, args=(lane,), daemon=True) for lane in lanes]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            threads[0].join(BEAT_SECONDS) if threads[0].is_alive() else time.sleep(1)
            threads = [thread for thread in threads if thread.is_alive()]
            self._beat()
        return len(self.ended) == len(self.stages) and all(ended.code == 0 for ended in self.ended)

    def _lane(self, lane: str) -> None:
        for stage in self.stages:
            if stage.lane != lane:
                continue
            broken = self._await_turn(stage)
            self._finish(Ended(stage, 1, 0, 0, 0, Path(), broken) if broken else self._safely_play(stage))

    def _await_turn(self, stage: Stage) -> str:
        """Wait until the stage may begin; returns why it cannot, or nothing."""
        with self._changed:
            self._changed.wait_for(lambda: self._may_begin(stage))
            over = {ended.stage.name: ended for ended in self.ended}
            failed = [need for need in stage.needs if over[need].code]
            if not failed:
                self.running[stage.name] = time.monotonic()
            return f"{', '.join(failed)} failed" if failed else ""

    def _may_begin(self, stage: Stage) -> bool:
        over = {ended.stage.name for ended in self.ended}
        if not over.issuperset((*stage.needs, *stage.after)):
            return False
        quiet = {each.name for each in self.stages if each.quiet}
        if self.running.keys() & quiet:
            return False
        others = {each.name for each in self.stages if each.lane != stage.lane}
        return not stage.quiet or over >= others

    def _safely_play(self, stage: Stage) -> Ended:
        # A lane that ended by an error would leave the others waiting for it.
        try:
            return self._play(stage)
        except Exception as error:
            return Ended(stage, 1, 0, 0, 0, Path(), str(error))

    def _play(self, stage: Stage) -> Ended:
        log, folder = BUILD / "logs" / f"{stage.name}.log", BUILD / "durations" / stage.name
        folder.mkdir(parents=True)
        environment = os.environ | {durations.VARIABLE: str(folder)} | durations.recording_environment()
        environment |= stage.environment()
        if stage.shared:
            shared = shared_folder(BUILD, stage)
            shared.mkdir(parents=True, exist_ok=True)
            environment[sharing.VARIABLE] = str(shared)
        began = time.monotonic()
        self.say(f"{stage.name} ...")
        with log.open("wb") as file:
            # Its own children's processor time, which only the one who waits for it is told.
            process = subprocess.Popen(
                stage.command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )
            _pid, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        cpu = used.ru_utime + used.ru_stime
        return Ended(stage, process.returncode, began - self.began, time.monotonic() - began, cpu, log)

    def _finish(self, ended: Ended) -> None:
        with self._changed:
            self.ended.append(ended)
            self.running.pop(ended.stage.name, None)
            self._changed.notify_all()
        if ended.skipped:
            self.say(f"{ended.stage.name}: not run, {ended.skipped}")
        elif ended.code:
            lines = ended.log.read_text(errors="replace").splitlines()[-SHOWN_LINES:]
            self.say("\n".join([f"{ended.stage.name}: FAILED. The end of {ended.log.relative_to(ROOT)}:", *lines]))
        else:
            self.say(f"{ended.stage.name}: passed in {ended.seconds:.0f} s")

    def _beat(self) -> None:
        with self._changed:
            now = time.monotonic()
            at_it = [f"{name} ({now - began:.0f} s)" for name, began in self.running.items()]
        if at_it:
            self.say(f"still at it: {', '.join(at_it)}")


def main(depth: str, names: Sequence[str] = ()) -> int:
    """Run a depth, or of it the stages of these names and what they need. Returns the exit code."""
    try:
        stages = plan(depth)
        asked = only(stages, names) if names else stages
    except ValueError as error:
        print(error)
        return 2
    for folder in ("logs", "durations", "shared"):
        shutil.rmtree(BUILD / folder, ignore_errors=True)
        (BUILD / folder).mkdir(parents=True)
    began = time.monotonic()
    run = Run(asked, lambda text: print(f"[{time.monotonic() - began:6.0f} s] {text}", flush=True))
    passed = run.run()
    times = [
        table.StageTime(each.stage.name, each.code, each.began, each.seconds, each.cpu, each.skipped)
        for each in run.ended
    ]
    figures = table.collect(depth, time.monotonic() - began, times, BUILD / "durations")
    figures.write(BUILD / "durations.json")
    if depth == "all":
        tested.write(ROOT / "docs" / "tested.md", figures, [each.name for each in stages], ROOT)
    print(figures.table(), flush=True)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], os.environ.get("STAGES", "").split()))
