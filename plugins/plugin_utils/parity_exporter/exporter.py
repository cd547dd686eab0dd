# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An exporter of router parity and of what was hardened, carried out by nginx with njs: files out of data, no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.hardening import ROUTES
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.parity import Comparison
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.probe import probe_name
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import GUARD_HEADER
from ansible_collections.resilient.traefik.plugins.plugin_utils.njs_files import njs_files

FILES = Path(__file__).parent
USER_AGENT = "resilient-traefik-parity"
_NUMBERS = {"interval": 10.0, "grace": 0.0, "questions_a_round": 1.0}


@dataclass(frozen=True)
class Exporter:
    """Where the comparison is carried out, and how often. Times are in seconds.

    ``folder`` is where the files will lie, ``account`` the folder of the account's token and of the authority of the
    API server, ``modules`` what nginx has to load for njs (nothing where it is built in). A replica that became ready
    less than ``grace`` ago is not compared. Of more than ``objects_a_round`` hardened objects, routes come in turn.
    """

    folder: str
    account: str = "/var/run/secrets/kubernetes.io/serviceaccount"
    temporary: str = "/tmp"
    modules: tuple[str, ...] = ()
    interval: float = 15
    grace: float = 30
    questions_a_round: int = 40
    objects_a_round: int = 100
    connect_within: float = 1
    answer_within: float = 2
    listen: str = "0.0.0.0"
    port: int = 9113
    asking_port: int = 9114

    @property
    def fetch_within(self) -> float:
        """nginx gives up before njs does."""
        return self.connect_within + self.answer_within + 0.5

    @property
    def longest(self) -> float:
        """After that no question of a round begins: njs ends a round that the next one overlaps."""
        return 0.6 * self.interval

    @property
    def late_after(self) -> float:
        """For so long there may be no round, and none that could compare."""
        return 4 * self.interval

    @property
    def known_for(self) -> float:
        """For so long what was seen of a hardened object counts: all have had their turn twice."""
        return 8 * self.interval


def exporter_from(place: Any) -> Exporter:
    """The exporter in the given place. Raises BadArgument with every fault."""
    if not isinstance(place, Mapping):
        raise BadArgument(f"The place of the exporter cannot be used. Expected options and values, got {place!r}.")
    known = {item.name for item in fields(Exporter)}
    faults = [f"{name}: there is no such option" for name in place if name not in known]
    faults += [] if place.get("folder") else ["folder: is needed"]
    values = {name: value for name, value in place.items() if name in known}
    for name, least in _NUMBERS.items():
        if name in values and not _is_number(values[name], least):
            faults.append(f"{name}: expected a number of at least {least:g}, got {values[name]!r}")
    if faults:
        raise BadArgument(
            "The place of the exporter cannot be used. " + " ".join(f"{each}." for each in sorted(faults))
        )
    numbers = {name: float(values[name]) for name in ("interval", "grace") if name in values}
    if "questions_a_round" in values:
        values["questions_a_round"] = int(values["questions_a_round"])
    return Exporter(**{**values, **numbers, "modules": tuple(values.get("modules", ()))})


def files_of(comparison: Comparison, exporter: Exporter, hardening: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The configuration's files by name. ``hardening`` is a result of hardening_info."""
    values = {"exporter": exporter, "user_agent": USER_AGENT}
    settings = _settings(comparison, exporter) | {"hardening": _hardening(hardening or {}, exporter)}
    return njs_files(FILES, values, settings)


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


def _is_number(value: Any, least: float) -> bool:
    try:
        return float(value) >= least
    except (TypeError, ValueError):
        return False
