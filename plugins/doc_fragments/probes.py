# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a probe is."""

from __future__ import annotations


class ModuleDocFragment:
    """See module_utils/monitoring/probes.py."""

    DOCUMENTATION = r"""
options:
  probes:
    description: The sites that are asked, and what they have to answer.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The probe's name, as metrics and alerts tell it.
        type: str
        required: true
      host:
        description: The site's host. It is the C(Host) header and the TLS server name.
        type: str
        required: true
      path:
        description: Path and query, percent-encoded.
        type: str
        default: /
      entry_point:
        description: The entry point of Traefik. By default the one at which a route serves the host, preferring TLS.
        type: str
      method:
        description: The method.
        type: str
        choices: [GET, HEAD, OPTIONS]
        default: GET
      headers:
        description: Headers to send, that everybody may read. C(Authorization) and C(Cookie) are refused.
        type: dict
        default: {}
      expect:
        description: What the site answers at the edge. Of a WebSocket it is known.
        type: dict
        suboptions: &expect
          status:
            description: Status codes that will do. By default 200 to 399 and 401, for the backend 200 to 499.
            type: list
            elements: int
            default: []
          headers:
            description: Headers that the answer must have.
            type: list
            elements: dict
            default: []
            suboptions:
              name:
                description: The header's name.
                type: str
                required: true
              equals:
                description: Its whole value.
                type: str
              matches:
                description: A regular expression that its value matches somewhere.
                type: str
              absent:
                description: Whether it must not be there.
                type: bool
                default: false
          body:
            description: A regular expression that the first 64 KiB of the page match somewhere.
            type: str
      websocket:
        description: Whether a WebSocket is opened in place of a page. Its accept key is checked (RFC 6455).
        type: bool
        default: false
      subprotocol:
        description: The subprotocols of the WebSocket that are offered, with commas between them. One must be chosen.
        type: str
        default: ''
      through:
        description: The ways at the edge.
        type: list
        elements: str
        choices: [public, replicas]
        default: [public, replicas]
      backend:
        description: The application past Traefik. Without it nobody can tell whether the edge or the application fails.
        type: dict
        suboptions:
          namespace:
            description: The namespace of its Service.
            type: str
            required: true
          service:
            description: The name of its Service.
            type: str
            required: true
          port:
            description: The Service's port, by number or name.
            type: str
            required: true
          path:
            description: The path there. By default that of the probe.
            type: str
          host:
            description: The C(Host) header there. By default that of the probe.
            type: str
          tls:
            description: Whether it speaks TLS.
            type: bool
            default: false
          expect:
            description: What it answers there.
            type: dict
            suboptions: *expect
      every:
        description: Seconds from question to question. By default O(every).
        type: int
      fails_after:
        description: So many answers in a row have to be otherwise than expected. By default O(fails_after).
        type: int
      slow:
        description: Seconds from which an answer is slow. By default O(slow).
        type: float
      severity:
        description: Of its alerts. By default O(severity).
        type: str
        choices: [critical, warning]
"""
