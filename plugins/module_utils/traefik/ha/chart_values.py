# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The wishes as values of Traefik's chart, worked into those of a release. Pure.

The keys are those of the chart's values, the same in 37.1.0, 39.0.5, 40.0.0 and 41.3.0. What has no key of its own
goes into additionalArguments.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha import pods
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.arguments import (
    ACCEPT_GRACE,
    GRACE,
    life_cycle,
    wished_arguments,
    with_arguments,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import Wishes

Values = dict[str, Any]
Path = tuple[str, ...]
# What wished values are worked into, in every chart that is known here.
_MAPPINGS: tuple[Path, ...] = (
    ("deployment",),
    ("deployment", "lifecycle"),
    ("deployment", "lifecycle", "preStop"),
    ("podDisruptionBudget",),
    ("ports",),
    ("readinessProbe",),
    ("updateStrategy",),
    ("updateStrategy", "rollingUpdate"),
)
_LISTS: tuple[Path, ...] = (("additionalArguments",), ("topologySpreadConstraints",))
_SHAPES = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a mapping"}


@dataclass(frozen=True)
class Release:
    """What a release is made of: the chart's ``defaults``, the ``config`` that its user gave, and facts of the workload
    that came of it: its ``entry_points``, the ``labels`` of its selector, and whether it is a DaemonSet.
    """

    defaults: Values
    config: Values
    entry_points: tuple[str, ...]
    labels: Mapping[str, str]
    daemon_set: bool = False

    def effective(self, path: Path) -> Any:
        """The value at a path; None where there is none."""
        return value_at(coalesced(self.defaults, self.config), path)


def wished_values(release: Release, wishes: Wishes, extra: Mapping[str, Any]) -> dict[Path, Any]:
    """Values by path: whole ones, with the lists merged. ``extra`` are more values, which win."""
    wished: dict[Path, Any] = {
        ("deployment", "terminationGracePeriodSeconds"): wishes.termination_grace_period,
        **_rolling(release, wishes),
        **_budget(release, wishes),
        **_arguments(release, wishes),
    }
    if wishes.pre_stop_sleep:
        wished["deployment", "lifecycle", "preStop"] = {"sleep": {"seconds": wishes.pre_stop_sleep}}
    if wishes.priority_class:
        wished["priorityClassName",] = wishes.priority_class
    if wishes.readiness_delay > (release.effective(("readinessProbe", "initialDelaySeconds")) or 0):
        wished["readinessProbe", "initialDelaySeconds"] = wishes.readiness_delay
    return wished | _extra(release, wished, extra)


def with_values(values: Values, wished: Mapping[Path, Any]) -> Values:
    """The values with the wished ones set."""
    result = copy.deepcopy(values)
    for path, value in wished.items():
        place = result
        for key in path[:-1]:
            if not isinstance(place.get(key), dict):
                place[key] = {}
            place = place[key]
        place[path[-1]] = copy.deepcopy(value)
    return result


def coalesced(defaults: Mapping[str, Any], config: Mapping[str, Any]) -> Values:
    """Both as Helm takes them together: a null takes a default away, mappings are merged, all else is replaced."""
    result = dict(copy.deepcopy(defaults))
    for key, value in config.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = coalesced(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def value_at(values: Mapping[str, Any], path: Path) -> Any:
    """The value at a path, None where there is none."""
    found: Any = values
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def shape_faults(values: Mapping[str, Any]) -> list[str]:
    """Return what is no mapping or list where one belongs, each with its path and what it is.

    Python would take a text for a list of its letters, and a number in place of a mapping would be replaced. The value
    itself is not shown: it may hold a secret.
    """
    shapes = [(path, Mapping, "a mapping") for path in _MAPPINGS] + [(path, list, "a list") for path in _LISTS]
    found = [(path, value_at(values, path), shape, words) for path, shape, words in shapes]
    return [
        f"{'.'.join(path)} is {_SHAPES.get(type(value), 'something else')}, and {words} belongs there"
        for path, value, shape, words in found
        if value is not None and not isinstance(value, shape)
    ]


def _rolling(release: Release, wishes: Wishes) -> dict[Path, Any]:
    wished: dict[Path, Any] = {}
    if wishes.min_ready_seconds:
        wished["deployment", "minReadySeconds"] = wishes.min_ready_seconds
    for name, value in (("maxUnavailable", wishes.max_unavailable), ("maxSurge", wishes.max_surge)):
        if value is not None:
            wished["updateStrategy", "rollingUpdate", name] = value
    if release.daemon_set:
        return wished
    if wishes.replicas is not None:
        wished["deployment", "replicas"] = wishes.replicas
    former = release.effective(("topologySpreadConstraints",)) or []
    wished["topologySpreadConstraints",] = pods.with_spread(former, release.labels, wishes)
    return wished


def _budget(release: Release, wishes: Wishes) -> dict[Path, Any]:
    if not wishes.min_available:
        return {}
    name = "podDisruptionBudget"
    wished: dict[Path, Any] = {(name, "enabled"): True, (name, "minAvailable"): wishes.min_available}
    if release.effective((name, "maxUnavailable")) is not None:
        wished[name, "maxUnavailable"] = None
    return wished


def _arguments(release: Release, wishes: Wishes) -> dict[Path, Any]:
    """A grace time that the values set at the port stays there: as an argument too it would be given twice."""
    left = wished_arguments(wishes, release.entry_points)
    wished: dict[Path, Any] = {}
    for entry_point in release.entry_points:
        for name in (ACCEPT_GRACE, GRACE):
            path = ("ports", entry_point, "transport", "lifeCycle", name)
            if release.effective(path) is not None:
                wished[path] = left.pop(life_cycle(entry_point, name))
    former = [str(each) for each in release.effective(("additionalArguments",)) or []]
    wished["additionalArguments",] = with_arguments(former, left)
    return wished


def _extra(release: Release, wished: Mapping[Path, Any], extra: Mapping[str, Any]) -> dict[Path, Any]:
    found = {}
    for path, value in _leaves(extra):
        former = wished[path] if path in wished else release.effective(path)
        found[path] = merged_list(former, value) if isinstance(value, list) and isinstance(former, list) else value
    return found


def merged_list(former: Sequence[Any], more: Sequence[Any]) -> list[Any]:
    """The former items and those that are not among them. One with the name of a former one takes its place."""
    result = list(former)
    for item in more:
        name = item.get("name") if isinstance(item, Mapping) else None
        same = [at for at, each in enumerate(result) if each == item or (name and _name(each) == name)]
        if same:
            result[same[0]] = item
        else:
            result.append(item)
    return result


def _name(item: Any) -> Any:
    return item.get("name") if isinstance(item, Mapping) else None


def _leaves(values: Mapping[str, Any], path: Path = ()) -> Iterable[tuple[Path, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value
