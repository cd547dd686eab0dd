# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real request: through each replica, and to the pods behind it without Traefik between, with times."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from ansible_collections.resilient.traefik.plugins.module_utils.explain.backend import DirectAnswer
from ansible_collections.resilient.traefik.plugins.module_utils.explain.request import redacted, secrets_in
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import (
    Answer,
    NoAnswer,
    PodPoint,
    Request,
    Session,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Replica

# Traefik's own bodies (3.7.13: net/http NotFound, pkg/proxy/httputil, pkg/server/service/loadbalancer).
_OWN_WORDS = frozenset(
    (
        "404 page not found",
        "bad gateway",
        "gateway timeout",
        "internal server error",
        "no available server",
        "service unavailable",
        "forbidden",
        "too many requests",
        "unauthorized",
        "401 unauthorized",
        "request entity too large",
    )
)
_CONNECT_SECONDS = 5.0
# Chromium gives up after 20.
_MOST_HOPS = 20


@dataclass(frozen=True)
class ReplicaAnswer:
    """What came back through one replica. ``status`` is 0 where nothing did, and ``problem`` says why.

    ``own_words`` is whether the body is one that Traefik writes itself. ``cookies`` are names alone; ``cookie_values``
    are for the next request and not for results.
    """

    replica: str
    node: str = ""
    status: int = 0
    seconds: float = 0.0
    location: str = ""
    own_words: bool = False
    cookies: tuple[str, ...] = ()
    insecure_links: int = 0
    problem: str = ""
    timed_out: bool = False
    cookie_values: tuple[str, ...] = field(default=(), repr=False)
    leads_to: str = field(default="", repr=False)

    @property
    def words(self) -> str:
        """The answer in a few words."""
        if not self.status:
            return self.problem
        return f"{self.status}" + (f" to {self.location}" if self.location else "") + f" in {self.seconds:.2f} s"

    def as_dict(self) -> dict[str, Any]:
        """Return it as results show it."""
        return {
            "status": self.status or None,
            "seconds": round(self.seconds, 3),
            "location": self.location,
            "cookies": list(self.cookies),
            "by_traefik_itself": self.own_words,
            "problem": self.problem,
        }


def through_replica(
    client: Client,
    replica: Replica,
    port: int,
    request: SiteRequest,
    seconds: float,
    extra: dict[str, str] | None = None,
) -> ReplicaAnswer:
    """Return what the replica answers. ``extra`` are headers beside the request's own. Raise Forbidden."""
    point = PodPoint(client, replica.namespace, replica.name, port)
    try:
        with Session(point, timeout=seconds, max_seconds=seconds, connect_seconds=_CONNECT_SECONDS) as session:
            answer = session.ask(request.to_send(extra=extra))
    except NoAnswer as error:
        problem = redacted(str(error), secrets_in(request))
        return ReplicaAnswer(replica.name, replica.node, problem=problem, timed_out=_is_timeout(problem))
    cookies = _cookies(answer)
    return ReplicaAnswer(
        replica=replica.name,
        node=replica.node,
        status=answer.status,
        seconds=answer.seconds,
        location=answer.headers.get("location", "").partition("?")[0],
        own_words=is_own_words(answer),
        cookies=tuple(name for name, _value in cookies),
        insecure_links=insecure_links(answer, request.host),
        cookie_values=tuple(f"{name}={value}" for name, value in cookies),
        leads_to=answer.headers.get("location", "") if 300 <= answer.status < 400 else "",
    )


def redirects_in_a_circle(
    client: Client, replica: Replica, port: int, request: SiteRequest, first: ReplicaAnswer, seconds: float
) -> bool:
    """Return whether a browser that follows the answer's redirections comes back to where it was, cookies kept.

    A page that sets a cookie and leads back to itself once is none. Redirections to another host are not followed.
    """
    answer, cookies = first, dict[str, str]()
    seen = {(request.target, frozenset[str]())}
    for _hop in range(_MOST_HOPS):
        target = same_site(answer.leads_to, request)
        if not target:
            return False
        cookies |= dict(pair.partition("=")[::2] for pair in answer.cookie_values)
        if (target, frozenset(cookies)) in seen:
            return True
        seen.add((target, frozenset(cookies)))
        sent = [*request.header("Cookie"), *(f"{name}={value}" for name, value in cookies.items())]
        extra = {"Cookie": "; ".join(sent)} if sent else {}
        request = request.with_target(target)
        answer = through_replica(client, replica, port, request, seconds, extra)
    return True


def same_site(location: str, request: SiteRequest) -> str:
    """Return path and query of a redirection to the scheme and host that the browser has asked, else nothing."""
    proto = (request.header("X-Forwarded-Proto") or ["https" if request.https else "http"])[0].lower()
    try:
        parts = urlsplit(urljoin(f"{proto}://{request.host}{request.target}", location))
        port = parts.port
    except ValueError:
        return ""
    default = {"http": 80, "https": 443}.get(proto)
    asked = urlsplit(f"{proto}://{request.host}")
    same = parts.scheme == proto and (parts.hostname or "") == (asked.hostname or "")
    if not location or not same or (port or default) != (asked.port or default):
        return ""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def to_pod(
    client: Client, namespace: str, pod: str, port: int, request: Request, seconds: float, secrets: list[str]
) -> DirectAnswer:
    """Return what a pod answers to the request without Traefik between. A missing right is a problem, no failure."""
    point = PodPoint(client, namespace, pod, port)
    try:
        with Session(point, timeout=seconds, max_seconds=seconds, connect_seconds=_CONNECT_SECONDS) as session:
            answer = session.ask(request)
    except NoAnswer as error:
        return DirectAnswer(
            pod, problem=redacted(str(error), secrets), seconds=seconds if _is_timeout(str(error)) else 0
        )
    except errors.ApiError as error:
        return DirectAnswer(pod, problem=f"not asked: {error}", not_asked=True)
    return DirectAnswer(pod, answer.status, answer.seconds, answer.headers.get("location", "").partition("?")[0])


def is_own_words(answer: Answer) -> bool:
    """Return whether Traefik may have written the answer itself: by its body, which no page of a site has."""
    body = answer.text.strip().lower()
    return (answer.status >= 400 and body in _OWN_WORDS) or (answer.status >= 500 and not body)


def insecure_links(answer: Answer, host: str) -> int:
    """Return how many times a page leads to its own host without TLS."""
    if "html" not in answer.headers.get("content-type", ""):
        return 0
    return len(re.findall(rf"""(?:src|href|action)=["']http://{re.escape(host)}(?=[/"':])""", answer.text))


def _cookies(answer: Answer) -> list[tuple[str, str]]:
    """Return name and value of each cookie that the answer sets; a comma may be in its date."""
    given = re.split(r",\s*(?=[^;,=\s]+=)", answer.headers.get("set-cookie", ""))
    pairs = [each.partition(";")[0].partition("=") for each in given if "=" in each]
    return [(name.strip(), value.strip()) for name, _equals, value in pairs]


def _is_timeout(problem: str) -> bool:
    return "(timeout)" in problem or "(max_seconds)" in problem
