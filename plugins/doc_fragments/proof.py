# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of modules that prove what Traefik has loaded, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """See module_utils/traefik/proof_options.py."""

    DOCUMENTATION = r"""
options:
  proof:
    description:
      - How it is shown that every Traefik replica has loaded what this task is about. The result says which proof
        was used for what.
      - V(behaviour) asks every replica, through the API server, a temporary route that goes through the object in
        question. Traefik drops a router that it cannot build, so an answer other than 404 shows that it could. A
        middleware in front stops the request, so nothing behind it is ever asked. It works with Traefik's API closed,
        which is the default of its chart. Shown this way are Middleware, TraefikService and IngressRoute.
      - V(api) reads Traefik's own API at every replica. It knows TCP and UDP routes too, and does not notice what is
        wrong with a middleware that no router uses.
      - V(auto) proves by behaviour what it can, and asks the API, where it is open, about the rest.
      - V(none) proves nothing and needs no Traefik.
    type: str
    choices: [auto, api, behaviour, none]
    default: auto
  open_api:
    description:
      - Opens a closed API for the time of the question, by a guarded route that is removed again whatever happens.
      - Only used where the API is asked, see O(proof).
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait for every replica. A replica that reports an error is not waited for.
    type: int
    default: 60
"""
