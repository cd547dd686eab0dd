# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has running servers take what was written, and puts everything back when they do not: nothing is left half-done."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import content
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.rendering import merge_patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Outcome, Patch
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.hurry import hurried
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import Api, Refused, Server
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

_PROGRESS_SECONDS = 3.0


class NotTaken(errors.ResilientError):
    """A server did not load what was written; all is as it was before."""


@dataclass(frozen=True)
class Taking:
    """How servers take something.

    ``lacks`` says what one has not loaded yet, empty when nothing; ``state`` is anything that changes with what it has
    loaded. ``reload`` is the path to post to, empty where somebody else has them reload. ``reloaded`` is the metric
    that says whether the last reload was successful. ``mounted`` is whether it reads what is written as a file.
    """

    servers: Sequence[Server]
    lacks: Callable[[Api], str]
    state: Callable[[Api], str]
    reload: str
    reloaded: str
    mounted: bool
    what: str


def taken(task: Task, taking: Taking, write: Callable[[], Outcome]) -> Outcome:
    """Writes, and waits until every server has loaded it; also when nothing was to be written.

    Raises NotTaken after putting back what was written, and what ``write`` raises. In check mode nothing is waited for.
    """
    before = {} if task.check_mode else _states(task.client, taking)
    outcome = write()
    if task.check_mode:
        return outcome
    try:
        wait_taken(task, taking)
    except errors.ResilientError as failure:
        if not outcome.changed:
            raise NotTaken(f"{taking.what} was written before and is not loaded: {failure}") from None
        raise NotTaken(f"{failure} {_put_back(task, taking, outcome, before)}") from None
    return outcome


def lacking_now(client: Client, taking: Taking) -> list[str]:
    """What each server lacks, without asking any to reload; those that lack nothing are left out."""
    return list(_round(client, replace(taking, reload="")).values())


def wait_taken(task: Task, taking: Taking) -> None:
    """Waits ``wait_timeout`` at most. Raises NotTaken with what a server lacks, or the words of one that refuses."""
    lacking = _round(task.client, taking)
    if not lacking:
        return
    reported, seconds = time.monotonic(), task.params["wait_timeout"]
    with hurried(task.client, taking.servers if taking.mounted else []):
        for _left in tries(seconds):
            lacking = _round(task.client, taking)
            if not lacking:
                return
            if time.monotonic() - reported > _PROGRESS_SECONDS:
                reported = time.monotonic()
                task.progress(f"waiting for {taking.what}: {next(iter(lacking.values()))}")
    words = "; ".join(lacking.values())
    raise NotTaken(f"{taking.what} was not loaded within {seconds:g} s: {words}.{_last_words(task.client, taking)}")


def _round(client: Client, taking: Taking) -> dict[Server, str]:
    """What each server lacks. One is asked to reload only while it lacks something."""

    def look(server: Server) -> str:
        with Api(client, server) as api:
            try:
                words = taking.lacks(api)
                if words and taking.reload:
                    _reload(api, taking)
                    words = taking.lacks(api)
            except NoAnswer as error:
                return str(error)
        return f"{server}: {words}" if words else ""

    found = client.concurrently(look, taking.servers)
    return {server: words for server, words in zip(taking.servers, found, strict=True) if words}


def _reload(api: Api, taking: Taking) -> None:
    try:
        api.post(taking.reload)
    except Refused as refused:
        log = errors_logged(api)
        raise NotTaken(f"{refused}." + (f" Its log says: {log}." if log else "")) from None


def errors_logged(api: Api, seconds: int = 20) -> str:
    """The newest errors about rules in the server's log. Never raises: it explains another failure."""
    ref = ObjectRef("v1", "Pod", api.server.name, api.server.namespace)
    query = {"container": api.server.container, "sinceSeconds": seconds, "tailLines": 100}
    path = api.client.path(ref, "log")
    try:
        return rule_errors(str(api.client.request("GET", path, query=query, text=True, about=f"log of {ref}")))
    except errors.ResilientError as error:
        return f"it could not be read: {error}"


def rule_errors(text: str) -> str:
    """Of a log in Prometheus' forms (logfmt), the lines of errors that speak of rules. Pure."""
    lines = [line for line in text.splitlines() if "level=error" in line.lower() and "rule" in line.lower()]
    words = [line.partition("msg=")[2] or line for line in lines]
    return "; ".join(dict.fromkeys(words[-3:]))[:1500]


def _last_words(client: Client, taking: Taking) -> str:
    """What the servers say of their last reload."""
    found = []
    for server in taking.servers:
        with contextlib.suppress(errors.ResilientError), Api(client, server) as api:
            successful = api.metric(taking.reloaded)
            if successful == 0:
                found.append(f"{server} failed at its last reload{_colon(errors_logged(api, 300))}")
            elif successful == 1:
                found.append(f"{server} was successful at its last reload, which was of what it had before")
    return f" {'; '.join(found)}." if found else ""


def _colon(words: str) -> str:
    return f": {words}" if words else ""


# --- the way back ------------------------------------------------------------------------------------------------


def _states(client: Client, taking: Taking) -> dict[Server, str]:
    def state(server: Server) -> str:
        with Api(client, server) as api:
            return taking.state(api)

    return dict(zip(taking.servers, client.concurrently(state, taking.servers), strict=True))


def _put_back(task: Task, taking: Taking, outcome: Outcome, before: Mapping[Server, str]) -> str:
    """Puts the objects back, and has the servers load what they had. Says what became of it."""
    writer = task.writer()
    for change in outcome.changes:
        now = task.client.find(change.ref) if change.written else None
        if now and change.before is None:
            writer.delete([change.ref])
        elif now:
            writer.patch([_back(now, change.before or {})])
    left = list(before)
    with hurried(task.client, taking.servers if taking.mounted else []):
        for _left in tries(task.params["wait_timeout"]):
            left = [server for server in left if not _is_back(task.client, server, taking, before[server])]
            if not left:
                return "What was written was put back, and what was loaded before is loaded."
    names = ", ".join(map(str, left))
    return f"What was written was put back; {names} has not loaded what was there before: look at its log."


def _is_back(client: Client, server: Server, taking: Taking, before: str) -> bool:
    # One that refuses, or gives no answer, is asked again.
    with contextlib.suppress(NoAnswer, Refused), Api(client, server) as api:
        if taking.reload:
            api.post(taking.reload)
        return taking.state(api) == before
    return False


def _back(now: Object, before: Object) -> Patch:
    """Fields and their owners: the next run would else take its own field for somebody else's."""
    owners = before["metadata"].get("managedFields") or []
    return Patch(now, merge_patch(content(now), content(before)), owners=lambda _item: list(owners))
