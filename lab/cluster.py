"""Makes the kind cluster, tells whether a standing one is usable, and removes it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import Template

import yaml

from lab import commands, network
from lab.engine import Container
from lab.errors import LabError
from lab.kit import Kit
from lab.kube import Kubectl
from lab.node_images import load_when_booted
from lab.parallel import run_all
from lab.progress import Progress
from lab.settings import LAB_FOLDER, NODE_COUNT, Settings, read_record

AUDIT_POLICY = LAB_FOLDER / "audit-policy.yaml"
JOIN_SECONDS = 60.0


@dataclass(frozen=True)
class Cluster:
    """One lab's cluster: what it should be made of, and where its own files lie."""

    settings: Settings
    kit: Kit

    @property
    def kubectl(self) -> Kubectl:
        """kubectl with this cluster's own kubeconfig."""
        return Kubectl(self.kit.tools["kubectl"], self.settings.state / "kubeconfig")

    def why_unusable(self) -> str | None:
        """Why the cluster must be made anew, in a few words, or None when it is healthy and what is wanted."""
        containers, record = self.kit.engine.containers(self.settings.name), read_record(self.settings)
        if not containers:
            return "there is no cluster"
        dead = [f"{container.name} is {container.state}" for container in containers if container.state != "running"]
        if dead:
            return ", ".join(dead)
        if len(containers) != NODE_COUNT or not record:
            return "the cluster was left half-made, or by another cache"
        if record.get("fingerprint") != self.fingerprint():
            return "it is made of other parts than wanted now"
        if record.get("started") != _started(containers):
            # The routes between the nodes are gone, and their addresses may be others.
            return "its nodes were restarted"
        if not self.kubectl.answers():
            return "its API server does not answer"
        return None

    def fingerprint(self) -> str:
        """Changes with everything that a standing cluster cannot change any more."""
        parts = [
            self.kit.node_image,
            self.kit.engine.program,
            # As data: another comment makes no other cluster.
            repr(yaml.safe_load(self.render())),
            repr(yaml.safe_load(AUDIT_POLICY.read_text())),
            self.memory_limit(),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def render(self) -> str:
        """kind's configuration for this lab."""
        template = Template((LAB_FOLDER / "kind.yaml").read_text())
        names = {"name": self.settings.name, "api_port": str(self.settings.api_port), "state": str(self.settings.state)}
        return template.substitute(names)

    def memory_limit(self) -> str:
        """What one node may use, so that all nodes together leave the machine a quarter."""
        if self.settings.node_memory:
            return self.settings.node_memory
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        return f"{total * 3 // 4 // NODE_COUNT}m"

    def create(self, progress: Progress) -> None:
        """Make the cluster, after removing what is left of an older one. Raises LabError."""
        self.remove()
        state = self.settings.state
        (state / "audit").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(AUDIT_POLICY, state / "audit-policy.yaml")
        (state / "kind.yaml").write_text(self.render())
        with progress.step("create the cluster and load the workloads' images"):
            loads = [
                partial(load_when_booted, self.kit.engine, node, self.kit.images) for node in self.settings.node_names
            ]
            run_all([self._run_kind, *loads], progress.beat)
        for name in self.settings.node_names:
            self.kit.engine.limit_memory(name, self.memory_limit())

    def _run_kind(self) -> None:
        state, log = self.settings.state, self.settings.logs / "kind.log"
        log.write_text("")
        command: list[str | Path] = [self.kit.tools["kind"], "create", "cluster", "--config", state / "kind.yaml"]
        command += ["--image", self.kit.node_image, "--kubeconfig", state / "kubeconfig"]
        commands.run(command, doing="creating the cluster", env=self.kit.engine.environment, log=log, timeout=600)

    def connect(self) -> None:
        """Give the pods their network. Raises LabError when the nodes do not join in time."""
        deadline = time.monotonic() + JOIN_SECONDS
        while True:
            nodes = network.read_nodes(self.kubectl.get("nodes", doing="reading the nodes"))
            if len(nodes) == NODE_COUNT:
                network.connect(self.kit.engine, nodes)
                return
            if time.monotonic() > deadline:
                names = ", ".join(node.name for node in nodes) or "none"
                raise LabError(
                    f"Only these nodes joined within {JOIN_SECONDS:.0f} s: {names}.", f"See {self.settings.logs}."
                )
            time.sleep(0.5)

    def mark_complete(self) -> None:
        """Record what the standing cluster is made of; one without this record is half-made."""
        self._write_record(
            {
                "fingerprint": self.fingerprint(),
                "source": self.kit.source,
                "started": _started(self.kit.engine.containers(self.settings.name)),
                "images": self._image_keys(),
            }
        )

    def load_images(self, progress: Progress) -> None:
        """Load the workloads' images that a standing cluster lacks, or has in an older form."""
        record = read_record(self.settings)
        missing = [image for image in self.kit.images if record["images"].get(image.reference) != image.key]
        if missing:
            with progress.step("load the workloads' images"):
                loads = [partial(load_when_booted, self.kit.engine, node, missing) for node in self.settings.node_names]
                run_all(loads, progress.beat)
            self._write_record({**record, "images": {**record["images"], **self._image_keys()}})

    def _image_keys(self) -> dict[str, str]:
        return {image.reference: image.key for image in self.kit.images}

    def _write_record(self, record: dict[str, object]) -> None:
        new = self.settings.record.with_suffix(".new")
        new.write_text(json.dumps(record))
        new.rename(self.settings.record)

    def remove(self) -> list[str]:
        """Remove containers, volumes and network. Returns the names of what was removed."""
        self.settings.record.unlink(missing_ok=True)
        removed = self.kit.engine.remove_cluster(self.settings.name, self.settings.node_names)
        if self.kit.engine.remove_network(self.settings.network):
            removed.append(self.settings.network)
        return removed


def _started(containers: list[Container]) -> dict[str, str]:
    return {container.name: container.started for container in containers}
