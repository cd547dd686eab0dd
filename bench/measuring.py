"""What the measurement of a drill costs itself: how late its requests are sent, and whether its memory grows.

For longer than a round of the bench: python -m bench.measuring --seconds 600 --kubeconfig lab/kubeconfig
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ansible_collections.resilient.traefik.plugins.module_utils.drill.figures import quantile
from ansible_collections.resilient.traefik.plugins.module_utils.drill.measurement import Measurement
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import find_workload
from bench.cases import Case, Cluster, Contender, Samples
from bench.playing import ROOT, BenchFailed

# A site that asks nobody for a login, so that what others do to the login does not count.
HOST, PATH = "public.lab.test", "/status/200"
RATE, SECONDS = 200, 60.0
# Connections and threads are there by then.
_SETTLED_SECONDS = 10.0
_STEP_SECONDS = 5.0


def measuring(cluster: Cluster) -> Case:
    """Lateness in seconds and memory in MB, at a rate of so many requests a second through every replica."""

    def run(_: str) -> Samples:
        options = ["--kubeconfig", str(cluster.bench.kubeconfig), "--seconds", str(SECONDS), "--rate", str(RATE)]
        # A process of its own: its memory is the measurement's alone.
        program = [sys.executable, "-m", "bench.measuring", *options]
        environment = {"PYTHONPATH": f"{ROOT}:{ROOT / '.collections'}"}
        ran = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS + 120)
        if ran.returncode:
            raise BenchFailed(ran.stderr[-3000:])
        found = json.loads(ran.stdout.splitlines()[-1])
        return {
            f"{figure}: drill's measurement, {RATE} a second and replica": found[name]
            for figure, name in (
                ("lateness p50", "late_p50"),
                ("lateness p99", "late_p99"),
                ("lateness longest", "late_longest"),
                ("rate", "rate"),
                ("number not sent", "not_sent"),
                ("number failed", "failed"),
                ("share of a core", "core_percent"),
                ("memory in use", "megabytes"),
                ("memory gained", "gained_megabytes"),
            )
        }

    return [Contender("drill's measurement", run)]


def main() -> None:
    """Measures once, and prints the memory step by step and then one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.measuring")
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--rate", type=float, default=RATE, help="requests a second and replica")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder) / "requests.csv.gz"
        found = _measured(arguments.kubeconfig, arguments.rate, arguments.seconds, spool)
    print(json.dumps(found))


def _measured(kubeconfig: str, rate: float, seconds: float, spool: Path) -> dict[str, float]:
    client = Client({"kubeconfig": kubeconfig})
    visitors = [Visitor("anybody", Request(host=HOST, path=PATH), guarded=False, before=(200,))]
    measured = Measurement(
        client, find_workload(client, "traefik"), "web", visitors, rate=rate, max_seconds=10, spool=spool
    )
    with measured.running():
        measured.sent_until(time.time() + _SETTLED_SECONDS)
        began, used, memory = time.time(), _cpu_seconds(), [_megabytes()]
        while (passed := time.time() - began) < seconds:
            measured.sent_until(time.time() + min(_STEP_SECONDS, seconds - passed))
            memory.append(_megabytes())
            print(f"{time.time() - began:.0f} s: {memory[-1]:.1f} MB", flush=True)
        ended, used = time.time(), _cpu_seconds() - used
    # Sorted lists of everything come after the memory was looked at.
    records = [record for record in measured.records() if began <= record.sent < ended]
    late = sorted(record.late for record in records)
    return {
        "late_p50": quantile(late, 0.5),
        "late_p99": quantile(late, 0.99),
        "late_longest": late[-1],
        "rate": len(records) / (ended - began),
        "not_sent": measured.not_sent,
        "failed": sum(record.status != 200 for record in records),
        "core_percent": 100 * used / (ended - began),
        "megabytes": memory[-1],
        "gained_megabytes": memory[-1] - memory[0],
    }


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _megabytes() -> float:
    """What the process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    main()
