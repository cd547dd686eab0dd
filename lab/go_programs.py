"""Builds programs out of Go modules; go.sum verifies every download."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lab import commands
from lab.cache import Artefact, Workplace, digest_of_files
from lab.settings import LAB_FOLDER
from lab.versions import KUBERNETES_VERSION, traefik_pins

GO_FOLDER = LAB_FOLDER / "go"
PROMETHEUS_VERSION = "3.10.0"
ALERTMANAGER_VERSION = "0.28.1"
PUSHGATEWAY_VERSION = "1.11.1"
KUBE_STATE_METRICS_VERSION = "2.18.0"
# The programs are stripped of what debuggers read; not making it at all saves the compiler a seventh of its work.
BUILD_FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")


@dataclass(frozen=True)
class GoModule:
    """Programs of one Go module: `folder` is its folder in lab/go, `programs` maps a program's name to its package."""

    folder: str
    programs: Mapping[str, str]
    ldflags: str = ""
    tags: str = ""
    seconds: int = 10

    def artefact(self) -> Artefact:
        """The build of these programs: a folder with one file a program."""
        inputs = (
            digest_of_files(file for file in (GO_FOLDER / self.folder).iterdir()),
            repr(sorted(self.programs.items())),
            self.ldflags,
            go_version(),
            # Nothing where there is none: the key of what was built before there were tags stays.
            *filter(None, [self.tags]),
        )
        return Artefact(f"go-{self.folder}", self._build, inputs, seconds=self.seconds)

    def _build(self, workplace: Workplace) -> None:
        # One call for all packages compiles what they share once, and links in parallel.
        groups = [{name: package} for name, package in self.programs.items() if Path(package).name != name]
        groups.append({name: package for name, package in self.programs.items() if Path(package).name == name})
        for group in filter(None, groups):
            target = f"{workplace.destination}/" if len(group) > 1 else str(workplace.destination / next(iter(group)))
            linker = ["-ldflags", f"-s -w {self.ldflags}".strip()]
            commands.run(
                ["go", "build", *BUILD_FLAGS, "-tags", self.tags, *linker, "-o", target, *group.values()],
                doing=f"building {', '.join(group)}",
                cwd=GO_FOLDER / self.folder,
                env={"CGO_ENABLED": "0"},
                log=workplace.log,
            )


@dataclass(frozen=True)
class GoModuleFiles:
    """Files out of a Go module's source: `files` maps the name in the artefact to the path in the module.

    `go_mod` and `go_sum` are the texts that pin and verify it.
    """

    name: str
    module: str
    files: Mapping[str, str]
    go_mod: str
    go_sum: str

    def artefact(self) -> Artefact:
        """The copied files (a folder is copied whole)."""
        inputs = (self.go_mod, self.go_sum, self.module, repr(sorted(self.files.items())))
        return Artefact(f"files-{self.name}", self._build, inputs, seconds=3)

    def _build(self, workplace: Workplace) -> None:
        cwd = workplace.destination / "module"
        cwd.mkdir()
        (cwd / "go.mod").write_text(self.go_mod)
        (cwd / "go.sum").write_text(self.go_sum)
        commands.run(
            ["go", "mod", "download", self.module], doing=f"downloading {self.module}", cwd=cwd, log=workplace.log
        )
        listing = ["go", "list", "-m", "-f", "{{.Dir}}", self.module]
        source = Path(commands.output(listing, doing=f"finding {self.module}", cwd=cwd))
        for name, path in self.files.items():
            if (source / path).is_dir():
                # The module cache is read-only, its copy need not be.
                shutil.copytree(source / path, workplace.destination / name, copy_function=shutil.copyfile)
            else:
                shutil.copyfile(source / path, workplace.destination / name)
        shutil.rmtree(cwd)


def _files_of(folder: str, module: str, files: Mapping[str, str]) -> GoModuleFiles:
    """Files of the module that a folder of lab/go pins."""
    go_mod, go_sum = ((GO_FOLDER / folder / name).read_text() for name in ("go.mod", "go.sum"))
    return GoModuleFiles(folder, module, files, go_mod, go_sum)


@cache
def go_version() -> str:
    """The tool chain that builds, for example go1.26.8; a newer one makes other programs."""
    return commands.output(["go", "env", "GOVERSION"], doing="asking Go for its version", cwd=GO_FOLDER / "kind")


def _kubernetes_flags() -> str:
    major, minor, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
    component, client = "k8s.io/component-base/version", "k8s.io/client-go/pkg/version"
    return (
        f"-X {component}.gitVersion={KUBERNETES_VERSION} -X {component}.gitMajor={major} "
        f"-X {component}.gitMinor={minor} -X {client}.gitVersion={KUBERNETES_VERSION}"
    )


def _prometheus_flags(version: str) -> str:
    """What Prometheus and its kin show as their version."""
    return f"-X github.com/prometheus/common/version.Version={version}"


CONTROL_PLANE_PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
NODE_PROGRAMS = ("kubeadm", "kubelet")

KUBERNETES = GoModule(
    "kubernetes",
    {name: f"k8s.io/kubernetes/cmd/{name}" for name in (*NODE_PROGRAMS, *CONTROL_PLANE_PROGRAMS, "kube-proxy")},
    _kubernetes_flags(),
    seconds=330,
)
ETCD = GoModule("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}, seconds=15)
COREDNS = GoModule("coredns", {"coredns": "."}, seconds=50)
KIND = GoModule("kind", {"kind": "sigs.k8s.io/kind"}, seconds=10)
PAUSE = GoModule("pause", {"pause": "."}, seconds=2)
GO_HTTPBIN = GoModule("go-httpbin", {"go-httpbin": "github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin"}, seconds=5)
VEGETA = GoModule("vegeta", {"vegeta": "github.com/tsenart/vegeta/v12"}, seconds=30)
PROMETHEUS = GoModule(
    "prometheus",
    {name: f"github.com/prometheus/prometheus/cmd/{name}" for name in ("prometheus", "promtool")},
    _prometheus_flags(PROMETHEUS_VERSION),
    # Of the places where targets can be found only Kubernetes: the others bring a cloud's client each.
    "remove_all_sd,enable_kubernetes_sd",
    seconds=290,
)
ALERTMANAGER = GoModule(
    "alertmanager",
    {name: f"github.com/prometheus/alertmanager/cmd/{name}" for name in ("alertmanager", "amtool")},
    _prometheus_flags(ALERTMANAGER_VERSION),
    seconds=50,
)
PUSHGATEWAY = GoModule(
    "pushgateway",
    {"pushgateway": "github.com/prometheus/pushgateway"},
    _prometheus_flags(PUSHGATEWAY_VERSION),
    seconds=20,
)
KUBE_STATE_METRICS = GoModule(
    "kube-state-metrics",
    {"kube-state-metrics": "k8s.io/kube-state-metrics/v2"},
    _prometheus_flags(KUBE_STATE_METRICS_VERSION),
    seconds=110,
)
KIND_NODE_FILES = _files_of("kind", "sigs.k8s.io/kind", {"files": "images/base/files"})
PROMETHEUS_OPERATOR_DEFINITIONS = _files_of(
    "prometheus-operator",
    "github.com/prometheus-operator/prometheus-operator",
    {"crds.yaml": "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"},
)


def traefik_definitions(version: str) -> GoModuleFiles:
    """Traefik's custom resource definitions and RBAC rules, as its own documentation ships them."""
    folder = "docs/content/reference/dynamic-configuration"
    names = {
        "crds.yaml": f"{folder}/kubernetes-crd-definition-v1.yml",
        "rbac.yaml": f"{folder}/kubernetes-crd-rbac.yml",
    }
    module, pins = "github.com/traefik/traefik/v3", traefik_pins(version)
    sums = [
        f"{module} {pins.definitions}{part} {line}\n" for part, line in zip(("", "/go.mod"), pins.sums, strict=True)
    ]
    go_mod = f"module lab/traefik\n\ngo 1.26\n\nrequire {module} {pins.definitions}\n"
    return GoModuleFiles(f"traefik-{pins.definitions}", module, names, go_mod, "".join(sums))
