"""Rules over objects of every form that nobody would write: none ends with an exception.

A seeded generator in place of a library: values of wrong types, missing and empty parts, names that meet each other.
"""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Terms, audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.report import report_of
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.sarif import as_sarif
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.table import table
from ansible_collections.resilient.traefik.plugins.module_utils.audit.shapes import SHAPES, Map
from ansible_collections.resilient.traefik.plugins.module_utils.audit.snapshot import snapshot_of
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading
from tests.unit.audit.weaknesses import WEAKNESSES
from tests.unit.audit.well import well

SEEDS = range(40)
NAMES = ("a", "b", "a-b", "traefik", "retry", "auth", "", "x@kubernetescrd", "a-b@kubernetescrd", "api@internal")
TEXTS = (
    *NAMES,
    "http://a.b.svc.cluster.local:80/outpost.goauthentik.io/auth/traefik",
    "http://[::1",
    "https://login.example.test",
    "Host(`a.test`) && PathPrefix(`/`)",
    "HostRegexp(`.*`) || !Host(",
    "50%",
    "abc%",
    "-1",
    "10s",
    "0.0.0.0/0",
    "VersionTLS10",
    "--api.insecure",
    "--entryPoints.web.address=:80",
    "--providers.kubernetescrd",
    "RT101 until 2099-01-01: x; RT",
    "(?i)^(",
    "LoadBalancer",
    "Local",
    "Recreate",
    "goauthentik/server:2024.2",
    "docker.io/traefik:v2.9",
)
ODD: tuple[Any, ...] = (
    None,
    0,
    1,
    -1,
    3.5,
    True,
    False,
    "",
    [],
    {},
    [None],
    {"": None},
    [[]],
    {"a": {"b": []}},
    10**30,
)
ANNOTATIONS = (
    "traefik.ingress.kubernetes.io/router.middlewares",
    "resilient.traefik/target",
    "resilient.traefik/audit-ignore",
)


class Generator:
    """Values of a shape, now and then of none."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.wrong = self.random.choice((0.0, 0.02, 0.2))

    def value(self, shape: Any, name: str = "") -> Any:
        """A value, of another type in some of the cases."""
        pick = self.random
        if pick.random() < self.wrong:
            return pick.choice(ODD)
        if isinstance(shape, str):
            return self._scalar(shape, name)
        if isinstance(shape, list):
            return [self.value(shape[0], name) for _each in range(pick.randint(0, 3))]
        if isinstance(shape, Map):
            keys = ANNOTATIONS if name == "annotations" else (*NAMES, "app", "kubernetes.io/hostname")
            return {pick.choice(keys): self.value(shape.of) for _each in range(pick.randint(0, 3))}
        return {
            key.rstrip("!+"): self.value(inner, key.rstrip("!+"))
            for key, inner in shape.items()
            if key.endswith("!") or pick.random() < 0.75
        }

    def _scalar(self, shape: str, name: str) -> Any:
        pick = self.random
        if name in ("name", "namespace"):
            return pick.choice(NAMES)
        numbers = (0, 1, 2, 3, 80, 9000)
        choices = {
            "int": numbers,
            "bool": (True, False),
            "port": (*numbers, *TEXTS),
            "any": ODD,
        }
        return pick.choice(choices.get(shape, TEXTS))

    def objects(self) -> list[Any]:
        """Objects of every kind, and some that are none."""
        found: list[Any] = [self.random.choice(ODD) for _each in range(3)]
        for kind, of in SHAPES.items():
            for _each in range(self.random.randint(0, 4)):
                item = self.value(of.shape)
                if isinstance(item, dict):
                    item |= {"kind": kind, "apiVersion": self.random.choice((*of.versions, "v1"))}
                found.append(item)
        return found


def _judged(items: list[Any], **options: Any) -> None:
    found = audit(snapshot_of(items, **options), Terms(fail_on="info"))
    heading = Heading("t", "c", "", "2026-11-30T09:00:00Z", {})
    json.dumps(report_of(heading, found))
    json.dumps(as_sarif(heading, found))
    table("t", "c", found)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_objects_end_in_findings(seed: int) -> None:
    generator = Generator(seed)
    items = [*generator.objects(), *(well().objects.values() if seed % 2 else ())]
    _judged(items, source="files" if seed % 3 == 0 else "cluster", complete=seed % 4 != 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_field_of_any_object_may_be_anything(seed: int) -> None:
    pick = random.Random(seed)
    world = well()
    pick.choice(WEAKNESSES)[2](world)
    # Copies: weaknesses share what they are made of.
    items = copy.deepcopy(list(world.objects.values()))
    for _each in range(60):
        at: Any = pick.choice(items)
        while isinstance(at, dict | list) and at:
            key = pick.choice(list(at)) if isinstance(at, dict) else pick.randrange(len(at))
            if pick.random() < 0.3 or not isinstance(at[key], dict | list):
                at[key] = pick.choice((*ODD, *TEXTS))
                break
            at = at[key]
    _judged(items)
