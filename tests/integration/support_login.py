"""A login with the lab's stand-in for authentik, step by step as a browser makes it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.integration.http_in_pod import Answer, Door, ask

LOGIN = "/outpost.goauthentik.io"
QUESTION = f"{LOGIN}/auth/traefik"


def forwarded(host: str, uri: str = "/", proto: str = "https") -> dict[str, str]:
    """What Traefik tells the outpost of a request."""
    return {"X-Forwarded-Proto": proto, "X-Forwarded-Host": host, "X-Forwarded-Uri": uri}


def cookie_of(answer: Answer) -> str:
    """The Cookie header with what the answer sets. Raises ValueError when that is not one cookie."""
    (line,) = answer.all_headers("Set-Cookie")
    return line.split(";")[0]


def callback_of(redirect: str, user: str = "alice") -> str:
    """The path that leads back from authentik's login page, where ``user`` has signed in."""
    values = parse_qs(urlsplit(redirect).query)
    back = urlsplit(values["redirect_uri"][0])
    return f"{back.path}?{back.query}&{urlencode({'code': user, 'state': values['state'][0]})}"


def log_in(door: Door, host: str, user: str = "alice") -> str:
    """The Cookie header of a new session, through a pod of the outpost."""
    return _log_in(door, host, user, QUESTION, forwarded(host))


def log_in_through_traefik(door: Door, host: str, user: str = "alice") -> str:
    """The Cookie header of a new session, through the site itself."""
    return _log_in(door, host, user, "/", {})


def _log_in(door: Door, host: str, user: str, path: str, headers: Mapping[str, str]) -> str:
    away = ask(door, host, path, headers=headers)
    assert away.status == 302, f"{host} leads to no login: {away}"
    back = ask(door, host, callback_of(away.header("Location"), user), headers={"Cookie": cookie_of(away)})
    assert back.status == 302, f"{host} takes no login: {back}"
    return cookie_of(back)
