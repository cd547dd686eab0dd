# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Helm release as its Secret keeps it: the chart, and the values that its user gave. Pure.

The form is Helm 3's storage: base64 of gzip of JSON under the key ``release``, in a Secret of type
helm.sh/release.v1.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import json
import posixpath
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object

SECRET_TYPE = "helm.sh/release.v1"
_GZIP = b"\x1f\x8b\x08"
_SCHEMA = "values.schema.json"


@dataclass(frozen=True)
class StoredRelease:
    """A revision. ``config`` are the user's values, ``manifest`` its objects as YAML, ``secret`` its Secret's name."""

    name: str
    namespace: str
    revision: int
    status: str
    chart: Mapping[str, Any]
    config: dict[str, Any]
    manifest: str
    secret: str

    @property
    def chart_name(self) -> str:
        """The chart's name and version, such as ``traefik-41.3.0``."""
        metadata = self.chart.get("metadata") or {}
        return f"{metadata.get('name', '')}-{metadata.get('version', '')}"

    @property
    def defaults(self) -> dict[str, Any]:
        """The chart's own values."""
        return dict(self.chart.get("values") or {})

    @property
    def schema(self) -> bytes:
        """The chart's schema for its values, empty when it has none."""
        return base64.b64decode(self.chart.get("schema") or "")


def stored_release(secret: Object) -> StoredRelease:
    """The revision that a Secret keeps. Raises ResilientError when it is not in Helm's form."""
    name = secret["metadata"]["name"]
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        text = gzip.decompress(packed) if packed.startswith(_GZIP) else packed
        found = json.loads(text)
        return StoredRelease(
            name=found["name"],
            namespace=found["namespace"],
            revision=int(found["version"]),
            status=found["info"]["status"],
            chart=found["chart"],
            config=dict(found.get("config") or {}),
            manifest=found.get("manifest") or "",
            secret=name,
        )
    except (KeyError, TypeError, ValueError, binascii.Error, OSError, EOFError, zlib.error):
        namespace = secret["metadata"]["namespace"]
        raise ResilientError(f"Secret {namespace}/{name} is no release as Helm 3 stores it") from None


def chart_files(chart: Mapping[str, Any]) -> dict[str, bytes]:
    """The files of the release's chart by their path in the chart's folder.

    Raises ResilientError for a chart that depends on others: Helm does not store these.
    """
    metadata = chart["metadata"]
    dependencies = [each["name"] for each in metadata.get("dependencies") or []]
    if dependencies:
        raise ResilientError(
            f"chart: the release's chart {metadata['name']} depends on {', '.join(dependencies)}, which Helm does not "
            "keep with the release: say in chart where the whole chart is"
        )
    files = {
        "Chart.yaml": yaml.safe_dump(metadata).encode(),
        "values.yaml": yaml.safe_dump(chart.get("values") or {}).encode(),
    }
    if chart.get("schema"):
        files[_SCHEMA] = base64.b64decode(chart["schema"])
    for stored in [*(chart.get("templates") or []), *(chart.get("files") or [])]:
        files.setdefault(_inside(stored["name"]), base64.b64decode(stored["data"] or ""))
    return files


def _inside(name: str) -> str:
    """The path, which may not lead out of the chart's folder."""
    path = posixpath.normpath(name)
    if path.startswith(("/", "..")):
        raise ResilientError(f"chart: the release's chart holds a file {name!r} outside of its folder")
    return path
