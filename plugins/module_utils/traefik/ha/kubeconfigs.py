# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection options as one kubeconfig, for programs that know nothing else: none of it reaches a command line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

_NAME = "resilient-traefik"
_CLUSTER_FILES = ("certificate-authority",)
_USER_FILES = ("client-certificate", "client-key", "tokenFile")


def kubeconfig_of(params: Mapping[str, Any]) -> dict[str, Any] | None:
    """One cluster, one user, one context. None where the service account of the pod is to be used.

    The options win over what the kubeconfig says. Raises BadArgument when the kubeconfig cannot be read.
    """
    given, folder = _given(params)
    if given is None and not params.get("host"):
        return None
    cluster, user = _parts(given or {}, params.get("context"), folder)
    _override(cluster, user, params)
    context = {"cluster": _NAME, "user": _NAME}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _NAME, "cluster": cluster}],
        "users": [{"name": _NAME, "user": user}],
        "contexts": [{"name": _NAME, "context": context}],
        "current-context": _NAME,
    }


def _given(params: Mapping[str, Any]) -> tuple[dict[str, Any] | None, Path]:
    """The kubeconfig as it was given, several files of KUBECONFIG as one, and the folder that its paths are from."""
    kubeconfig = params.get("kubeconfig")
    if isinstance(kubeconfig, Mapping):
        return dict(kubeconfig), Path.cwd()
    if not kubeconfig and params.get("host"):
        return None, Path.cwd()
    named = str(kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config")
    paths = [path for part in named.split(os.pathsep) if part and (path := Path(part).expanduser()).is_file()]
    if not paths:
        return None, Path.cwd()
    return _together([_read(path) for path in paths]), paths[0].parent


def _read(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        raise BadArgument(f"kubeconfig: {path} cannot be read as YAML") from None
    return found if isinstance(found, dict) else {}


def _together(found: list[dict[str, Any]]) -> dict[str, Any]:
    """As kubectl does: of each name the first counts."""
    lists = {
        name: [item for one in found for item in one.get(name) or []] for name in ("clusters", "users", "contexts")
    }
    current = next((one["current-context"] for one in found if one.get("current-context")), "")
    return {**lists, "current-context": current}


def _parts(given: Mapping[str, Any], context: str | None, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    chosen = _named(given, "contexts", "context", context or given.get("current-context") or "")
    cluster = _named(given, "clusters", "cluster", chosen.get("cluster", ""))
    user = _named(given, "users", "user", chosen.get("user", ""))
    return _absolute(cluster, _CLUSTER_FILES, folder), _absolute(user, _USER_FILES, folder)


def _named(given: Mapping[str, Any], plural: str, singular: str, name: str) -> dict[str, Any]:
    return next((dict(item.get(singular) or {}) for item in given.get(plural) or [] if item.get("name") == name), {})


def _absolute(part: dict[str, Any], names: tuple[str, ...], folder: Path) -> dict[str, Any]:
    return part | {name: str(folder / part[name]) for name in names if part.get(name)}


def _override(cluster: dict[str, Any], user: dict[str, Any], params: Mapping[str, Any]) -> None:
    for option, key in (("host", "server"), ("proxy", "proxy-url")):
        if params.get(option):
            cluster[key] = params[option]
    if params.get("ca_cert"):
        cluster.pop("certificate-authority-data", None)
        cluster["certificate-authority"] = str(Path(params["ca_cert"]).absolute())
    if params.get("validate_certs") is not None:
        cluster["insecure-skip-tls-verify"] = not params["validate_certs"]
    if cluster.get("insecure-skip-tls-verify"):
        cluster.pop("certificate-authority", None)
        cluster.pop("certificate-authority-data", None)
    if params.get("api_key"):
        user.clear()
        user["token"] = params["api_key"]
    elif params.get("username"):
        user.clear()
        user |= {"username": params["username"], "password": params.get("password") or ""}
    for option, key in (("client_cert", "client-certificate"), ("client_key", "client-key")):
        if params.get(option):
            user.pop(f"{key}-data", None)
            user[key] = str(Path(params[option]).absolute())
    if params.get("impersonate_user"):
        user |= {"as": params["impersonate_user"], "as-groups": list(params.get("impersonate_groups") or [])}
