# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of a client's own X-Forwarded headers reaches a proxy, and what that makes of its settings. Pure.

Read in Traefik's source, 3.7: an entry point takes the X-Forwarded headers of a request away unless it trusts whoever
connected (``forwardedHeaders.insecure``, or ``trustedIPs``). A ForwardAuth middleware with ``trustForwardHeader`` hands
on those that are left; without it, it names the host that was asked for. To X-Forwarded-For it always adds whoever
connected to Traefik.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_routes as routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import (
    believed,
    default_names,
    entry_points_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import Wish
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import qualified_name

NOBODY, SOME, EVERYBODY = "nobody", "some", "everybody"
_ALL = ("0.0.0.0/0", "::/0")
_LOOPBACK = ("127.", "::1")


def trust_at(settings: Mapping[str, str], entry_point: str) -> tuple[str, list[str]]:
    """Whom an entry point trusts: nobody, everybody, or some, and then their addresses."""
    insecure, given = believed(settings, entry_point)
    if insecure or any(each in _ALL for each in given):
        return EVERYBODY, []
    # The machine itself is no proxy that clients pass.
    addresses = [each for each in given if not each.startswith(_LOOPBACK)]
    return (SOME, addresses) if addresses else (NOBODY, [])


def entry_points_of_sites(found: Found, middleware: Object) -> list[str]:
    """Where visitors reach the routes that use a middleware; where that cannot be told, where any may."""
    hosts, others = routing.hosts_behind(found.routes, qualified_name(middleware))
    names = [each.entry_point for site in found.sites if site.host in hosts for each in site.entrances]
    if others or not names:
        points = entry_points_of(found.settings, {})
        names += [name for name in default_names(found.settings) if name in points and not points[name].redirects]
    return list(dict.fromkeys(names))


def faults_of(wish: Wish, found: Found, middleware: Object) -> Iterator[tuple[str, str]]:
    """Settings that a client's own X-Forwarded headers make wrong, as (option, words)."""
    if not found.settings:
        return
    trusts = _trusts(middleware)
    points = {name: trust_at(found.settings, name) for name in entry_points_of_sites(found, middleware)}
    hops = wish.policy.get("trusted_hops", 0)
    if wish.asks_for_login and str(hops).isdigit():
        yield from (("trusted_hops", words) for words in _hops_faults(int(hops), _name(middleware), trusts, points))
    everybody = [name for name, (trust, _addresses) in points.items() if trust == EVERYBODY]
    if trusts and everybody and wish.opens_some:
        yield (
            "fallback_policies",
            f"allow for some hosts would be allow for all: {_name(middleware)} has trustForwardHeader, and entry point "
            f"{everybody[0]} takes X-Forwarded-Host from anybody (forwardedHeaders.insecure), so a client names the "
            "host whose policy it likes; have the entry point trust its proxies' addresses alone (trustedIPs), or set "
            "trustForwardHeader to false",
        )


def chooses_its_host(wish: Wish, found: Found, middleware: Object) -> bool:
    """Whether a client may choose by X-Forwarded-Host which host's policy holds, as far as can be told."""
    if not _trusts(middleware) or not wish.policy.get("hosts"):
        return False
    points = entry_points_of_sites(found, middleware)
    return not found.settings or any(trust_at(found.settings, name)[0] == EVERYBODY for name in points)


def _hops_faults(
    hops: int, middleware: str, trusts: bool, points: Mapping[str, tuple[str, list[str]]]
) -> Iterator[str]:
    """Why a number counts everybody as one client, or lets a client choose who it is counted as."""
    counted = "all clients of those proxies are counted as one"
    if hops and not trusts:
        yield (
            f"has to be 0, not {hops}: {middleware} has no trustForwardHeader, so only whoever connected to Traefik is "
            f"named, and {counted}. Where proxies stand before Traefik, set trustForwardHeader there, and trustedIPs "
            "at the entry point"
        )
        return
    for name, (trust, addresses) in points.items() if trusts else ():
        if hops and trust == NOBODY:
            yield (
                f"has to be 0, not {hops}: entry point {name} takes X-Forwarded-For from nobody, so only whoever "
                f"connected to Traefik is named, and {counted}. Where proxies stand before Traefik, name their "
                "addresses there (forwardedHeaders.trustedIPs)"
            )
        elif hops and trust == EVERYBODY:
            yield (
                f"has to be 0, not {hops}: entry point {name} takes X-Forwarded-For from anybody "
                "(forwardedHeaders.insecure), so a client chooses who it is counted as, at each attempt anew. Where "
                "proxies stand before Traefik, name their addresses there (trustedIPs) in place of insecure"
            )
        elif not hops and trust == SOME:
            yield (
                f"has to be the number of proxies before Traefik, 1 for one, and not 0: entry point {name} trusts "
                f"{', '.join(addresses[:3])}, and {counted}"
            )


def _trusts(middleware: Object) -> bool:
    return bool(middleware["spec"]["forwardAuth"].get("trustForwardHeader"))


def _name(middleware: Object) -> str:
    return f"Middleware {middleware['metadata']['namespace']}/{middleware['metadata']['name']}"
