# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plain requests that a router's rule takes: GET, with a host and a path and nothing else. No I/O."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.resilient.traefik.plugins.module_utils.traefik import rules
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest

# Any host will do where a rule names none.
ANY_HOST = "localhost"
# Nobody has it (RFC 2606): a rule that takes it may take any host.
_NOBODYS_HOST = "a-host-that-nobody-names.invalid"
_PATHS = ("Path", "PathPrefix")
# Of a rule that cannot be parsed, or of one for TCP.
_NAMED = re.compile(r"(!\s*)?\bHost(?:SNI|Header)?\(([^()]*)\)")
_VALUE = re.compile(r"[`\"']([^`\"'*{}]+)[`\"']")


@dataclass(frozen=True)
class PlainRequests:
    """What a rule takes. ``hosts`` are those that it names, ``others`` whether it may take hosts that it does not name.

    ``paths`` has one for each of the hosts, or for ANY_HOST where it names none. ``unaskable`` says why no plain
    request is sure to fit; where one is, it is empty, and the first of the hosts is one that fits with its path.
    """

    hosts: tuple[str, ...]
    others: bool
    paths: Mapping[str, str] = field(default_factory=dict)
    unaskable: str = ""

    @property
    def path(self) -> str:
        """The path for the first host."""
        return self.path_of(self.hosts[0] if self.hosts else ANY_HOST)

    def path_of(self, host: str) -> str:
        """Return the path for one of the hosts."""
        return self.paths.get(host, "/")


@functools.lru_cache(maxsize=8192)
def plain_requests(rule: str) -> PlainRequests:
    """Return what a rule takes, in the syntax of Traefik 3 or else in that of Traefik 2."""
    try:
        node, syntax = _parsed(rule)
    except rules.RuleError as error:
        named = _named(rule)
        return PlainRequests(named, others=not named, unaskable=f"its rule cannot be read: {error}")
    hosts = dict.fromkeys(host for host in rules.hosts_of(node) if "*" not in host and "{" not in host)
    paths = _written_paths(node)
    # A host without a path of its own is asked where the rule's first path leads, and gets whatever it gets.
    first = paths[0] if paths else "/"
    fitting = {host: _fitting(node, syntax, host, paths) for host in hosts or (ANY_HOST,)}
    return PlainRequests(
        # One that fits comes first: it stands for the route.
        hosts=tuple(sorted(hosts, key=lambda host: not fitting[host])),
        others=not hosts or _takes_others(node, syntax),
        paths={host: path or first for host, path in fitting.items()},
        unaskable="" if any(fitting.values()) else _reason(node, syntax, next(iter(fitting)), first),
    )


def _parsed(rule: str) -> tuple[rules.Node, str]:
    try:
        return rules.parse(rule, rules.V3), rules.V3
    except rules.RuleError as error:
        try:
            return rules.parse(rule, rules.V2), rules.V2
        except rules.RuleError:
            raise error from None


def _named(rule: str) -> tuple[str, ...]:
    wanted = [inside for negated, inside in _NAMED.findall(rule) if not negated]
    return tuple(dict.fromkeys(value.lower() for inside in wanted for value in _VALUE.findall(inside)))


def _written_paths(node: rules.Node) -> list[str]:
    """The paths that the rule asks for, in its order."""
    asked = [leaf for leaf, negated in rules.leaves(node) if leaf.name in _PATHS and not negated]
    return [value for leaf in asked for value in leaf.values if value.startswith("/") and "{" not in value]


def _fitting(node: rules.Node, syntax: str, host: str, paths: Sequence[str]) -> str:
    """A path with which the rule takes the host; empty when there is none that is sure to do."""
    candidates = [*paths, *(() if "/" in paths else ("/",))]
    return next(
        (path for path in candidates if rules.evaluate(node, SiteRequest(host, path), syntax).matches is True), ""
    )


def _takes_others(node: rules.Node, syntax: str) -> bool:
    for leaf, negated in rules.leaves(node):
        if leaf.name == "HostRegexp" and not negated:
            return True
        if leaf.name in rules.NAMED_HOSTS and any("*" in value for value in leaf.values):
            return True
    return rules.evaluate(rules.only_hosts(node), SiteRequest(_NOBODYS_HOST), syntax).matches is not False


def _reason(node: rules.Node, syntax: str, host: str, path: str) -> str:
    request = SiteRequest(host, path)
    asked = [
        leaf for leaf, negated in rules.leaves(node) if not negated and leaf.name not in (*rules.NAMED_HOSTS, *_PATHS)
    ]
    unmet = [leaf for leaf in asked if rules.evaluate(leaf, request, syntax).matches is not True]
    if unmet:
        return f"its rule asks for {unmet[0]}"
    outcome = rules.evaluate(node, request, syntax)
    return f"no plain request is sure to fit its rule: {outcome.reason or 'no host and path of it fit together'}"
