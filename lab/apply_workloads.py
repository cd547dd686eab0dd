"""Applies the workloads of lab/workloads and waits until they serve."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab import certificates, configuration
from lab.errors import LabError
from lab.kube import Kubectl
from lab.progress import Progress
from lab.settings import LAB_FOLDER, Settings

WORKLOADS = LAB_FOLDER / "workloads"
ORDINARY = LAB_FOLDER / "ordinary"
# Nobody else has it.
ORDINARY_NAMESPACE = "traefik-internal"
MONITORING = WORKLOADS / "monitoring"
AUTHENTIK_DB = WORKLOADS / "authentik-db"
WAIT_SECONDS = 120.0
# What decides about pods must be in force before the first pod.
FIRST_KINDS = (
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "ResourceQuota",
    "LimitRange",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
)
WAITED_FOR = ("Deployment", "StatefulSet")
APPLY = ("apply", "--server-side", "--force-conflicts", "--field-manager=lab")


@dataclass(frozen=True)
class Workload:
    """A Deployment or a StatefulSet by name."""

    namespace: str
    name: str
    kind: str = "Deployment"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def apply(kubectl: Kubectl, definitions: Sequence[Path], settings: Settings, progress: Progress) -> None:
    """Bring the cluster's workloads to what the manifests say and wait for them. LabError names what is missing."""
    more = {MONITORING: settings.monitoring, AUTHENTIK_DB: settings.authentik_db}
    folders = [ORDINARY if settings.ordinary else WORKLOADS, *(folder for folder, wanted in more.items() if wanted)]
    with progress.step("apply the workloads"):
        for folder in definitions:
            _ensure_definitions(kubectl, folder)
        manifests = [manifest for folder in folders for manifest in _render(kubectl, folder, settings)]
        first = [manifest for manifest in manifests if manifest["kind"] in FIRST_KINDS]
        rest = [manifest for manifest in manifests if manifest["kind"] not in FIRST_KINDS]
        _apply(kubectl, first)
        if settings.ordinary:
            _apply(kubectl, certificates.missing(kubectl))
        else:
            _remove_ordinary(kubectl, manifests, settings)
        _wait_for_policies(kubectl, manifests)
        outdated = configuration.with_outdated_configuration(rest, configuration.read(kubectl, rest))
        _apply(kubectl, rest)
        configuration.restart(kubectl, outdated)
    with progress.step("wait for the workloads"):
        wait_available(kubectl, workloads(manifests), progress)


def workloads(manifests: list[dict[str, Any]]) -> list[Workload]:
    """The Deployments and StatefulSets among manifests, and the cluster's own DNS."""
    own = [_workload(manifest) for manifest in manifests if manifest["kind"] in WAITED_FOR]
    return [*own, Workload("kube-system", "coredns")]


def is_available(workload: dict[str, Any]) -> bool:
    """Whether every wanted replica is of the newest template and available."""
    status, wanted = workload.get("status", {}), workload["spec"].get("replicas", 1)
    counts = (status.get("updatedReplicas", 0), status.get("availableReplicas", 0), status.get("replicas", 0))
    current = status.get("observedGeneration", 0) >= workload["metadata"]["generation"]
    return current and counts == (wanted, wanted, wanted)


def wait_available(kubectl: Kubectl, wanted: list[Workload], progress: Progress, seconds: float = WAIT_SECONDS) -> None:
    """Wait until nodes are Ready and workloads available; LabError with events and logs when they are late."""
    deadline = time.monotonic() + seconds
    while True:
        kinds = "nodes,deployments,statefulsets"
        listed = kubectl.get(kinds, "--all-namespaces", doing="reading nodes and workloads")["items"]
        unready = _unready_nodes([item for item in listed if item["kind"] == "Node"])
        seen = {_workload(item): item for item in listed if item["kind"] in WAITED_FOR}
        missing = [workload for workload in wanted if workload not in seen or not is_available(seen[workload])]
        if not missing and not unready:
            return
        if time.monotonic() > deadline:
            raise _not_available(kubectl, missing, unready, seconds)
        progress.beat()
        time.sleep(0.5)


def _ensure_definitions(kubectl: Kubectl, definitions: Path) -> None:
    """Apply the definitions unless the cluster has this very set; its name stands in a label of them."""
    crds = definitions / "crds.yaml"
    names = re.findall(r"(?m)^  name: (\S+)$", crds.read_text())
    label = f"lab-definitions={definitions.name[-63:]}"
    there = kubectl.run(
        "get", "crd", "--selector", label, "--output=name", doing="reading the definitions"
    ).stdout.split()
    if len(there) == len(names):
        return
    kubectl.run(*APPLY, "-f", definitions, doing="applying the definitions")
    kinds = [f"crd/{name}" for name in names]
    kubectl.run("wait", "--for=condition=Established", *kinds, doing="waiting for the definitions")
    kubectl.run("label", "--overwrite", *kinds, label, doing="labelling the definitions")


def _render(kubectl: Kubectl, folder: Path, settings: Settings) -> list[dict[str, Any]]:
    rendered = kubectl.run("kustomize", folder, doing=f"reading {folder.name}").stdout
    versioned = rendered.replace("VERSION_OF_TRAEFIK", f"v{settings.traefik_version}")
    return [manifest for manifest in yaml.load_all(versioned, Loader=yaml.CSafeLoader) if manifest]


def _remove_ordinary(kubectl: Kubectl, manifests: list[dict[str, Any]], settings: Settings) -> None:
    """Take away what only the lab as people have it has, where it is there."""
    namespace = ("get", "namespace", ORDINARY_NAMESPACE, "--ignore-not-found", "--output=name")
    if not kubectl.run(*namespace, doing="looking for the ordinary lab").stdout.strip():
        return
    kept = {_identity(manifest) for manifest in manifests}
    added = [each for each in _render(kubectl, ORDINARY, settings) if _identity(each) not in kept]
    added += [each.bare for each in certificates.WANTED]
    text = yaml.dump_all(added, Dumper=yaml.CSafeDumper)
    kubectl.run("delete", "--ignore-not-found", "-f", "-", doing="removing the ordinary lab", stdin=text)


def _identity(manifest: dict[str, Any]) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def _apply(kubectl: Kubectl, manifests: list[dict[str, Any]]) -> None:
    if manifests:
        kubectl.run(
            *APPLY, "-f", "-", doing="applying the workloads", stdin=yaml.dump_all(manifests, Dumper=yaml.CSafeDumper)
        )


def _wait_for_policies(kubectl: Kubectl, manifests: list[dict[str, Any]], seconds: float = 30.0) -> None:
    """Wait until the admission policies give a pod its priority: the API server takes a moment to load them."""
    kinds = {manifest["kind"] for manifest in manifests}
    if "MutatingAdmissionPolicyBinding" not in kinds:
        return
    namespaces = [
        manifest["metadata"]["name"]
        for manifest in manifests
        if manifest["kind"] == "Namespace" and "tier" in manifest["metadata"].get("labels", {})
    ]
    deadline = time.monotonic() + seconds
    for namespace in namespaces:
        while not _gets_priority(kubectl, namespace):
            if time.monotonic() > deadline:
                raise LabError(
                    f"The tier policy did not reach namespace {namespace} within {seconds:.0f} s.", "Run it again."
                )
            time.sleep(0.3)


def _gets_priority(kubectl: Kubectl, namespace: str) -> bool:
    pod = ["run", "probe", "--image=probe", "--restart=Never", "--dry-run=server", "--namespace", namespace]
    shown = kubectl.run(
        *pod, "--output=jsonpath={.spec.priorityClassName}", doing="trying the tier policy", check=False
    )
    return bool(shown.stdout.strip())


def _workload(manifest: dict[str, Any]) -> Workload:
    metadata = manifest["metadata"]
    return Workload(metadata.get("namespace", "default"), metadata["name"], manifest["kind"])


def _unready_nodes(nodes: list[dict[str, Any]]) -> list[str]:
    def is_ready(node: dict[str, Any]) -> bool:
        return any(
            condition["type"] == "Ready" and condition["status"] == "True" for condition in node["status"]["conditions"]
        )

    return [node["metadata"]["name"] for node in nodes if not is_ready(node)]


def _not_available(kubectl: Kubectl, missing: list[Workload], unready: list[str], seconds: float) -> LabError:
    lines = [f"Not available within {seconds:.0f} s: {', '.join([*map(str, missing), *unready])}."]
    for namespace in sorted({workload.namespace for workload in missing}):
        scope = ["--namespace", namespace]
        lines += _last_lines(kubectl, f"pods of {namespace}", 8, "get", "pods", *scope)
        warnings = ["get", "events", *scope, "--field-selector=type=Warning", "--sort-by=.lastTimestamp"]
        lines += _last_lines(kubectl, f"newest warnings of {namespace}", 5, *warnings)
    for workload in missing:
        logs = [
            "logs",
            f"{workload.kind.lower()}/{workload.name}",
            "--namespace",
            workload.namespace,
            "--tail=5",
            "--all-containers",
        ]
        lines += _last_lines(kubectl, f"log of {workload}", 5, *logs)
    return LabError("\n".join(lines), "Run it again; if it stays so: make lab-down, make lab.")


def _last_lines(kubectl: Kubectl, title: str, count: int, *arguments: str) -> list[str]:
    shown = kubectl.run(*arguments, doing=f"reading {title}", check=False)
    text = (shown.stdout or shown.stderr).strip()
    return [f"  {title}:", *(f"    {line}" for line in text.splitlines()[-count:])] if text else []
