# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The service that a ForwardAuth middleware asks: which it is, and what it is asked. No I/O.

Read in Traefik's source, 3.7.13, pkg/middlewares/auth/forward.go: the time-out of 30 s is fixed there, and a failure is
answered with 500.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.explain.backend import Backend
from ansible_collections.resilient.traefik.plugins.module_utils.explain.middlewares import Effect
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth import Address, address_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest

TIMEOUT = 30.0
_HOP = frozenset(("connection", "keep-alive", "te", "trailers", "transfer-encoding", "upgrade", "content-length"))
_FORWARDED = "x-forwarded-"


@dataclass(frozen=True)
class Target:
    """Whom one ForwardAuth middleware asks. ``backend`` is None where the address is no Service of the cluster."""

    middleware: str
    address: Address
    backend: Backend | None = None

    @property
    def hangs(self) -> bool:
        """Whether no pod answered in the time that Traefik waits."""
        asked = self._asked
        return bool(asked) and all(not each.status and each.seconds > 0 for each in asked)

    @property
    def is_gone(self) -> bool:
        """Whether nothing is there to be asked."""
        asked = self._asked
        gone = self.backend is not None and (not self.backend.exists or bool(self.backend.problem))
        return gone or (bool(asked) and not any(each.status for each in asked) and not self.hangs)

    @property
    def refusal(self) -> int:
        """The status by which it refuses the request, 0 when it lets it pass or was not asked."""
        statuses = [each.status for each in self._asked if each.status]
        return next((status for status in statuses if not 200 <= status < 300), 0)

    @property
    def location(self) -> str:
        """Where it sends the client on to."""
        return next((each.location for each in self._asked if each.location), "")

    @property
    def seconds(self) -> float:
        """The longest that a pod took."""
        return max((each.seconds for each in self._asked), default=0.0)

    @property
    def _asked(self) -> list[Any]:
        return [each for each in self.backend.answers if not each.not_asked] if self.backend else []

    def as_dict(self) -> dict[str, Any]:
        """Return it as results show it."""
        shown: dict[str, Any] = {"middleware": self.middleware, "address": self.address.shown.partition("?")[0]}
        return shown | {"target": self.backend.as_dict() if self.backend else None}


def address_asked(effect: Effect) -> Address:
    """Return whom a ForwardAuth middleware asks."""
    return address_of(str(effect.spec.get("address") or ""))


def question(effect: Effect, address: Address, proto: str, trusted: bool) -> Request:
    """Return the request that Traefik sends to the target for the client's request, as far as it counts there."""
    request: SiteRequest = effect.after.request
    chosen = [str(each).lower() for each in effect.spec.get("authRequestHeaders") or []]
    headers = {
        name: value
        for name, value in request.headers.items()
        if name.lower() not in _HOP
        and not name.lower().startswith(_FORWARDED)
        and (not chosen or name.lower() in chosen)
    }
    forwarded = {
        "X-Forwarded-Method": request.method,
        "X-Forwarded-Proto": proto,
        "X-Forwarded-Host": _own(request, "X-Forwarded-Host", request.host, trusted),
        "X-Forwarded-Uri": _own(request, "X-Forwarded-Uri", request.target, trusted),
        "X-Forwarded-For": _own(request, "X-Forwarded-For", request.client_ip or "127.0.0.1", trusted),
    }
    keeps_method = bool(effect.spec.get("preserveRequestMethod"))
    query = address.url.partition("?")[2]
    return Request(
        host=address.host if address.port in (80, 443) else f"{address.host}:{address.port}",
        path=(address.path or "/") + (f"?{query}" if query else ""),
        method=request.method if keeps_method else "GET",
        headers=headers | forwarded,
        https=address.scheme == "https",
        verify=False,
    )


def _own(request: SiteRequest, name: str, own: str, trusted: bool) -> str:
    given = request.header(name)
    return given[0] if trusted and given else own
