# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which routes that ask somebody the proxies will stand before, in sentences, from what forward_auth_info found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Place = tuple[str, str]
# Hosts of one middleware that a sentence names.
_NAMED = 3


def coverage_of(preflights: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return how many of the routes that ask somebody the proxies of all preflights protect, and which they do not.

    A preflight is a result of forward_auth_info; an empty one was not asked for. A route counts as protected where
    everybody whom it asks has a proxy before him, one that stands already or one of these.
    """
    looked = [each for each in preflights if each.get("middlewares") is not None]
    if not looked:
        return []
    middlewares = {_place(each): each for found in looked for each in found["middlewares"] if each.get("routes")}
    proxies: dict[Place, str] = {}
    for found in looked:
        for proxy in found.get("proxies") or []:
            for item in proxy.get("switch") or []:
                proxies[_place(item["metadata"])] = str(proxy["name"])
    bare = [each for place, each in middlewares.items() if place not in proxies and not each.get("behind_proxy")]
    asking = {route for each in middlewares.values() for route in each["routes"]}
    open_routes = {route for each in bare for route in each["routes"]}
    if not asking:
        return ["No route asks a ForwardAuth service: there is nothing for a proxy to stand before."]
    named = ", ".join(f"{name} ({_count(name, proxies, middlewares)})" for name in sorted(set(proxies.values())))
    told = [
        f"Proxies will stand before all that {len(asking) - len(open_routes)} of {len(asking)} routes ask"
        f"{f': {named}' if named else ''}."
    ]
    return told + [f"Not before {_shown(each)}." for each in bare]


def _place(item: Mapping[str, Any]) -> Place:
    return str(item.get("namespace", "")), str(item["name"])


def _count(name: str, proxies: Mapping[Place, str], middlewares: Mapping[Place, Mapping[str, Any]]) -> str:
    mine = [middlewares[place] for place, proxy in proxies.items() if proxy == name and place in middlewares]
    return _routes({route for each in mine for route in each["routes"]})


def _routes(routes: set[str]) -> str:
    return f"{len(routes)} route{'s' * (len(routes) != 1)}"


def _shown(each: Mapping[str, Any]) -> str:
    hosts = [str(host) for host in each.get("hosts") or []]
    more = f" and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else ""
    where = f": {', '.join(hosts[:_NAMED])}{more}" if hosts else ""
    return f"{'/'.join(_place(each))}, which asks {each['address']} ({_routes(set(each['routes']))}{where})"
