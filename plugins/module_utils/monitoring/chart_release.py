# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Helm release that brought Prometheus or Alertmanager, and values for it as a file: its owner runs Helm."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all
from ansible_collections.resilient.traefik.plugins.module_utils.kube.rendering import merged
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.forms import as_yaml
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.releases import (
    SECRET_TYPE,
    StoredRelease,
    stored_release,
)

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml


@dataclass(frozen=True)
class ChartRelease:
    """``name`` is NAMESPACE/NAME; ``config`` and ``defaults`` the values given and the chart's own, where readable.

    ``note`` says why they are not.
    """

    name: str
    chart: str = ""
    version: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def __str__(self) -> str:
        return f"Helm release {self.name}"

    @property
    def file(self) -> str:
        """Where in a folder its values go."""
        return f"values/{self.name.replace('/', '-')}.yaml"


def read_release(client: Client, name: str) -> ChartRelease:
    """The newest revision that was deployed; with a note and nothing else where its Secrets may not be read."""
    namespace, _slash, release = name.partition("/")
    query = Query("v1", "Secret", namespace=namespace, label_selector=f"owner=helm,name={release}")
    (answer,) = read_all(client, [query])
    lists = "its values are not known, so lists in the file hold only what is new: merge them with your own"
    if answer.status != "found":
        return ChartRelease(name, note=f"Helm release {name}: {lists} ({answer.message})")
    try:
        found = [stored_release(item) for item in answer.items if item.get("type") == SECRET_TYPE]
    except ResilientError as error:
        return ChartRelease(name, note=f"Helm release {name}: {lists} ({error})")
    deployed = [each for each in found if each.status == "deployed"] or found
    if not deployed:
        return ChartRelease(name, note=f"Helm release {name}: {lists} (it has no Secret)")
    return _of(name, max(deployed, key=lambda each: each.revision))


def _of(name: str, stored: StoredRelease) -> ChartRelease:
    metadata = stored.chart.get("metadata") or {}
    return ChartRelease(
        name, str(metadata.get("name", "")), str(metadata.get("version", "")), stored.config, stored.defaults
    )


def write_values(folder: Path, name: str, values: Mapping[str, Any], check_mode: bool) -> dict[str, str] | None:
    """Writes the values into a file of the folder, beside what it has, and returns the diff; None without a change.

    Raises BadArgument when the file cannot be read or written.
    """
    path = folder / name
    try:
        text = path.read_text() if path.exists() else ""
        former = yaml.safe_load(text) or {}
        after = "---\n" + as_yaml(merged(former if isinstance(former, Mapping) else {}, values))
        return write_text(path, after, check_mode)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadArgument(f"files_to: {path} cannot be used: {error}. Name another folder, or empty it") from None


def write_text(path: Path, after: str, check_mode: bool) -> dict[str, str] | None:
    """Writes a file and returns the diff; None when it is so already. Raises OSError."""
    before = path.read_text() if path.exists() else ""
    if before == after:
        return None
    if not check_mode:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(after)
    return {"before_header": str(path), "after_header": str(path), "before": before, "after": after}
