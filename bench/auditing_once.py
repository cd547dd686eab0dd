"""One measurement of an audit or an explanation, in a process whose memory is its own. Prints one line of JSON.

    python -m bench.auditing_once audit --folder /tmp/reports --kubeconfig /tmp/clusters/kubeconfig-0

The kernel's peak of the address space is what counts: that of getrusage starts with the peak of whoever started us.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

Figures = dict[str, float]
HOST = "site-3.team-7.test"


def rules(arguments: argparse.Namespace) -> Figures:
    """The rules alone over a snapshot, and everything from the lists' objects to the finished reports."""
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Terms, audit
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.report import report_of
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.sarif import as_sarif
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.table import table
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.registry import RULES
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.snapshot import snapshot_of
    from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading
    from ansible_collections.resilient.traefik.plugins.plugin_utils.audit_page.page import page_of
    from tests.unit.audit.large import large

    items = json.loads(json.dumps(list(large().objects.values())))
    started = time.process_time()
    snapshot = snapshot_of(items)
    judged = Cluster(snapshot)
    before = time.process_time()
    found = [hit for rule in RULES for hit in rule.check(judged)]
    ruled = time.process_time()
    whole = audit(snapshot, Terms())
    heading = Heading("the audit", "bench", "", "2026-11-30T09:00:00Z", {})
    report = report_of(heading, whole)
    outputs = [
        json.dumps(report),
        json.dumps(as_sarif(heading, whole)),
        table("the audit", "bench", whole),
        page_of(report),
    ]
    ended = time.process_time()
    assert found
    assert all(outputs)
    return {
        "processor time of the rules: audit, 8,000 objects": ruled - before,
        # The rules ran twice.
        "processor time beyond the lists: audit, 8,000 objects": ended - started - (ruled - before),
    }


def audited(arguments: argparse.Namespace) -> Figures:
    """The module's body, as the action plugin runs it: its lists, and all that it does beside."""
    from ansible_collections.resilient.traefik.plugins.module_utils.audit import module, snapshot
    from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import read_all
    from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
    from ansible_collections.resilient.traefik.plugins.modules.audit import SPEC
    from ansible_collections.resilient.traefik.plugins.plugin_utils.audit_page.page import page_of

    listing = [0.0]

    def timed(*given: Any) -> Any:
        start = time.perf_counter()
        found = read_all(*given)
        listing.append(time.perf_counter() - start)
        return found

    task = Task(_validated(SPEC, _audit(arguments)))
    with mock.patch.object(snapshot, "read_all", timed):
        start, used = time.perf_counter(), time.process_time()
        result = module.run(task, page_of)
        seconds, used = time.perf_counter() - start, time.process_time() - used
    _check(result)
    return {
        "lists: audit": sum(listing),
        "beyond the lists: audit": seconds - sum(listing),
        "whole: audit": seconds,
        "processor time: audit": used,
        "memory: audit": _megabytes(),
    }


def as_module(arguments: argparse.Namespace) -> Figures:
    """The module in a process of its own; what it prints is not looked at again."""
    from ansible.module_utils.testing import patch_module_args

    from ansible_collections.resilient.traefik.plugins.modules import audit

    printed = io.StringIO()
    with patch_module_args(_audit(arguments)), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        audit.main()
    _check(json.loads(printed.getvalue()))
    return {"memory: audit as a module": _megabytes()}


def explained(arguments: argparse.Namespace) -> Figures:
    """One host of the many, behind its login, where everybody answers at once."""
    from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
    from ansible_collections.resilient.traefik.plugins.modules.explain import SPEC

    request = {"host": HOST, "scheme": "https"}
    # A resolver of names is not the product, and there is none for these.
    task = Task(_validated(SPEC, {"kubeconfig": arguments.kubeconfig, "request": request, "resolve": False}))
    start, used = time.perf_counter(), time.process_time()
    result = SPEC.run(task)
    seconds, used = time.perf_counter() - start, time.process_time() - used
    statuses = [each["answer"]["status"] for each in result["replicas"]]
    assert statuses == [200] * 3, result["report"]
    assert str(result["routing"]["winner"]).startswith("team-7-site-3-"), result["routing"]
    assert len(result["targets"]) == 2, result["report"]
    return {"explain": seconds, "processor time: explain": used, "memory: explain": _megabytes()}


def _audit(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "kubeconfig": arguments.kubeconfig,
        "title": "the audit",
        "cluster": "bench",
        "directory": arguments.folder,
        "fail_on": "never",
    }


def _check(result: dict[str, Any]) -> None:
    assert {each["rule"] for each in result["findings"]} == {"RT401"}, result["table"]
    assert len(result["findings"]) == 200, result["table"]
    assert Path(result["files"]["json"]).exists(), result["files"]


def _validated(spec: Any, given: dict[str, Any]) -> dict[str, Any]:
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    found = ArgumentSpecValidator(**spec.arguments()).validate(given)
    assert not found.error_messages, found.error_messages
    return dict(found.validated_parameters)


def _megabytes() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


WHAT: dict[str, Callable[[argparse.Namespace], Figures]] = {
    "rules": rules,
    "audit": audited,
    "module": as_module,
    "explain": explained,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.auditing_once")
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("--folder", required=True, help="where reports go")
    parser.add_argument("--kubeconfig")
    given = parser.parse_args()
    print(json.dumps(WHAT[given.what](given)))
