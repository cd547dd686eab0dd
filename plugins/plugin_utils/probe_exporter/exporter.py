# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An exporter that asks sites the way people ask, carried out by nginx with njs: files out of data, no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.probes import USER_AGENT
from ansible_collections.resilient.traefik.plugins.plugin_utils.exporter_parts.place import PARTS, Place, place_from
from ansible_collections.resilient.traefik.plugins.plugin_utils.njs_files import njs_files

FILES = Path(__file__).parent
_NUMBERS = {"interval": 5.0, "grace": 0.0, "answer_within": 0.1, "questions_a_round": 1.0}


@dataclass(frozen=True)
class Exporter(Place):
    """Where sites are asked from. ``dns`` is the address of the resolver, empty where nothing is asked by a name.

    An answer has to be whole after ``answer_within`` seconds. Of more than ``questions_a_round`` questions that are
    due, those that have waited longest are asked.
    """

    answer_within: float = 4
    dns: str = ""
    questions_a_round: int = 40
    websocket_port: int = 9115
    secure_websocket_port: int = 9116
    certificate_port: int = 9117


def exporter_from(place: Any) -> Exporter:
    """Return the exporter in the given place. Raises BadArgument with every fault."""
    found = place_from(Exporter, place, _NUMBERS)
    if found.fetch_within > 0.4 * found.interval:
        raise BadArgument(
            f"answer_within: {found.answer_within:g} s are too long for rounds every {found.interval:g} s, which end "
            f"when the next begins: at most {0.4 * found.interval - found.connect_within - 0.5:g}, or a longer interval"
        )
    return found


def files_of(replicas: Mapping[str, Any], probes: Sequence[Mapping[str, Any]], exporter: Exporter) -> dict[str, str]:
    """Return the configuration's files by name, out of ``replicas`` and ``probes`` as probes_info gives them."""
    values = {"exporter": exporter, "name": "probes", "user_agent": USER_AGENT}
    settings = {
        **replicas,
        "probes": list(probes),
        "user_agent": USER_AGENT,
        "account": exporter.account,
        "asking_port": exporter.asking_port,
        "websocket_port": exporter.websocket_port,
        "secure_websocket_port": exporter.secure_websocket_port,
        "certificate_port": exporter.certificate_port,
        "questions_a_round": exporter.questions_a_round,
        "grace_ms": round(exporter.grace * 1000),
        "interval_ms": round(exporter.interval * 1000),
        "longest_ms": round(exporter.longest * 1000),
        "late_ms": round(exporter.late_after * 1000),
        "answer_ms": round(exporter.answer_within * 1000),
    }
    return njs_files(FILES, values, settings, PARTS)
