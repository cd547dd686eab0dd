# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The text of an htpasswd file as a list of lines: what is not touched comes out byte for byte as it went in.

Pure functions. Nothing here puts a line's content into an error, and the hashes are left out of every repr.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError

# Apache's htpasswd reads names into 256 bytes, the final zero included.
NAME_BYTES = 255
_CRYPT = r"\$[0-9A-Za-z-]+\$[./0-9A-Za-z+=,$_-]+"
_LDAP = r"\{[0-9A-Za-z-]+\}[\x21-\x39\x3b-\x7e]+"
_DES = r"[./0-9A-Za-z]{13}"
# A leading ! or * locks an entry: no password fits it.
_HASH = re.compile(rf"[!*]|[!*]?(?:{_CRYPT}|{_LDAP}|{_DES})")


class NotHtpasswd(ResilientError):
    """The text is not htpasswd; the message names place and line number, never the content."""


@dataclass(frozen=True)
class Line:
    """One line. ``user`` is empty for comments and blank lines; ``rest`` is what follows the hash, colon included."""

    text: str = field(repr=False)
    ending: str
    user: str = ""
    hashed: str = field(default="", repr=False)
    rest: str = field(default="", repr=False)


def parse(data: bytes, where: str) -> list[Line]:
    """The lines of a text; ``where`` names it in errors. Raises NotHtpasswd at the first line that is not htpasswd."""
    if data.startswith(b"\xef\xbb\xbf"):
        raise NotHtpasswd(f"{where}: line 1 begins with a byte order mark: save the text as UTF-8 without it")
    parts = data.split(b"\n")
    ended = [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
    return [_line(raw, number, where) for number, raw in enumerate(ended, start=1)]


def render(lines: Sequence[Line]) -> bytes:
    """The text of the lines: of those that parse gave exactly what parse was given."""
    return "".join(line.text + line.ending for line in lines).encode()


def users(lines: Sequence[Line]) -> list[str]:
    """The names of the entries in their order, each once."""
    return list(dict.fromkeys(line.user for line in lines if line.user))


def hashes(lines: Sequence[Line], user: str) -> list[str]:
    """The hashes of a user's entries in their order: none, one, or several where the user is listed twice."""
    return [line.hashed for line in lines if line.user == user]


def numbers(lines: Sequence[Line], user: str) -> str:
    """The numbers of a user's lines, in words: ``3 and 7``."""
    return " and ".join(str(number) for number, line in enumerate(lines, start=1) if line.user == user)


def doubled(lines: Sequence[Line]) -> list[str]:
    """The users with more than one entry."""
    counted = Counter(line.user for line in lines if line.user)
    return [user for user, count in counted.items() if count > 1]


def with_entry(lines: Sequence[Line], user: str, hashed: str) -> list[Line]:
    """The lines with exactly one entry of the user: in its old place, else at the end."""
    first = next((position for position, line in enumerate(lines) if line.user == user), None)
    if first is None:
        ending = _usual_ending(lines)
        return [*_all_ended(lines, ending), Line(f"{user}:{hashed}", ending, user, hashed)]
    old = lines[first]
    new = replace(old, text=f"{user}:{hashed}{old.rest}", hashed=hashed)
    return [*lines[:first], new, *without_entry(lines[first + 1 :], user)]


def without_entry(lines: Sequence[Line], user: str) -> list[Line]:
    """The lines without any entry of the user."""
    return [line for line in lines if line.user != user]


def name_problem(name: str) -> str:
    """Why a name cannot stand in an htpasswd text, in words that follow the name; empty when it can."""
    if not name:
        return "is empty"
    if ":" in name:
        return "has a colon, which ends the name in an htpasswd text"
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        return "has a control character"
    if name != name.strip():
        return "begins or ends with a space"
    if name.startswith("#"):
        return "begins with #, which makes a comment of the line"
    if len(name.encode()) > NAME_BYTES:
        return f"is longer than {NAME_BYTES} bytes"
    return ""


def _line(raw: bytes, number: int, where: str) -> Line:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise NotHtpasswd(f"{where}: line {number} is not UTF-8") from None
    body = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
    ending = text[len(body) :]
    if "\0" in body:
        raise NotHtpasswd(f"{where}: line {number} has a zero byte: this is no text")
    if not body.strip() or body.lstrip().startswith("#"):
        return Line(body, ending)
    user, colon, rest = body.partition(":")
    hashed, second_colon, comment = rest.partition(":")
    problem = _entry_problem(user, colon, hashed)
    if problem:
        raise NotHtpasswd(f"{where}: line {number} is not an htpasswd entry: {problem}")
    return Line(body, ending, user, hashed, second_colon + comment)


def _entry_problem(user: str, colon: str, hashed: str) -> str:
    if not colon:
        return "it has no colon"
    problem = name_problem(user)
    if problem:
        return f"its user name {problem}"
    if not _HASH.fullmatch(hashed):
        return "what follows the first colon is not a password hash"
    return ""


def _usual_ending(lines: Sequence[Line]) -> str:
    counted = Counter(line.ending for line in lines if line.ending)
    return counted.most_common(1)[0][0] if counted else "\n"


def _all_ended(lines: Sequence[Line], ending: str) -> list[Line]:
    """The lines, the last one too with a line end, so that another can follow."""
    return [line if line.ending else replace(line, ending=ending) for line in lines]
