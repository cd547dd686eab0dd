# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether an answer is as it was in an earlier run of http_check. Pure.

What changes from one answer to the next by itself is not compared: cookies, dates, ids, bodies, times, and the path and
query of a redirect's target, in which logins carry states and nonces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

# What a request without a name is called in results.
PLACE_IN_LIST = "requests: item "
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NOT_MODIFIED = 304
# What Traefik says without a router, and so never an improvement.
_NOT_FOUND = 404

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Before:
    """The earlier answers, and the lower-case names of the headers that must be the same."""

    answers: Sequence[Entry]
    headers: Sequence[str]
    # Only that an answer is still one is compared.
    only_answers: bool = False

    def of(self, entry: Entry) -> list[Entry]:
        """The earlier answers to the same request through the same place.

        A replica that was not there before is compared with all that were behind the same name. So is one of a site
        that failed before at any of them: where such a site fails next is chance.
        """
        asked = [each for each in self.answers if each.get("request") == entry["request"]]
        named = [each for each in asked if each.get("name") == entry["name"]]
        # A request without a name is called by its place in the list, which moves when another one is put in.
        asked = named if named or not entry["name"].startswith(PLACE_IN_LIST) else asked
        here = [each for each in asked if each.get("point") == entry["point"]]
        behind = [each for each in asked if each.get("behind") == entry["behind"]]
        return here if here and not any(map(_failed, behind)) else behind or here

    def problem(self, entry: Entry) -> str:
        """What differs from before, the empty string when nothing does."""
        earlier = self.of(entry)
        if not earlier and self.only_answers:
            return ""
        if not earlier:
            return "" if (entry.get("status") or 500) < 500 else "is new, and has no answer but an error of the server"
        problems = [self._difference(entry, each) for each in earlier]
        return "" if "" in problems else problems[0]

    def words(self, entry: Entry) -> str:
        """What is expected, in words."""
        known = dict.fromkeys(in_words(each) for each in self.of(entry))
        return f"as before ({' or '.join(known)})" if known else "no error of the server (not asked before)"

    def check_use(self, entries: Iterable[Entry]) -> None:
        """Raises BadArgument when nothing that was asked now was asked then: the comparison would prove nothing."""
        asked = [entry for entry in entries if "request" in entry]
        if asked and not any(self.of(entry) for entry in asked):
            raise BadArgument("as_before: none of its answers is to a request of this task (by name, URL and point)")

    def _difference(self, entry: Entry, earlier: Entry) -> str:
        if not (still_answers if self.only_answers else alike)(entry, earlier):
            return f"was {in_words(earlier)} before, is {in_words(entry)}"
        for name in self.headers:
            now, then = (each.get("headers", {}).get(name) for each in (entry, earlier))
            if now != then:
                return f"header {name} was {_quoted(then)} before, is {_quoted(now)}"
        return ""


def earlier_answers(given: Sequence[Any], headers: Iterable[str], only_answers: bool = False) -> Before:
    """The options as_before and as_before_headers. Raises BadArgument for what no run of http_check returned."""
    if not given:
        raise BadArgument("as_before: is empty, so there is nothing to compare with")
    for position, item in enumerate(given, start=1):
        if not {"point", "name"} <= set(item):
            raise BadArgument(f"as_before: item {position} is no answer of http_check")
    return Before(list(given), [name.lower() for name in headers], only_answers)


def alike(now: Entry, before: Entry) -> bool:
    """Whether a visitor would call the two the same: both well, both sent to the same site, both refused the same way.

    A site that gave no answer or an error of the server may have become anything but not found.
    """
    then, status = before.get("status"), now.get("status")
    if then is None or _failed(before):
        return bool(status != _NOT_FOUND)
    if status is None:
        return False
    if _is_redirect(then):
        return _is_redirect(status) and now.get("redirect_to") == before.get("redirect_to")
    if then >= 400:
        return bool(status == then)
    return _is_well(status)


def still_answers(now: Entry, before: Entry) -> bool:
    """Whether a site that answered still does, be it with something else: a login in place of an emergency login.

    No answer, an error of the server and not found are none.
    """
    return _is_answer(now) or not _is_answer(before)


def _is_answer(entry: Entry) -> bool:
    return not _failed(entry) and entry.get("status") != _NOT_FOUND


def redirect_to(url: str, status: int, location: str | None) -> str:
    """Scheme and host (and a port that is not the scheme's own) of a redirect's target, empty when it is none.

    ``url`` is what was asked: a Location may be relative to it.
    """
    if not _is_redirect(status) or not location:
        return ""
    try:
        target = urlsplit(urljoin(url, location))
        port = target.port
    except ValueError:
        return location
    own = port is None or _DEFAULT_PORTS.get(target.scheme) == port
    return f"{target.scheme}://{target.hostname or ''}" + ("" if own else f":{port}")


def in_words(entry: Entry) -> str:
    """The status, and where it leads; or that there was no answer."""
    if entry.get("status") is None:
        return "no answer"
    target = entry.get("redirect_to")
    return f"{entry['status']} to {target}" if target else str(entry["status"])


def _failed(entry: Entry) -> bool:
    return bool((entry.get("status") or 500) >= 500)


def _is_well(status: int) -> bool:
    return status < 300 or status == _NOT_MODIFIED


def _is_redirect(status: int) -> bool:
    return 300 <= status < 400 and status != _NOT_MODIFIED


def _quoted(value: str | None) -> str:
    return "missing" if value is None else repr(value)
