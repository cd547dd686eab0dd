"""What an audit and an explanation of a large cluster cost, beside kubectl that only reads the same lists.

2,000 Ingresses, 500 IngressRoutes, 500 middlewares, 1,000 Services and their pods, the same in each run, from an API
server of the bench's own: no lab is needed, nor touched. Each measurement is a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ansible_collections.resilient.traefik.plugins.module_utils.audit.shapes import SHAPES
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import CONCURRENCY
from bench import rivals
from bench.api_server import serving
from bench.api_store import resource_of
from bench.cases import Case, Contender, Samples
from bench.playing import ROOT, BenchFailed

LABEL = "audit, 8,000 objects"
# Seconds before each answer: of an API server beside the controller, and of one far away.
LATENCIES = {"": 0.0, ", 50 ms away": 0.05}
# Of the operators that the cluster has none of.
_NOT_SERVED = ("traefik.containo.us", "operator.victoriametrics.com")


@contextmanager
def auditing() -> Iterator[Case]:
    """The contenders, as long as their API servers run. Raises BenchFailed where there is no kubectl."""
    if not rivals.kubectl().exists():
        raise BenchFailed(f"{rivals.kubectl()} is missing: make lab brings it")
    with ExitStack() as stack:
        contenders = [Contender(LABEL, lambda _: _ran("rules"))]
        for away, latency in LATENCIES.items():
            (kubeconfig,) = stack.enter_context(serving(latency))
            contenders += _beside(kubeconfig, away)
        yield contenders


def _beside(kubeconfig: Path, away: str) -> list[Contender]:
    def measured(what: str) -> Contender:
        def run(_: str) -> Samples:
            return {f"{figure}{away}": value for figure, value in _ran(what, kubeconfig).items()}

        return Contender(f"{what}{away}", run)

    def kubectl(words: str, at_once: int) -> Contender:
        name = f"kubectl get --raw, {words}{away}"
        return Contender(name, lambda _: {name: _raw(kubeconfig, at_once)})

    return [
        measured("audit"),
        measured("module"),
        kubectl("one after another", 1),
        kubectl("eight at once", CONCURRENCY),
        measured("explain"),
    ]


def _ran(what: str, kubeconfig: Path | None = None) -> Samples:
    """The figures that a process prints in its last line, and for a module the seconds of the whole process."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**_without_ansible(), "PYTHONPATH": f"{ROOT}:{ROOT / '.collections'}"}
        options = ["--kubeconfig", str(kubeconfig)] if kubeconfig else []
        program = [sys.executable, "-m", "bench.auditing_once", what, "--folder", folder, *options]
        start = time.perf_counter()
        ran = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
        seconds = time.perf_counter() - start
    if ran.returncode:
        raise BenchFailed(ran.stderr[-3000:])
    figures: Samples = json.loads(ran.stdout.splitlines()[-1])
    return figures | ({"audit as a module, the whole process": seconds} if what == "module" else {})


def _without_ansible() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "K8S_AUTH_"))}


def paths() -> list[str]:
    """The lists that the audit reads of this cluster, as paths of its API."""
    kinds = [(version, kind) for kind, of in SHAPES.items() if of.listed for version in of.versions]
    return [resource_of(*each).path() for each in kinds if not each[0].startswith(_NOT_SERVED)]


def _raw(kubeconfig: Path, at_once: int) -> float:
    def get(path: str) -> None:
        program = [str(rivals.kubectl()), "--kubeconfig", str(kubeconfig), "get", "--raw", path]
        ended = subprocess.run(program, capture_output=True, timeout=300, check=False)
        if ended.returncode or not ended.stdout.endswith(b"]}"):
            raise BenchFailed(f"kubectl get --raw {path}: {ended.stderr.decode(errors='replace')[-3000:]}")

    wanted: Sequence[str] = paths()
    start = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(get, wanted))
    return time.perf_counter() - start
