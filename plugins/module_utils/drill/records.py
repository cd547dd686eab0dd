# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a measurement sends and what comes of it: visitors, and a record of every single request. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request

# Who a visitor is: nobody, somebody who is logged in at the target, or one with a login of the fallback's own.
CREDENTIALS = NO_CREDENTIALS, SESSION, LOGIN = "none", "session", "login"


@dataclass(frozen=True)
class Visitor:
    """One kind of request that is sent again and again. ``request`` may hold secrets and is never shown.

    ``guarded``: the site asks for a login. ``open``: while the target is away, the policy lets everybody in.
    ``before`` are the statuses that this visitor got in the steady state.
    """

    name: str
    request: Request = field(repr=False)
    credentials: str = "none"
    guarded: bool = True
    open: bool = False
    before: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One request. ``sent`` is when its first byte was (epoch seconds), ``seconds`` how long the whole answer took.

    ``late`` is how many seconds after its turn it was sent, the measurement's own fault; ``visitor`` counts from 0.
    ``status`` is 0 where no HTTP answer came, and ``error`` says why. ``fallback``: a fallback made the answer.
    """

    sent: float
    seconds: float
    late: float
    replica: str
    visitor: int
    status: int
    fallback: bool = False
    error: str = ""
