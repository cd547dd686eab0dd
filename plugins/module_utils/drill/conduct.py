# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Breaks, measures and restores, whatever happens on the way, and finds the verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from ansible_collections.resilient.traefik.plugins.module_utils.drill import alerts, result, steady
from ansible_collections.resilient.traefik.plugins.module_utils.drill.context import Context
from ansible_collections.resilient.traefik.plugins.module_utils.drill.counters import Counters
from ansible_collections.resilient.traefik.plugins.module_utils.drill.expectations import Expectations
from ansible_collections.resilient.traefik.plugins.module_utils.drill.faults import Fault
from ansible_collections.resilient.traefik.plugins.module_utils.drill.inside import Inside
from ansible_collections.resilient.traefik.plugins.module_utils.drill.judging import Measured, judge
from ansible_collections.resilient.traefik.plugins.module_utils.drill.measurement import Measurement
from ansible_collections.resilient.traefik.plugins.module_utils.drill.moments import BEFORE, FAULT, RECOVERY
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.drill.stage import RestoreFailed, Stage
from ansible_collections.resilient.traefik.plugins.module_utils.drill.subject import NotRun, pods_of
from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import (
    INCONCLUSIVE,
    ROLLBACK_FAILED,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.witness import Witness, marked
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.signals import signals_deferred

_BEFORE_SECONDS, _AFTER_SECONDS = 3.0, 2.0
# Where few ask it takes longer until it is seen that they reach what is to be broken.
_MOST_BEFORE_SECONDS = 10.0
# A changed name is known to the proxies once DNS has forgotten the old addresses.
_FELT_SECONDS = 60.0
# So are new pods of a target, whatever is expected of the visitors' answers until then.
_REACHED_AGAIN_SECONDS = 60.0
# Longer than expected: to say how long it took, not only that it took too long.
_LEAST_RECOVERY_SECONDS = 30.0


def conduct(
    context: Context,
    fault: Fault,
    expected: Expectations,
    told: result.Result,
    spool: Path,
    watch: alerts.AlertWatch,
) -> None:
    """From the healer's arrival to its departure; ``told`` gets all that is found out.

    Signals that end the process wait until the cluster is as it was.
    """
    stage = Stage(context, fault)
    told.changes = stage.changes
    # Those that the drill brings are gone afterwards.
    sites = list(told.visitors)
    with signals_deferred() as interruptible:
        try:
            with interruptible():
                _prepare(context, fault, stage, told)
        except BaseException as error:
            _remove(stage, told)
            if isinstance(error, ResilientError):
                raise NotRun(str(error)) from None
            raise
        try:
            with interruptible():
                measured = _measure(context, fault, stage, told, spool, expected, watch)
            judge(stage, expected, told, measured, watch)
        except RestoreFailed as error:
            told.verdict = ROLLBACK_FAILED
            until = context.kit.until.isoformat(timespec="seconds")
            told.reasons.append(f"{error} The cluster heals itself at {until}; by hand: drill.yml --tags heal.")
            # The healer stays.
            return
        except ResilientError as error:
            told.verdict = INCONCLUSIVE
            told.reasons.append(str(error))
        finally:
            if stage.is_restored:
                _remove(stage, told)
        _look_again(context, fault, sites, told)
    told.phases.ended = time.time()


def _prepare(context: Context, fault: Fault, stage: Stage, told: result.Result) -> None:
    context.progress("bringing the healer")
    stage.install()
    own = fault.visitors()
    if own:
        told.visitors = [*told.visitors, *steady.steady_visitors(context, own, context.wait_timeout)]
    told.visitors = marked(told.visitors)
    told.placement["before"] = _placement(fault)


@dataclass(frozen=True)
class _Observers:
    """Everything that looks while the fault lasts."""

    measurement: Measurement
    counters: Counters
    inside: Inside
    watch: alerts.AlertWatch


def _measure(
    context: Context,
    fault: Fault,
    stage: Stage,
    told: result.Result,
    spool: Path,
    expected: Expectations,
    watch: alerts.AlertWatch,
) -> Measured:
    """The fault under load, and what the measurement says of itself. Raises RestoreFailed, ResilientError."""
    measurement = _measurement(context, told, spool)
    counters = Counters(
        context.client, context.traefik, fault.proxies(), context.entry_point, stand_ins=fault.stand_ins()
    )
    witness = Witness(context, fault, told.visitors, measurement, counters)
    with Inside(context, spool) as inside:
        with measurement.running(), counters.running(), watch.running():
            observers = _Observers(measurement, counters, inside, watch)
            began = time.time()
            measurement.sent_until(began + _BEFORE_SECONDS)
            if witness.asking:
                _ask_on(measurement, partial(witness.has_seen, BEFORE), began + _MOST_BEFORE_SECONDS)
            witness.broken = broken = time.time()
            _hold_fault(context, fault, stage, told, observers)
            felt = witness.has_seen(FAULT)
            witness.restored = told.phases.restored = time.time()
            _follow_recovery(context, told, observers, expected)
            if felt:
                # A fallback that lets everybody in answers as before, too: what recovers has to be asked again.
                allowed = max(2 * (expected.recovery or 0.0), _REACHED_AGAIN_SECONDS)
                _ask_on(measurement, partial(witness.has_seen, RECOVERY), told.phases.restored + allowed)
        inside.collect(told.visitors)
    told.replicas = measurement.replicas
    told.phases.fault = result.felt_at(measurement.records(), told.visitors, broken)

    def records() -> Iterable[Record]:
        return chain(measurement.records(), inside.records())

    return Measured(
        records,
        measurement.not_sent + inside.not_sent,
        measurement.faults,
        counters.by_second(),
        witness.facts(records()),
    )


def _measurement(context: Context, told: result.Result, spool: Path) -> Measurement:
    params = context.params
    told.requests_file = str(spool)
    return Measurement(
        context.client,
        context.traefik,
        context.entry_point,
        told.visitors,
        rate=params["rate"],
        max_seconds=params["give_up_after"],
        spool=spool,
        burst=params["burst"],
        leave_seconds=params["leave_seconds"],
    )


def _hold_fault(context: Context, fault: Fault, stage: Stage, told: result.Result, observers: _Observers) -> None:
    """For as long as is asked for, and until the expected alerts fire. Whatever happens, the fault is taken back."""
    params, measurement, watch = context.params, observers.measurement, observers.watch
    began = time.time()
    context.progress(told.title)
    try:
        stage.break_it()
        _wait_until_felt(context, fault, told)
        context.progress(f"measuring for {params['seconds']:g} s")
        if params["burst"]:
            measurement.burst_now()
        observers.inside.begin(told.visitors)
        measurement.sent_until(time.time() + params["seconds"])
        if not watch.have_fired():
            context.progress("waiting until the alerts fire")
        _ask_on(measurement, watch.have_fired, began + watch.longest_wait("fires"))
    finally:
        context.progress("restoring")
        stage.restore()


def _follow_recovery(context: Context, told: result.Result, observers: _Observers, expected: Expectations) -> None:
    """Until all is answered as before and the alerts are resolved, or the time for that is over."""
    measurement, watch, restored = observers.measurement, observers.watch, told.phases.restored or time.time()
    allowed = max(2 * (expected.recovery or 0.0), _LEAST_RECOVERY_SECONDS)
    recovered = measurement.recovered_after(restored, allowed)
    told.phases.recovered = None if recovered is None else restored + recovered
    measurement.sent_until(time.time() + _AFTER_SECONDS)
    if not watch.are_resolved():
        context.progress("waiting until the alerts are resolved")
    _ask_on(measurement, watch.are_resolved, restored + watch.longest_wait("resolves"))


def _ask_on(measurement: Measurement, is_over: Callable[[], bool], deadline: float) -> None:
    """Requests go on until it is over, or until the deadline (epoch seconds)."""
    while not is_over() and time.time() < deadline:
        measurement.sent_until(min(deadline, time.time() + 1.0))


def _wait_until_felt(context: Context, fault: Fault, told: result.Result) -> None:
    """Raises ResilientError where nothing of the fault arrives: then nothing was measured."""
    reported = time.monotonic()
    for _left in tries(_FELT_SECONDS):
        if fault.is_felt():
            return
        if time.monotonic() - reported > 2:
            reported = time.monotonic()
            context.progress("waiting until the proxies know by DNS")
    raise ResilientError(f"the fault was not felt within {_FELT_SECONDS:g} s: nothing was measured")


def _look_again(context: Context, fault: Fault, sites: Sequence[Visitor], told: result.Result) -> None:
    """The steady state after the drill, which has to be that before it."""
    try:
        problems = steady.as_before(context, sites, _LEAST_RECOVERY_SECONDS)
        told.placement["after"] = _placement(fault)
    except ResilientError as error:
        problems = [str(error)]
    if problems:
        told.verdict = ROLLBACK_FAILED
        told.reasons = [f"after the drill it is not as before: {'; '.join(problems)}", *told.reasons]


def _remove(stage: Stage, told: result.Result) -> None:
    try:
        stage.remove()
    except ResilientError as error:
        told.reasons.append(
            f"what the drill brought could not be removed: {error} It goes by itself when the time is over."
        )


def _placement(fault: Fault) -> list[dict[str, object]]:
    client = fault.context.client
    pairs = [(str(ref_of(each).name), pod) for each in fault.workloads() for pod in pods_of(client, each)]
    return result.placed(pairs)
