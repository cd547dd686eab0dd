# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Password hashes of htpasswd texts: making, recognising and verifying them, through libpass.

Which server takes which scheme, and what a check costs, is measured in docs/htpasswd.md.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError

try:
    import passlib
    from passlib.exc import MissingBackendError
    from passlib.hash import apr_md5_crypt, bcrypt, ldap_salted_sha1, sha512_crypt
except ImportError:
    LIBPASS_MISSING = missing_required_lib("libpass")
else:
    LIBPASS_MISSING = ""

_64 = "[./0-9A-Za-z]"


@dataclass(frozen=True)
class Scheme:
    """A hash scheme. ``pattern`` recognises it, with the cost as its group; without a range it has no cost.

    ``implied`` is the cost of a hash that names none; ``longest`` is the longest password in bytes of UTF-8.
    """

    name: str
    pattern: str
    longest: int
    lowest: int = 0
    highest: int = 0
    default: int | None = None
    implied: int | None = None


SCHEMES = {
    scheme.name: scheme
    for scheme in (
        # $2y$ and its equals; the highest cost is the format's own. Beyond 72 bytes bcrypt looks at nothing.
        Scheme("bcrypt", rf"\$2[aby]\$(\d\d)\${_64}{{53}}", 72, lowest=4, highest=31, default=10),
        # 5,000 rounds are what crypt(3) means by no number; 999,999 keep an nginx worker busy for one to two seconds.
        # musl refuses passwords of more than 256 bytes, Apache's htpasswd those of more than 255.
        Scheme(
            "sha512_crypt",
            rf"\$6\$(?:rounds=(\d+)\$)?{_64}{{1,16}}\${_64}{{86}}",
            255,
            lowest=1000,
            highest=999_999,
            default=5000,
            implied=5000,
        ),
        Scheme("apr1", rf"\$apr1\${_64}{{1,8}}\${_64}{{22}}", 255),
        Scheme("ssha", r"\{SSHA\}[0-9A-Za-z+/]{32,}={0,2}", 255),
    )
}
# From here on a check takes longer than a second on one core, or nearly so (docs/htpasswd.md).
SLOW_BCRYPT = 14


@dataclass(frozen=True)
class Hashing:
    """How the entries are to be hashed."""

    scheme: Scheme
    cost: int | None

    def hash(self, password: str) -> str:
        """A new hash with a salt of its own. Raises ResilientError where the bcrypt package is missing."""
        try:
            return str(_handler(self).hash(password))
        except MissingBackendError:
            raise ResilientError(missing_required_lib("bcrypt")) from None

    def made(self, hashed: str) -> bool:
        """True when a hash has this scheme and this cost."""
        return identify(hashed) == (self.scheme.name, self.cost)

    def verifies(self, password: str, hashed: str) -> bool:
        """True when a hash that has this scheme and cost belongs to the password. As slow as making one."""
        try:
            return bool(_handler(self).verify(password, hashed))
        except MissingBackendError:
            raise ResilientError(missing_required_lib("bcrypt")) from None
        except ValueError:
            # It looks like one of this scheme and libpass cannot read it: no password fits it.
            return False

    def __str__(self) -> str:
        return described(self.scheme.name, self.cost)


def hashing_of(scheme: str, cost: int | None) -> Hashing:
    """What the options scheme and cost ask for. Raises BadArgument, or ResilientError where libpass is missing."""
    if LIBPASS_MISSING:
        raise ResilientError(LIBPASS_MISSING)
    if tuple(int(part) for part in re.findall(r"\d+", passlib.__version__)[:2]) < (1, 9):
        raise ResilientError(
            f"passlib {passlib.__version__} is installed, which cannot work with current bcrypt packages. Remove it "
            "and install its maintained successor: pip uninstall passlib; pip install 'libpass>=1.9.4'"
        )
    wanted = SCHEMES[scheme]
    if cost is None:
        return Hashing(wanted, wanted.default)
    if wanted.default is None:
        raise BadArgument(f"cost: {scheme} has none that could be chosen, leave it out")
    if not wanted.lowest <= cost <= wanted.highest:
        raise BadArgument(f"cost: {cost} is not between {wanted.lowest} and {wanted.highest}, {_COST_IN_WORDS[scheme]}")
    return Hashing(wanted, cost)


_COST_IN_WORDS = {
    "bcrypt": "bcrypt's range. Every step doubles the time of a check: 14 keeps a core busy for about a second",
    "sha512_crypt": "the range for sha512_crypt, in rounds. Ten times the rounds is ten times the time of a check",
}


def identify(hashed: str) -> tuple[str, int | None]:
    """Scheme name and cost of a hash; ``("another scheme", None)`` for one that this module does not make."""
    for scheme in SCHEMES.values():
        match = re.fullmatch(scheme.pattern, hashed)
        if match:
            cost = match.group(1) if match.groups() else None
            return scheme.name, int(cost) if cost else scheme.implied
    return "another scheme", None


def described(scheme: str, cost: int | None) -> str:
    """Scheme and cost in words: ``bcrypt, cost 10``."""
    unit = "rounds" if scheme == "sha512_crypt" else "cost"
    return scheme if cost is None else f"{scheme}, {unit} {cost}"


def password_problem(password: str, scheme: Scheme) -> str:
    """Why a password cannot be used with a scheme, in words that follow "the password"; empty when it can."""
    if not password:
        return "is empty"
    categories = {unicodedata.category(character) for character in password}
    if "Cs" in categories:
        return "is not Unicode text"
    if "Cc" in categories:
        return "has a control character (a line end perhaps), which no browser can send"
    size = len(password.encode())
    if size > scheme.longest:
        return f"has {size} bytes, and {scheme.name} takes at most {scheme.longest}"
    return ""


# Without l, o, 0 and 1: in an emergency somebody reads these aloud. 32 characters, 5 bits each.
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def generated_password() -> str:
    """A new password of 140 random bits: seven groups of four letters and digits, with dashes."""
    groups = ["".join(secrets.choice(_ALPHABET) for _place in range(4)) for _group in range(7)]
    return "-".join(groups)


def _handler(hashing: Hashing) -> Any:
    match hashing.scheme.name:
        case "bcrypt":
            # $2y$ is what Apache's htpasswd writes: every server that takes bcrypt takes this.
            return bcrypt.using(rounds=hashing.cost, ident="2y")
        case "sha512_crypt":
            return sha512_crypt.using(rounds=hashing.cost)
        case "apr1":
            return apr_md5_crypt
    return ldap_salted_sha1
