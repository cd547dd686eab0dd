# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a module finds and enters its cluster: the options of every module, and what they make of them.

Option names and ``K8S_AUTH_*`` variables are those of kubernetes.core, so that the Kubernetes credential of AWX works
untouched.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import env_fallback, missing_required_lib
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError

try:
    import urllib3
    from kubernetes import config as kubernetes_config
    from kubernetes.client import Configuration
    from kubernetes.client.rest import RESTClientObject
except ImportError:
    KUBERNETES_MISSING = missing_required_lib("kubernetes")
else:
    KUBERNETES_MISSING = ""


def _option(variable: str, kind: str = "str", no_log: bool = False, **more: Any) -> dict[str, Any]:
    return {"type": kind, "no_log": no_log, "fallback": (env_fallback, [variable]), **more}


def _boolean_from_environment(variable: str) -> bool:
    """AWX injects the strings 'True' and 'False'; an unset or empty variable counts as not given."""
    from ansible.module_utils.common.parameters import AnsibleFallbackNotFound

    if not os.environ.get(variable):
        raise AnsibleFallbackNotFound
    return bool(boolean(os.environ[variable]))


CONNECTION_OPTIONS: dict[str, dict[str, Any]] = {
    "kubeconfig": _option("K8S_AUTH_KUBECONFIG", "raw"),
    "context": _option("K8S_AUTH_CONTEXT"),
    "host": _option("K8S_AUTH_HOST"),
    "api_key": _option("K8S_AUTH_API_KEY", no_log=True),
    "username": _option("K8S_AUTH_USERNAME"),
    "password": _option("K8S_AUTH_PASSWORD", no_log=True),
    "validate_certs": {
        "type": "bool",
        "aliases": ["verify_ssl"],
        "fallback": (_boolean_from_environment, ["K8S_AUTH_VERIFY_SSL"]),
    },
    "ca_cert": _option("K8S_AUTH_SSL_CA_CERT", "path", aliases=["ssl_ca_cert"]),
    "client_cert": _option("K8S_AUTH_CERT_FILE", "path", aliases=["cert_file"]),
    "client_key": _option("K8S_AUTH_KEY_FILE", "path", aliases=["key_file"]),
    "proxy": _option("K8S_AUTH_PROXY"),
    "no_proxy": _option("K8S_AUTH_NO_PROXY"),
    "impersonate_user": _option("K8S_AUTH_IMPERSONATE_USER"),
    "impersonate_groups": {
        "type": "list",
        "elements": "str",
        "fallback": (env_fallback, ["K8S_AUTH_IMPERSONATE_GROUPS"]),
    },
}


def connect(params: Mapping[str, Any]) -> tuple[urllib3.PoolManager, Configuration, list[tuple[str, str]]]:
    """The connection pool, the configuration with credentials, and the headers for impersonation (repeatable).

    Options win over what the kubeconfig says. Without ``host`` and without a kubeconfig the in-cluster account is used.
    Raises BadArgument when no way into a cluster is found or one cannot be read.
    """
    if KUBERNETES_MISSING:
        raise ResilientError(KUBERNETES_MISSING)
    configuration = Configuration()
    # Retries are the client's business, one request at a time; urllib3's own default would multiply with them.
    configuration.retries = False
    configuration.connection_pool_maxsize = 16
    _load(params, configuration)
    _override(params, configuration)
    return RESTClientObject(configuration).pool_manager, configuration, _impersonation(params)


def _load(params: Mapping[str, Any], configuration: Configuration) -> None:
    kubeconfig, context = params.get("kubeconfig"), params.get("context")
    if params.get("host") and not kubeconfig:
        return
    try:
        if isinstance(kubeconfig, Mapping):
            kubernetes_config.load_kube_config_from_dict(
                dict(kubeconfig), context=context, client_configuration=configuration, persist_config=False
            )
        elif kubeconfig or not _in_cluster():
            path = str(Path(str(kubeconfig)).expanduser()) if kubeconfig else None
            _check_readable(path)
            kubernetes_config.load_kube_config(
                config_file=path, context=context, client_configuration=configuration, persist_config=False
            )
        else:
            kubernetes_config.load_incluster_config(client_configuration=configuration)
    except kubernetes_config.ConfigException as error:
        raise BadArgument(
            f"kubeconfig: {_first_line(error)}. Give kubeconfig (and context), or host with api_key, or run in a pod "
            "with a service account."
        ) from None


def _check_readable(path: str | None) -> None:
    """Names the file that is missing; the kubernetes package says only that a key is."""
    for part in (path or "").split(os.pathsep):
        if part and not Path(part).is_file():
            raise BadArgument(
                f"kubeconfig: {part} is not a file. Give the path of a kubeconfig, or set K8S_AUTH_KUBECONFIG."
            )


def _in_cluster() -> bool:
    default = Path(os.environ.get("KUBECONFIG") or "~/.kube/config").expanduser()
    return not default.exists() and "KUBERNETES_SERVICE_HOST" in os.environ


def _override(params: Mapping[str, Any], configuration: Configuration) -> None:
    if params.get("host"):
        configuration.host = str(params["host"]).rstrip("/")
    if params.get("api_key"):
        configuration.api_key = {"authorization": f"Bearer {params['api_key']}"}
        configuration.refresh_api_key_hook = None
    names = {
        "username": "username",
        "password": "password",
        "ca_cert": "ssl_ca_cert",
        "client_cert": "cert_file",
        "client_key": "key_file",
        "proxy": "proxy",
        "no_proxy": "no_proxy",
    }
    for option, attribute in names.items():
        if params.get(option):
            setattr(configuration, attribute, params[option])
    if params.get("validate_certs") is not None:
        configuration.verify_ssl = params["validate_certs"]
    if not configuration.verify_ssl:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


def _impersonation(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    user, groups = params.get("impersonate_user"), params.get("impersonate_groups") or []
    if groups and not user:
        raise BadArgument("impersonate_groups: the API server takes groups only together with impersonate_user")
    if not user:
        return []
    return [("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups)]


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")
