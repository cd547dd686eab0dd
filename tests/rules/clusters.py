"""What is in a cluster, as the role finds it: the facts that the rules are rendered with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_AUTH = {"role": "auth", "namespace": "authentik", "deployment": "goauthentik-server"}
_BOT_BLOCK = {"role": "bot_block", "namespace": "poison-fountain", "deployment": "poison-fountain"}
_FRONT = {"namespace": "traefik", "name": "traefik"}

CLUSTERS: Mapping[str, dict[str, Any]] = {
    "whole": {
        "traefik": _FRONT | {"kind": "Deployment"},
        "probes": {"name": "traefik-probes"},
        "targets": [
            _AUTH | {"proxy_namespace": "traefik", "proxy_name": "auth-proxy"},
            _BOT_BLOCK | {"proxy_namespace": "traefik", "proxy_name": "bot-block-proxy"},
        ],
    },
    "daemon_set": {
        "traefik": {"namespace": "kube-system", "name": "traefik.edge", "kind": "DaemonSet"},
        "probes": {"name": "traefik-probes"},
        "targets": [_AUTH | {"proxy_namespace": "", "proxy_name": ""}],
    },
    "bare": {"traefik": _FRONT | {"kind": "Deployment"}, "targets": []},
}

# What a user sets there.
VARIABLES: Mapping[str, dict[str, Any]] = {"whole": {"alerts_pgbouncer": True}, "bare": {"alerts_parity": False}}
