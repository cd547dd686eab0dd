"""The stages of `make test` and `make test-all`: what is run, on which lab, and what waits for what."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lab import settings

# The lab beside the usual one. It comes and goes with a run.
BESIDE = "resilient-traefik-beside"
LABS = "LABS"


@dataclass(frozen=True)
class Stage:
    """A target of the Makefile; its name is another one where two stages play one target.

    The stages of one `lane` follow each other. A `quiet` one measures time: nothing runs beside it. Before it begins,
    what it `needs` has to have passed, and what it comes `after` to have ended. With `beside` it is played on the other
    lab. Stages that play one target `shared` divide its files among them.
    """

    target: str
    lane: str
    quiet: bool = False
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    beside: bool = False
    shared: bool = False
    called: str = ""

    @property
    def name(self) -> str:
        """What it is called, and its logs."""
        return self.called or self.target

    @property
    def command(self) -> list[str]:
        """What is run. What may take its time gives way to the rest: the lab's stages are the longest chain."""
        made = ["make", "--no-print-directory", self.target, *self.variables]
        return made if self.lane != "free" else ["nice", "-n", "10", *made]

    def environment(self) -> dict[str, str]:
        """Variables by which it finds its lab, if that is not the usual one."""
        if not self.beside:
            return {}
        kubeconfig = settings.from_environment({"LAB_NAME": BESIDE}).kubeconfig
        return {"LAB_NAME": BESIDE, "K8S_AUTH_KUBECONFIG": str(kubeconfig)}


DEPTH = ("DEPTH=short",)
EVERY = ("WITH=--all",)
LAB, OTHER_LAB = ("lab",), ("lab-beside",)
# What somebody did to his lab is no part of a proof: `make demo` leaves it hardened.
NO_LAB = Stage("lab-down", "lab", called="no-lab")

# What needs no lab runs while the lab is built and while its tests wait. Three workers leave no processor idle: beside
# them these cost as much time as they take. What follows them leaves one of two.
FREE = (
    Stage("chromium", "free"),
    Stage("lint", "free"),
    Stage("unit", "free", after=("together",)),
    Stage("rules", "free"),
    Stage("browser", "free", needs=("chromium",)),
    Stage("sanity", "free"),
)
SHORT = (
    NO_LAB,
    Stage("lab", "lab"),
    Stage("together", "lab", needs=LAB, variables=DEPTH),
    # Its drills expect short waits, and get them beside what is alone, and not beside three workers.
    Stage("molecule", "lab", needs=LAB, variables=DEPTH),
    Stage("alone", "lab", needs=LAB, variables=DEPTH, shared=True),
    # Out of the cache that the first one has filled, and not beside three workers.
    Stage("lab", "beside", needs=LAB, after=("together",), beside=True, called="lab-beside"),
    Stage("versions-lab", "beside", needs=OTHER_LAB, beside=True),
    Stage("alone", "beside", needs=OTHER_LAB, variables=DEPTH, beside=True, shared=True, called="alone-beside"),
    # Whatever became of the others: a lab that does nothing takes part of a processor too.
    Stage("lab-down", "beside", beside=True),
    *(replace(each, variables=DEPTH) for each in FREE),
    Stage("artefact", "free", variables=DEPTH),
    Stage("versions", "free"),
    # Takes next to no processor; but its stand-ins answer in time only where nobody else takes it. Beside one test at a
    # time on the lab they do (at a load of 4), and beside all of these they do not.
    Stage("loopback", "loopback", after=("together", "versions"), variables=DEPTH),
    Stage("authentik-db", "lab", needs=LAB),
    Stage("quiet", "lab", quiet=True, needs=LAB, variables=DEPTH),
    # The lab is another one meanwhile, so that nothing else of the lab's can follow or wait beside it.
    Stage("ordinary", "lab", needs=LAB, variables=DEPTH),
)
ALL = (
    NO_LAB,
    Stage("lab", "lab"),
    Stage("together", "lab", needs=LAB),
    Stage("molecule", "lab", needs=LAB),
    Stage("alone", "lab", needs=LAB, shared=True),
    Stage("lab", "beside", needs=LAB, after=("together",), beside=True, called="lab-beside"),
    Stage("versions-lab", "beside", needs=OTHER_LAB, variables=EVERY, beside=True),
    Stage("alone", "beside", needs=OTHER_LAB, beside=True, shared=True, called="alone-beside"),
    Stage("lab-down", "beside", beside=True),
    *FREE,
    Stage("artefact", "free"),
    Stage("floors", "free"),
    Stage("site", "free"),
    Stage("versions", "free", variables=EVERY),
    Stage("rules-built", "free"),
    Stage("loopback", "loopback", after=("together", "rules-built")),
    Stage("quiet", "lab", quiet=True, needs=LAB),
    Stage("authentik-db", "lab", needs=LAB),
    Stage("monitoring", "lab", needs=LAB),
    # Its tests measure time too.
    Stage("other-traefik", "lab", quiet=True, needs=LAB),
    Stage("ordinary", "lab", needs=LAB),
)
DEPTHS = {"short": SHORT, "all": ALL}


def plan(depth: str, environment: Mapping[str, str] = os.environ) -> tuple[Stage, ...]:
    """The stages of a depth, on the usual lab, with LABS=2 on two of them. Raises ValueError for any other number."""
    labs = environment.get(LABS) or "1"
    if labs not in ("1", "2"):
        raise ValueError(f"{LABS}={labs}: the tests are played on 1 lab or on 2.")
    return DEPTHS[depth] if labs == "2" else on_one_lab(DEPTHS[depth])


def on_one_lab(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The same without the other lab: what is played there follows what is played here, before time is measured."""
    own = {"lab-beside", "alone-beside", "lab-down"}
    moved = [
        Stage(each.target, "lab", needs=LAB, variables=each.variables)
        for each in stages
        if each.beside and each.name not in own
    ]
    ended = next(number for number, each in enumerate(stages) if each.name == "alone")
    kept = [each for each in stages if not each.beside]
    return (*kept[:ended], *moved, *kept[ended:])


def only(stages: tuple[Stage, ...], names: Collection[str]) -> tuple[Stage, ...]:
    """The stages of these names, and those that they need. Raises ValueError for a name that none of them has."""
    known = {each.name: each for each in stages}
    unknown = sorted(set(names) - known.keys())
    if unknown:
        raise ValueError(f"There is no stage {', '.join(unknown)}. There are: {', '.join(known)}.")
    wanted, added = set[str](), set(names)
    while added:
        wanted |= added
        added = {need for name in added for need in known[name].needs} - wanted
    return tuple(
        replace(each, after=tuple(name for name in each.after if name in wanted))
        for each in stages
        if each.name in wanted
    )


def shared_folder(build: Path, stage: Stage) -> Path:
    """Where stages that play one target note which files are taken."""
    return build / "shared" / stage.target
