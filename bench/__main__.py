"""python -m bench [--rounds 5] [--only CASE ...] [--output FILE]: measures and writes the table.

Each case is written when it is over; what others have measured before stays. Of the cases of ALONE none looks at the
lab: with --only auditing there need not be one.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date
from pathlib import Path
from uuid import uuid4

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from bench import auditing, cases, growing, measuring, outage, proxying, results, rivals, wrk
from bench.playing import Bench, BenchFailed
from bench.report import missed, written
from bench.sets import many_ingresses, many_middlewares, namespace
from lab import settings

RESULTS = Path(__file__).parent / "RESULTS.md"
KEPT = Path(__file__).parent / "results.json"
# What runs plays, and compares their times.
PLAYED = {
    "applying": cases.applying,
    "reading": cases.reading_kinds,
    "listing": cases.listing,
    "chaining": cases.chaining,
    "refusing": cases.refusing,
}
# How often one measurement is tried when an answer is not as it should be: other work may take the machine meanwhile.
TRIES = 3
CASES = {
    **PLAYED,
    "proxying": proxying.proxying,
    "outage": outage.outage,
    "growing": growing.growing,
    "measuring": measuring.measuring,
}
# What brings its own cluster, for as long as it is measured.
ALONE: dict[str, Callable[[], AbstractContextManager[cases.Case]]] = {"auditing": auditing.auditing}


def main() -> int:
    """Ends with 0 whether the goals are reached or not: the table says so."""
    arguments = _arguments()
    kept = KEPT if arguments.output == RESULTS else arguments.output.with_suffix(".json")
    on_lab = [name for name in arguments.only if name in CASES]
    try:
        with _crowded(on_lab) if on_lab else nullcontext() as cluster:
            found = _measure_all(arguments, cluster, kept)
    except BenchFailed as error:
        print(f"Nothing was written of the case that failed: {error}", file=sys.stderr)
        return 1
    print(arguments.output.read_text())
    for goal in missed(found):
        print(f"Not reached: {goal}")
    return 0


def _measure_all(arguments: argparse.Namespace, cluster: cases.Cluster | None, kept: Path) -> results.Results:
    plays = cluster is not None and bool(PLAYED.keys() & set(arguments.only))
    shown = cases.secrets_shown(cluster, f"{cluster.crowd}-secrets") if cluster and plays else {}
    versions = _versions(cluster) if cluster else {}
    for name in arguments.only:
        with _contenders(name, cluster) as case:
            floor = cases.empty_play(cluster) if cluster and name in PLAYED else []
            section = _measure(name, arguments.rounds, case, floor, cluster.crowd if cluster else "bench")
        found = results.add(kept, name, section, shown, versions)
        arguments.output.write_text(written(found))
    return found


@contextmanager
def _contenders(name: str, cluster: cases.Cluster | None) -> Iterator[cases.Case]:
    if name in ALONE:
        with ALONE[name]() as case:
            yield case
    elif cluster:
        yield CASES[name](cluster)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender runs (5)")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="CASE",
        choices=[*CASES, *ALONE],
        default=[*CASES, *ALONE],
        help="measure these cases alone",
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="the file to write (bench/RESULTS.md)")
    return parser.parse_args()


def _versions(cluster: cases.Cluster) -> dict[str, str]:
    return {
        "Kubernetes": cluster.client.request("GET", "/version")["gitVersion"],
        "kubernetes.core": rivals.version_of_kubernetes_core(cluster.bench.collections),
        "wrk": wrk.version(),
    }


def _measure(name: str, rounds: int, case: cases.Case, floor: Sequence[cases.Contender], crowd: str) -> results.Section:
    """All contenders of a case in turns, another one first in every round."""
    section = results.Section(date.today().isoformat(), rounds)
    for round_ in range(rounds):
        turn = round_ % len(case)
        for contender in [*floor, *case[turn:], *case[:turn]]:
            print(f"{name}, round {round_ + 1} of {rounds}: {contender.name}", flush=True)
            _add(section, contender, crowd)
    return section


def _add(section: results.Section, contender: cases.Contender, crowd: str) -> None:
    """One measurement, once more where it means nothing. Raises BenchFailed where it never does."""
    for left in reversed(range(TRIES)):
        load = round(os.getloadavg()[0], 1)
        try:
            samples = contender.run(f"{crowd}-{uuid4().hex[:6]}")
            break
        except BenchFailed as error:
            if not left:
                raise
            section.discarded += 1
            print(f"Measured again: {error}", flush=True)
    section.loads.append(load)
    for figure, value in samples.items():
        section.series.setdefault(figure, []).append(value)


@contextmanager
def _crowded(names: Sequence[str]) -> Iterator[cases.Cluster]:
    """The lab, with a namespace of the many objects if a case looks at them; all that was made is removed."""
    lab = settings.from_environment()
    home = rivals.kubernetes_core(lab.cache)
    bench = Bench(Path(os.environ.get("K8S_AUTH_KUBECONFIG") or lab.kubeconfig), home, rivals.kubectl())
    client = Client({"kubeconfig": str(bench.kubeconfig)})
    writer, crowd = Writer(client, check_mode=False), f"bench-{uuid4().hex[:6]}"
    made: list[str] = []

    def fresh(name: str) -> None:
        made.append(name)
        writer.apply([namespace(name)])

    try:
        fresh(crowd)
        if PLAYED.keys() & set(names):
            print("making 2,000 Ingresses and 500 Middlewares ...", flush=True)
            client.concurrently(writer.create, [*many_ingresses(crowd), *many_middlewares(crowd)])
        yield cases.Cluster(bench, client, crowd, fresh)
    finally:
        writer.delete([ObjectRef("v1", "Namespace", name) for name in made])


if __name__ == "__main__":
    sys.exit(main())
