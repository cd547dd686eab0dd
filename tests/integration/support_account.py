"""Accounts with the roles of docs/rbac.yaml, bound as the playbook rbac binds them: all, or some with a verb less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.plugin_utils.granting import binding_of, bound_in

MANIFEST = Path(__file__).parents[2] / "docs" / "rbac.yaml"
ACCOUNT = NAMESPACE = "resilient-traefik"
ROLES = (
    "lock",
    "journal",
    "tier",
    "objects",
    "objects-writing",
    "namespaces",
    "tenants",
    "traefik",
    "reaching",
    "findings",
    "rehearsing",
    "drill",
    "drill-nodes",
    "drill-writing",
    "secrets",
)
# Where the lab's Traefik and its proxies are.
TRAEFIK = ("traefik",)
_SECONDS = 3600


def manifest(namespaces: Sequence[str] = TRAEFIK, account: str = ACCOUNT) -> list[Object]:
    """The objects of docs/rbac.yaml, and an account that has all the roles: those that write, in the namespaces."""
    items = [dict(item) for item in yaml.safe_load(MANIFEST.read_text())["items"]]
    metadata = {"name": account, "namespace": NAMESPACE}
    own = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "automountServiceAccountToken": False}
    places = {"cluster": [""], "own": [""], "namespaces": namespaces, "secrets": TRAEFIK}
    bindings = [
        binding_of(item, account, place) for item in items if "rules" in item for place in places[bound_in(item)]
    ]
    return [*items, own, *bindings]


def verbs_of(role: str) -> list[tuple[str, str]]:
    """The resources and verbs of one role, named without the account's name: ``[("leases", "get"), ...]``."""
    (rules,) = (
        item["rules"] for item in manifest() if item["metadata"]["name"] == f"{ACCOUNT}-{role}" and "rules" in item
    )
    return [(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]]


def least_privilege_params(
    admin: Client, account: str = ACCOUNT, namespaces: Sequence[str] = TRAEFIK
) -> dict[str, Any]:
    """Connection options of the account, with a token that the API server makes for it. Applies the manifest."""
    if account == ACCOUNT:
        apply_and_await(admin, manifest(namespaces))
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{account}/token"
    spec = {"expirationSeconds": _SECONDS}
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    token = admin.request("POST", path, body=request)["status"]["token"]
    return {"host": admin.host, "api_key": token, "validate_certs": False}


def least_privilege_client(admin: Client) -> Client:
    """A client with the rights of docs/rbac.yaml and no others, which may write in Traefik's namespace."""
    return Client(least_privilege_params(admin))


def made_account(
    admin: Client, name: str, roles: Sequence[str], without: tuple[str, str], namespaces: Sequence[str] = TRAEFIK
) -> list[ObjectRef]:
    """Makes a ServiceAccount with some roles of the manifest, one verb on one resource left out; what to remove."""
    objects = [_renamed(item, name, without) for item in manifest(namespaces) if _belongs(item, roles)]
    apply_and_await(admin, objects)
    return [ref_of(item) for item in objects if item["kind"] != "Namespace"]


def rights_in(namespace: str, account: str, roles: Sequence[str]) -> list[Object]:
    """A Role with the rules of these roles in another namespace, and its binding to the account."""
    rules = [
        rule
        for item in manifest()
        if "rules" in item and item["metadata"]["name"] in {f"{ACCOUNT}-{role}" for role in roles}
        for given in item["rules"]
        for rule in _single(given, ("", ""))
    ]
    group = "rbac.authorization.k8s.io"
    common = {"apiVersion": f"{group}/v1", "metadata": {"name": account, "namespace": namespace}}
    subject = {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
    role_ref = {"apiGroup": group, "kind": "Role", "name": account}
    return [
        common | {"kind": "Role", "rules": rules},
        common | {"kind": "RoleBinding", "roleRef": role_ref, "subjects": [subject]},
    ]


def _belongs(item: Object, roles: Sequence[str]) -> bool:
    return item["kind"] in ("Namespace", "ServiceAccount") or item["metadata"]["name"] in {
        f"{ACCOUNT}-{role}" for role in roles
    }


def _renamed(item: Object, name: str, without: tuple[str, str]) -> Object:
    """The object for an account of that name; the namespace stays."""
    if item["kind"] == "Namespace":
        return item
    renamed = item | {"metadata": item["metadata"] | {"name": _replaced(item["metadata"]["name"], name)}}
    if "rules" in item:
        rules = [rule for given in item["rules"] for rule in _single(given, without)]
        return renamed | {"rules": rules}
    if "roleRef" in item:
        role = item["roleRef"] | {"name": _replaced(item["roleRef"]["name"], name)}
        return renamed | {"roleRef": role, "subjects": [subject | {"name": name} for subject in item["subjects"]]}
    return renamed


def _replaced(text: str, name: str) -> str:
    return text.replace(ACCOUNT, name, 1)


def _single(rule: dict[str, Any], without: tuple[str, str]) -> Iterator[dict[str, Any]]:
    for resource in rule["resources"]:
        verbs = [verb for verb in rule["verbs"] if (resource, verb) != without]
        if verbs:
            yield rule | {"resources": [resource], "verbs": verbs}


def apply_and_await(admin: Client, objects: Sequence[Object]) -> None:
    """Returns once the authorizer has seen all of it: it follows the API with some delay."""
    Writer(admin, check_mode=False, force=True).apply(objects)
    rules = {item["metadata"]["name"]: item["rules"] for item in objects if "rules" in item}
    wanted = [
        _review(item, rule, verb)
        for item in objects
        if "roleRef" in item
        for rule in rules[item["roleRef"]["name"]]
        for verb in rule["verbs"]
    ]
    for _left in tries(30):
        wanted = [review for review in wanted if not _is_allowed(admin, review)]
        if not wanted:
            return
    raise AssertionError(f"never granted: {wanted}")


def _review(binding: Object, rule: dict[str, Any], verb: str) -> Object:
    subject, (resource, _slash, subresource) = binding["subjects"][0], rule["resources"][0].partition("/")
    attributes = {
        "verb": verb,
        "group": rule["apiGroups"][0],
        "resource": resource,
        "subresource": subresource,
        "namespace": binding["metadata"].get("namespace", ""),
        "name": rule.get("resourceNames", [""])[0],
    }
    user = f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": attributes},
    }


def _is_allowed(admin: Client, review: Object) -> bool:
    answer = admin.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=review)
    return bool(answer["status"]["allowed"])
