# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection options of every module, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """Names and environment variables are those of kubernetes.core."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file, or its content as a dictionary.
      - Exec plugins in it are run, and O(proxy) may stand in it as C(proxy-url).
      - Without it and without O(host) the default kubeconfig is used, or in a pod the pod's service account.
      - Can also be set with the environment variable E(K8S_AUTH_KUBECONFIG).
    type: raw
  context:
    description:
      - The context of the kubeconfig. The kubeconfig's own current context by default.
      - Can also be set with the environment variable E(K8S_AUTH_CONTEXT).
    type: str
  host:
    description:
      - URL of the API server. Wins over the kubeconfig's.
      - Can also be set with the environment variable E(K8S_AUTH_HOST).
    type: str
  api_key:
    description:
      - A bearer token.
      - Can also be set with the environment variable E(K8S_AUTH_API_KEY).
    type: str
  username:
    description:
      - Name for Basic authentication to the API server.
      - Can also be set with the environment variable E(K8S_AUTH_USERNAME).
    type: str
  password:
    description:
      - Password for Basic authentication to the API server.
      - Can also be set with the environment variable E(K8S_AUTH_PASSWORD).
    type: str
  validate_certs:
    description:
      - Whether the API server's certificate is checked. What the kubeconfig says by default.
      - Can also be set with the environment variable E(K8S_AUTH_VERIFY_SSL), also to the strings that AWX injects.
    type: bool
    aliases: [verify_ssl]
  ca_cert:
    description:
      - File with the certificates of the API server's authority.
      - Can also be set with the environment variable E(K8S_AUTH_SSL_CA_CERT).
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description:
      - File with a client certificate.
      - Can also be set with the environment variable E(K8S_AUTH_CERT_FILE).
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - File with the client certificate's key.
      - Can also be set with the environment variable E(K8S_AUTH_KEY_FILE).
    type: path
    aliases: [key_file]
  proxy:
    description:
      - URL of an HTTP or SOCKS proxy to reach the API server through.
      - Can also be set with the environment variable E(K8S_AUTH_PROXY).
    type: str
  no_proxy:
    description:
      - Host names, comma-separated, that are reached without O(proxy).
      - Can also be set with the environment variable E(K8S_AUTH_NO_PROXY).
    type: str
  impersonate_user:
    description:
      - User to act as.
      - Can also be set with the environment variable E(K8S_AUTH_IMPERSONATE_USER).
    type: str
  impersonate_groups:
    description:
      - Groups to act as a member of, with O(impersonate_user).
      - Can also be set with the environment variable E(K8S_AUTH_IMPERSONATE_GROUPS), comma-separated.
    type: list
    elements: str
requirements:
  - kubernetes >= 37.0
"""
