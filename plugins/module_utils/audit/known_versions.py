# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Versions with known holes, and release lines that still get fixes: data, with its date and source. No I/O.

Whoever adds an entry gives the first fixed patch of each release line that got a fix. A line that is older than all of
these has the hole and no fix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Line = tuple[int, int]
AS_OF = "2026-11-30"


@dataclass(frozen=True)
class Hole:
    """``fixed`` has the first fixed patch by release line. ``since`` is the first line that has the hole."""

    id: str
    published: str
    about: str
    fixed: Mapping[Line, int]
    since: Line = (0, 0)

    def affects(self, version: Sequence[int]) -> bool:
        """Whether a version (year or major, minor, patch) has it. A version without a patch number is not judged."""
        if len(version) < 3:
            return False
        line = (version[0], version[1])
        if line in self.fixed:
            return version[2] < self.fixed[line]
        return self.since <= line < max(self.fixed)


# Sources: the advisories of github.com/traefik/traefik and the CVE records, as they were on AS_OF.
TRAEFIK_HOLES = (
    Hole(
        "CVE-2026-22045",
        "2026-01-15",
        "clients can hold connections open for ever where the ACME TLS challenge is used",
        {(2, 11): 35, (3, 6): 7},
    ),
    Hole(
        "CVE-2026-39858",
        "2026-04-30",
        "forwarded headers written with underscores reach the ForwardAuth service, which may believe them",
        {(2, 11): 43, (3, 6): 14, (3, 7): 0},
    ),
    Hole(
        "CVE-2026-48020",
        "2026-06-23",
        "paths with .. pass a public route with stripPrefix and reach what is behind a login",
        {(2, 11): 48, (3, 6): 19, (3, 7): 3},
    ),
    Hole(
        "CVE-2026-53622",
        "2026-06-23",
        "client certificates that a router asks for can be left out over HTTP/3",
        {(3, 7): 3},
        since=(3, 7),
    ),
    Hole(
        "GHSA-qqjf-53cj-pwvv and four more",
        "2026-09-04",
        "five advisories that the release notes of 3.7.13 name",
        {(3, 7): 13},
        since=(3, 7),
    ),
)
# Release lines that got the last security release (3.7.13 and 2.11.57, 4 September 2026).
TRAEFIK_LINES: tuple[Line, ...] = ((2, 11), (3, 7))

AUTHENTIK_HOLES = (
    Hole(
        "CVE-2026-25748",
        "2026-02-12",
        "a malformed cookie passes the login of forward auth behind Traefik",
        {(2025, 10): 4, (2025, 12): 4},
    ),
)
# authentik supports the two newest release lines (its security policy).
AUTHENTIK_LINES: tuple[Line, ...] = ((2026, 5), (2026, 8))


def is_old_line(version: Sequence[int], lines: Sequence[Line]) -> bool:
    """Whether the version is of a line that gets no fixes any more. Lines that are newer than the data are not."""
    line = (version[0], version[1]) if len(version) > 1 else max(lines)
    return line not in lines and line < max(lines)
