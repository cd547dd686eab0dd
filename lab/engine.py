"""The container engine: the few things the lab asks of Docker or Podman."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from lab import commands

CLUSTER_LABEL = "io.x-k8s.kind.cluster"


@dataclass(frozen=True)
class Container:
    """A node's container: `state` is the engine's word for it (running, exited, paused, created)."""

    name: str
    state: str
    started: str


@dataclass(frozen=True)
class Engine:
    """`program` is docker or podman; `environment` is what it and kind need to know."""

    program: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        *arguments: str | Path,
        doing: str,
        check: bool = True,
        stdin: IO[bytes] | str | None = None,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run the engine's program; raises LabError as `commands.run` does."""
        command = [self.program, *arguments]
        return commands.run(command, doing=doing, env=self.environment, check=check, stdin=stdin, timeout=timeout)

    def execute(
        self, node: str, *command: str, doing: str, stdin: IO[bytes] | str | None = None, check: bool = True
    ) -> str:
        """What `command` prints inside a node. Raises LabError when it fails and `check` holds."""
        keep_open = ["--interactive"] if stdin is not None else []
        return self.run("exec", *keep_open, node, *command, doing=doing, stdin=stdin, check=check).stdout.rstrip("\n")

    def containers(self, cluster: str) -> list[Container]:
        """The cluster's containers in whatever state, by name."""
        found = ["ps", "--all", "--filter", f"label={CLUSTER_LABEL}={cluster}", "--format", "{{.Names}}"]
        names = self.run(*found, doing="listing the lab's containers").stdout.split()
        if not names:
            return []
        # What `ps` calls a state is a sentence in Podman and a word in Docker.
        asked = self.run(
            "inspect",
            "--format",
            "{{.Name}}\t{{.State.Status}}\t{{.State.StartedAt}}",
            *names,
            doing="inspecting the lab's containers",
        )
        listed = (line.removeprefix("/").split("\t") for line in asked.stdout.splitlines())
        return sorted((Container(*fields) for fields in listed), key=lambda container: container.name)

    def remove_cluster(self, cluster: str, nodes: Sequence[str]) -> list[str]:
        """Remove the cluster's containers, whatever their state, and their volumes. Returns what was removed."""
        containers = [container.name for container in self.containers(cluster)]
        if containers:
            at_once = ["--time=0"] if self.program == "podman" else []
            self.run("rm", "--force", "--volumes", *at_once, *containers, doing="removing the lab's containers")
        volumes = [volume for node in nodes for volume in self._volumes(node)]
        if volumes:
            self.run("volume", "rm", "--force", *volumes, doing="removing the lab's volumes")
        return [*containers, *(f"volume {volume[:12]}" for volume in volumes)]

    def remove_network(self, network: str) -> bool:
        """Remove the lab's own network. Returns whether there was one."""
        found = (
            self.run("network", "inspect", network, doing="looking for the lab's network", check=False).returncode == 0
        )
        if found:
            self.run("network", "rm", network, doing="removing the lab's network")
        return found

    def has_image(self, reference: str) -> bool:
        """Whether the engine's own storage holds the image."""
        return self.run("image", "inspect", reference, doing=f"looking for {reference}", check=False).returncode == 0

    def limit_memory(self, node: str, limit: str) -> None:
        """Cap a running node, so that a program gone wild takes the node and not the machine."""
        swap = ["--memory-swap", limit]
        self.run("update", "--memory", limit, *swap, node, doing=f"limiting the memory of {node}")

    def _volumes(self, node: str) -> list[str]:
        # kind marks a node's volume before it makes the container: a killed run may leave one alone.
        marked = ["volume", "ls", "--quiet", "--filter", f"label={node}"]
        return self.run(*marked, doing=f"listing the volumes of {node}").stdout.split()


def podman_for_building(state: Path, network: str) -> Engine:
    """Podman with settings that let it run nodes with the rights that a bare machine gives.

    Writes containers.conf below `state`; the machine's own configuration is left as it is.
    """
    state.mkdir(parents=True, exist_ok=True)
    file = state / "containers.conf"
    file.write_text(
        containers_conf(*(resource.getrlimit(limit)[1] for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)))
    )
    return Engine("podman", {"CONTAINERS_CONF": str(file), **kind_environment("podman", network)})


def containers_conf(open_files: int, processes: int) -> str:
    """Podman's configuration: runc (crun refuses hybrid cgroups), netavark (nodes find each other by name), limits."""
    # A process may lower its limits and not raise them; Podman's own processes have less of the second than this one.
    wanted = {"nofile": min(open_files, 1048576), "nproc": min(processes, 20000)}
    limits = [f"{name}={value}:{value}" for name, value in wanted.items() if value > 0]
    quoted = ", ".join(f'"{limit}"' for limit in limits)
    return (
        f"[containers]\ndefault_ulimits = [{quoted}]\npids_limit = 0\n"
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\n'
        '[network]\nnetwork_backend = "netavark"\n'
    )


def kind_environment(program: str, network: str) -> dict[str, str]:
    """What makes kind use this engine and a network of its own."""
    return {"KIND_EXPERIMENTAL_PROVIDER": program, f"KIND_EXPERIMENTAL_{program.upper()}_NETWORK": network}


def answers(program: str) -> bool:
    """Whether the program is installed and has an engine behind it."""
    if shutil.which(program) is None:
        return False
    probe = "{{.ServerVersion}}" if program == "docker" else "{{.Version.Version}}"
    finished = commands.run([program, "info", "--format", probe], doing=f"asking {program}", check=False, timeout=20)
    return finished.returncode == 0 and bool(finished.stdout.strip())


def is_root() -> bool:
    """Whether this process has the rights of root."""
    return os.geteuid() == 0
