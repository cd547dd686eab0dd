# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The patches that move a namespace and its workloads from one tier label to another, and who may not move. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of

# kubectl's own: whoever looks at the pods' history knows it.
RESTARTED = "kubectl.kubernetes.io/restartedAt"


@dataclass(frozen=True)
class Move:
    """Which label moves from which value to which, and whether the pods' labels move too."""

    label: str
    origin: str
    destination: str
    pod_template: bool

    def objections(self, objects: Iterable[Object]) -> list[str]:
        """Why some of the objects are not to be moved: they carry another tier, or none."""
        found = []
        for item in objects:
            current = _labels(item).get(self.label)
            if current not in (self.origin, self.destination):
                found.append(f"{ref_of(item)} has {self._words(current)}")
            in_template = _template_labels(item).get(self.label)
            if self.pod_template and in_template not in (None, self.origin, self.destination):
                found.append(f"the pod template of {ref_of(item)} has {self._words(in_template)}")
        return found

    def namespace_body(self, namespace: Object) -> dict[str, Any]:
        """The merge patch for a namespace; empty when it is there already."""
        return self._label_body(_labels(namespace))

    def workload_body(self, workload: Object, restart_at: str) -> dict[str, Any]:
        """The merge patch for a workload; empty when nothing is to do.

        ``restart_at`` recreates the pods; it is empty when they may stay. A changed pod template does so by itself.
        """
        body = self._label_body(_labels(workload))
        template: dict[str, Any] = {}
        if self.pod_template and _template_labels(workload).get(self.label) != self.destination:
            template = {"labels": {self.label: self.destination}}
        elif restart_at:
            template = {"annotations": {RESTARTED: restart_at}}
        return body | ({"spec": {"template": {"metadata": template}}} if template else {})

    def moves(self, workload: Object) -> bool:
        """Whether the workload or its pods still carry another label than they are to."""
        return bool(self.workload_body(workload, ""))

    def _label_body(self, labels: Mapping[str, str]) -> dict[str, Any]:
        if labels.get(self.label) == self.destination:
            return {}
        return {"metadata": {"labels": {self.label: self.destination}}}

    def _words(self, current: str | None) -> str:
        return f"no label {self.label}" if current is None else f"{self.label}={current}"


def _labels(item: Mapping[str, Any]) -> dict[str, str]:
    return dict(item["metadata"].get("labels") or {})


def _template_labels(item: Mapping[str, Any]) -> dict[str, str]:
    template = item.get("spec", {}).get("template") or {}
    return dict((template.get("metadata") or {}).get("labels") or {})
