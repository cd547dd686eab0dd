# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an HTTP answer is expected to be, and what of an answer may be shown. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Answer, Request
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

HIDDEN = "<hidden>"
SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "set-cookie")
# Characters of a body in a result: enough to recognise a page by.
EXCERPT = 300


@dataclass(frozen=True)
class HeaderExpectation:
    """A header that is there, or ``equals`` a value, or ``matches`` an expression somewhere, or is ``absent``."""

    name: str
    equals: str | None = None
    matches: re.Pattern[str] | None = None
    absent: bool = False

    def problem(self, headers: Mapping[str, str]) -> str:
        """What is wrong with the headers (lower-case names), the empty string when nothing is."""
        value = headers.get(self.name.lower())
        if self.absent:
            return "" if value is None else f"header {self.name} should be absent, came {_shown(self.name, value)!r}"
        if value is None:
            return f"header {self.name} is missing"
        if self.equals is not None and value != self.equals:
            return f"header {self.name} should be {_shown(self.name, self.equals)!r}, came {_shown(self.name, value)!r}"
        if self.matches and not self.matches.search(value):
            return f"header {self.name} should match {self.matches.pattern!r}, came {_shown(self.name, value)!r}"
        return ""

    def words(self) -> str:
        """What is expected, in words."""
        if self.absent:
            return f"no header {self.name}"
        if self.equals is not None:
            return f"header {self.name} {_shown(self.name, self.equals)!r}"
        return f"header {self.name} like {self.matches.pattern!r}" if self.matches else f"a header {self.name}"


@dataclass(frozen=True)
class Expectation:
    """``status`` lists the codes that will do, all of them when it is empty. ``body`` must match somewhere."""

    status: Sequence[int] = ()
    headers: Sequence[HeaderExpectation] = field(default_factory=tuple)
    body: re.Pattern[str] | None = None

    def problem(self, answer: Answer, secrets: Iterable[str] = ()) -> str:
        """What is wrong with the answer, the empty string when nothing is. ``secrets`` are kept out of it."""
        problems = [self._status_problem(answer), *(header.problem(answer.headers) for header in self.headers)]
        if self.body and not self.body.search(answer.text):
            problems.append(f"body should match {self.body.pattern!r}, came {excerpt(answer, secrets)[:100]!r}")
        return "; ".join(problem for problem in problems if problem)

    def words(self) -> str:
        """What is expected, in words."""
        status = [f"status {_listed(self.status)}"] if self.status else []
        body = [f"a body like {self.body.pattern!r}"] if self.body else []
        return ", ".join([*status, *(header.words() for header in self.headers), *body]) or "an answer"

    def _status_problem(self, answer: Answer) -> str:
        if not self.status or answer.status in self.status:
            return ""
        return f"expected status {_listed(self.status)}, came {answer.status}"


def expectation(given: Mapping[str, Any] | None, path: str) -> Expectation:
    """The expectation of a module's option ``path``. Raises BadArgument for expressions that are none."""
    if given is None:
        return Expectation(status=(200,))
    headers = [
        HeaderExpectation(
            name=header["name"],
            equals=header["equals"],
            matches=_expression(header["matches"], f"{path}.headers.matches"),
            absent=header["absent"],
        )
        for header in given["headers"]
    ]
    return Expectation(tuple(given["status"]), tuple(headers), _expression(given["body"], f"{path}.body"))


def secrets_of(request: Request, more: Iterable[str] = ()) -> list[str]:
    """What a request carries that must not be shown, even where a server echoes it; longest first."""
    basic = base64.b64encode(f"{request.user}:{request.password}".encode()).decode() if request.password else ""
    headers = [value for name, value in request.headers.items() if name.lower() in SECRET_HEADERS]
    parts = [part for value in [*headers, *more] for part in (value, *re.split(r"[\s;=]+", value))]
    return sorted(
        {part for part in [basic, request.password, *parts] if len(part) > 5 or part == request.password} - {""},
        key=len,
        reverse=True,
    )


def excerpt(answer: Answer, secrets: Iterable[str]) -> str:
    """The beginning of the body with secrets hidden, those of the answer's own cookies too."""
    cookies = re.findall(r"=([^;,\s]{6,})", answer.headers.get("set-cookie", ""))
    text = answer.text
    for secret in [*secrets, *cookies]:
        text = text.replace(secret, HIDDEN)
    return text[:EXCERPT]


def shown_headers(answer: Answer, names: Iterable[str]) -> dict[str, str]:
    """The named headers that came, values of secret ones hidden."""
    wanted = dict.fromkeys(name.lower() for name in names)
    return {name: _shown(name, answer.headers[name]) for name in wanted if name in answer.headers}


def _shown(name: str, value: str) -> str:
    return HIDDEN if name.lower() in SECRET_HEADERS else value


def _listed(codes: Iterable[int]) -> str:
    """``200 or 204``, and ``200 to 499`` for three and more in a row."""
    runs: list[list[int]] = []
    for code in sorted(set(codes)):
        if runs and code == runs[-1][-1] + 1:
            runs[-1].append(code)
        else:
            runs.append([code])
    told = [[f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(code) for code in run] for run in runs]
    return " or ".join(words for run in told for words in run)


def _expression(text: str | None, path: str) -> re.Pattern[str] | None:
    if text is None:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise BadArgument(f"{path}: {text!r} is no regular expression: {error}") from None
