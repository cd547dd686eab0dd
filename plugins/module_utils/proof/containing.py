# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether an object has all that a manifest says of it, and in words what is otherwise. Pure.

What the manifest leaves out is not looked at: the API server fills in defaults, others may add fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import HIDDEN
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_path import same, shown
from ansible_collections.resilient.traefik.plugins.module_utils.tier_policy import same_quantity

# Where a Secret keeps what nobody may see; its annotations may hold a copy of the whole.
SECRET_PLACES = ("data", "stringData", "metadata")
_QUANTITIES = ("requests", "limits")


def lacks(found: Any, wanted: Any, path: str = "", secret: bool = False) -> Iterator[str]:
    """What differs, such as ``spec.ports[name=http].port is 80, not 9000``; nothing where all of ``wanted`` is there.

    Items of a list that have a name are compared with those of the same name, others by their place; a list has no
    item more than is wanted. Quantities count by value, a number and its text are the same. ``secret`` hides values.
    """
    if not wanted and not isinstance(wanted, bool | int | float):
        wanted, found = None, found or None
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key, value in wanted.items():
            yield from lacks(found.get(key), value, _step(path, str(key)), secret)
    elif isinstance(wanted, list) and isinstance(found, list):
        yield from _list_lacks(found, wanted, path, secret)
    elif not _same(found, wanted, path):
        yield _words(path, found, wanted, secret)


def _list_lacks(found: Sequence[Any], wanted: Sequence[Any], path: str, secret: bool) -> Iterator[str]:
    names, known = _names(wanted), _names(found)
    if names and known:
        for name, value in names.items():
            yield from lacks(known.get(name), value, f"{path}[name={name}]", secret)
        yield from (f"{path}[name={name}] is there too" for name in known if name not in names)
        return
    for place, value in enumerate(wanted):
        yield from lacks(found[place] if place < len(found) else None, value, f"{path}[{place}]", secret)
    yield from (f"{path}[{place}] is there too" for place in range(len(wanted), len(found)))


def _names(items: Sequence[Any]) -> dict[str, Any]:
    """The items by their name; empty where one has none, or two have the same."""
    named = {str(item["name"]): item for item in items if isinstance(item, Mapping) and "name" in item}
    return named if len(named) == len(items) else {}


def _step(path: str, key: str) -> str:
    return f"{path}[{key}]" if "." in key or "/" in key else f"{path}.{key}".lstrip(".")


def _same(found: Any, wanted: Any, path: str) -> bool:
    if same(found, wanted):
        return True
    texts = isinstance(found, str | int | float) and isinstance(wanted, str | int | float)
    if not texts or not any(f".{name}." in path for name in _QUANTITIES):
        return False
    try:
        return same_quantity(str(found), str(wanted))
    except ValueError:
        return False


def _words(path: str, found: Any, wanted: Any, secret: bool) -> str:
    if found is None:
        return f"{path} is not there"
    if secret:
        return f"{path} is {HIDDEN}, and not what it should be"
    # Files in a ConfigMap: neither of both helps in a sentence.
    if any(isinstance(value, str) and "\n" in value for value in (found, wanted)):
        return f"{path} is another text"
    return f"{path} is {shown(found)}, {'which is not wanted' if wanted is None else f'not {shown(wanted)}'}"
