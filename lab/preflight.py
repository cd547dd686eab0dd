"""Checks the machine before anything is built: each finding is one sentence and its remedy, all of them at once."""

from __future__ import annotations

import platform
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab import commands, debian
from lab.engine import Engine, is_root
from lab.errors import LabError
from lab.host_packages import install_missing
from lab.kube import Kubectl
from lab.progress import Progress
from lab.settings import LAB_FOLDER, Settings

GIB = 2**30
# Measured: artefacts 2.3 GB, Go's caches 4.5 GB, the node image 0.9 GB, three nodes 3.5 GB.
DISK_FOR_BUILDING = 14 * GIB
DISK_FOR_RUNNING = 5 * GIB
DISK_FOR_BUILT_TOOLS = 4 * GIB
DISK_FOR_TOOLS = GIB // 2
MEMORY_FOR_A_LAB = 3 * GIB
# Every node's systemd, containerd and kubelet hold some; the kernel's default of 128 is used up by two clusters.
INOTIFY = {"max_user_instances": 1024, "max_user_watches": 524288}
PORTS = (80, 443)

Finding = tuple[str, str]


def check(settings: Settings, source: str, progress: Progress) -> None:
    """Raise LabError with every finding; installs missing Debian packages and raises kernel limits where it may."""
    findings = [
        *rights_findings(source),
        *_go(),
        *disk_findings(settings.cache, _disk_for_a_cluster(settings.cache)),
        *memory_findings(settings),
        *api_port_findings(settings),
        *_inotify(progress),
    ]
    if source == "build":
        findings += _platform()
    _raise(findings)
    if source == "build":
        _raise(install_missing(progress))
        # kind mounts it into every node, and a machine with a built-in kernel may not have it.
        Path("/lib/modules").mkdir(exist_ok=True)


def check_for_tools(settings: Settings, source: str) -> None:
    """Raise LabError with every finding that keeps the tools from being had; nothing of a cluster is asked for."""
    if source == "build":
        _raise([*_go(), *disk_findings(settings.cache, DISK_FOR_BUILT_TOOLS)])
    else:
        _raise([*_packages(), *disk_findings(settings.cache, DISK_FOR_TOOLS)])


def check_node_ports(engine: Engine, kubectl: Kubectl, nodes: list[str]) -> None:
    """Raise LabError when something else than the lab's Traefik holds port 80 or 443 of a node."""
    _raise([*_listeners(engine, nodes), *foreign_host_ports(kubectl.get("pods", "-A", doing="reading the pods"))])


def foreign_host_ports(pod_list: dict[str, Any]) -> list[Finding]:
    """A finding for each pod outside Traefik's namespace that takes a host port which Traefik needs."""
    findings = []
    for pod in pod_list["items"]:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        taken = sorted(set(PORTS) & _host_ports(pod))
        if namespace != "traefik" and taken:
            ports = ", ".join(map(str, taken))
            remedy = f"kubectl delete pod --namespace {namespace} {name}"
            findings.append((f"Pod {namespace}/{name} takes port {ports} of its node.", remedy))
    return findings


def parse_listeners(listing: str) -> list[tuple[int, str]]:
    """Port and program of each line of `ss -Hltnp` that is one of PORTS."""
    found = []
    for line in listing.splitlines():
        fields = line.split()
        port = int(fields[3].rsplit(":", 1)[1]) if len(fields) > 3 else 0
        if port in PORTS:
            found.append((port, fields[5] if len(fields) > 5 else "an unknown program"))
    return found


def _host_ports(pod: dict[str, Any]) -> set[int]:
    return {
        port["hostPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports", [])
        if "hostPort" in port
    }


def _listeners(engine: Engine, nodes: list[str]) -> list[Finding]:
    def look(node: str) -> str:
        return engine.execute(node, "ss", "-Hltnp", doing=f"looking at the ports of {node}")

    with ThreadPoolExecutor(len(nodes)) as pool:
        listings = list(pool.map(look, nodes))
    findings = []
    for node, listing in zip(nodes, listings, strict=True):
        for port, program in parse_listeners(listing):
            problem = f"Port {port} is taken on node {node} by {program}: Traefik's clients could not reach it."
            findings.append((problem, "End that program, or make lab-down and make lab."))
    return findings


def rights_findings(source: str) -> list[Finding]:
    if source == "registry" or is_root():
        return []
    return [
        (
            "Not root, and no Docker or rootless Podman that reaches an image registry: "
            "making the node image here needs the rights of root (debootstrap, chroot).",
            "Run `sudo -E make lab`, or set up Docker or rootless Podman so that it can pull images.",
        )
    ]


def _platform() -> list[Finding]:
    if platform.system() == "Linux" and platform.machine() == "x86_64":
        return []
    here = f"{platform.system()} on {platform.machine()}"
    remedy = "Use LAB_SOURCE=registry, with Docker or Podman."
    return [(f"The `build` source knows Linux on x86_64 only, and this is {here}.", remedy)]


def _go() -> list[Finding]:
    remedy = "Install Go 1.26.8 or newer; an older one from 1.21 on fetches it by itself with GOTOOLCHAIN=auto."
    if shutil.which("go") is None:
        return [("Go was not found, and the lab builds its programs with it.", remedy)]
    asked = commands.run(["go", "env", "GOVERSION"], doing="asking for Go", cwd=LAB_FOLDER / "go" / "kind", check=False)
    return [] if asked.returncode == 0 else [(f"This Go cannot build the lab: {asked.stderr.strip()}", remedy)]


def _packages() -> list[Finding]:
    if debian.is_there():
        return []
    return [("This machine has no apt-get and dpkg-deb to fetch Debian's packages with.", "Use LAB_RULE_TOOLS=build.")]


def _raise(findings: list[Finding]) -> None:
    if findings:
        raise LabError("\n".join(f"{problem}\n  -> {remedy}" for problem, remedy in findings))


def _disk_for_a_cluster(cache: Path) -> int:
    cold = not any((cache / "artefacts").glob("node-image-*"))
    return DISK_FOR_BUILDING if cold else DISK_FOR_RUNNING


def disk_findings(cache: Path, wanted: int) -> list[Finding]:
    places: dict[int, Path] = {}
    for folder in (cache, Path.home(), Path("/var/lib/containers"), Path("/var/lib/docker")):
        there = _existing(folder)
        places.setdefault(there.stat().st_dev, there)
    findings = []
    for folder in places.values():
        free = shutil.disk_usage(folder).free
        if free < wanted:
            problem = (
                f"Only {free / GIB:.1f} GiB are free on the disk of {folder}, and the lab needs {wanted / GIB:.0f}."
            )
            findings.append((problem, "Free some space, or set XDG_CACHE_HOME to a folder on a larger disk."))
    return findings


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def memory_findings(settings: Settings, meminfo: Path = Path("/proc/meminfo")) -> list[Finding]:
    """A finding where a lab that is not there yet would not fit beside what runs already."""
    if settings.record.exists() or not meminfo.exists():
        return []
    line = next(line for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable:"))
    available = int(line.split()[1]) * 1024
    if available >= MEMORY_FOR_A_LAB:
        return []
    wanted = f"a lab needs {MEMORY_FOR_A_LAB / GIB:.0f}"
    problem = f"Only {available / GIB:.1f} GiB of memory are available, and {wanted}: '{settings.name}' is not begun."
    return [(problem, "End other programs or labs. make test does with one lab unless it is called with LABS=2.")]


def api_port_findings(settings: Settings) -> list[Finding]:
    port = settings.api_port
    if port == 0 or settings.record.exists():
        return []
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            remedy = "Name another one in LAB_API_PORT, or leave it unset."
            return [(f"Port {port} of this machine is taken ({error.strerror}).", remedy)]
    return []


def _inotify(progress: Progress) -> list[Finding]:
    findings = []
    for name, wanted in INOTIFY.items():
        file = Path("/proc/sys/fs/inotify") / name
        if not file.exists() or int(file.read_text()) >= wanted:
            continue
        try:
            was = file.read_text().strip()
            file.write_text(str(wanted))
            progress.say(f"raised the kernel's fs.inotify.{name} from {was} to {wanted}: kubelets need it")
        except PermissionError:
            problem = f"The kernel's fs.inotify.{name} is too small for three nodes."
            findings.append((problem, f"sudo sysctl fs.inotify.{name}={wanted}"))
    return findings
