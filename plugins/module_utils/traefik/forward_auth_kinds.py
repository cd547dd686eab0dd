# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kinds of services that people have Traefik ask by ForwardAuth, and how one is told from another.

A kind is data: a new one is an entry of KINDS. Sources are what the projects document for Traefik: goauthentik.io,
authelia.com, oauth2-proxy.github.io, tinyauth.app, pomerium.com, github.com/thomseddon/traefik-forward-auth, and for
CrowdSec's bouncer github.com/fbonalair/traefik-crowdsec-bouncer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_headers import LOGIN, MARK

AUTH, BOT_BLOCK = "auth", "bot_block"


@dataclass(frozen=True)
class Kind:
    """One kind. ``role`` is who protects it: auth or bot_block.

    It is told by the ``paths`` that a middleware asks (the beginning is enough where one ends with a slash), else by
    ``names``: parts of the Service's name, of its labels, of those of its pods or of their images. ``identity`` are the
    headers by which it tells applications who the visitor is, the user's name first. ``settings`` are what a proxy
    before it has in place of the role's own.
    """

    name: str
    role: str
    paths: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return the options of a proxy before such a service; none where the role's own are made for it."""
        if self.role != AUTH or self.name == AUTHENTIK:
            return {}
        named = {"user_header": self.identity[0], "identity_headers": list(self.identity)} if self.identity else {}
        return {"authentik": False, "open_paths": [], **named}


AUTHENTIK, GENERIC_AUTH, GENERIC_ALLOW = "authentik", "generic_auth", "generic_allow"
_REMOTE = ("Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email")
_AUTHENTIK_HEADERS = (
    *("username", "groups", "entitlements", "email", "name", "uid", "jwt", "meta-jwks", "meta-outpost"),
    *("meta-provider", "meta-app", "meta-version"),
)
KINDS = (
    Kind(
        *(AUTHENTIK, AUTH, ("/outpost.goauthentik.io/",), ("goauthentik",)),
        tuple(f"X-authentik-{name}" for name in _AUTHENTIK_HEADERS),
    ),
    Kind("authelia", AUTH, ("/api/verify", "/api/authz/"), ("authelia",), _REMOTE),
    Kind("tinyauth", AUTH, ("/api/auth/traefik",), ("tinyauth",), _REMOTE),
    Kind(
        *("oauth2_proxy", AUTH, ("/oauth2/",), ("oauth2-proxy", "oauth2proxy")),
        (
            *("X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups"),
            *("X-Auth-Request-Preferred-Username", "X-Auth-Request-Access-Token"),
        ),
    ),
    Kind("pomerium", AUTH, (), ("pomerium",), ("X-Pomerium-Claim-Email", "X-Pomerium-Jwt-Assertion")),
    Kind("traefik_forward_auth", AUTH, (), ("traefik-forward-auth",), ("X-Forwarded-User",)),
    Kind("crowdsec", BOT_BLOCK, ("/api/v1/forwardAuth",), ("crowdsec",)),
    Kind("bot_block", BOT_BLOCK, (), ("bot-block", "botblock", "anubis", "poison-fountain")),
)
# Never told by themselves: somebody says that a service is one.
GENERIC = (Kind(GENERIC_AUTH, AUTH), Kind(GENERIC_ALLOW, BOT_BLOCK))
BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in (*KINDS, *GENERIC)}


def kind_of(middleware: Object, service: Object | None, images: Iterable[str] = ()) -> Kind | None:
    """Return the kind of whom a ForwardAuth middleware asks, None for one that is not known.

    ``service`` is asked in the end, ``images`` are those of its pods. Who names a user is a login, whatever its path or
    name say: it is not to be opened to everybody because of a word.
    """
    kinds = [kind for kind in KINDS if kind.role == AUTH] if names_a_user(middleware) else list(KINDS)
    path = forward_auth.asked_by(middleware).path
    for kind in kinds:
        if any(path.startswith(each) if each.endswith("/") else path == each for each in kind.paths):
            return kind
    if service is not None and forward_auth.is_authentik(service):
        return BY_NAME[AUTHENTIK]
    told = [middleware["metadata"]["name"], *_words(service), *map(_without_registry, images)]
    return next((kind for kind in kinds if any(name in word for name in kind.names for word in told)), None)


def names_a_user(middleware: Object) -> bool:
    """Return whether the application gets anything of the answer by which it could know the visitor.

    What a proxy of this collection listed itself, known by its mark, does not count.
    """
    given = middleware["spec"]["forwardAuth"]
    headers = [str(name).lower() for name in given.get("authResponseHeaders") or []]
    if MARK.lower() in headers:
        ours = {MARK.lower(), LOGIN.lower()}
        headers = [name for name in headers if name not in ours and not name.startswith("x-authentik-")]
        pattern = ""
    else:
        pattern = str(given.get("authResponseHeadersRegex") or "")
    told = (
        headers,
        pattern,
        given.get("headerField"),
        given.get("addAuthCookiesToResponse"),
        given.get("authSigninURL"),
    )
    return any(told)


def settings_for(kind: Kind | None, middleware: Object) -> Mapping[str, Any]:
    """Return the options of a proxy of the role auth before that middleware's service.

    Of one of no known kind (None) the middleware itself says by which headers it names a user.
    """
    if kind is not None and kind.name != GENERIC_AUTH:
        return kind.settings
    listed = [str(name) for name in middleware["spec"]["forwardAuth"].get("authResponseHeaders") or []]
    own = tuple(name for name in listed if name.lower() not in (MARK.lower(), LOGIN.lower()))
    first = [name for name in own if name.lower().endswith(("user", "username", "email"))]
    return Kind(GENERIC_AUTH, AUTH, identity=tuple(dict.fromkeys([*first, *own]))).settings


def _words(service: Object | None) -> list[str]:
    """Return what names a Service: its name, its labels and those by which it selects its pods."""
    if service is None:
        return []
    labels = [service["metadata"].get("labels") or {}, (service.get("spec") or {}).get("selector") or {}]
    return [service["metadata"]["name"], *(str(value) for each in labels for value in each.values())]


def _without_registry(image: str) -> str:
    """Return an image's name without the host that it comes from, which says nothing of what it is."""
    first, slash, rest = image.partition("/")
    return rest if slash and ("." in first or ":" in first) else image
