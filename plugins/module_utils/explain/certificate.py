# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificate that a replica shows for a host: its names, its issuer and until when it is valid.

The standard library gives the parts of a certificate only where it trusts it: its bytes (DER, RFC 5280) are read here.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.byte_stream import TlsStream
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Point
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors

# What Traefik makes itself where no certificate fits (pkg/tls/generate).
DEFAULT_NAME = "TRAEFIK DEFAULT CERT"
_SEQUENCE, _OID, _OCTETS, _DNS_NAME, _EXTENSIONS = 0x30, 0x06, 0x04, 0x82, 0xA3
_SUBJECT_ALT_NAME, _COMMON_NAME = bytes.fromhex("551d11"), bytes.fromhex("550403")
_UTC_TIME = 0x17


@dataclass(frozen=True)
class Certificate:
    """What one replica shows. ``names`` are those that it is valid for. ``problem`` says why there is none."""

    replica: str
    names: tuple[str, ...] = ()
    subject: str = ""
    issuer: str = ""
    not_after: datetime | None = None
    problem: str = ""

    @property
    def is_default(self) -> bool:
        """Whether it is the one that Traefik makes itself."""
        return self.subject == DEFAULT_NAME

    def fits(self, host: str) -> bool:
        """Return whether it is valid for the host: by name, or by a wildcard for one label (RFC 6125)."""
        host = host.rstrip(".").lower()
        parent = host.partition(".")[2]
        return any(
            name == host or (name.startswith("*.") and name[2:] == parent) for name in map(str.lower, self.names)
        )

    def expired(self, now: datetime) -> bool:
        """Return whether its time is over."""
        return self.not_after is not None and self.not_after < now

    def as_dict(self) -> dict[str, Any]:
        """Return it as results show it."""
        return {
            "replica": self.replica,
            "names": list(self.names),
            "subject": self.subject,
            "issuer": self.issuer,
            "not_after": self.not_after.isoformat() if self.not_after else "",
            "problem": self.problem,
        }


class _Session(TlsStream):
    """A TLS session that shows the other side's certificate."""

    def certificate(self) -> bytes:
        """Return its bytes. Raise ValueError when there is none."""
        return self._session.getpeercert(True) or b""


def shown_to(point: Point, replica: str, host: str, seconds: float) -> Certificate:
    """Return the certificate that a TLS client of this host gets at the point."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    try:
        carrier = point.open(seconds)
    except (OSError, errors.ResilientError) as error:
        return Certificate(replica, problem=f"no connection: {error}")
    session = _Session(carrier, context, host)
    try:
        session.handshake(time.monotonic() + seconds)
        return parsed(session.certificate(), replica)
    except OSError as error:
        reason = session.explain() or getattr(error, "reason", "") or str(error)
        return Certificate(replica, problem=f"no TLS session: {reason}")
    except ValueError as error:
        return Certificate(replica, problem=f"its certificate cannot be read: {error}")
    finally:
        session.close()


def parsed(der: bytes, replica: str) -> Certificate:
    """Return what a certificate's bytes say. Raise ValueError."""
    (_tag, whole), *_rest = _items(der)
    (_tag, signed), *_rest = _items(whole)
    parts = [item for item in _items(signed) if item[0] != 0xA0]  # the version comes first, where there is one
    issuer, validity, subject = parts[2][1], parts[3][1], parts[4][1]
    kind, moment = list(_items(validity))[1]
    names: list[str] = []
    for tag, content in parts:
        if tag == _EXTENSIONS:
            names = list(_alternative_names(content))
    common = _common_name(subject)
    return Certificate(
        replica,
        names=tuple(names or ([common] if common else [])),
        subject=common,
        issuer=_common_name(issuer),
        not_after=_moment(kind, moment.decode("ascii")),
    )


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each item. Raise ValueError."""
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("it ends too early")
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, at = int.from_bytes(data[at : at + count], "big"), at + count
        if at + length > len(data):
            raise ValueError("it ends too early")
        yield tag, data[at : at + length]
        at += length


def _common_name(name: bytes) -> str:
    for _set, attributes in _items(name):
        for _tag, attribute in _items(attributes):
            parts = list(_items(attribute))
            if parts[0] == (_OID, _COMMON_NAME):
                return parts[1][1].decode(errors="replace")
    return ""


def _alternative_names(content: bytes) -> Iterator[str]:
    for _tag, extensions in _items(content):
        for _sequence, extension in _items(extensions):
            parts = list(_items(extension))
            if parts[0] == (_OID, _SUBJECT_ALT_NAME):
                for _names, names in _items(parts[-1][1]):
                    yield from (name.decode(errors="replace") for tag, name in _items(names) if tag == _DNS_NAME)


def _moment(kind: int, text: str) -> datetime:
    if kind == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
