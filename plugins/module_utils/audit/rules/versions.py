# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules on versions: known holes, release lines without fixes, images that say none."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.resilient.traefik.plugins.module_utils.audit import authentik, known_versions
from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster
from ansible_collections.resilient.traefik.plugins.module_utils.audit.known_versions import AS_OF
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    CRITICAL,
    HIGH,
    LOW,
    MEDIUM,
    Hit,
    RuleBook,
    hit,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.traefik import container_field
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.words import listed
from ansible_collections.resilient.traefik.plugins.module_utils.audit.traefiks import Traefik
from ansible_collections.resilient.traefik.plugins.module_utils.authentik import workloads
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import version_of

BOOK = RuleBook()
_DATA = f"plugins/module_utils/audit/known_versions.py, as of {AS_OF}"


def _numbers(traefik: Traefik) -> tuple[int, ...]:
    parts = traefik.workload.version.split("-")[0].split(".") if traefik.workload else []
    return tuple(int(part) for part in parts) if parts and all(part.isdigit() for part in parts) else ()


@BOOK.rule(
    "RT521",
    "traefik-known-hole",
    title="Traefik runs in a version with known holes",
    severity=(HIGH, HIGH),
    visitors="nothing, until somebody uses them",
    why="The holes are published, and fixed in later versions.",
    remedy="Update to the newest patch of 3.7.",
    source=_DATA,
)
def traefik_hole(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        holes = [each for each in known_versions.TRAEFIK_HOLES if each.affects(_numbers(traefik))]
        if holes and traefik.workload:
            told = "; ".join(f"{each.id} ({each.published}): {each.about}" for each in holes)
            field = f"{container_field(traefik)}.image"
            yield hit(traefik.item, field, f"{traefik.workload.version} has {told}", hosts=traefik.hosts)


@BOOK.rule(
    "RT522",
    "traefik-version-unpinned",
    title="Traefik's image says no full version",
    severity=(MEDIUM, LOW),
    visitors="whatever a new version changes, at a moment that nobody chose: when a pod is moved to another node",
    why="With a tag such as latest, or none, each node runs what it pulled last: replicas may differ.",
    remedy="Name the full version in the image's tag.",
)
def unpinned(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        image = traefik.known.image
        if image and "@sha256:" not in image and version_of(image).count(".") < 2:
            field = f"{container_field(traefik)}.image"
            yield hit(traefik.item, field, f"its image is {image}", hosts=traefik.hosts)


@BOOK.rule(
    "RT523",
    "traefik-line-without-fixes",
    title="Traefik runs in a release line that gets no fixes any more",
    severity=(MEDIUM, LOW),
    visitors="nothing, until the next hole is published",
    why="Only the newest minor version of 3, and 2.11 for the time being, get fixes.",
    remedy="Update to 3.7. From 2 read the migration guide first: rule syntax and API groups change.",
    source=_DATA,
)
def line_without_fixes(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        numbers = _numbers(traefik)
        if numbers and known_versions.is_old_line(numbers, known_versions.TRAEFIK_LINES) and traefik.workload:
            lines = listed(f"{major}.{minor}" for major, minor in known_versions.TRAEFIK_LINES)
            evidence = f"it is {traefik.workload.version}; {lines} get fixes"
            yield hit(traefik.item, f"{container_field(traefik)}.image", evidence, hosts=traefik.hosts)


@BOOK.rule(
    "RT707",
    "authentik-known-hole",
    title="authentik runs in a version with known holes",
    severity=(CRITICAL, CRITICAL),
    visitors="the sites behind it, for whoever uses the hole",
    why="The holes are published, and fixed in later versions.",
    remedy="Update to the newest patch of a supported release.",
    source=_DATA,
)
def authentik_hole(cluster: Cluster) -> Iterator[Hit]:
    for item in authentik.components(cluster, "server"):
        version = workloads.version(item)
        holes = [each for each in known_versions.AUTHENTIK_HOLES if each.affects(version)]
        if holes:
            told = "; ".join(f"{each.id} ({each.published}): {each.about}" for each in holes)
            field = "spec.template.spec.containers[0].image"
            evidence = f"{'.'.join(map(str, version))} has {told}"
            yield hit(item, field, evidence, hosts=authentik.hosts(cluster, item))


@BOOK.rule(
    "RT708",
    "authentik-line-without-fixes",
    title="authentik runs in a release that gets no fixes any more",
    severity=(MEDIUM, LOW),
    visitors="nothing, until the next hole is published",
    why="authentik fixes its two newest releases.",
    remedy="Update, one release after the other, and read each one's notes: keys are renamed.",
    source=_DATA,
)
def authentik_line(cluster: Cluster) -> Iterator[Hit]:
    for item in authentik.components(cluster, "server"):
        version = workloads.version(item)
        if version and known_versions.is_old_line(version, known_versions.AUTHENTIK_LINES):
            lines = listed(f"{year}.{month}" for year, month in known_versions.AUTHENTIK_LINES)
            evidence = f"it is {'.'.join(map(str, version))}; {lines} get fixes"
            yield hit(item, "spec.template.spec.containers[0].image", evidence, hosts=authentik.hosts(cluster, item))
