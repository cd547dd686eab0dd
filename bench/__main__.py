"""python -m bench [--rounds 5] [--only CASE ...] [--output FILE]: measures and writes the table."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from bench import cases, proxying, rivals
from bench.playing import Bench, BenchFailed
from bench.report import missed, written
from bench.sets import many_ingresses, many_middlewares, namespace
from lab import settings

RESULTS = Path(__file__).parent / "RESULTS.md"
CASES = {
    "applying": cases.applying,
    "reading": cases.reading_kinds,
    "listing": cases.listing,
    "chaining": cases.chaining,
    "refusing": cases.refusing,
    "proxying": proxying.proxying,
}


def main() -> int:
    """Ends with 0 whether the goals are reached or not: the table says so."""
    arguments = _arguments()
    lab = settings.from_environment()
    home = rivals.kubernetes_core(lab.cache)
    kubeconfig = Path(os.environ.get("K8S_AUTH_KUBECONFIG") or lab.kubeconfig)
    bench = Bench(kubeconfig, home, rivals.kubectl())
    try:
        with _crowded(bench, many=arguments.only != ["proxying"]) as cluster:
            series = _measure(cluster, [CASES[name] for name in arguments.only], arguments.rounds)
            shown = cases.secrets_shown(cluster, f"{cluster.crowd}-secrets")
            server = cluster.client.request("GET", "/version")["gitVersion"]
    except BenchFailed as error:
        print(f"Nothing was written: {error}", file=sys.stderr)
        return 1
    versions = {"Kubernetes": server, "kubernetes.core": rivals.version_of_kubernetes_core(home)}
    arguments.output.write_text(written(series, shown, versions, arguments.rounds))
    print(arguments.output.read_text())
    for goal in missed(series):
        print(f"Not reached: {goal}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender runs (5)")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="these cases alone")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the file to write (bench/RESULTS.md)")
    return parser.parse_args()


def _measure(cluster: cases.Cluster, chosen: list[cases.MakeCase], rounds: int) -> dict[str, list[float]]:
    """All contenders in turns, another one first in every round."""
    series: dict[str, list[float]] = {}
    made = [make(cluster) for make in [cases.empty_play, *chosen]]
    for round_ in range(rounds):
        for case in made:
            turn = round_ % len(case)
            for contender in [*case[turn:], *case[:turn]]:
                print(f"round {round_ + 1} of {rounds}: {contender.name}", flush=True)
                for name, value in contender.run(f"{cluster.crowd}-{uuid4().hex[:6]}").items():
                    series.setdefault(name, []).append(value)
    return series


@contextmanager
def _crowded(bench: Bench, many: bool) -> Iterator[cases.Cluster]:
    """A namespace with the many objects, if any case looks at them; it and all that was made are removed in the end."""
    client = Client({"kubeconfig": str(bench.kubeconfig)})
    writer, crowd = Writer(client, check_mode=False), f"bench-{uuid4().hex[:6]}"
    made: list[str] = []

    def fresh(name: str) -> None:
        made.append(name)
        writer.apply([namespace(name)])

    try:
        fresh(crowd)
        if many:
            print("making 2,000 Ingresses and 500 Middlewares ...", flush=True)
            client.concurrently(writer.create, [*many_ingresses(crowd), *many_middlewares(crowd)])
        yield cases.Cluster(bench, client, crowd, fresh)
    finally:
        writer.delete([ObjectRef("v1", "Namespace", name) for name in made])


if __name__ == "__main__":
    sys.exit(main())
