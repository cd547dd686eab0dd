# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gathers a drill's evidence: who is to meet what is broken, what counters tell of it, and whether pods are gone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ansible_collections.resilient.traefik.plugins.module_utils.drill.context import Context
from ansible_collections.resilient.traefik.plugins.module_utils.drill.counters import Counters
from ansible_collections.resilient.traefik.plugins.module_utils.drill.evidence import shown
from ansible_collections.resilient.traefik.plugins.module_utils.drill.facts import Facts, Gone, tallies_of
from ansible_collections.resilient.traefik.plugins.module_utils.drill.faults import Fault
from ansible_collections.resilient.traefik.plugins.module_utils.drill.healer_files import MARK_HEADER
from ansible_collections.resilient.traefik.plugins.module_utils.drill.measurement import Measurement
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import read_pods
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries


def marked(visitors: Sequence[Visitor]) -> list[Visitor]:
    """The visitors with requests that say whose they are, so that what stands in for a target can count them apart."""
    return [
        replace(
            visitor, request=replace(visitor.request, headers={**visitor.request.headers, MARK_HEADER: str(number)})
        )
        for number, visitor in enumerate(visitors)
    ]


class Witness:
    """Of one fault. ``broken`` and ``restored`` (epoch seconds) are set when it comes to that.

    ``asking`` are the numbers of the visitors whose requests are to meet what is broken.
    """

    def __init__(
        self, context: Context, fault: Fault, visitors: Sequence[Visitor], measurement: Measurement, counters: Counters
    ) -> None:
        """Raises Forbidden where the pods that are to go may not be listed."""
        self._context, self._visitors = context, visitors
        self._measurement, self._counters = measurement, counters
        self.asking = _asking(context, fault, visitors)
        self._proxied = bool(fault.proxies())
        self._retries = len(fault.retries())
        self._went = fault.goes()
        self.broken: float | None = None
        self.restored: float | None = None

    def has_seen(self, moment: str) -> bool:
        """Whether what has been counted until now shows what is wanted at a moment. While the measurement runs."""
        facts = self._facts(self._measurement.recent(), frozenset())
        return all(each.seen for each in shown(self._context.params["scenario"], facts, [moment]))

    def facts(self, records: Iterable[Record]) -> Facts:
        """All that is known in the end. Waits for pods that take their time to go."""
        return self._facts(records, self._left())

    def _facts(self, records: Iterable[Record], left: frozenset[str]) -> Facts:
        # Nothing that has been sent yet is later than that.
        broken = self.broken or time.time() + 1
        traefik = self._context.traefik.ref
        return Facts(
            visitors=self._visitors,
            asking=self.asking,
            tallies=tallies_of(records, self._visitors, broken, self.restored),
            counts=self._counters.counts(),
            broken=broken,
            restored=self.restored,
            went=[
                Gone(
                    pod["metadata"]["uid"],
                    pod["metadata"]["name"],
                    ref_of(workload) == traefik,
                    pod["metadata"]["uid"] not in left,
                )
                for workload, pod in self._went
            ],
            proxied=self._proxied,
            retries=self._retries,
        )

    def _left(self) -> frozenset[str]:
        """The uids of the pods that have not gone within the time for that."""
        wanted = {pod["metadata"]["uid"] for _workload, pod in self._went}
        workloads = {ref_of(workload): workload for workload, _pod in self._went}
        left = wanted
        for _left in tries(self._context.wait_timeout):
            present = [pod for workload in workloads.values() for pod in read_pods(self._context.client, workload)]
            left = wanted & {pod["metadata"]["uid"] for pod in present}
            if not left:
                break
        return frozenset(left)


def _asking(context: Context, fault: Fault, visitors: Sequence[Visitor]) -> frozenset[int]:
    """The numbers of those whose requests are to meet what is broken."""
    own = {visitor.name for visitor in fault.visitors()}
    return frozenset(
        number
        for number, visitor in enumerate(visitors)
        if (visitor.name in own if own else visitor.guarded or not context.subject)
    )
