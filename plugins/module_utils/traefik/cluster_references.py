# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""References of Traefik's objects, looked up in the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Answer, Query, read_all
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import chain
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, PROVIDER, crd_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.reference_faults import (
    Known,
    Rules,
    faults,
    still_referenced,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.references import (
    TRAEFIK_KINDS,
    Reference,
    all_references,
    of_ingress,
)


@dataclass(frozen=True)
class Findings:
    """Faults, and what could not be checked for lack of a permission."""

    faults: list[str]
    unchecked: list[str]


def dangling(client: Client, items: Sequence[Object], rules: Rules) -> Findings:
    """References of the items that lead nowhere, or that this Traefik does not follow. Objects of the set count."""
    references = all_references(items)
    given = {ref_of(item): item for item in items}
    wanted = dict.fromkeys(
        reference.target for reference in references if not reference.provider and reference.target not in given
    )
    answers = read_all(client, [Query(ref.api_version, ref.kind, ref.name, ref.namespace) for ref in wanted])
    found = {ref: answer.items[0] for ref, answer in zip(wanted, answers, strict=True) if answer.items}
    unread = frozenset(ref for ref, answer in zip(wanted, answers, strict=True) if answer.status == "forbidden")
    qualified, named = _qualified_names(client, references, items)
    known = Known(given | found, unread, qualified)
    return Findings(faults(references, known, rules), _unchecked([*answers, *named]))


def left_dangling(client: Client, removed: Sequence[Object], settings: Mapping[str, str]) -> Findings:
    """References to the objects that stay when they are removed: Traefik drops every router that holds one.

    ``settings`` are Traefik's own, empty when there is none: an entry point may name middlewares too.
    """
    refs = {ref_of(item): item for item in removed}
    served = [kind for kind in TRAEFIK_KINDS if kind != "MiddlewareTCP"]
    queries = [Query(API_VERSION, kind) for kind in served] + [Query("networking.k8s.io/v1", "Ingress")]
    answers = read_all(client, queries)
    references: list[Reference] = []
    for answer in answers:
        is_ingress = answer.query.kind == "Ingress"
        references += [each for item in answer.items for each in of_ingress(item)] if is_ingress else []
        references += [] if is_ingress else all_references(answer.items)
    return Findings(still_referenced(references, refs) + _in_entry_points(refs, settings), _unchecked(answers))


def _in_entry_points(removed: Iterable[ObjectRef], settings: Mapping[str, str]) -> list[str]:
    names = {crd_id(ref.namespace, ref.name): ref for ref in removed if ref.kind == "Middleware"}
    return [
        f"Traefik's setting {setting} names {names[name]}"
        for setting, value in settings.items()
        if setting.startswith("entrypoints.") and ".http.middlewares" in setting
        for name in chain.from_text(value)
        if name in names
    ]


def _qualified_names(
    client: Client, references: Sequence[Reference], items: Sequence[Object]
) -> tuple[frozenset[str] | None, list[Answer]]:
    """All names of the form namespace-name@kubernetescrd, read only when a reference has this form."""
    kinds = {reference.kind for reference in references if reference.provider == PROVIDER}
    if not kinds:
        return None, []
    answers = read_all(client, [Query(API_VERSION, kind) for kind in sorted(kinds - {"Service"})])
    if any(answer.status == "forbidden" for answer in answers):
        return None, answers
    listed = [*items, *(item for answer in answers for item in answer.items)]
    names = {crd_id(item["metadata"]["namespace"], item["metadata"]["name"]) for item in listed}
    return frozenset(names), answers


def _unchecked(answers: Iterable[Answer]) -> list[str]:
    return [
        f"references to {answer.query} were not checked: {answer.message}"
        for answer in answers
        if answer.status == "forbidden"
    ]
