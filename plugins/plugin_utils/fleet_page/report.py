# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What became of each cluster of a run, side by side and the worst first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SCHEMA = 1
FAILED, UNREACHABLE, NOT_BEGUN, UNKNOWN = "failed", "unreachable", "not_begun", "ended"
# From the worst to the best. What a playbook says besides is as good as the last.
VERDICTS = (
    UNREACHABLE,
    FAILED,
    "rollback_failed",
    "inconclusive",
    "deviated",
    NOT_BEGUN,
    "not_run",
    UNKNOWN,
    "planned",
    "rolled_back",
    "passed",
)
WORDS = {
    UNREACHABLE: "unreachable",
    FAILED: "failed",
    "rollback_failed": "not as before",
    "inconclusive": "inconclusive",
    "deviated": "deviated",
    NOT_BEGUN: "not begun",
    "not_run": "not run",
    UNKNOWN: "ended, told nothing",
    "planned": "planned",
    "rolled_back": "rolled back",
    "passed": "passed",
}
# The looks that the house of the drills' page has for verdicts.
TONES = {UNREACHABLE: "deviated", FAILED: "deviated", NOT_BEGUN: "not_run", UNKNOWN: "not_run"}
TONES |= {"planned": "passed", "rolled_back": "passed"}
# With these a playbook fails, and says better than Ansible why.
_OWN = ("rollback_failed", "inconclusive", "deviated", NOT_BEGUN, "not_run")


@dataclass(frozen=True)
class Seen:
    """What Ansible saw of a host: how often it failed and could not be reached, and what the last failure said."""

    failures: int = 0
    unreachable: int = 0
    problem: str = ""
    task: str = ""


def fleet_report(
    hosts: Sequence[str], seen: Mapping[str, Seen], told: Mapping[str, Mapping[str, Any]], time: str, playbook: str
) -> dict[str, Any]:
    """The report as JSON has it. ``told`` is what playbooks said by ``set_stats``, ``time`` UTC in ISO 8601."""
    clusters = [_cluster(host, seen.get(host), told.get(host)) for host in dict.fromkeys(hosts)]
    clusters.sort(key=lambda cluster: (_rank(cluster["verdict"]), -_failed(cluster), cluster["cluster"]))
    return {
        "schema": SCHEMA,
        "time": time,
        "playbook": playbook,
        "verdict": clusters[0]["verdict"] if clusters else UNKNOWN,
        "counts": _counts(clusters),
        "areas": _areas(clusters),
        "clusters": clusters,
    }


def _cluster(host: str, seen: Seen | None, told: Mapping[str, Any] | None) -> dict[str, Any]:
    said = told or {}
    problem = seen.problem if seen and (seen.failures or seen.unreachable) else ""
    return {
        "cluster": host,
        "verdict": _verdict(seen, said),
        "playbook": str(said.get("playbook") or ""),
        "run_id": str(said.get("run_id") or ""),
        "counts": dict(said.get("counts") or {}),
        "areas": {str(area["name"]): dict(area) for area in said.get("areas") or []},
        "task": seen.task if seen and problem else "",
        "problem": problem,
        "report": str(said.get("report") or ""),
    }


def _verdict(seen: Seen | None, said: Mapping[str, Any]) -> str:
    if seen is None:
        return NOT_BEGUN
    own = str(said.get("verdict") or UNKNOWN).replace(" ", "_")
    if seen.unreachable:
        return UNREACHABLE
    # A playbook that failed may have told something good before.
    if seen.failures and _rank(own) > _rank(FAILED):
        return own if own in _OWN else FAILED
    return own


def _rank(verdict: str) -> int:
    return VERDICTS.index(verdict if verdict in VERDICTS else UNKNOWN)


def _failed(cluster: Mapping[str, Any]) -> int:
    found = cluster["counts"].get("failed", 0)
    return int(found) if str(found).isdigit() else 0


def _counts(clusters: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Clusters by verdict, the worst first."""
    verdicts = [cluster["verdict"] for cluster in clusters]
    return {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts), key=_rank)}


def _areas(clusters: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of areas, in the order of the first cluster that has them."""
    return list(dict.fromkeys(name for cluster in clusters for name in cluster["areas"]))


def table(report: Mapping[str, Any]) -> list[str]:
    """The report as lines of text: cluster, verdict, what was counted, and what was wrong."""
    rows = [("Cluster", "Verdict", "Counted", "What was wrong")]
    rows += [
        (each["cluster"], word_of(each["verdict"]), counted(each["counts"]), _first_sentence(each["problem"]))
        for each in report["clusters"]
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ["  ".join([*map(str.ljust, row[:3], widths), row[3]]).rstrip() for row in rows]


def word_of(verdict: str) -> str:
    """The verdict as people read it."""
    return WORDS.get(verdict, verdict.replace("_", " "))


def counted(counts: Mapping[str, Any]) -> str:
    """``96 passed, 2 failed``; what is none is left out."""
    return ", ".join(f"{count} {str(name).replace('_', ' ')}" for name, count in counts.items() if count)


def _first_sentence(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else f"{line[:157]}..."
