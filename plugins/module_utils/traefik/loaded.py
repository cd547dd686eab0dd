# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether every Traefik replica has loaded objects, by the proof that can be had, and which proof that was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import Progress
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import probing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.api_proof import REPORTED, prove_by_api
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.open_api import opened
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.probe import PROVABLE
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import ApiClosed
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

AUTO, API, BEHAVIOUR, NONE = "auto", "api", "behaviour", "none"
METHODS = (AUTO, API, BEHAVIOUR, NONE)


@dataclass(frozen=True)
class Proof:
    """How it was shown that an object is loaded: ``proof`` is api, behaviour or none, with the ``reason`` for none."""

    ref: ObjectRef
    proof: str
    replicas: list[str] = field(default_factory=list)
    reason: str = ""

    def result(self) -> dict[str, Any]:
        """The per-object entry of a module's ``proofs``."""
        return self.ref.as_dict() | {"proof": self.proof, "replicas": self.replicas, "reason": self.reason}


@dataclass(frozen=True)
class Prover:
    """Proves with one method. ``open_api`` opens a closed API for the time of the question."""

    client: Client
    workload: Workload
    method: str
    open_api: bool
    seconds: float
    progress: Progress

    @property
    def by_behaviour(self) -> bool:
        """Whether probes may be written."""
        return self.method in (AUTO, BEHAVIOUR)

    def rehearse(self, items: Sequence[Object]) -> None:
        """Shows beforehand, with twins, that the items can be loaded, as far as the method reaches.

        Raises as probing.rehearse.
        """
        if self.by_behaviour and any(item["kind"] in PROVABLE for item in items):
            probing.rehearse(self.client, self.workload, items, self.seconds, self.progress)

    def prove(self, items: Sequence[Object]) -> list[Proof]:
        """A proof an item, in their order; items exist in the cluster.

        Raises NotLoaded; with the method api ApiClosed too.
        """
        by_behaviour = [item for item in items if self._method_for(item) == BEHAVIOUR]
        by_api = [item for item in items if self._method_for(item) == API]
        proofs = self._behaved(by_behaviour) | self._reported(by_api)
        return [proofs.get(ref_of(item)) or Proof(ref_of(item), NONE, [], self._reason(item)) for item in items]

    def _method_for(self, item: Object) -> str:
        kind = item["kind"]
        if self.by_behaviour and kind in PROVABLE:
            return BEHAVIOUR
        return API if self.method in (AUTO, API) and kind in REPORTED else NONE

    def _reason(self, item: Object) -> str:
        if self.method == NONE:
            return "not asked for"
        if item["kind"] in REPORTED:
            return f"{item['kind']} shows no behaviour to ask for, and the API is closed (open_api opens it)"
        return f"Traefik reports nothing about a {item['kind']}: what refers to it shows whether it works"

    def _behaved(self, items: Sequence[Object]) -> dict[ObjectRef, Proof]:
        if not items:
            return {}
        replicas = probing.prove(self.client, self.workload, items, self.seconds, self.progress)
        return {ref_of(item): Proof(ref_of(item), BEHAVIOUR, replicas) for item in items}

    def _reported(self, items: Sequence[Object]) -> dict[ObjectRef, Proof]:
        if not items:
            return {}
        try:
            replicas = self._ask_api(items)
        except ApiClosed:
            if self.method == API or self.open_api:
                raise
            return {}
        return {ref_of(item): Proof(ref_of(item), API, replicas) for item in items}

    def _ask_api(self, items: Sequence[Object]) -> list[str]:
        if not self.open_api:
            return prove_by_api(self.client, self.workload, {}, items, self.seconds, self.progress)
        with opened(self.client, self.workload, Writer(self.client, check_mode=False)) as headers:
            return prove_by_api(self.client, self.workload, headers, items, self.seconds, self.progress)
