# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a fallback proxy answers when: plain data, apart from the engine that carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# From the most open to the strictest.
ANSWERS = ("allow", "basic", "deny")
TROUBLES = ("network", "timeout")
STATUSES = (500, 502, 503, 504)
DEFAULT_TROUBLES = (*TROUBLES, *map(str, STATUSES))
# What a sign-on service that is ill answers about a host that it knows. A single request gets it for many reasons.
ANSWERS_OF_THE_ILL = (400, 404)

# One try may take so long (seconds).
LONGEST_TRY = 2.5
# Two rounds of checks, one after the other, have to find no pod well before anything falls back.
ROUNDS = 2

# Says that an answer is not the target's.
FALLBACK_HEADER = "X-Auth-Fallback"

# What is left for everything else while a request waits for rounds of checks (seconds).
FOR_THE_REST = 0.3
# What a fallback needs after the last try (seconds).
FOR_THE_FALLBACK = 0.1


@dataclass(frozen=True)
class Policy:
    """One proxy's behaviour. Times are seconds.

    ``path`` is what ForwardAuth asks, with ``query`` behind it (Authelia's portal), ``host`` the Host header that the
    target sees there; ``open_paths`` are prefixes that are passed on without judgement, such as a login flow. ``hosts``
    are exceptions from ``default`` by the host that the client asked for. ``fallback_on`` holds ``network``,
    ``timeout`` and statuses as text.
    ``trusted_hops`` is the number of reverse proxies between client and Traefik.

    ``check_failures`` are statuses that the check takes for a failure and a request does not. Where the target answers
    one of them about ``check_host``, it is asked about each of ``more_check_hosts`` too: all have to fail.
    Whom the target named within the last ``session_grace`` seconds, by a cookie whose name begins with one of
    ``session_cookies``, goes on while no pod is well, with the headers that the target gave. ``session_graces`` are
    exceptions by host, ``session_by_path`` says that the target decides by method and path too. The same is answered
    without asking for ``remember_session_for`` seconds after the target was asked.
    With ``sticky`` the target's pods do not share their sessions: a client goes on at the pod that gave it a cookie.
    ``asked_once`` are parts of a client's URL whose question uses something up in the target, such as a login's code.

    ``identity_headers`` are those by which the target names a user; a fallback answers with ``user_header`` alone.
    ``emergency_users`` are names of emergency logins whose Authorization header neither the target nor the application
    may see: Traefik (3.7.9, forward.go) takes a header of ``authResponseHeaders`` out of the request, and then sets
    what the answer has. Any other Authorization of the client is therefore given back in the answer.
    """

    path: str
    host: str
    check_host: str
    query: str = ""
    more_check_hosts: tuple[str, ...] = ()
    check_failures: tuple[int, ...] = ()
    asked_once: tuple[str, ...] = ()
    default: str = "basic"
    hosts: Mapping[str, str] = field(default_factory=dict)
    fallback_on: tuple[str, ...] = DEFAULT_TROUBLES
    open_paths: tuple[str, ...] = ()
    realm: str = "Emergency Access"
    user_header: str = "X-authentik-username"
    identity_headers: tuple[str, ...] = ()
    emergency_users: tuple[str, ...] = ()
    retry_after: int = 30
    connect_within: float = 0.3
    answer_within: float = 0.9
    check_every: float = 1.0
    check_within: float = 0.6
    attempts_per_minute: int = 60
    attempts_burst: int = 10
    remember_login_for: int = 600
    trusted_hops: int = 0
    session_grace: int = 0
    session_graces: Mapping[str, int] = field(default_factory=dict)
    session_by_path: bool = True
    session_cookies: tuple[str, ...] = ()
    remember_session_for: int = 0
    sticky: bool = False

    @property
    def strictest(self) -> str:
        """The strictest answer in use: what a request gets whose host cannot be told."""
        return max((self.default, *self.hosts.values()), key=ANSWERS.index)

    @property
    def graces(self) -> tuple[str, ...]:
        """What a remembered session is counted as, beside the answers of the policy."""
        return ("grace",) if max(self.session_grace, *self.session_graces.values(), 0) else ()

    @property
    def longest_grace(self) -> int:
        """How long a session is kept at most, in seconds."""
        return max(self.session_grace, self.remember_session_for, *self.session_graces.values())

    @property
    def keeps_sessions(self) -> bool:
        """Whether anything of sessions is kept."""
        return bool(self.session_cookies) and self.longest_grace > 0

    @property
    def longest_wait(self) -> float:
        """The longest that a client waits for its answer while the target fails, in seconds."""
        two_tries = 2 * (self.connect_within + self.answer_within)
        return max(self.answer_within + ROUNDS * self.check_within + FOR_THE_REST, two_tries + FOR_THE_FALLBACK)

    @property
    def asks_for_login(self) -> bool:
        """Whether any host falls back to a login."""
        return "basic" in (self.default, *self.hosts.values())

    @property
    def answer_headers(self) -> tuple[str, ...]:
        """What Traefik has to take from the answer, and thereby out of the client's request (authResponseHeaders)."""
        hidden = ("Authorization",) if self.emergency_users else ()
        return (*dict.fromkeys((*self.identity_headers, self.user_header, FALLBACK_HEADER, *hidden)),)
