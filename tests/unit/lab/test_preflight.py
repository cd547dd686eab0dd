"""What is found out before anything is built."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from lab import host_packages, preflight
from lab.settings import from_environment

# As `ss -Hltnp` prints it in a node.
LISTING = """\
LISTEN 0      4096               *:10250            *:*    users:(("kubelet",pid=612,fd=19))
LISTEN 0      511          0.0.0.0:80         0.0.0.0:*    users:(("nginx",pid=900,fd=6))
LISTEN 0      4096            [::]:443           [::]:*
"""


def pod(namespace: str, host_port: int | None) -> dict[str, Any]:
    port = {"containerPort": 8000, **({"hostPort": host_port} if host_port else {})}
    return {"metadata": {"name": "p", "namespace": namespace}, "spec": {"containers": [{"ports": [port]}, {}]}}


def test_listeners_on_traefiks_ports_are_named() -> None:
    assert preflight.parse_listeners(LISTING) == [
        (80, 'users:(("nginx",pid=900,fd=6))'),
        (443, "an unknown program"),
    ]


def test_only_foreign_pods_on_traefiks_ports_are_findings() -> None:
    pods = {"items": [pod("traefik", 80), pod("other", 8080), pod("other", None), pod("intruder", 443)]}
    [(problem, remedy)] = preflight.foreign_host_ports(pods)
    assert problem == "Pod intruder/p takes port 443 of its node."
    assert remedy == "kubectl delete pod --namespace intruder p"


def test_a_full_disk_is_a_finding_with_both_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 2 * preflight.GIB

    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage)
    problem, remedy = preflight.disk_findings(tmp_path / "not" / "there", preflight.DISK_FOR_BUILDING)[0]
    assert "Only 2.0 GiB are free" in problem
    assert "needs 14" in problem
    assert "XDG_CACHE_HOME" in remedy


def test_memory_is_looked_at_before_a_lab_is_begun(tmp_path: Path) -> None:
    settings, meminfo = from_environment({"XDG_CACHE_HOME": str(tmp_path), "LAB_NAME": "second"}), tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       24684032 kB\nMemAvailable:    1048576 kB\n")
    [(problem, remedy)] = preflight.memory_findings(settings, meminfo)
    assert "Only 1.0 GiB of memory are available, and a lab needs 3: 'second' is not begun." in problem
    assert "LABS=2" in remedy
    settings.record.parent.mkdir(parents=True)
    settings.record.write_text("{}")
    assert preflight.memory_findings(settings, meminfo) == [], "a lab that is there has its memory"


def test_a_taken_api_port_is_a_finding(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        settings = from_environment({"XDG_CACHE_HOME": str(tmp_path), "LAB_API_PORT": port})
        [(problem, _)] = preflight.api_port_findings(settings)
    assert f"Port {port} of this machine is taken" in problem


def test_not_root_is_a_finding_in_build_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "is_root", lambda: False)
    assert preflight.rights_findings("registry") == []
    [(problem, remedy)] = preflight.rights_findings("build")
    assert "Not root, and no Docker or rootless Podman" in problem
    assert "sudo" in remedy


def test_missing_programs_are_told_by_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for program in ("podman", "runc", "netavark", "aardvark-dns", "debootstrap", "iptables", "nft", "unshare"):
        file = tmp_path / program
        file.write_text("")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(host_packages, "FOLDERS", "")
    assert host_packages.missing_packages() == ["conntrack"]
