# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What http_check asks and expects."""

from __future__ import annotations


class ModuleDocFragment:
    """See module_utils/http_requests.py and http_expectation.py."""

    DOCUMENTATION = r"""
options:
  requests:
    description: What is asked at every point.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: A name for results and messages.
        type: str
      host:
        description:
          - The C(Host) header, and the TLS server name unless O(requests[].sni) is given.
          - By default the URL's host, the Service's name in the cluster, or the pod's name. Needed for Traefik.
        type: str
      path:
        description: Path and query, percent-encoded.
        type: str
        default: /
      method:
        description: The method. Check mode sends V(GET), V(HEAD) and V(OPTIONS) only.
        type: str
        choices: [GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE]
        default: GET
      scheme:
        description:
          - By default the URL's scheme, for Traefik V(https) where the entry point's C(http.tls) is on, else V(http).
        type: str
        choices: [http, https]
      entry_points:
        description:
          - The entry points of Traefik that take the request, for points of Traefik. All of them by default.
          - A request that none of the points takes was not asked, and does not pass.
        type: list
        elements: str
        version_added: 0.3.0
      headers:
        description: Headers to send that everybody may read.
        type: dict
        default: {}
      secret_headers:
        description: Headers to send that nobody may read, such as C(Authorization) and C(Cookie).
        type: dict
        default: {}
      user:
        description: Name for Basic authentication.
        type: str
      password:
        description: Password for Basic authentication.
        type: str
      sni:
        description: TLS server name to ask for. The host by default.
        type: str
      ca:
        description: PEM text of the authorities to trust. The system's by default.
        type: str
      validate_certs:
        description: Whether the certificate must be valid for the TLS server name.
        type: bool
        default: true
      expect:
        description:
          - What the answer must be. Without it the status must be 200, or as before with O(as_before).
        type: dict
        suboptions:
          status:
            description: Status codes that will do. Any will when the list is empty.
            type: list
            elements: int
            default: [200]
          headers:
            description: What must hold for headers of the answer. One with nothing but a name must be there.
            type: list
            elements: dict
            default: []
            suboptions:
              name:
                description: The header, in any case.
                type: str
                required: true
              equals:
                description: Its whole value.
                type: str
              matches:
                description: A Python regular expression that matches somewhere in its value.
                type: str
              absent:
                description: Whether it must not be there.
                type: bool
                default: false
          body:
            description: A Python regular expression that matches somewhere in the body.
            type: str
"""
