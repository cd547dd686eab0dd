# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the account may do, as the API server's authorizers say. A review is a POST that stores nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

_API = "authorization.k8s.io/v1"
_REMEDY = "add it to the account's Role, docs/rbac.yaml has all"


@dataclass(frozen=True, order=True)
class Right:
    """A verb on a resource such as ``secrets``, ``deployments.apps`` or ``pods/portforward``.

    An empty namespace means all of them, or that the resource is in none; an empty name means any object.
    """

    verb: str
    resource: str
    namespace: str = ""
    name: str = ""

    def as_dict(self) -> dict[str, str]:
        """The four parts by name."""
        return {"verb": self.verb, "resource": self.resource, "namespace": self.namespace, "name": self.name}

    def attributes(self) -> dict[str, str]:
        """What a SelfSubjectAccessReview asks about. Raises BadArgument when the resource has no name."""
        where, _slash, subresource = self.resource.partition("/")
        plural, _dot, group = where.partition(".")
        if not plural:
            raise BadArgument(f"rights: {self.resource!r} is no resource such as deployments.apps or pods/log")
        given = {
            "verb": self.verb,
            "group": group,
            "resource": plural,
            "subresource": subresource,
            "namespace": self.namespace,
            "name": self.name,
        }
        return {key: value for key, value in given.items() if value}


def rights(verbs: Iterable[str], resources: Sequence[str], namespace: str = "", name: str = "") -> Iterator[Right]:
    """Every verb on every resource."""
    for verb in verbs:
        for resource in resources:
            yield Right(verb, resource, namespace, name)


def missing_rights(client: Client, wanted: Iterable[Right]) -> list[Right]:
    """Those of the rights that the client's account does not have, in their order, each once.

    Asked concurrently. Raises Forbidden when even asking is not allowed, Unreachable, BadArgument.
    """
    asked = list(dict.fromkeys(wanted))
    answers = client.concurrently(lambda right: _is_allowed(client, right), asked)
    return [right for right, allowed in zip(asked, answers, strict=True) if not allowed]


def findings(missing: Iterable[Right]) -> list[str]:
    """One sentence for every resource and namespace with all verbs that are missing there, and the remedy."""
    verbs: dict[Right, list[str]] = {}
    for right in missing:
        verbs.setdefault(Right("", right.resource, right.namespace, right.name), []).append(right.verb)
    return [f"no right to {_listed(listed)} {_place(where)}: {_REMEDY}" for where, listed in verbs.items()]


def _is_allowed(client: Client, right: Right) -> bool:
    review = {
        "apiVersion": _API,
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": right.attributes()},
    }
    answer = client.request(
        "POST", f"/apis/{_API}/selfsubjectaccessreviews", body=review, about=f"right to {right.verb} {_place(right)}"
    )
    return bool(answer.get("status", {}).get("allowed"))


def _place(right: Right) -> str:
    what = f"{right.resource} {right.name}" if right.name else right.resource
    return f"{what} in namespace {right.namespace}" if right.namespace else f"{what} in the whole cluster"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
