# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting for conditions on a cluster, and saying what was seen when one is not met in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors, readiness
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.diagnosis import diagnosis, newest_warning
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef

Progress = Callable[[str], None]


def tries(seconds: float) -> Iterator[float]:
    """Yields the seconds left, first at once, then every 0.1 s rising to 1 s; ends when the time is over."""
    deadline = time.monotonic() + seconds
    pause = 0.1
    while True:
        left = deadline - time.monotonic()
        yield max(0.0, left)
        if left <= 0:
            return
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 1.3, 1.0)


def wait_until_ready(client: Client, refs: Iterable[ObjectRef], seconds: float, progress: Progress) -> None:
    """Returns once every object is ready. Raises WaitTimeout with what each lacks, newest warnings and log lines."""
    wait_until(client, refs, seconds, progress, _lacks, "ready")


def wait_until_gone(client: Client, refs: Iterable[ObjectRef], seconds: float, progress: Progress) -> None:
    """Returns once no object exists any more. Raises WaitTimeout naming those that do and their finalizers."""
    wait_until(client, refs, seconds, progress, _remains, "gone")


def wait_until(
    client: Client,
    refs: Iterable[ObjectRef],
    seconds: float,
    progress: Progress,
    lacks: Callable[[Object | None], str],
    goal: str,
) -> None:
    """Polls the objects until ``lacks`` finds nothing missing at any.

    ``progress`` hears every few seconds what is awaited, and the newest warning event of its pods.
    """
    left, seen = list(refs), dict[ObjectRef, str]()
    reported = time.monotonic()
    for _remaining in tries(seconds):
        found = client.concurrently(client.find, left)
        seen = {ref: words for ref, item in zip(left, found, strict=True) if (words := lacks(item))}
        for ref, item in zip(left, found, strict=True):
            lost = readiness.hopeless(item) if item and ref in seen else ""
            if lost:
                raise errors.WaitTimeout(f"{ref} will not become {goal}: {lost}.{diagnosis(client, [ref])}")
        left = list(seen)
        if not left:
            return
        if time.monotonic() - reported > 2:
            reported = time.monotonic()
            warning = newest_warning(client, left[0])
            told = f" (newest warning: {warning})" if warning else ""
            progress(f"waiting for {_list(left)} to be {goal}: {seen[left[0]]}{told}")
    details = "; ".join(f"{ref}: {words}" for ref, words in seen.items())
    raise errors.WaitTimeout(
        f"not {goal} after {seconds:g} s: {details}.{diagnosis(client, left)}",
        not_ready=[ref.as_dict() | {"missing": words} for ref, words in seen.items()],
    )


def _lacks(item: Object | None) -> str:
    return readiness.missing(item) if item else "does not exist"


def _remains(item: Object | None) -> str:
    if item is None:
        return ""
    finalizers: list[Any] = item["metadata"].get("finalizers") or []
    return f"still there, held by finalizers {', '.join(finalizers)}" if finalizers else "still there"


def _list(refs: Sequence[ObjectRef]) -> str:
    return str(refs[0]) if len(refs) == 1 else f"{refs[0]} and {len(refs) - 1} more"
