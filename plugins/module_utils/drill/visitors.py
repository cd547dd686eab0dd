# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who asks during a drill: those whom the user names, or some sites of Traefik, with and without credentials."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.context import Context
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import (
    CREDENTIALS,
    LOGIN,
    NO_CREDENTIALS,
    SESSION,
    Visitor,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.subject import NotRun, Subject
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import Forbidden
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import Entrance
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import served

OPTIONS: dict[str, dict[str, Any]] = {
    "host": {"type": "str", "required": True},
    "name": {"type": "str"},
    "path": {"type": "str", "default": "/"},
    "headers": {"type": "dict", "no_log": True, "default": {}},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "credentials": {"type": "str", "choices": list(CREDENTIALS)},
    "guarded": {"type": "bool"},
    "fallback_allows": {"type": "bool", "default": False},
}
# A drill tells more by many requests to few sites than by few to many.
MOST_GUARDED, MOST_OTHERS = 3, 1
_PERSON = {"User-Agent": "Mozilla/5.0 (resilient.traefik drill)"}


def visitors_from(given: Sequence[Mapping[str, Any]], subject: Subject | None, https: bool) -> list[Visitor]:
    """The visitors that the user names."""
    return [_visitor(each, subject, https) for each in given]


def found_visitors(context: Context, left_out: Sequence[str], fallback_allows: Sequence[str]) -> list[Visitor]:
    """Some guarded sites, each without credentials and with the emergency login, and one that nobody guards.

    All are served at the drill's entry point by its scheme. ``left_out`` are hosts that are not to be asked,
    ``fallback_allows`` those that the fallback lets everybody into.

    Raises NotRun when Traefik serves no site there, Forbidden.
    """
    client, subject, https = context.client, context.subject, context.https
    way = Entrance(context.entry_point.lower(), https)
    known: dict[str, str] = {}
    for site in served(client, context.traefik):
        if way in site.entrances and site.host not in left_out:
            known.setdefault(site.host, site.path)
    guarded = [host for host in (subject.hosts if subject else ()) if host in known]
    others = [host for host in known if host not in guarded]
    login = _emergency_login(client, subject) if subject else None
    found = [
        _visitor(
            {"host": host, "path": known[host], "fallback_allows": host in fallback_allows, **login_given},
            subject,
            https,
        )
        for host in guarded[:MOST_GUARDED]
        for login_given in ([{}, login] if login else [{}])
    ]
    most = MOST_OTHERS if guarded else MOST_GUARDED
    found += [_visitor({"host": host, "path": known[host]}, subject, https) for host in others[:most]]
    if not found:
        raise NotRun(
            f"visitors: Traefik serves no site whose host is named at entry point {context.entry_point}; name some in "
            "visitors"
        )
    return found


def _visitor(given: Mapping[str, Any], subject: Subject | None, https: bool) -> Visitor:
    host = str(given["host"])
    user, password = str(given.get("user") or ""), str(given.get("password") or "")
    headers = _PERSON | {name: str(value) for name, value in (given.get("headers") or {}).items()}
    names = {name.lower() for name in headers}
    credentials = given.get("credentials") or (
        LOGIN if user or "authorization" in names else SESSION if "cookie" in names else NO_CREDENTIALS
    )
    guarded = given.get("guarded")
    path = str(given.get("path") or "/")
    told = {NO_CREDENTIALS: "no credentials", SESSION: "session", LOGIN: "emergency login"}[credentials]
    return Visitor(
        name=str(given.get("name") or f"{host}{path if path != '/' else ''}, {told}"),
        request=Request(host, path, headers=headers, https=https, verify=False, user=user, password=password),
        credentials=credentials,
        guarded=bool(subject and host in subject.hosts) if guarded is None else bool(guarded),
        open=bool(given.get("fallback_allows")),
    )


def _emergency_login(client: Client, subject: Subject) -> dict[str, str] | None:
    """The first generated emergency login of the proxy; None where there is none or it may not be read."""
    if subject.proxy is None:
        return None
    namespace = subject.proxy["metadata"]["namespace"]
    for name in _users_secrets(subject.proxy):
        try:
            secret = client.find(ObjectRef("v1", "Secret", f"{name}-passwords", namespace))
        except Forbidden:
            return None
        for key, value in sorted(((secret or {}).get("data") or {}).items()):
            return {"user": key.removeprefix("password-"), "password": base64.b64decode(value).decode()}
    return None


def _users_secrets(proxy: Object) -> Iterator[str]:
    for volume in proxy["spec"]["template"]["spec"].get("volumes") or []:
        if volume["name"] == "users" and "secret" in volume:
            yield str(volume["secret"]["secretName"])
