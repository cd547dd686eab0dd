# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kinds of services that people have Traefik ask by ForwardAuth, and how one is told from another.

A kind is data: a new one is an entry of KINDS. Sources are what the projects document for Traefik: goauthentik.io,
authelia.com, oauth2-proxy.github.io, tinyauth.app, pomerium.com, github.com/thomseddon/traefik-forward-auth, and for
CrowdSec's bouncer github.com/fbonalair/traefik-crowdsec-bouncer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_headers import MARK

AUTH, BOT_BLOCK = "auth", "bot_block"


@dataclass(frozen=True)
class Kind:
    """One kind. ``role`` is who protects it: auth or bot_block.

    It is told by the ``paths`` that a middleware asks (the beginning is enough where one ends with a slash), else by
    ``names``: parts of the Service's name, of its labels or of those of its pods. ``settings`` are what a proxy before
    it has in place of the role's own.
    """

    name: str
    role: str
    paths: tuple[str, ...]
    names: tuple[str, ...]
    settings: Mapping[str, Any]


def _auth(name: str, paths: tuple[str, ...], names: tuple[str, ...], user: str, *more: str) -> Kind:
    """Return a kind of login service, by the headers in which it names a user, the user's name first."""
    identity = [user, *more]
    settings = {"authentik": False, "open_paths": [], "user_header": user, "identity_headers": identity}
    return Kind(name, AUTH, paths, names, settings)


_REMOTE = ("Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email")
KINDS = (
    Kind("authentik", AUTH, ("/outpost.goauthentik.io/",), ("authentik",), {}),
    _auth("authelia", ("/api/verify", "/api/authz/"), ("authelia",), *_REMOTE),
    _auth("tinyauth", ("/api/auth/traefik",), ("tinyauth",), *_REMOTE),
    _auth(
        *("oauth2-proxy", ("/oauth2/",), ("oauth2-proxy", "oauth2proxy")),
        *("X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups"),
        *("X-Auth-Request-Preferred-Username", "X-Auth-Request-Access-Token"),
    ),
    _auth("pomerium", (), ("pomerium",), "X-Pomerium-Claim-Email", "X-Pomerium-Jwt-Assertion"),
    _auth("traefik-forward-auth", (), ("traefik-forward-auth",), "X-Forwarded-User"),
    Kind("crowdsec", BOT_BLOCK, ("/api/v1/forwardAuth",), ("crowdsec",), {}),
    Kind("bot-blocker", BOT_BLOCK, (), ("bot-block", "botblock", "anubis", "poison-fountain"), {}),
)


def kind_of(middleware: Object, service: Object | None) -> Kind | None:
    """Return the kind of whom a ForwardAuth middleware asks, None for one that is not known."""
    path = forward_auth.asked_by(middleware).path
    for kind in KINDS:
        if any(path.startswith(each) if each.endswith("/") else path == each for each in kind.paths):
            return kind
    told = [middleware["metadata"]["name"], *_words(service)]
    kinds: tuple[Kind, ...] = KINDS
    if _names_a_user(middleware):
        # Who names a user is a login, whatever it is called: it is not to be opened to everybody because of a word.
        kinds = tuple(kind for kind in KINDS if kind.role == AUTH)
    return next((kind for kind in kinds if any(name in word for name in kind.names for word in told)), None)


def _names_a_user(middleware: Object) -> bool:
    """Whether the application gets headers of the answer. Those beside the mark of a fallback may be of our making."""
    headers = [str(name).lower() for name in middleware["spec"]["forwardAuth"].get("authResponseHeaders") or []]
    return bool(headers) and MARK.lower() not in headers


def _words(service: Object | None) -> list[str]:
    """Return what names a Service: its name, its labels and those by which it selects its pods."""
    if service is None:
        return []
    labels = [service["metadata"].get("labels") or {}, (service.get("spec") or {}).get("selector") or {}]
    return [service["metadata"]["name"], *(str(value) for each in labels for value in each.values())]
