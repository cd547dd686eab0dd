# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes accounts out of the roles of docs/rbac.yaml: one a purpose, that writes in the given namespaces only. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.own_namespace import NAMESPACE

PURPOSES = ("audit", "verify", "harden", "drill", "drill-nodes", "alerts", "explain")
_GROUP = "rbac.authorization.k8s.io"
# What the roles say of themselves: where they are bound (cluster, namespaces, secrets, own), and what they are for.
_BOUND_IN, _PURPOSES = "resilient.traefik/bound-in", "resilient.traefik/purposes"


def granted(
    roles: Sequence[Object], purposes: Sequence[str], namespaces: Sequence[str], secret_namespaces: Sequence[str]
) -> list[Object]:
    """The roles that the purposes need, an account for each purpose, and the bindings of both.

    ``roles`` are the items of docs/rbac.yaml. Raises BadArgument for an unknown purpose and without a namespace.
    """
    unknown = [each for each in purposes if each not in PURPOSES]
    if unknown or not purposes:
        raise BadArgument(f"purposes: {', '.join(unknown) or 'none'}: there are {', '.join(PURPOSES)}")
    places = {"cluster": [""], "namespaces": _unique(namespaces), "secrets": _unique(secret_namespaces), "own": [""]}
    if not places["namespaces"]:
        raise BadArgument("namespaces: give those of Traefik, of the proxies and of the applications that are changed")
    chosen = [role for role in roles if "rules" in role and set(purposes_of(role)) & set(purposes)]
    accounts = [_account(purpose) for purpose in _unique(purposes)]
    bindings = [
        binding_of(role, account_name(purpose), place)
        for purpose in _unique(purposes)
        for role in chosen
        if purpose in purposes_of(role)
        for place in places[bound_in(role)]
    ]
    return [*(item for item in roles if "rules" not in item), *accounts, *chosen, *bindings]


def account_name(purpose: str) -> str:
    """The ServiceAccount of a purpose."""
    return f"{NAMESPACE}-{purpose}"


def purposes_of(role: Object) -> list[str]:
    """What the role is for."""
    return [each.strip() for each in str(role["metadata"]["annotations"][_PURPOSES]).split(",")]


def bound_in(role: Object) -> str:
    """Where the role is to be bound: cluster, namespaces, secrets (those whose Secrets are meant) or own."""
    return str(role["metadata"]["annotations"][_BOUND_IN])


def binding_of(role: Object, account: str, namespace: str) -> Object:
    """Gives the role to the account, in one namespace or, where that is empty, where the role itself is."""
    kind, name = role["kind"], role["metadata"]["name"]
    place = namespace or role["metadata"].get("namespace", "")
    purpose = account.removeprefix(f"{NAMESPACE}-")
    metadata = {"name": name if account == NAMESPACE else f"{name}-to-{purpose}"}
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "RoleBinding" if place else "ClusterRoleBinding",
        "metadata": metadata | ({"namespace": place} if place else {}),
        "roleRef": {"apiGroup": _GROUP, "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}],
    }


def _account(purpose: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": account_name(purpose), "namespace": NAMESPACE},
        "automountServiceAccountToken": False,
    }


def _unique(names: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(str(name) for name in names if name))
