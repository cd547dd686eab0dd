# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module audit: read once, judge, write the reports."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.audit import suppressions
from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import NEVER, Audit, Key, Terms, audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.manifests import read_manifests
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    HIGH,
    PRODUCTION,
    PROFILES,
    SEVERITIES,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.junit import as_junit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.prometheus import as_prometheus
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.report import report_of
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.sarif import as_sarif
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.table import summary, table
from ansible_collections.resilient.traefik.plugins.module_utils.audit.snapshot import Snapshot, read_snapshot
from ansible_collections.resilient.traefik.plugins.module_utils.audit.suppressions import Suppression
from ansible_collections.resilient.traefik.plugins.module_utils.drill import verdict
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading, path_of, write_whole
from ansible_collections.resilient.traefik.plugins.module_utils.proof.versions import own_version
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

JSON, HTML, SARIF, JUNIT, PROMETHEUS = "json", "html", "sarif", "junit", "prometheus"
_ENDINGS = {JSON: "json", HTML: "html", SARIF: "sarif", JUNIT: "xml", PROMETHEUS: "prom"}
OPTIONS: dict[str, dict[str, Any]] = {
    "title": {"type": "str", "required": True},
    "cluster": {"type": "str", "required": True},
    "run_id": {"type": "str"},
    "versions": {"type": "dict", "default": {}},
    "directory": {"type": "path", "default": "build"},
    "name": {"type": "str", "default": "audit"},
    "outputs": {"type": "list", "elements": "str", "choices": list(_ENDINGS), "default": [JSON, HTML]},
    "profile": {"type": "str", "choices": list(PROFILES), "default": PRODUCTION},
    "fail_on": {"type": "str", "choices": [*SEVERITIES, NEVER], "default": HIGH},
    "suppressions": {"type": "raw", "default": []},
    "baseline": {"type": "path"},
    "manifests": {"type": "list", "elements": "path", "default": []},
    "manifests_complete": {"type": "bool", "default": False},
    "manifests_namespace": {"type": "str", "default": "default"},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
    "replicas": {"type": "dict", "default": {}},
}
# Takes the report as the JSON has it.
Page = Callable[[Mapping[str, Any]], str]


class OverThreshold(errors.ResilientError):
    """There are findings that the audit is to fail on, or too little could be judged."""


def run(task: Task, page: Page | None = None) -> dict[str, Any]:
    """Judge the cluster, or the files, and write the reports. Raises OverThreshold with the same facts, BadArgument.

    ``page`` renders the HTML; without it, as in a module of its own, there is none, which a warning says.
    """
    params = task.params
    given = _suppressions(params["suppressions"])
    known = _baseline(params["baseline"])
    snapshot = _snapshot(task)
    terms = Terms(params["profile"], params["fail_on"], given, known, cluster_domain=params["cluster_domain"])
    found = audit(snapshot, terms)
    heading = _heading(params, found)
    files = _write(task, heading, found, page)
    facts = {
        "table": table(heading.title, heading.cluster, found),
        "summary": summary(found),
        "verdict": found.verdict,
        "exit_code": verdict.EXIT_CODES[found.verdict],
        "counts": found.counts,
        "blast_radius": [each.as_dict() for each in found.radii],
        "findings": [each.as_dict() | {"new": each.key in found.new} for each in found.findings],
        "notes": list(found.notes),
        "files": {kind: str(path) for kind, path in files.items()},
    }
    if found.verdict != verdict.PASSED:
        raise OverThreshold(f"{heading.title}: {_why(found)}", **facts)
    return {"changed": False} | facts


def _why(found: Audit) -> str:
    if found.over:
        worst = found.over[0]
        more = f" and {len(found.over) - 1} more" if len(found.over) > 1 else ""
        return f"{worst.rule} {worst.ref}: {worst.evidence}{more} (severity {found.terms.fail_on} or worse fails)"
    if found.verdict == verdict.NOT_RUN:
        return "there is no Traefik in this cluster, going by labels and images: nothing was judged"
    unread = "; ".join(f"{kind}: {message}" for kind, message in found.snapshot.unread.items())
    return f"too little could be read to say that nothing is wrong: {unread}"


def _snapshot(task: Task) -> Snapshot:
    params = task.params
    if params["manifests"]:
        return read_manifests(params["manifests"], params["manifests_namespace"], params["manifests_complete"])
    return replace(read_snapshot(task.client), replicas=dict(params["replicas"] or {}))


def _suppressions(given: Any) -> Sequence[Suppression]:
    """A list, or the path of a YAML file with one. Raises BadArgument with all that is wrong."""
    if isinstance(given, str) and given.strip():
        path = Path(given).expanduser()
        try:
            given = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise errors.BadArgument(f"suppressions: {path} cannot be read: {error}") from None
    if not isinstance(given or [], list):
        raise errors.BadArgument("suppressions: expected a list, or the path of a file with one")
    found, faults = suppressions.parsed(given or [])
    if faults:
        raise errors.BadArgument(". ".join(faults))
    return found


def _baseline(path: str | None) -> frozenset[Key]:
    """The keys of an earlier report's findings. Raises BadArgument."""
    if not path:
        return frozenset()
    try:
        report = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
        entries = [*report["findings"], *report["suppressed"]]
        return frozenset((each["rule"], str(ObjectRef(**each["object"])), each["field"]) for each in entries)
    except OSError as error:
        raise errors.BadArgument(f"baseline: {path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise errors.BadArgument(f"baseline: {path} is no JSON report of an audit") from None


def _heading(params: Mapping[str, Any], found: Audit) -> Heading:
    versions = found.versions | {name: str(each) for name, each in params["versions"].items()} | own_version()
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Heading(params["title"], params["cluster"], params["run_id"] or "", time, versions)


def _write(task: Task, heading: Heading, found: Audit, page: Page | None) -> dict[str, Path]:
    """The paths by kind, also those that check mode does not write."""
    wanted = [kind for kind in _ENDINGS if kind in task.params["outputs"]]
    if HTML in wanted and page is None:
        wanted.remove(HTML)
        task.warnings.append("the page is only made on the controller, and this module ran elsewhere: there is no HTML")
    name = Path(task.params["directory"]), task.params["name"], heading.cluster
    files = {kind: path_of(*name, _ENDINGS[kind]) for kind in wanted}
    if task.check_mode and files:
        task.warnings.append(f"check mode writes no report: {', '.join(map(str, files.values()))}")
        return files
    for kind in wanted:
        write_whole(files[kind], _content(kind, heading, found, page))
    return files


def _content(kind: str, heading: Heading, found: Audit, page: Page | None) -> bytes:
    if kind == JUNIT:
        return as_junit(heading, found)
    if kind == PROMETHEUS:
        return as_prometheus(heading, found).encode()
    if kind == SARIF:
        return (json.dumps(as_sarif(heading, found), indent=2) + "\n").encode()
    report = report_of(heading, found)
    if kind == HTML and page is not None:
        return page(report).encode("utf-8", "replace")
    return (json.dumps(report, indent=2) + "\n").encode()
