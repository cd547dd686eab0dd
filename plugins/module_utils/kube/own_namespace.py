# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The namespace for what this collection keeps in a cluster: the journal and the lock."""

from __future__ import annotations

import contextlib

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Outcome, Writer

NAMESPACE = "resilient-traefik"


def create_with_namespace(writer: Writer, item: Object) -> Outcome:
    """Creates the object, and before it its namespace where that is missing. Raises AlreadyThere, WriteFailed.

    The namespace is not asked for first: an account that may only write inside it needs no right to read it.
    """
    try:
        return _create(writer, item)
    except errors.WriteFailed as failure:
        if not isinstance(failure.cause, errors.NotFound):
            raise
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": item["metadata"]["namespace"]}}
    # Another first write may create it in between: that is all that was wanted.
    with contextlib.suppress(AlreadyThere):
        _create(writer, namespace)
    return _create(writer, item)


class AlreadyThere(errors.ResilientError):
    """Somebody else created the object first."""


def _create(writer: Writer, item: Object) -> Outcome:
    try:
        return writer.create(item)
    except errors.WriteFailed as failure:
        if isinstance(failure.cause, errors.Conflict):
            raise AlreadyThere(str(failure.cause)) from None
        raise
