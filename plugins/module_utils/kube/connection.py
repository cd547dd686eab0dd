# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a module finds and enters its cluster: the options of every module, and what they make of them.

Option names and ``K8S_AUTH_*`` variables are those of kubernetes.core, so that the Kubernetes credential of AWX works
untouched.
"""

from __future__ import annotations

import base64
import binascii
import logging
import os
import ssl
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from ansible.module_utils.basic import env_fallback, missing_required_lib
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.resilient.traefik.plugins.module_utils.kube.deadline import bound
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.kubeconfig_faults import no_yaml, unknown_context

try:
    import urllib3
    import yaml
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


@dataclass
class Connection:
    """A way into one cluster. ``host`` is the API server's URL, ``tls`` what its connections are made with."""

    host: str
    pool: urllib3.PoolManager
    tls: ssl.SSLContext
    configuration: Configuration
    impersonation: list[tuple[str, str]]
    _lock: Lock = field(default_factory=Lock)
    _headers: urllib3.HTTPHeaderDict | None = None
    _made: float = 0.0

    def headers(self) -> urllib3.HTTPHeaderDict:
        """Credentials and impersonation: a token of an exec plugin is renewed some minutes before it expires."""
        with self._lock:
            if self._headers is None or time.monotonic() - self._made >= HEADERS_SECONDS:
                self._headers, self._made = self._fresh_headers(), time.monotonic()
            return self._headers.copy()

    def _fresh_headers(self) -> urllib3.HTTPHeaderDict:
        headers = urllib3.HTTPHeaderDict({"User-Agent": "resilient.traefik", "Accept": "application/json"})
        with _LOADING:
            token = self.configuration.get_api_key_with_prefix(_TOKEN)
        if token:
            headers["Authorization"] = token
        elif self.configuration.username:
            pair = f"{self.configuration.username}:{self.configuration.password or ''}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        for name, value in self.impersonation:
            headers.add(name, value)
        return headers


# One at a time in a process: the kubernetes package keeps the files of all kubeconfigs in one dict of its module, by
# content, and hands the file of one connection to another that has the same authority; and it only logs that an exec
# plugin failed, to whoever listens.
_LOADING = Lock()
# Asking the kubernetes package for its token costs a quarter of a request's own time; it renews minutes ahead.
HEADERS_SECONDS = 5.0
# Where the kubernetes package keeps a bearer token since version 34.
_TOKEN = "BearerToken"


def connect(params: Mapping[str, Any]) -> Connection:
    """The way into the cluster of a module's parameters. Nothing is sent yet.

    Options win over what the kubeconfig says. Without ``host`` and without a kubeconfig the in-cluster account is used.
    Raises BadArgument when no way into a cluster is found or one cannot be read.
    """
    if KUBERNETES_MISSING:
        raise ResilientError(KUBERNETES_MISSING)
    impersonation = _impersonation(params)
    configuration = Configuration()
    # Retries are the client's business, one request at a time; urllib3's own default would multiply with them.
    configuration.retries = False
    configuration.connection_pool_maxsize = 16
    # Keys and certificates that stand in the kubeconfig reach the TLS library only through files. The kubernetes
    # package deletes its own when the process ends regularly, which the forks of Ansible never do.
    with _LOADING, tempfile.TemporaryDirectory(prefix="resilient-traefik-") as folder:
        _load(params, configuration, folder)
        _override(params, configuration)
        tls = _tls(configuration)
    # A refreshed token writes the kubeconfig's host back into the configuration: this is the one that counts.
    host = str(configuration.host).rstrip("/")
    return Connection(host, _pool(configuration, tls), tls, configuration, impersonation)


def _pool(configuration: Configuration, tls: ssl.SSLContext) -> urllib3.PoolManager:
    configuration.ssl_ca_cert = configuration.cert_file = configuration.key_file = None
    pool = RESTClientObject(configuration).pool_manager
    for name in ("cert_reqs", "ca_certs", "cert_file", "key_file", "ca_cert_data"):
        pool.connection_pool_kw.pop(name, None)
    pool.connection_pool_kw["ssl_context"] = tls
    bound(pool)
    return pool


def _tls(configuration: Configuration) -> ssl.SSLContext:
    """One context for all connections: reading the certificates again for each costs more than the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif configuration.ssl_ca_cert:
        _use_file(
            "ca_cert", configuration.ssl_ca_cert, lambda: context.load_verify_locations(configuration.ssl_ca_cert)
        )
    else:
        context.load_default_certs()
    if configuration.cert_file:
        chain = configuration.cert_file, configuration.key_file
        _use_file("client_cert and client_key", configuration.cert_file, lambda: context.load_cert_chain(*chain))
    return context


def _use_file(option: str, path: str, use: Callable[[], None]) -> None:
    try:
        use()
    except OSError as error:
        reason = "it is no PEM file of that sort" if isinstance(error, ssl.SSLError) else error.strerror
        raise BadArgument(f"{option}: {path} cannot be used: {reason}") from None


class _Complaints(logging.Handler):
    """Hears what the kubernetes package only logs: that an exec plugin failed."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


def _load(params: Mapping[str, Any], configuration: Configuration, folder: str) -> None:
    if params.get("host") and not params.get("kubeconfig"):
        return
    complaints, logger = _Complaints(), logging.getLogger()
    logger.addHandler(complaints)
    try:
        _load_from(params.get("kubeconfig"), params.get("context"), configuration, folder)
    except yaml.YAMLError as error:
        raise _unusable(no_yaml(params.get("kubeconfig"), error)) from None
    except (kubernetes_config.ConfigException, binascii.Error, OSError) as error:
        if words := unknown_context(params.get("kubeconfig"), params.get("context")):
            raise BadArgument(f"context: {words}") from None
        raise _unusable(_first_line(error)) from None
    finally:
        logger.removeHandler(complaints)
    if complaints.heard and not configuration.api_key and not configuration.cert_file:
        raise _unusable(f"it gave no credentials: {complaints.heard[0].strip()}")


def _load_from(kubeconfig: Any, context: str | None, configuration: Configuration, folder: str) -> None:
    wanted = {
        "context": context,
        "client_configuration": configuration,
        "persist_config": False,
        "temp_file_path": folder,
    }
    if isinstance(kubeconfig, Mapping):
        kubernetes_config.load_kube_config_from_dict(dict(kubeconfig), **wanted)
    elif kubeconfig or not _in_cluster():
        path = str(Path(str(kubeconfig)).expanduser()) if kubeconfig else None
        _check_readable(path)
        kubernetes_config.load_kube_config(config_file=path, **wanted)
    else:
        kubernetes_config.load_incluster_config(client_configuration=configuration)


def _unusable(why: str) -> BadArgument:
    return BadArgument(
        f"kubeconfig: {why}. Give kubeconfig (and context), or host with api_key, or run in a pod with a service "
        "account."
    )


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
        configuration.api_key = {_TOKEN: f"Bearer {params['api_key']}"}
        configuration.refresh_api_key_hook = None
    elif params.get("username"):
        configuration.api_key = {}
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
