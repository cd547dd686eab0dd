# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waits until every Traefik replica has taken up changes of Ingresses and IngressRoutes that no behaviour need show.

Traefik has one watch for each kind of object (one a namespace, where a provider's ``namespaces`` are set) and makes a
configuration of all that it has brought, so a replica that answers a route which was written after the changes has
taken them up too (read in 3.6.10 and 3.7.9, pkg/provider/kubernetes). Ingresses come by a watch and a provider of their
own: a temporary Ingress shows those, behind the same stopping middleware as a probe's routes (see traefik/probe.py).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import scope
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.loaded import BEHAVIOUR, NONE, Prover
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import (
    CHAIN_ANNOTATION,
    CLASS_ANNOTATION,
    ROUTER_ANNOTATION,
    crd_id,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.probe import (
    EXPIRES_LABEL,
    PRIORITY,
    Probe,
    Question,
    Setting,
    control_for,
    probe_name,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.probing import (
    NotLoaded,
    NotTakenUp,
    Unprovable,
    ask_through,
)

# How many Ingresses of a watch get a temporary one: Traefik drops those whose backend is not there or has no pod.
_SAMPLES = 5
# Twice what Traefik waits between two configurations (providersThrottleDuration is 2 s unless it is set).
_WAIT = 4.0


@dataclass(frozen=True)
class Uptake:
    """Whether the ``replicas`` were shown to have taken up the changes (behaviour), or else (none) the ``reason``."""

    proof: str
    replicas: list[str] = field(default_factory=list)
    reason: str = ""

    def result(self) -> dict[str, Any]:
        """As a module's ``taken_up``."""
        return {"proof": self.proof, "replicas": self.replicas, "reason": self.reason}


def await_uptake(prover: Prover, changed: Sequence[Object]) -> Uptake:
    """Returns once every ready replica has taken up the changes of these objects, which are written already.

    Where no probe can be made, or may not, it waits as long as Traefik takes by its settings. Raises NotTakenUp when a
    replica does not take up anything.
    """
    if not prover.by_behaviour:
        return _waited(f"proof is {prover.method}")
    try:
        replicas = ask_through(
            prover.client,
            prover.workload,
            lambda token, setting: probe_of_changes(changed, prover.workload.arguments, token, setting),
            prover.seconds,
            prover.progress,
        )
    except NotTakenUp:
        raise
    except NotLoaded:
        # Long after the control: what no replica routes to has no router that could be an old one.
        return Uptake(NONE, [], "none of the backends of the changed Ingresses is served")
    except (Unprovable, errors.Forbidden, errors.Invalid) as error:
        return _waited(str(error))
    return Uptake(BEHAVIOUR, replicas)


def _waited(reason: str) -> Uptake:
    time.sleep(_WAIT)
    return Uptake(NONE, [], f"{reason}: waited {_WAIT:g} s instead")


# --- the probe -------------------------------------------------------------------------------------------------------


def probe_of_changes(changed: Sequence[Object], settings: Mapping[str, str], token: str, setting: Setting) -> Probe:
    """A control for every watch that brought changes of IngressRoutes, and temporary Ingresses for those of Ingresses.

    Of the Ingresses of one watch, one has to answer. Raises Unprovable.
    """
    routes = _by_watch((item for item in changed if item["kind"] != "Ingress"), settings, scope.CRD)
    ingresses = _by_watch((item for item in changed if item["kind"] == "Ingress"), settings, scope.INGRESS)
    labels = scope.labels_to_be_seen(settings, scope.INGRESS)
    if ingresses and labels is None:
        raise Unprovable(f"{scope.INGRESS}.labelselector is more than equalities, so no Ingress can be made for it")
    namespaces = list(routes or ingresses)
    controls = control_for(namespaces if routes else namespaces[:1], token, setting)
    stop = crd_id(namespaces[0], probe_name(token))
    objects, questions = list(controls.objects), list(controls.questions)
    for watch, items in ingresses.items():
        for number, item in enumerate(_samples(items)):
            name = f"{probe_name(token)}-{watch}-{number}"
            made = _temporary(item, name, stop, labels or {}, setting)
            objects.append(made)
            questions.append(Question(ref_of(made), f"/{name}", name, name, "", "", group=watch))
    return Probe(objects, questions)


def _by_watch(items: Iterable[Object], settings: Mapping[str, str], provider: str) -> dict[str, list[Object]]:
    """The items of each watch, named after the namespace of its first."""
    found: dict[str, list[Object]] = {}
    for item in items:
        namespace = item["metadata"]["namespace"]
        if scope.watched_as_one(settings, provider):
            namespace = next(iter(found), namespace)
        found.setdefault(namespace, []).append(item)
    return found


def _samples(ingresses: Iterable[Object]) -> list[Object]:
    """A few of different backends."""
    served = [item for item in ingresses if _backend(item)]
    by_backend = {(item["metadata"]["namespace"], json.dumps(_backend(item))): item for item in served}
    return list(by_backend.values())[:_SAMPLES]


def _backend(ingress: Object) -> dict[str, Any]:
    """Its first backend, empty for one that has none."""
    spec = ingress["spec"]
    paths = (path for rule in spec.get("rules") or [] for path in (rule.get("http") or {}).get("paths") or [])
    return next((path["backend"] for path in paths), spec.get("defaultBackend") or {})


def _temporary(ingress: Object, name: str, stop: str, labels: Mapping[str, str], setting: Setting) -> Object:
    """An Ingress of one path beside the given one, whose requests the stopping middleware answers."""
    metadata, spec = ingress["metadata"], ingress["spec"]
    annotations = {
        CHAIN_ANNOTATION: stop,
        f"{ROUTER_ANNOTATION}entrypoints": setting.entry_point,
        f"{ROUTER_ANNOTATION}priority": str(PRIORITY),
    }
    given_class = (metadata.get("annotations") or {}).get(CLASS_ANNOTATION)
    named_class = spec.get("ingressClassName")
    path = {"path": f"/{name}", "pathType": "Exact", "backend": _backend(ingress)}
    return {
        "apiVersion": ingress["apiVersion"],
        "kind": "Ingress",
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": {
                **labels,
                EXPIRES_LABEL: str(setting.expires),
                "app.kubernetes.io/managed-by": "resilient.traefik",
            },
            "annotations": annotations | ({CLASS_ANNOTATION: given_class} if given_class else {}),
        },
        "spec": ({"ingressClassName": named_class} if named_class else {}) | {"rules": [{"http": {"paths": [path]}}]},
    }
