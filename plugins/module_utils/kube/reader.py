# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The batched reader: many objects and lists in one go, concurrently, in pages, as raw JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object

# Large enough to keep round trips few, small enough that a page stays at a few megabytes.
PAGE = 500


@dataclass(frozen=True)
class Query:
    """One object (with ``name``) or one list of a kind. An empty namespace means all of them.

    ``managed_fields`` of one object are only there where they are asked for.
    """

    api_version: str
    kind: str
    name: str = ""
    namespace: str = ""
    label_selector: str = ""
    field_selector: str = ""
    managed_fields: bool = False

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        if self.name:
            return f"{self.kind} {where}{self.name}"
        chosen = " ".join(part for part in (self.label_selector, self.field_selector) if part)
        return f"{self.kind} {where}*" + (f" ({chosen})" if chosen else "")


@dataclass
class Answer:
    """What a query found. ``status`` is found, missing (object, namespace or kind) or forbidden."""

    query: Query
    status: str
    items: list[Object] = field(default_factory=list)
    message: str = ""


def read_all(client: Client, queries: Iterable[Query]) -> list[Answer]:
    """The answers in the order of the queries. managedFields are left out of the objects unless a query asks for them.

    A missing object and a missing permission are answers (``missing``, ``forbidden``), not failures.
    Raises Unreachable, Unauthorized, Invalid.
    """
    return client.concurrently(lambda query: _read(client, query), queries)


def read_found(client: Client, queries: Iterable[Query]) -> list[Answer]:
    """As read_all, but a missing permission raises Forbidden: for callers that cannot do without."""
    answers = read_all(client, queries)
    for answer in answers:
        if answer.status == "forbidden":
            raise errors.Forbidden(answer.message, status=403, reason="Forbidden", causes=[])
    return answers


def _read(client: Client, query: Query) -> Answer:
    try:
        items = [_get(client, query)] if query.name else _list(client, query)
    except errors.NotFound as error:
        return Answer(query, "missing", message=str(error))
    except errors.Forbidden as error:
        return Answer(query, "forbidden", message=str(error))
    return Answer(query, "found", items)


def _get(client: Client, query: Query) -> Object:
    path = client.resource(query.api_version, query.kind).path(query.namespace, query.name)
    item = client.request("GET", path, about=str(query))
    return item if query.managed_fields else _without_managed_fields(item)


def _list(client: Client, query: Query) -> list[Object]:
    """All pages. A list whose continuation expired (410, the API server compacted it) starts again once."""
    try:
        return _pages(client, query)
    except errors.ApiError as error:
        if error.status != 410:
            raise
        return _pages(client, query)


def _pages(client: Client, query: Query) -> list[Object]:
    path = client.resource(query.api_version, query.kind).path(query.namespace)
    parameters: dict[str, Any] = {"limit": PAGE}
    if query.label_selector:
        parameters["labelSelector"] = query.label_selector
    if query.field_selector:
        parameters["fieldSelector"] = query.field_selector
    items: list[Object] = []
    while True:
        page = client.request("GET", path, query=parameters, about=str(query))
        for item in page.get("items") or []:
            # Items of a list carry neither; a reader of one wants them all the same.
            item["apiVersion"], item["kind"] = query.api_version, query.kind
            items.append(_without_managed_fields(item))
        proceed = page.get("metadata", {}).get("continue")
        if not proceed:
            return items
        parameters["continue"] = proceed


def _without_managed_fields(item: Object) -> Object:
    item.get("metadata", {}).pop("managedFields", None)
    return item
