# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which headers Traefik has to take from a proxy's answer, and from nobody else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MARK = "X-Auth-Fallback"
LOGIN = "Authorization"


def response_headers(before: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """The middleware's list with all that is wanted in it; names are the same whatever their case."""
    result: dict[str, str] = {}
    for name in (*before, *wanted):
        result.setdefault(name.lower(), name)
    return list(result.values())


def pattern_of(headers: Iterable[str]) -> str:
    """An expression for whole families of headers, underscores for hyphens included.

    A list takes the names in it from the client's request and no others: ``X_authentik_username`` passes it, and names
    that a later version of the target adds (measured on 3.7.9). Traefik matches canonical names: case must not count.
    """
    families = dict.fromkeys(_family(name) for name in headers)
    return f"(?i)^({'|'.join(families)})" if families else ""


def with_families(own: str, headers: Iterable[str]) -> str:
    """The middleware's own expression with that for whole families of headers beside it, once."""
    families = pattern_of(headers)
    if not own or not families or own == families:
        return own or families
    scoped = f"(?i:{families.removeprefix('(?i)')})"
    return own if scoped in own else f"{own}|{scoped}"


def _family(name: str) -> str:
    parts = name.lower().split("-")
    if len(parts) > 2 and name.lower() != MARK.lower():
        return "[-_]".join(parts[:2]) + "[-_]"
    return "[-_]".join(parts) + "$"


def request_header_findings(forward_auth: Mapping[str, Any], asks_for_login: bool) -> list[str]:
    """What the middleware does not hand on and the proxy cannot do without."""
    given = [str(name).lower() for name in forward_auth.get("authRequestHeaders") or []]
    needed = ["Cookie"] + ([LOGIN] if asks_for_login else [])
    missing = [name for name in needed if given and name.lower() not in given]
    return [
        f"its authRequestHeaders lack {' and '.join(missing)}, without which the proxy cannot tell who asks; add "
        f"{'them' if len(missing) > 1 else 'it'} there"
    ] * bool(missing)
