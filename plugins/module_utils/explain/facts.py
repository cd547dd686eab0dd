# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that was found out about one request: what the verdict is made of. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.resilient.traefik.plugins.module_utils.explain.asking import ReplicaAnswer
from ansible_collections.resilient.traefik.plugins.module_utils.explain.backend import Backend
from ansible_collections.resilient.traefik.plugins.module_utils.explain.certificate import Certificate
from ansible_collections.resilient.traefik.plugins.module_utils.explain.entrance import Entrance
from ansible_collections.resilient.traefik.plugins.module_utils.explain.middlewares import Effect
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routing import Selection
from ansible_collections.resilient.traefik.plugins.module_utils.explain.target import Target
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest


@dataclass(frozen=True)
class ReplicaState:
    """One Traefik pod. ``problem`` says why it is not ready, empty when it is."""

    name: str
    node: str
    problem: str = ""


@dataclass(frozen=True)
class Facts:
    """``selection`` is made of the objects in the cluster, ``loaded`` of what each replica's API reports.

    ``loaded`` is empty where the API is closed. ``unserved`` are objects of the host that Traefik does not look at,
    and why; ``dropped`` is why it leaves out the winner. ``public_port`` is the port that the client connects to;
    ``entry_point`` is empty where none is behind it. ``trusted`` is whether the entry point keeps X-Forwarded-* of the
    client, None where that is not known. ``allows_empty`` is whether a service without endpoints is served (503) and
    does not cost the router (404). ``loops`` is whether redirections lead a browser in a circle.
    """

    request: SiteRequest
    workload: str = "Deployment traefik/traefik"
    replicas: Sequence[ReplicaState] = ()
    wanted: int = 0
    public_port: int = 80
    entry_point: str = "web"
    entrance: Entrance = field(default_factory=Entrance)
    selection: Selection = field(default_factory=Selection)
    loaded: Mapping[str, Selection] = field(default_factory=dict)
    api: str = "closed"
    unserved: Sequence[str] = ()
    dropped: Sequence[str] = ()
    effects: Sequence[Effect] = ()
    targets: Sequence[Target] = ()
    backends: Sequence[Backend] = ()
    answers: Sequence[ReplicaAnswer] = ()
    again: Sequence[ReplicaAnswer] = ()
    loops: bool = False
    certificates: Sequence[Certificate] = ()
    trusted: bool | None = False
    loopback_trusted: bool = False
    proto: str = "http"
    allows_empty: bool = False
    max_header_bytes: int = 1048576
    seconds: float = 60.0
    sent: bool = True

    @property
    def ready(self) -> list[ReplicaState]:
        """The replicas that are ready."""
        return [replica for replica in self.replicas if not replica.problem]

    @property
    def statuses(self) -> dict[int, list[str]]:
        """The replicas by the status that came through them; 0 where none came."""
        found: dict[int, list[str]] = {}
        for answer in self.answers:
            found.setdefault(answer.status, []).append(answer.replica)
        return found

    @property
    def status(self) -> int | None:
        """The status that came through every replica, None where they differ or nothing was sent."""
        return next(iter(self.statuses)) if len(self.statuses) == 1 else None

    @property
    def longest(self) -> float:
        """The longest that an answer took through a replica, in seconds."""
        return max((answer.seconds for answer in self.answers), default=0.0)

    @property
    def router(self) -> str:
        """The router that gets the request, in words."""
        winner = self.selection.winner
        if winner is None:
            return "no router"
        return f"router `{winner.name}`" + (f" of {winner.ref}" if winner.ref else "")

    def middleware(self, *kinds: str) -> Effect | None:
        """Return the first middleware of one of these kinds on the request's way."""
        return next((effect for effect in self.effects if effect.kind in kinds), None)
