# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks every replica, through a probe's routes, whether it has loaded objects. See traefik/probe.py for the idea."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer, PodPoint, Request, Session
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import Progress, tries
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.signals import signals_deferred
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import scope
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, crd_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.probe import (
    EXPIRES_LABEL,
    LIFETIME,
    STOPPED,
    Probe,
    Question,
    Setting,
    probe_for,
    rehearsal,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_log import told_by
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import (
    Replica,
    Workload,
    refresh_replicas,
)

# How long a replica that has taken up the probe may still lack what the probe goes through: its informers are
# separate, and it takes up changes every 2 s (providersThrottleDuration's default).
_SETTLE = 6.0
_REPORT = 3.0
_LEFT_OVER_KINDS = ("IngressRoute", "Middleware", "TraefikService", "ServersTransport")
# What may come on top, when this probe has such: the right to list it is asked for nowhere else.
_LEFT_OVER_INGRESSES = ("networking.k8s.io/v1", "Ingress")


class NotLoaded(errors.ResilientError):
    """A replica has not loaded an object; the message names both and gives Traefik's own error."""


class NotTakenUp(NotLoaded):
    """A replica has not even taken up the probe: it does not load what is written now."""


class Unprovable(errors.ResilientError):
    """This Traefik's settings leave no way to ask by behaviour; the message says which."""


@dataclass
class _Run:
    """One probe while it lives. ``shown`` gives the real objects for the twins of a rehearsal."""

    client: Client
    workload: Workload
    setting: Setting
    probe: Probe
    progress: Progress
    shown: Mapping[ObjectRef, ObjectRef] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    controlled: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)


def prove(
    client: Client,
    workload: Workload,
    subjects: Sequence[Object],
    seconds: float,
    progress: Progress,
    owner: Mapping[str, Any] | None = None,
) -> list[str]:
    """The names of the ready replicas, each of which has loaded every subject (objects that exist).

    Writes a probe to each namespace concerned and removes it, whatever happens; with ``owner`` (an ownerReference) it
    goes with that object too.
    Raises NotLoaded, Unprovable, Forbidden (create, delete, list on the probe's kinds, pods/portforward).
    """

    def probe_of(token: str, setting: Setting) -> Probe:
        probe = probe_for(subjects, token, setting)
        return replace(probe, objects=[_owned(item, owner) for item in probe.objects]) if owner else probe

    return ask_through(client, workload, probe_of, seconds, progress)


def _owned(item: Object, owner: Mapping[str, Any]) -> Object:
    return {**item, "metadata": {**item["metadata"], "ownerReferences": [dict(owner)]}}


def ask_through(
    client: Client,
    workload: Workload,
    probe_of: Callable[[str, Setting], Probe],
    seconds: float,
    progress: Progress,
) -> list[str]:
    """The same with the probe that is made of a token and a setting. Raises as prove, and NotTakenUp."""
    token, setting = secrets.token_hex(6), _setting(workload)
    return _carried_out(_Run(client, workload, setting, probe_of(token, setting), progress), [], seconds)


def rehearse(client: Client, workload: Workload, items: Sequence[Object], seconds: float, progress: Progress) -> None:
    """Shows with twins of the items, under names of their own, that every ready replica can load them as they are.

    Nothing that live traffic uses is touched. Raises as prove, naming the items.
    """
    token, setting = secrets.token_hex(6), _setting(workload)
    pairs = rehearsal(items, token, setting)
    twins = [twin for _ref, twin in pairs]
    # An IngressRoute's twin is its probing route; all else has to be there.
    probe = probe_for(twins, f"{token}-routes", setting)
    shown = {ref_of(twin): ref for ref, twin in pairs}
    made = [twin for twin in twins if twin["kind"] != "IngressRoute"]
    _carried_out(_Run(client, workload, setting, probe, progress, shown), made, seconds)


def _setting(workload: Workload) -> Setting:
    labels = scope.labels_to_be_seen(workload.arguments)
    if labels is None:
        raise Unprovable(
            f"{workload.ref}: {scope.CRD}.labelselector is more than equalities, so no probe can be made for it"
        )
    expires = int(time.time()) + LIFETIME
    return Setting(_entry_point(workload), expires, scope.class_to_be_seen(workload.arguments), labels)


def _entry_point(workload: Workload) -> str:
    """The internal one, else one whose requests nothing meets before the probe does."""
    names = sorted(workload.entry_points, key=lambda name: name != static.INTERNAL)
    for name in names:
        before = [f"entrypoints.{name}.http.{part}" for part in ("middlewares", "redirections")]
        if not any(key.startswith(tuple(before)) for key in workload.arguments):
            return name
    raise Unprovable(f"{workload.ref}: no entry point without middlewares or redirections of its own to probe through")


def _check_reach(workload: Workload, objects: Sequence[Object]) -> None:
    allowed = scope.rules(workload.arguments).cross_provider_namespaces
    for item in objects:
        if item["kind"] == "Ingress":
            continue
        reason = scope.overlooked(item, workload.arguments)
        namespace = item["metadata"]["namespace"]
        if not reason and allowed is not None and namespace not in allowed:
            reason = f"namespace {namespace} is not among {scope.CRD}.crossProviderNamespaces, which a probe needs"
        if reason:
            raise Unprovable(f"{workload.ref} can not be probed in namespace {namespace}: {reason}")


def _carried_out(run: _Run, made: Sequence[Object], seconds: float) -> list[str]:
    writer = Writer(run.client, check_mode=False)
    objects = [*made, *run.probe.objects]
    _check_reach(run.workload, objects)
    _remove_left_over(run.client, writer, objects)
    with signals_deferred() as interruptible:
        try:
            with interruptible():
                for item in objects:
                    writer.create(item)
                return _asked_until_loaded(run, seconds)
        finally:
            with contextlib.ExitStack() as stack:
                for session in run.sessions.values():
                    stack.callback(session.close)
            _remove(writer, [ref_of(item) for item in objects])


def _remove(writer: Writer, refs: Sequence[ObjectRef]) -> None:
    try:
        writer.delete(refs)
    except errors.ResilientError as error:
        raise errors.ResilientError(
            f"a probe could not be removed: {error} Delete what carries the label {EXPIRES_LABEL}, or run this again: "
            f"it counts as left over after {LIFETIME} s."
        ) from None


def _remove_left_over(client: Client, writer: Writer, objects: Sequence[Object]) -> None:
    kinds = [(API_VERSION, kind) for kind in _LEFT_OVER_KINDS]
    kinds += [_LEFT_OVER_INGRESSES] if any(item["kind"] == "Ingress" for item in objects) else []
    queries = [
        Query(*kind, namespace=namespace, label_selector=EXPIRES_LABEL)
        for namespace in sorted({item["metadata"]["namespace"] for item in objects})
        for kind in kinds
    ]
    found = [item for answer in read_found(client, queries) for item in answer.items]
    now = time.time()
    writer.delete(ref_of(item) for item in found if _expires(item) < now)


def _expires(item: Object) -> float:
    value = item["metadata"]["labels"][EXPIRES_LABEL]
    return float(value) if value.isdigit() else 0.0


# --- asking ----------------------------------------------------------------------------------------------------------


def _asked_until_loaded(run: _Run, seconds: float) -> list[str]:
    """Until every ready replica answers every question, or one has the control and long enough not the rest."""
    lacking: dict[str, dict[Question, str]] = {}
    reported = time.monotonic()
    for _left in tries(seconds):
        replicas = refresh_replicas(run.client, run.workload)
        ready = [replica for replica in replicas if replica.ready]
        answers = run.client.concurrently(lambda replica: _ask(run, replica), ready)
        lacking = {replica.name: lack for replica, lack in zip(ready, answers, strict=True) if lack}
        if ready and not lacking:
            return [replica.name for replica in ready]
        if any(time.monotonic() - run.controlled.get(name, time.monotonic()) > _SETTLE for name in lacking):
            break
        if time.monotonic() - reported > _REPORT:
            reported = time.monotonic()
            run.progress(f"waiting for {', '.join(lacking) or 'a ready replica'} to load what was written")
    raise _not_loaded(run, lacking)


def _ask(run: _Run, replica: Replica) -> dict[Question, str]:
    """The questions that are not answered as they should be, each with what came instead."""
    session = run.sessions.get(replica.name)
    if session is None:
        port = run.workload.port(run.setting.entry_point)
        point = PodPoint(run.client, replica.namespace, replica.name, port)
        session = run.sessions[replica.name] = Session(point, timeout=5.0, max_seconds=10.0)
    lacking: dict[Question, str] = {}
    for question in run.probe.questions:
        said = _answer(run, session, question)
        if said:
            lacking[question] = said
    answered = {question.group for question in run.probe.questions if question not in lacking}
    lacking = {question: said for question, said in lacking.items() if question.group not in answered - {""}}
    if not any(question.about is None for question in lacking):
        run.controlled.setdefault(replica.name, time.monotonic())
    return lacking


def _answer(run: _Run, session: Session, question: Question) -> str:
    https = static.is_on(run.workload.arguments, f"entrypoints.{run.setting.entry_point}.http.tls")
    try:
        status = session.ask(Request("localhost", question.path, https=https, verify=False)).status
    except (NoAnswer, errors.NotFound, errors.Unreachable) as error:
        return str(error)
    return "" if status == STOPPED else f"HTTP {status}"


# --- the failure -----------------------------------------------------------------------------------------------------


def _not_loaded(run: _Run, lacking: Mapping[str, Mapping[Question, str]]) -> NotLoaded:
    if not lacking:
        return NotLoaded(f"{run.workload.ref}: no replica is ready, so none can have loaded anything")
    found: list[dict[str, str]] = []
    for replica in run.workload.replicas:
        for question, said in lacking.get(replica.name, {}).items():
            about = run.shown.get(question.about, question.about) if question.about else None
            if about is not None and replica.name in run.controlled:
                found.append({"object": str(about), "replica": replica.name, "error": _words(run, replica, question)})
            elif about is None:
                words = f"it has not taken up the probe ({said}): it does not load what is written now"
                found.append({"object": "the probe", "replica": replica.name, "error": words})
    controlled = all(name in run.controlled for name in lacking)
    return (NotLoaded if controlled else NotTakenUp)(not_loaded_text(run.workload, found), not_loaded=found)


def not_loaded_text(workload: Workload, found: Sequence[Mapping[str, str]]) -> str:
    """One sentence a fault, naming the replicas that report it."""
    by_fault: dict[tuple[str, str], list[str]] = {}
    for each in found:
        by_fault.setdefault((each["object"], each["error"]), []).append(each["replica"])
    told = "; ".join(f"{about}: {error} ({', '.join(names)})" for (about, error), names in by_fault.items())
    return f"not loaded by every replica of {workload.ref}: {told}"


def _words(run: _Run, replica: Replica, question: Question) -> str:
    """Traefik's error about the question's route or object, with the probe's names and rules turned back."""
    names = [question.router, f"ingress={question.ingress}", f'"ingress":"{question.ingress}"']
    if question.about:
        names.insert(0, crd_id(question.about.namespace, question.about.name).partition("@")[0])
    seconds = int(time.monotonic() - run.started) + 2
    words = told_by(run.client, run.workload, replica, seconds, names).replace(question.match, question.rule)
    for twin, real in run.shown.items():
        words = words.replace(twin.name, real.name)
    return words
