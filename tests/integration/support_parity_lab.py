"""The parity exporter on the lab, and a replica of Traefik there that overlooks a namespace."""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_gone
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.lab_cluster import LabCluster
from tests.integration.support_role import Ended, RolePlayer

NAME, NAMESPACE = "traefik-parity", "traefik"
SELECTOR = "app.kubernetes.io/instance=traefik-traefik,pod-template-hash"
BLIND = "traefik-blind"
VARIABLES: dict[str, Any] = {
    # How often it looks, and for how long a replica is new, is not what these tests are about.
    "alerts_parity_interval": 10,
    "alerts_parity_grace": 10,
    "alerts_facts": {"traefik": {"namespace": NAMESPACE, "name": "traefik", "kind": "Deployment"}},
    "alerts_parity_image": "localhost/lab/nginx:1.31.3",
    "alerts_parity_image_modules": [],
}


@dataclass(frozen=True)
class ParityPlayer(RolePlayer):
    """Plays the part of the role that brings the exporter up, and nothing else of it."""

    def bring_up(self, *more: str) -> Ended:
        """One play, of the run that ``roll_back`` takes back."""
        role = {"name": "resilient.traefik.alerts", "tasks_from": "parity"}
        book = {
            "hosts": "all",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable} | VARIABLES | self.settings,
            "module_defaults": {
                "group/resilient.traefik.cluster": self.options,
                "group/resilient.traefik.writing": {"run_id": self.run_id},
            },
            # Without the role's own handler, which verifies the alerts as well.
            "tasks": [{"ansible.builtin.include_role": role}, {"ansible.builtin.meta": "end_play"}],
        }
        path = self.folder / "parity.yml"
        path.write_text(json.dumps([book]))
        return self._run(str(path), *more)


@dataclass(frozen=True)
class LabExporter:
    """The exporter that runs on the lab."""

    cluster: LabCluster

    def samples(self) -> dict[str, float]:
        """Every sample of its one pod, by series without the prefix."""
        (pod,) = self.cluster.ready_pods(NAMESPACE, f"app.kubernetes.io/name={NAME}")
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:9113/proxy/metrics"
        lines = [line for line in self.cluster.request("GET", path).decode().splitlines() if not line.startswith("#")]
        return {
            series.removeprefix("traefik_parity_"): float(value)
            for series, value in (line.rsplit(" ", 1) for line in lines)
        }

    def missing(self) -> dict[str, float]:
        """How much each compared replica lacks."""
        pattern = re.compile(r'missing\{replica="([^"]+)"\}')
        found = {pattern.fullmatch(series): value for series, value in self.samples().items()}
        return {match[1]: value for match, value in found.items() if match}

    def hardened(self, name: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series of that name, of what was hardened."""
        pattern = re.compile(rf"resilient_traefik_hardening_{name}\{{(.*)\}}")
        found = [(pattern.fullmatch(series), value) for series, value in self.samples().items()]
        return [(dict(re.findall(r'(\w+)="([^"]*)"', match[1])), value) for match, value in found if match]

    def rounds(self, result: str = "") -> float:
        """How many rounds there were, with that result."""
        samples = self.samples()
        return sum(value for name, value in samples.items() if name.startswith(f'checks_total{{result="{result}'))

    def log(self) -> str:
        """What it has logged."""
        (pod,) = self.cluster.ready_pods(NAMESPACE, f"app.kubernetes.io/name={NAME}")
        return self.cluster.log(NAMESPACE, pod)


def blind_replica(admin: Client) -> Object:
    """A pod like the replicas of the lab's Traefik, and counted among them, that watches its own namespace only."""
    deployment = admin.get(ObjectRef("apps/v1", "Deployment", "traefik", NAMESPACE))
    template = copy.deepcopy(deployment["spec"]["template"])
    (container,) = template["spec"]["containers"]
    container["args"] += [
        f"--providers.{name}.namespaces={NAMESPACE}" for name in ("kubernetescrd", "kubernetesingress")
    ]
    for port in container["ports"]:
        port.pop("hostPort", None)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": BLIND,
            "namespace": NAMESPACE,
            "labels": template["metadata"]["labels"],
            "ownerReferences": [_replica_set(admin)],
        },
        "spec": template["spec"],
    }


def _replica_set(admin: Client) -> dict[str, Any]:
    """Who owns the replicas. It owns this one too, but does not control it, so that it lets it live."""
    (answer,) = read_found(admin, [Query("v1", "Pod", namespace=NAMESPACE, label_selector=SELECTOR)])
    owner = answer.items[0]["metadata"]["ownerReferences"][0]
    return {key: owner[key] for key in ("apiVersion", "kind", "name", "uid")}


@contextmanager
def blinded(admin: Client, writer: Writer) -> Iterator[str]:
    """The name of such a replica while it lives."""
    ref = ObjectRef("v1", "Pod", BLIND, NAMESPACE)
    try:
        writer.apply([blind_replica(admin)])
        yield BLIND
    finally:
        writer.delete([ref])
        wait_until_gone(admin, [ref], 120, print)
