# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules on what replicas were asked themselves (tag deep): what they loaded, and how sites answer through each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    CRITICAL,
    HIGH,
    Hit,
    RuleBook,
    hit,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.words import listed
from ansible_collections.resilient.traefik.plugins.module_utils.audit.traefiks import Traefik

BOOK = RuleBook()


def _entries(cluster: Cluster, name: str) -> list[Mapping[str, Any]]:
    given = cluster.snapshot.replicas.get(name)
    return [each for each in given if isinstance(each, Mapping)] if isinstance(given, list) else []


def _asked(cluster: Cluster) -> list[Traefik]:
    """The Traefik whose replicas were asked: traefik_info finds the one that there is."""
    return cluster.real_traefiks[:1]


@BOOK.rule(
    "RT331",
    "replicas-differ",
    title="Replicas of Traefik have loaded different routes",
    severity=(CRITICAL, CRITICAL),
    visitors="404, or another page, on the part of the requests that comes to the replica that lacks a route",
    why="A replica that missed an event, or whose last read failed, serves what it had before. Nothing restarts it.",
    remedy="Restart the replica that differs: kubectl delete pod. Then look at its log.",
    source="docs/parity.md",
)
def replicas_differ(cluster: Cluster) -> Iterator[Hit]:
    for traefik in _asked(cluster):
        for each in _entries(cluster, "parity"):
            missing, fields = each.get("missing_at") or [], each.get("differing") or []
            told = f"missing at {listed(map(str, missing))}" if missing else f"differs in {listed(map(str, fields))}"
            if each.get("kind") == "answer":
                told = f"answers {_statuses(each.get('statuses'))}"
            about = f"{each.get('kind')} {each.get('name')}"
            yield hit(traefik.item, f"replicas[{each.get('name')}]", f"{about} {told}")


def _statuses(given: Any) -> str:
    statuses = given if isinstance(given, Mapping) else {}
    return listed([f"{status} at {replica}" for replica, status in statuses.items()], 5)


@BOOK.rule(
    "RT332",
    "loaded-with-errors",
    title="Traefik says itself that it could not load something",
    severity=(CRITICAL, CRITICAL),
    visitors="404 on the route",
    why="The API of a replica reports an error about a router, a service or a middleware.",
    remedy="Repair what the error names.",
    source="Traefik's API",
)
def loaded_with_errors(cluster: Cluster) -> Iterator[Hit]:
    for traefik in _asked(cluster):
        for each in _entries(cluster, "faults"):
            errors = [str(error) for error in each.get("errors") or []] or [str(each.get("status") or "not enabled")]
            about = f"{str(each.get('kind') or '').removesuffix('s')} {each.get('name')}"
            replicas = listed(str(name) for name in each.get("replicas") or [])
            yield hit(traefik.item, f"replicas[{each.get('name')}]", f"{about}: {listed(errors, 2)} ({replicas})")


@BOOK.rule(
    "RT333",
    "site-fails-now",
    title="A site answers with an error of the server, or not at all",
    severity=(HIGH, HIGH),
    visitors="just that, now",
    why="It was asked through the replica itself.",
    remedy="ansible-playbook resilient.traefik.explain -e host=HOST says why.",
)
def site_fails(cluster: Cluster) -> Iterator[Hit]:
    for traefik in _asked(cluster):
        for each in _entries(cluster, "answers"):
            status = each.get("status")
            if each.get("skipped") or (isinstance(status, int) and status < 500):
                continue
            host = str(each.get("name") or "").partition(" ")[0]
            told = str(status) if isinstance(status, int) and status else str(each.get("problem") or "no answer")
            evidence = f"{each.get('request') or each.get('name')} through {each.get('point')}: {told}"
            yield hit(traefik.item, f"answers[{each.get('name')}]", evidence, hosts=[host] if host else [])


@BOOK.rule(
    "RT334",
    "site-answers-differ",
    title="A site answers differently through different replicas",
    severity=(HIGH, HIGH),
    visitors="now this, now that",
    why="The replicas have other routes, or reach other pods of what they ask.",
    remedy="ansible-playbook resilient.traefik.explain -e host=HOST shows both ways side by side.",
)
def answers_differ(cluster: Cluster) -> Iterator[Hit]:
    by_request: dict[tuple[str, str], dict[str, int]] = {}
    for each in _entries(cluster, "answers"):
        if isinstance(each.get("status"), int):
            key = str(each.get("name")), str(each.get("behind") or each.get("point"))
            by_request.setdefault(key, {})[str(each.get("point"))] = int(each["status"])
    for traefik in _asked(cluster):
        for (name, behind), statuses in by_request.items():
            if len(set(statuses.values())) > 1:
                told = listed([f"{status} at {point}" for point, status in statuses.items()], 5)
                hosts = [name.partition(" ")[0]]
                yield hit(traefik.item, f"answers[{name} {behind}]", f"{name}: {told}", hosts=hosts)
