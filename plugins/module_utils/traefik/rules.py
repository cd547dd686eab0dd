# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parse a router's rule, in the syntax of Traefik 3 or 2, and evaluate it for one request. No I/O.

Read in Traefik's source, 3.7.13: pkg/rules/parser.go, pkg/muxer/http/matcher.go and matcher_v2.go. A rule is an
expression of matchers with ``&&``, ``||``, ``!`` and parentheses, in which ``!`` binds closest and ``||`` least.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest

V2, V3 = "v2", "v3"
# Matchers whose values are hosts as they are.
NAMED_HOSTS = ("Host", "HostHeader")
# Traefik takes a matcher's name as documented, in lower case, in upper case and with one capital.
_TOKEN = re.compile(r'\s*(?:(&&|\|\||!|\(|\)|,)|([A-Za-z]\w*)|(`[^`]*`|"(?:[^"\\]|\\.)*"))')
_TEMPLATE = re.compile(r"{([^{}:]*)(?::((?:[^{}]|{[^{}]*})*))?}")


class RuleError(Exception):
    """The rule cannot be parsed: Traefik drops its router. The message says what is wrong."""


@dataclass(frozen=True)
class Outcome:
    """Whether a rule takes a request; None where it depends on what is not known. ``reason`` says why not True."""

    matches: bool | None
    reason: str = ""


@dataclass(frozen=True)
class Node:
    """A rule's tree: a matcher with its values, or ``and``, ``or``, ``not`` over ``parts``."""

    name: str
    values: tuple[str, ...] = ()
    parts: tuple[Node, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'`{value}`' for value in self.values)})"


# Replicas and schemes are each looked at with the same rules.
@functools.lru_cache(maxsize=8192)
def parse(rule: str, syntax: str = V3) -> Node:
    """Return the tree of a rule. Raise RuleError."""
    reader = _Reader(rule, syntax)
    node = reader.any_of()
    if reader.token:
        raise RuleError(f"unexpected {reader.token!r} in the rule")
    return node


def evaluate(node: Node, request: SiteRequest, syntax: str = V3) -> Outcome:
    """Return whether the rule takes the request."""
    if node.name == "not":
        inner = evaluate(node.parts[0], request, syntax)
        if inner.matches is None:
            return inner
        return Outcome(not inner.matches, f"!{node.parts[0]} excludes it" if inner.matches else "")
    if node.name in ("and", "or"):
        return _combined(node, [evaluate(part, request, syntax) for part in node.parts])
    return _leaf(node, request, syntax)


def leaves(node: Node, negated: bool = False) -> Iterator[tuple[Node, bool]]:
    """Yield every matcher of the rule, and whether it stands behind a ``!``."""
    if not node.parts:
        yield node, negated
    for part in node.parts:
        yield from leaves(part, negated is not (node.name == "not"))


def hosts_of(node: Node) -> list[str]:
    """Return the hosts that the rule asks for by name, those behind a ``!`` left out."""
    asked = [leaf for leaf, negated in leaves(node) if leaf.name in NAMED_HOSTS and not negated]
    return [value.lower() for leaf in asked for value in leaf.values]


def host_outcome(node: Node, request: SiteRequest, syntax: str = V3) -> bool:
    """Return whether the rule asks for a host and may take this one, whatever it says of path, method and the rest."""
    return (
        any(leaf.name in _HOSTS for leaf, _negated in leaves(node))
        and evaluate(only_hosts(node), request, syntax).matches is not False
    )


def only_hosts(node: Node) -> Node:
    """Return the rule as it is for a request of which nothing but the host is known to matter."""
    if node.parts:
        return Node(node.name, parts=tuple(map(only_hosts, node.parts)))
    return node if node.name in _HOSTS else Node("anything")


class _Reader:
    """One pass over a rule's tokens."""

    def __init__(self, rule: str, syntax: str) -> None:
        self._rule, self._at = rule, 0
        self._names = {form(name): name for name in _MATCHERS[syntax] for form in _FORMS}
        self.token = ""
        self._advance()

    def any_of(self) -> Node:
        """Return one or more alternatives."""
        return self._joined("||", "or", self._all_of)

    def _all_of(self) -> Node:
        return self._joined("&&", "and", self._one)

    def _joined(self, operator: str, name: str, inner: Callable[[], Node]) -> Node:
        parts = [inner()]
        while self.token == operator:
            self._advance()
            parts.append(inner())
        return parts[0] if len(parts) == 1 else Node(name, parts=tuple(parts))

    def _one(self) -> Node:
        if self.token == "!":
            self._advance()
            return Node("not", parts=(self._one(),))
        if self.token == "(":
            self._advance()
            node = self.any_of()
            self._expect(")")
            return node
        return self._matcher()

    def _matcher(self) -> Node:
        given = self.token
        if not given or not given[0].isalpha():
            raise RuleError(f"a matcher is missing before {given!r}" if given else "the rule ends too early")
        if given not in self._names:
            raise RuleError(f"there is no matcher {given} in this rule syntax")
        self._advance()
        self._expect("(")
        values: list[str] = []
        while self.token[:1] in ("`", '"'):
            quoted = self.token
            values.append(quoted[1:-1] if quoted[0] == "`" else re.sub(r"\\(.)", r"\1", quoted[1:-1]))
            self._advance()
            if self.token == ",":
                self._advance()
        self._expect(")")
        node = Node(self._names[given], tuple(values))
        if not values or not all(values):
            raise RuleError(f"{node.name} has no value")
        return node

    def _expect(self, wanted: str) -> None:
        if self.token != wanted:
            raise RuleError(f"{wanted!r} is missing before {self.token or 'the end'!r}")
        self._advance()

    def _advance(self) -> None:
        rest = self._rule[self._at :]
        found = _TOKEN.match(rest)
        if not found:
            if rest.strip():
                raise RuleError(f"cannot be read from {rest.strip()[:20]!r} on")
            self.token = ""
            return
        self._at += found.end()
        self.token = found[1] or found[2] or found[3]


_FORMS: tuple[Callable[[str], str], ...] = (str, str.lower, str.upper, str.capitalize)


def _combined(node: Node, outcomes: Sequence[Outcome]) -> Outcome:
    """Combine three-valued outcomes: what decides wins over what is not known."""
    deciding = node.name == "or"
    reasons = list(dict.fromkeys(each.reason for each in outcomes if each.matches is not True and each.reason))
    if any(each.matches is deciding for each in outcomes):
        return Outcome(deciding, "" if deciding else _first_false(outcomes))
    if any(each.matches is None for each in outcomes):
        return Outcome(None, "; ".join(reasons))
    return Outcome(not deciding, "" if not deciding else "; ".join(reasons))


def _first_false(outcomes: Sequence[Outcome]) -> str:
    return "; ".join(dict.fromkeys(each.reason for each in outcomes if each.matches is False))


def _leaf(node: Node, request: SiteRequest, syntax: str) -> Outcome:
    if node.name == "anything":
        return Outcome(True)
    try:
        matches = _MATCHERS[syntax][node.name](node.values, request)
    except (re.error, ValueError, IndexError) as error:
        return Outcome(None, f"{node}: cannot be evaluated here: {error}")
    if matches is None:
        return Outcome(None, f"{node} depends on the client's address, which is not known (client_ip)")
    return Outcome(matches, "" if matches else f"{node} does not take {_seen(node.name, request)}")


def _seen(name: str, request: SiteRequest) -> str:
    """Name the part of the request that a matcher looks at. A header's value may be a secret."""
    if name in _HOSTS:
        return request.hostname
    if name.startswith("Path"):
        return request.path
    if name == "ClientIP":
        return request.client_ip
    if name.startswith("Header"):
        return "the headers of the request"
    return request.method if name == "Method" else "the query of the request"


def _go(expression: str) -> re.Pattern[str]:
    r"""Compile an expression of Go's RE2, of which Python knows all but ``\z`` and POSIX classes. Raise re.error."""
    if "[[:" in expression:
        raise re.error("it uses a POSIX class")
    return re.compile(expression.replace(r"\z", r"\Z"))


def _one_host(host: str, request: SiteRequest) -> bool:
    host, asked = host.lower().rstrip("."), request.hostname.rstrip(".")
    if host.startswith("*"):
        labels = asked.split(".")
        return host == "*" or host == ".".join(["*", *labels[1:]])
    return host == asked


def _host(values: Sequence[str], request: SiteRequest) -> bool:
    return any(_one_host(value, request) for value in values)


def _template(text: str, default: str, whole: bool) -> re.Pattern[str]:
    """Compile a template of Traefik 2, ``{name:expression}`` in fixed text; ``default`` stands for a bare name."""
    parts, at = [], 0
    for found in _TEMPLATE.finditer(text):
        parts += [re.escape(text[at : found.start()]), f"(?:{found[2] or default})"]
        at = found.end()
    return re.compile("".join(parts) + re.escape(text[at:]) + (r"\Z" if whole else ""))


def _host_template(values: Sequence[str], request: SiteRequest) -> bool:
    # Gorilla's mux, which Traefik 2 uses, compares hosts without regard to case.
    return any(_template(value.lower(), "[^.]+", True).match(request.hostname) for value in values)


def _path_template(values: Sequence[str], request: SiteRequest) -> bool:
    return any(_template(value, "[^/]+", True).match(request.path) for value in values)


def _prefix_template(values: Sequence[str], request: SiteRequest) -> bool:
    return any(_template(value, "[^/]+", False).match(request.path) for value in values)


def _client_ip(values: Sequence[str], request: SiteRequest) -> bool | None:
    if not request.client_ip:
        return None
    address = ipaddress.ip_address(request.client_ip)
    return any(address in ipaddress.ip_network(value, strict=False) for value in values)


def _header(values: Sequence[str], request: SiteRequest) -> bool:
    return values[1] in request.header(values[0])


def _header_regexp(values: Sequence[str], request: SiteRequest) -> bool:
    return any(_go(values[1]).search(each) for each in request.header(values[0]))


def _headers(values: Sequence[str], request: SiteRequest) -> bool:
    """Evaluate pairs of name and value; an empty value asks for the header alone."""
    pairs = zip(values[::2], values[1::2], strict=True)
    return all(request.header(name) and (not value or value in request.header(name)) for name, value in pairs)


def _headers_regexp(values: Sequence[str], request: SiteRequest) -> bool:
    pairs = zip(values[::2], values[1::2], strict=True)
    return all(any(_go(value).search(each) for each in request.header(name)) for name, value in pairs)


def _query(values: Sequence[str], request: SiteRequest) -> bool:
    wanted = values[1] if len(values) > 1 else ""
    return wanted in request.query_values(values[0])


def _query_regexp(values: Sequence[str], request: SiteRequest) -> bool:
    if len(values) < 2:
        return _query(values, request)
    return any(_go(values[1]).search(each) for each in request.query_values(values[0]))


def _query_v2(values: Sequence[str], request: SiteRequest) -> bool:
    """Evaluate ``name=value`` pairs: of a repeated parameter the first counts, and no value stands for any."""
    for value in values:
        name, _equals, wanted = value.partition("=")
        given = request.query_values(name)[:1]
        if not given or (wanted and not _template(wanted, ".*", True).match(given[0])):
            return False
    return True


_Matcher = Callable[[Sequence[str], SiteRequest], Any]
_HOSTS = (*NAMED_HOSTS, "HostRegexp")
_MATCHERS: Mapping[str, Mapping[str, _Matcher]] = {
    V3: {
        "ClientIP": _client_ip,
        "Method": lambda values, request: values[0].upper() == request.method,
        "Host": _host,
        "HostRegexp": lambda values, request: bool(_go(values[0]).search(request.hostname)),
        "Path": lambda values, request: values[0] == request.path,
        "PathRegexp": lambda values, request: bool(_go(values[0]).search(request.path)),
        "PathPrefix": lambda values, request: request.path.startswith(values[0]),
        "Header": _header,
        "HeaderRegexp": _header_regexp,
        "Query": _query,
        "QueryRegexp": _query_regexp,
    },
    V2: {
        "ClientIP": _client_ip,
        "Method": lambda values, request: request.method in [value.upper() for value in values],
        "Host": _host,
        "HostHeader": _host,
        "HostRegexp": _host_template,
        "Path": _path_template,
        "PathPrefix": _prefix_template,
        "Headers": _headers,
        "HeadersRegexp": _headers_regexp,
        "Query": _query_v2,
    },
}
