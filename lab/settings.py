"""What a run of the lab is asked to make, read once from the environment."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.versions import KUBERNETES_VERSION, TRAEFIK_VERSIONS

KIND_VERSION = "v0.33.0"
NODE_COUNT = 3
SOURCES = ("registry", "build")
RULE_TOOLS_SOURCES = ("packages", "build")
LAB_FOLDER = Path(__file__).resolve().parent
DEFAULT_NAME = "resilient-traefik"


@dataclass(frozen=True)
class Settings:
    """One lab: its name, where its parts come from, and where its files lie."""

    name: str
    source: str | None
    traefik_version: str
    node_image: str
    node_memory: str | None
    api_port: int
    monitoring: bool
    authentik_db: bool
    ordinary: bool
    rule_tools: str | None
    cache: Path
    kubeconfig: Path

    @property
    def state(self) -> Path:
        """The folder of this lab's own files: configuration, audit log, record of what runs."""
        return self.cache / "labs" / self.name

    @property
    def node_names(self) -> list[str]:
        """The names that kind gives the nodes, which are the names of their containers too."""
        workers = ["worker", *(f"worker{number}" for number in range(2, NODE_COUNT))]
        return [f"{self.name}-{role}" for role in ("control-plane", *workers)]

    @property
    def record(self) -> Path:
        """What the standing cluster was made of; written when it is complete."""
        return self.state / "cluster.json"

    @property
    def logs(self) -> Path:
        """One file a step, of the newest run."""
        return self.state / "logs"

    @property
    def audit_log(self) -> Path:
        """The API server's audit log: one JSON object a line."""
        return self.state / "audit" / "audit.log"

    @property
    def network(self) -> str:
        """The container network that only this lab's nodes are on."""
        return self.name


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings, with every default filled in. Raises LabError for a value that makes no sense."""
    name = environment.get("LAB_NAME") or DEFAULT_NAME
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", name):
        raise LabError(
            f"LAB_NAME={name} cannot be a cluster's name.", "Use small letters, digits and dashes, at most 41 of them."
        )
    source = environment.get("LAB_SOURCE") or None
    if source is not None and source not in SOURCES:
        raise LabError(f"LAB_SOURCE={source} is not known.", f"Use one of: {', '.join(SOURCES)}, or leave it unset.")
    traefik = (environment.get("LAB_TRAEFIK") or TRAEFIK_VERSIONS[0]).removeprefix("v")
    if traefik not in TRAEFIK_VERSIONS:
        raise LabError(f"LAB_TRAEFIK={traefik} is not prepared.", f"Use one of: {', '.join(TRAEFIK_VERSIONS)}.")
    memory = environment.get("LAB_NODE_MEMORY") or None
    if memory is not None and not re.fullmatch(r"[1-9][0-9]*[mg]", memory):
        raise LabError(f"LAB_NODE_MEMORY={memory} is not a size.", "Write for example 4g or 3500m.")
    port = environment.get("LAB_API_PORT") or "0"
    if not port.isdigit() or int(port) > 65535:
        raise LabError(
            f"LAB_API_PORT={port} is not a port.", "Use a number up to 65535; 0 or unset takes any free one."
        )
    monitoring = _switch(environment, "LAB_MONITORING", "the monitoring")
    authentik_db = _switch(environment, "LAB_AUTHENTIK_DB", "PostgreSQL and PgBouncer")
    ordinary = _switch(environment, "LAB_ORDINARY", "what people have beside it")
    rule_tools = environment.get("LAB_RULE_TOOLS") or None
    if rule_tools is not None and rule_tools not in RULE_TOOLS_SOURCES:
        raise LabError(
            f"LAB_RULE_TOOLS={rule_tools} is not known.",
            f"Use one of: {', '.join(RULE_TOOLS_SOURCES)}, or leave it unset.",
        )
    return Settings(
        name=name,
        source=source,
        traefik_version=traefik,
        node_image=environment.get("LAB_NODE_IMAGE") or f"kindest/node:{KUBERNETES_VERSION}",
        node_memory=memory,
        api_port=int(port),
        monitoring=monitoring,
        authentik_db=authentik_db,
        ordinary=ordinary,
        rule_tools=rule_tools,
        cache=_cache_folder(environment),
        kubeconfig=LAB_FOLDER / ("kubeconfig" if name == DEFAULT_NAME else f"kubeconfig.{name}"),
    )


def _switch(environment: Mapping[str, str], name: str, what: str) -> bool:
    """Return whether a variable is 1. Raises LabError for what is neither 0 nor 1."""
    given = environment.get(name) or "0"
    if given not in ("0", "1"):
        raise LabError(f"{name}={given} is neither 0 nor 1.", f"Use 1 to add {what}, or leave it unset.")
    return given == "1"


def read_record(settings: Settings) -> dict[str, Any]:
    """What the standing cluster was made of (keys: fingerprint, source, started, images); empty when there is none."""
    try:
        record: dict[str, Any] = json.loads(settings.record.read_text())
    except (FileNotFoundError, ValueError):
        # A record that a full disk cut short counts as none: the cluster is made anew.
        return {}
    return record


def lock_folder() -> Path:
    """Where a lab's lock lies: one place a machine, whichever cache a run uses, as with the nodes' names."""
    shared = Path("/run/lock")
    return shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())


def _cache_folder(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_CACHE_HOME") or ""
    # The XDG specification says that a relative path is to be ignored.
    root = Path(base) if base.startswith("/") else Path(environment.get("HOME") or Path.home()) / ".cache"
    return root / "resilient-traefik"
