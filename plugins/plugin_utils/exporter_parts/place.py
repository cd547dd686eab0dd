# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the exporters have in common: nginx with njs that asks round after round, and where that is carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

# Scripts and pieces of configuration that every exporter has.
PARTS = Path(__file__).parent


@dataclass(frozen=True)
class Place:
    """Where an exporter is carried out, and how often. Times are in seconds.

    ``folder`` is where the files will lie, ``account`` the folder of the account's token and of the authority of the
    API server, ``modules`` what nginx has to load for njs (nothing where it is built in). A replica that became ready
    less than ``grace`` ago is not looked at.
    """

    folder: str
    account: str = "/var/run/secrets/kubernetes.io/serviceaccount"
    temporary: str = "/tmp"
    modules: tuple[str, ...] = ()
    interval: float = 15
    grace: float = 30
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
        """For so long there may be no round, and none that could ask."""
        return 4 * self.interval


AnyPlace = TypeVar("AnyPlace", bound=Place)


def place_from(kind: type[AnyPlace], given: Any, least: Mapping[str, float]) -> AnyPlace:
    """Return the given place. ``least`` names the options that are numbers, and what each is at least.

    Raises BadArgument with every fault.
    """
    if not isinstance(given, Mapping):
        raise BadArgument(f"The place of the exporter cannot be used. Expected options and values, got {given!r}.")
    known = {item.name: item for item in fields(kind)}
    faults = [f"{name}: there is no such option" for name in given if name not in known]
    faults += [] if given.get("folder") else ["folder: is needed"]
    values = {name: value for name, value in given.items() if name in known}
    for name, lowest in least.items():
        if name in values and not _is_number(values[name], lowest):
            faults.append(f"{name}: expected a number of at least {lowest:g}, got {values[name]!r}")
    if faults:
        raise BadArgument(
            "The place of the exporter cannot be used. " + " ".join(f"{each}." for each in sorted(faults))
        )
    numbers = {
        name: int(values[name]) if known[name].type == "int" else float(values[name])
        for name in least
        if name in values
    }
    return kind(**{**values, **numbers, "modules": tuple(values.get("modules", ()))})


def _is_number(value: Any, least: float) -> bool:
    try:
        return float(value) >= least
    except (TypeError, ValueError):
        return False
