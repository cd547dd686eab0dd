#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Puts a middleware into the chains of Ingresses, IngressRoutes and entry points."""

from __future__ import annotations

DOCUMENTATION = r"""
module: middleware_chain
short_description: Put a middleware at a place in the chains of Ingresses, IngressRoutes or entry points
description:
  - Puts a middleware first, last, or directly before or after another one, or in the place of another one, in every
    chosen chain, or removes it. The others keep their order. A name that stands in a chain twice keeps its first place.
  - The chain of an Ingress is its annotation C(traefik.ingress.kubernetes.io/router.middlewares), that of an
    IngressRoute the C(middlewares) of each of its routes. Nothing else of the objects is touched, nor taken over.
  - No chain refers to the middleware before every Traefik replica has loaded it, see O(proof). Traefik drops every
    router that refers to a missing one.
  - Once the chains are written, it waits until every replica goes by them. A route that is written afterwards shows
    this, for Ingresses a temporary Ingress to the same backend, whose requests a middleware in front stops.
  - Thousands of objects are one task. They are read as lists, and only those that differ are written, several at once.
    One that changes in the meantime is read again and worked out anew.
version_added: 0.1.0
author: The resilient.traefik authors (@resilient)
options:
  middleware:
    description:
      - The middleware. C(namespace/name) of a Middleware, or C(name@provider) of another provider's.
      - C(namespace-name@kubernetescrd) is understood too.
    type: str
    required: true
  state:
    description: Whether the middleware is to be in the chains.
    type: str
    choices: [present, absent]
    default: present
  place:
    description: Where in the chain. V(first) when neither O(before), O(after) nor O(replaces) is given.
    type: str
    choices: [first, last]
  before:
    description: Directly before this one. Same forms as O(middleware).
    type: str
  after:
    description: Directly after this one. Same forms as O(middleware).
    type: str
  replaces:
    description: In the place of this one, which goes. Same forms as O(middleware).
    type: str
  missing:
    description:
      - What to do about a chain that does not hold the one that O(before), O(after) or O(replaces) names.
      - V(fail) refuses the whole task before anything is written. V(skip) leaves such objects alone and lists them.
    type: str
    choices: [fail, skip]
    default: fail
  entry_points:
    description:
      - Entry points whose own chain is meant. It stands in Traefik's static settings, so Traefik is rolled out anew.
      - Only for a Traefik whose workload comes as plain manifests with its settings as arguments. Any other delivery
        would undo the change, so it is refused with the setting to make there.
    type: list
    elements: str
  unservable:
    description:
      - What to do about an object whose routers Traefik would drop with the middleware in their chains, for instance an
        IngressRoute that may not refer to another namespace.
      - V(fail) refuses the whole task before anything is written. V(skip) leaves such objects alone and lists them, and
        also those whose chains are broken already because they refer to a middleware that is not there.
    type: str
    choices: [fail, skip]
    default: fail
  planned:
    description:
      - Says that an earlier task of the same play brings the middleware, so that check mode does not warn that it is
        not there yet. It makes no difference otherwise.
    type: bool
    default: false
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.chains
  - resilient.traefik.writing
  - resilient.traefik.traefik
  - resilient.traefik.proof
attributes:
  check_mode:
    description: Tries every change on the API server without persisting it. Nothing is proved.
    support: full
  diff_mode:
    description: Shows each changed chain before and after, one name a line.
    support: full
notes:
  - Objects that this Traefik does not look at (another ingress class, namespaces, labels) never get the middleware.
    They are listed as RV(left_alone).
seealso:
  - module: resilient.traefik.traefik_crd
"""

EXAMPLES = r"""
- name: Retry first, on everything that Traefik serves
  resilient.traefik.middleware_chain:
    middleware: traefik/retry
    place: first
    namespaces: ["*"]

- name: Put the bot blocker directly before the login, where there is one
  resilient.traefik.middleware_chain:
    middleware: traefik/bot-blocker
    before: traefik/authentik
    missing: skip
    label_selector: exposed=public

- name: Show the plan for a middleware that is still to come, and leave out what may not refer to it
  resilient.traefik.middleware_chain:
    middleware: traefik/retry
    namespaces: ["*"]
    unservable: skip
    planned: true
  check_mode: true

- name: Exchange a middleware in two routes
  resilient.traefik.middleware_chain:
    middleware: traefik/authentik-resilient
    replaces: traefik/authentik
    kinds: [IngressRoute]
    names: [shop/web, shop/admin]

- name: Take a middleware out everywhere
  resilient.traefik.middleware_chain:
    middleware: traefik/old-login
    state: absent
    namespaces: ["*"]

- name: Compress whatever comes in on an entry point
  resilient.traefik.middleware_chain:
    middleware: traefik/compress
    place: last
    entry_points: [web]
"""

RETURN = r"""
results:
  description: The objects whose chains change.
  returned: always, once the objects have been read
  type: list
  elements: dict
  contains:
    api_version:
      description: Its API version.
      type: str
      sample: networking.k8s.io/v1
    kind:
      description: Its kind.
      type: str
      sample: Ingress
    namespace:
      description: Its namespace.
      type: str
      sample: shop
    name:
      description: Its name.
      type: str
      sample: web
    change:
      description: V(updated), or V(unchanged) when somebody else made the same change meanwhile.
      type: str
      sample: updated
    written:
      description: Whether the change was carried out. Never in check mode, nor after a failure.
      type: bool
    error:
      description: Why the write failed.
      type: str
      returned: for the object that failed
    chains:
      description: Its chains that change, with the names that routers use.
      type: list
      elements: dict
      contains:
        at:
          description: Where in the object the chain stands.
          type: str
          sample: spec.routes[0]
        before:
          description: The chain before.
          type: list
          elements: str
          sample: [traefik-authentik@kubernetescrd]
        after:
          description: The chain afterwards.
          type: list
          elements: str
          sample: [traefik-retry@kubernetescrd, traefik-authentik@kubernetescrd]
chosen:
  description: How many objects (or entry points) were chosen.
  returned: success
  type: int
unchanged:
  description: How many of them have the chain already.
  returned: success
  type: int
left_alone:
  description: Chosen objects that were left alone, and why.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: The object's kind.
      type: str
    namespace:
      description: The object's namespace.
      type: str
    name:
      description: The object's name.
      type: str
    reason:
      description: Why it was left alone.
      type: str
      sample: its IngressClass nginx is not Traefik's
proofs:
  description: How it was shown that every replica has loaded the middleware. Empty when no chain changes.
  returned: success
  type: list
  elements: dict
  contains:
    api_version:
      description: The middleware's API version.
      type: str
    kind:
      description: The middleware's kind.
      type: str
    namespace:
      description: The middleware's namespace.
      type: str
    name:
      description: The middleware's name.
      type: str
    proof:
      description: V(behaviour), V(api) or V(none).
      type: str
      sample: behaviour
    replicas:
      description: The names of the pods that have loaded it, all that are ready.
      type: list
      elements: str
    reason:
      description: Why there is no proof.
      type: str
taken_up:
  description: How it was shown that every replica goes by the chains as they are now. None when none of them changed.
  returned: for Ingresses and IngressRoutes
  type: dict
  contains:
    proof:
      description: V(behaviour), or V(none) when no probe could be made or allowed; then it is waited for 4 s.
      type: str
    replicas:
      description: The names of the pods that have taken the chains up, all that are ready.
      type: list
      elements: str
    reason:
      description: Why there is no proof.
      type: str
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import middleware_chain

SPEC = ModuleSpec(
    middleware_chain.run,
    middleware_chain.OPTIONS,
    writes=True,
    mutually_exclusive=[
        ["place", "before", "after", "replaces"],
        ["entry_points", "namespaces"],
        ["entry_points", "names"],
        ["entry_points", "label_selector"],
    ],
    required_one_of=[["namespaces", "names", "label_selector", "entry_points"]],
)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
