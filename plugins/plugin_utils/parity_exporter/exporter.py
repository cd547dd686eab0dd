# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An exporter of router parity and of what was hardened, carried out by nginx with njs: files out of data, no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.hardening import ROUTES
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.parity import Comparison
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.probe import probe_name
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import GUARD_HEADER
from ansible_collections.resilient.traefik.plugins.plugin_utils.exporter_parts.place import PARTS, Place, place_from
from ansible_collections.resilient.traefik.plugins.plugin_utils.njs_files import njs_files

FILES = Path(__file__).parent
USER_AGENT = "resilient-traefik-parity"
_NUMBERS = {"interval": 10.0, "grace": 0.0, "questions_a_round": 1.0}


@dataclass(frozen=True)
class Exporter(Place):
    """Where the comparison is carried out, and how often.

    Of more than ``objects_a_round`` hardened objects, routes come in turn.
    """

    questions_a_round: int = 40
    objects_a_round: int = 100

    @property
    def known_for(self) -> float:
        """For so long what was seen of a hardened object counts: all have had their turn twice."""
        return 8 * self.interval


def exporter_from(place: Any) -> Exporter:
    """The exporter in the given place. Raises BadArgument with every fault."""
    return place_from(Exporter, place, _NUMBERS)


def files_of(comparison: Comparison, exporter: Exporter, hardening: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The configuration's files by name. ``hardening`` is a result of hardening_info."""
    values = {"exporter": exporter, "name": "parity", "user_agent": USER_AGENT}
    settings = _settings(comparison, exporter) | {"hardening": _hardening(hardening or {}, exporter)}
    return njs_files(FILES, values, settings, PARTS)


def _settings(comparison: Comparison, exporter: Exporter) -> dict[str, Any]:
    return comparison.as_settings() | {
        "account": exporter.account,
        "asking_port": exporter.asking_port,
        "questions_a_round": exporter.questions_a_round,
        "grace_ms": round(exporter.grace * 1000),
        "longest_ms": round(exporter.longest * 1000),
        "late_ms": round(exporter.late_after * 1000),
        "guard_header": GUARD_HEADER,
        "probe_name": probe_name(""),
    }


def _hardening(hardening: Mapping[str, Any], exporter: Exporter) -> dict[str, Any]:
    objects = hardening.get("objects", [])
    return {
        "objects": [dict(each) | {"in_turn": each["kind"] in ROUTES} for each in objects],
        "left_out": hardening.get("left_out", 0),
        "objects_a_round": exporter.objects_a_round,
        "late_ms": round(exporter.known_for * 1000),
    }
