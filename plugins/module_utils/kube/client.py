# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one way to talk to an API server: JSON in, JSON out, retries, typed errors. No kind has a meaning here."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import urlencode

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.connection import Connection, connect
from ansible_collections.resilient.traefik.plugins.module_utils.kube.exchange import (
    REFUSED_OBJECT,
    Asked,
    exchange,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import (
    ObjectRef,
    Resource,
    built_in_resource,
)

with contextlib.suppress(ImportError):  # connect() says what is missing, with the remedy
    import urllib3

# Requests in flight at once: more gain nothing against one API server and only crowd out its other clients.
CONCURRENCY = 8

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


class Client:
    """One API server, as one user. Safe to use from several threads; connects with the first request.

    ``params`` are a module's parameters with the connection options of ``connection.CONNECTION_OPTIONS``.
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params
        self._resources: dict[str, dict[str, Resource]] = {}
        self._lock = Lock()
        self._connecting = Lock()
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """How the cluster is entered: URL, TLS and credentials, for those who must open a connection of their own."""
        # functools.cached_property has no lock since Python 3.12: each thread would run the exec plugin.
        with self._connecting:
            if self._connection is None:
                self._connection = connect(self._params)
            return self._connection

    @property
    def host(self) -> str:
        """The API server's URL."""
        return self.connection.host

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "",
        about: str = "",
        text: bool = False,
    ) -> Any:
        """Sends one request and returns the decoded JSON answer (with ``text`` the answer as it is).

        ``about`` names the subject in errors (``"Deployment traefik/traefik"``). Dropped connections, silence, 429 and
        5xx are retried with back-off; a refusal (4xx) never. All tries together take ``exchange.REQUEST_SECONDS`` at
        most. Raises Unreachable or an ApiError, whose ``repeated`` says that an earlier try may have been carried out.
        """
        response = self._round_trip(method, path, query, body, content_type, accept, about or f"{method} {path}")
        if text:
            return response.data.decode(errors="replace")
        return json.loads(response.data) if response.data else {}

    def clock(self) -> datetime:
        """The API server's time: what times in objects of several controllers are compared with."""
        answer = self._round_trip("GET", "/version", None, None, "", "", "the API server's clock")
        return parsedate_to_datetime(answer.headers["Date"])

    def minor_version(self) -> int:
        """The API server's minor version, 34 of 1.34; ``31+`` is 31, and what cannot be read 0."""
        digits = "".join(each for each in str(self.request("GET", "/version").get("minor", "")) if each.isdigit())
        return int(digits or 0)

    def _round_trip(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Any,
        content_type: str,
        accept: str,
        about: str,
    ) -> urllib3.BaseHTTPResponse:
        headers = self.connection.headers()
        if accept:
            headers["Accept"] = accept
        payload = None
        if body is not None:
            headers["Content-Type"] = content_type
            payload = json.dumps(body, separators=(",", ":")).encode()
        url = self.host + path + ("?" + urlencode(query) if query else "")
        exchanged = exchange(self.connection, Asked(method, url, payload, headers, about or path))
        response = exchanged.response
        # A redirect leads to what is no API server.
        if response.status >= 300:
            error = api_error(response.status, response.data, about, exchanged.effort)
            error.repeated = exchanged.repeated
            raise error
        return response

    def get(self, ref: ObjectRef) -> dict[str, Any]:
        """The object as the API server has it now. Raises NotFound, Forbidden ..."""
        answer = self.request("GET", self.path(ref), about=str(ref))
        return dict(answer)

    def find(self, ref: ObjectRef) -> dict[str, Any] | None:
        """The object, or None when it, or its namespace, does not exist; an unknown kind still raises NotFound."""
        path = self.path(ref)
        try:
            return dict(self.request("GET", path, about=str(ref)))
        except errors.NotFound:
            return None

    def path(self, ref: ObjectRef, subresource: str = "") -> str:
        """The object's URL path."""
        resource = self.resource(ref.api_version, ref.kind)
        return resource.path(ref.namespace, ref.name, subresource)

    def resource(self, api_version: str, kind: str) -> Resource:
        """Where a kind lives. Raises NotFound when the API server does not serve it (a CRD is missing)."""
        known = built_in_resource(api_version, kind) or self._resources.get(api_version, {}).get(kind)
        if known:
            return known
        with self._lock:
            found = self._resources.get(api_version, {}).get(kind)
        if not found:
            served = self._discover(api_version)
            with self._lock:
                self._resources[api_version] = served
            found = served.get(kind)
        if not found:
            raise errors.NotFound(
                f"{kind} ({api_version}): the API server serves no such kind. Is its CustomResourceDefinition there?",
                status=404,
                reason="NotFound",
                causes=[],
            )
        return found

    def _discover(self, api_version: str) -> dict[str, Resource]:
        try:
            answer = self.request("GET", Resource(api_version, "", "", False).path(), about=f"API {api_version}")
        except errors.NotFound:
            return {}
        return {
            entry["kind"]: Resource(api_version, entry["kind"], entry["name"], entry["namespaced"])
            for entry in answer.get("resources", [])
            if "/" not in entry["name"]
        }

    def concurrently(self, work: Callable[[_Item], _Answer], items: Iterable[_Item]) -> list[_Answer]:
        """The work's answers in the items' order, up to CONCURRENCY at once; the first failure raises."""
        listed = list(items)
        if len(listed) < 2:
            return [work(item) for item in listed]
        with ThreadPoolExecutor(min(CONCURRENCY, len(listed))) as pool:
            return list(pool.map(work, listed))


_BY_STATUS: dict[int, type[errors.ApiError]] = {
    400: errors.Invalid,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.Invalid,
    422: errors.Invalid,
}
_REMEDY = {
    401: " Renew the credentials (token, client certificate or exec plugin).",
    403: " Grant the verb to this user, see docs/rbac.md.",
    413: " The object is larger than the API server takes.",
    429: " The API server is overloaded: try again later.",
    503: " The API server, or what it stores things in, is not ready: try again later.",
    504: " The API server, or what is before it, did not answer in time: try again later.",
}


def api_error(status: int, payload: bytes, about: str, effort: str = "") -> errors.ApiError:
    """The typed error of a failed answer, in the API's own words where it has some.

    ``effort`` says what was asked of whom, how often and for how long, where once was not enough.
    """
    try:
        answer = json.loads(payload)
    except ValueError:
        answer = {}
    answer = answer if isinstance(answer, dict) else {}
    details = answer.get("details") or {}
    message = answer.get("message") or payload[:300].decode(errors="replace").strip() or "no message"
    kind = errors.Invalid if REFUSED_OBJECT in payload else _BY_STATUS.get(status, errors.ApiError)
    return kind(
        f"{about}: {message.rstrip('.')} (HTTP {status}).{_REMEDY.get(status, '')}" + (f" {effort}." if effort else ""),
        status=status,
        reason=answer.get("reason") or "",
        causes=details.get("causes") or [],
    )
