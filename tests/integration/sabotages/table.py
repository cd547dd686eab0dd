"""All sabotages, each of which was seen to be found on the lab. What is new comes into the table of its area."""

from __future__ import annotations

from tests.integration.sabotages import others, proxies, rolls, traefik, way
from tests.integration.sabotages.sabotage import Sabotage

SABOTAGES: tuple[Sabotage, ...] = (
    *way.SABOTAGES,
    *proxies.SABOTAGES,
    *traefik.SABOTAGES,
    *others.SABOTAGES,
    *rolls.SABOTAGES,
)


def stage(number: int) -> list[Sabotage]:
    """Those that are done at once."""
    return [each for each in SABOTAGES if each.stage == number]


def stages() -> list[int]:
    """The numbers of all stages."""
    return sorted({each.stage for each in SABOTAGES})
