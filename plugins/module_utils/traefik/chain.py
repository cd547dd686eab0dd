# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Chains of middlewares: the ordered names that an Ingress' annotation, a route or an entry point holds. Pure.

A name is always the qualified one, ``namespace-name@kubernetescrd`` or ``name@provider``: the one form that means the
same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import PROVIDER, crd_id

FIRST, LAST, BEFORE, AFTER, REPLACES = "first", "last", "before", "after", "replaces"


class OtherMissing(Exception):
    """The chain does not hold the middleware that the place is relative to."""


@dataclass(frozen=True)
class Place:
    """Where: ``first`` or ``last``; directly ``before`` or ``after`` ``other``, or in its place (``replaces``)."""

    where: str
    other: str = ""


@dataclass(frozen=True)
class MiddlewareName:
    """A middleware as an option names it: ``namespace/name`` of a Middleware, or ``name@provider`` of any other.

    ``qualified`` is the name that routers use. ``namespace`` and ``name`` are empty when only the qualified one is
    known: ``a-b-c@kubernetescrd`` does not tell where the namespace ends.
    """

    qualified: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"Middleware {self.namespace}/{self.name}" if self.name else f"middleware {self.qualified}"

    def reference(self, from_namespace: str) -> dict[str, str]:
        """The entry of a route's ``middlewares`` in an IngressRoute of the namespace."""
        if not self.name:
            return {"name": self.qualified}
        return {"name": self.name} | ({"namespace": self.namespace} if self.namespace != from_namespace else {})


def parsed_name(option: str, text: str) -> MiddlewareName:
    """What an option says. Raises BadArgument naming the option when it is neither form."""
    if "@" in text:
        name, provider = text.split("@", 1)
        if name and provider and not set(text) & set(" ,/"):
            return MiddlewareName(text)
    elif text.count("/") == 1:
        namespace, name = text.split("/")
        if namespace and name and not set(text) & set(" ,"):
            return MiddlewareName(crd_id(namespace, name), namespace, name)
    raise BadArgument(f"{option}: {text!r} is neither namespace/name of a Middleware nor name@provider of another one")


def from_text(annotation: str | None) -> list[str]:
    """The names of a comma-separated list, as Traefik reads it: blanks around a name do not count."""
    return [name.strip() for name in (annotation or "").split(",") if name.strip()]


def from_references(references: Iterable[Mapping[str, Any]], namespace: str) -> list[str]:
    """The qualified names of a route's ``middlewares`` in an object of the namespace."""
    return [qualified(reference, namespace) for reference in references]


def qualified(reference: Mapping[str, Any], namespace: str) -> str:
    """The qualified name of one entry of ``middlewares`` (``name``, and ``namespace`` where it is another one)."""
    name = str(reference.get("name", ""))
    return name if "@" in name else crd_id(str(reference.get("namespace") or namespace), name)


def with_middleware(chain: Sequence[str], wanted: str, place: Place) -> list[str]:
    """The chain with the middleware at the place, once; the others keep their order, doubled ones their first place.

    Raises OtherMissing when the chain does not hold ``place.other``. A chain that holds ``wanted`` and no longer what
    it replaces stays as it is.
    """
    others = [name for name in dict.fromkeys(chain) if name != wanted]
    if place.where == REPLACES and place.other not in others and wanted in chain:
        return list(dict.fromkeys(chain))
    at = _position(others, place)
    rest = others[at + 1 :] if place.where == REPLACES else others[at:]
    return [*others[:at], wanted, *rest]


def _position(others: Sequence[str], place: Place) -> int:
    if place.where == FIRST:
        return 0
    if place.where == LAST:
        return len(others)
    if place.other not in others:
        raise OtherMissing(place.other)
    return others.index(place.other) + (place.where == AFTER)


def without_middleware(chain: Sequence[str], unwanted: str) -> list[str]:
    """The chain without the middleware; one that does not hold it stays as it is."""
    return [name for name in dict.fromkeys(chain) if name != unwanted] if unwanted in chain else list(chain)


def as_references(
    chain: Sequence[str], before: Sequence[Mapping[str, Any]], namespace: str, added: MiddlewareName
) -> list[dict[str, Any]]:
    """The chain as a route's ``middlewares``: what was there keeps its own form, only ``added`` gets a new one."""
    kept: dict[str, dict[str, Any]] = {}
    for reference in before:
        kept.setdefault(qualified(reference, namespace), dict(reference))
    return [kept.get(name) or added.reference(namespace) for name in chain]


def is_of_crd_provider(name: str) -> bool:
    """Whether the qualified name is one of a Middleware object."""
    return name.endswith(f"@{PROVIDER}")
