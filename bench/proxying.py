"""What a fallback proxy costs while its target is well, and what it saves while that hangs, beside its rivals."""

from __future__ import annotations

from bench.cases import Case, Cluster, Contender, Samples
from bench.even import percentile
from bench.sites import AT_ONCE, DIRECT, NO_LOGIN, OURS, PLAIN, Sites, sites_of

WAYS = {"no login": NO_LOGIN, "ForwardAuth direct": DIRECT, "plain nginx": PLAIN, "fallback proxy": OURS}
CONNECTIONS = (32, 2)
# Well under what the slowest way can do.
OFFERED = 100


def proxying(cluster: Cluster) -> Case:
    """As much as 32 and 2 connections can do, and a rate that is offered; with the target well, and hung."""
    sites = sites_of(cluster)
    steady = [_saturated(sites, way, connections) for connections in CONNECTIONS for way in WAYS]
    return [*steady, *(_offered(sites, way) for way in WAYS), *_hung(sites)]


def _saturated(sites: Sites, way: str, connections: int) -> Contender:
    name = f"{way}, {connections} connections"

    def run(_: str) -> Samples:
        sites.wait_until_well(DIRECT, OURS, PLAIN)
        found = sites.saturated(WAYS[way], connections)
        return {f"rate: {name}": found.per_second, f"p50: {name}": found.percentile(50)}

    return Contender(name, run)


def _offered(sites: Sites, way: str) -> Contender:
    name = f"{way}, {OFFERED} requests a second"

    def run(_: str) -> Samples:
        sites.wait_until_well(DIRECT, OURS, PLAIN)
        replies = sites.offered([WAYS[way]], OFFERED, 200).replies
        return {f"p50: {name}": percentile(replies, 50), f"p99: {name}": percentile(replies, 99)}

    return Contender(name, run)


def _hung(sites: Sites) -> Case:
    """Strangers, whom the fallback proxy asks for the emergency login and a target that is well for its own."""

    def fallback_proxy(_: str) -> Samples:
        with sites.hung(OURS):
            found = sites.saturated(OURS, 32, member=False, good=False)
            even = sites.offered([OURS], OFFERED, 401).replies
        return {
            "rate: fallback proxy, target hung": found.per_second,
            "p50: fallback proxy, target hung": found.percentile(50),
            f"p50: fallback proxy, target hung, {OFFERED} requests a second": percentile(even, 50),
            f"p99: fallback proxy, target hung, {OFFERED} requests a second": percentile(even, 99),
        }

    def plain_nginx(_: str) -> Samples:
        with sites.hanging():
            found = sites.waited_for(PLAIN, 32, 200)
        return {
            "rate: plain nginx, target hung": len(found.times) / found.seconds,
            "p50: plain nginx, target hung": found.median,
        }

    def at_once(_: str) -> Samples:
        found = sites.saturated(AT_ONCE, 32, member=False)
        return {"rate: 302 at once by nginx": found.per_second, "p50: 302 at once by nginx": found.percentile(50)}

    def by_target(_: str) -> Samples:
        sites.wait_until_well(DIRECT)
        found = sites.saturated(DIRECT, 32, member=False)
        return {"rate: 302 by the target": found.per_second, "p50: 302 by the target": found.percentile(50)}

    return [
        Contender("fallback proxy, target hung", fallback_proxy),
        Contender("302 at once by nginx", at_once),
        Contender("302 by the target", by_target),
        Contender("plain nginx, target hung", plain_nginx),
    ]
