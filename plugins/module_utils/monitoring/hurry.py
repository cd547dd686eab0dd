# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has kubelets renew the mounted files of pods now, and not at their own pace of a minute and more."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import Server

ANNOTATION = "resilient.traefik/look-again"


@contextlib.contextmanager
def hurried(client: Client, servers: Sequence[Server]) -> Iterator[None]:
    """Has the kubelets renew the files of the servers' pods now: by an annotation, which is taken off again.

    Nothing restarts by it. An account that may not patch pods waits as long as the kubelet takes.
    """
    refs = [ObjectRef("v1", "Pod", server.name, server.namespace) for server in servers]
    marked = [ref for ref in refs if _annotate(client, ref, str(int(time.time())))]
    try:
        yield
    finally:
        for ref in marked:
            _annotate(client, ref, None)


def _annotate(client: Client, ref: ObjectRef, value: str | None) -> bool:
    # Of no interest to a journal: it is gone again before the task ends.
    writer = Writer(client, check_mode=False)

    def patch(seen: Object) -> Patch:
        return Patch(seen, {"metadata": {"annotations": {ANNOTATION: value}}}, again=patch)

    try:
        seen = client.find(ref)
        if seen:
            writer.patch([patch(seen)])
    except (errors.Forbidden, errors.WriteFailed, errors.Conflict):
        return False
    return seen is not None
