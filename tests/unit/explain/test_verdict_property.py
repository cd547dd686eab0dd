"""Any combination of facts gives a verdict: one sentence, and no exception."""

from __future__ import annotations

import random
from dataclasses import replace

from ansible_collections.resilient.traefik.plugins.module_utils.explain.facts import ReplicaState
from ansible_collections.resilient.traefik.plugins.module_utils.explain.report import result
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routing import Selection
from ansible_collections.resilient.traefik.plugins.module_utils.explain.verdict import verdicts
from tests.unit.explain.sample import REPLICAS, answers, facts
from tests.unit.explain.test_verdict import SYMPTOMS

_FIELDS = ("answers", "again", "backends", "certificates", "effects", "entrance", "entry_point", "loaded", "loops")
_MORE_FIELDS = ("proto", "replicas", "request", "selection", "sent", "targets")
_STATUSES = (0, 101, 200, 204, 301, 302, 304, 400, 401, 403, 404, 413, 418, 429, 431, 499, 500, 502, 503, 504)


def test_facts_of_all_symptoms_mixed_at_random() -> None:
    chance = random.Random(18)
    samples = [given for _name, given, _symptom, _sentence in SYMPTOMS] + [
        facts(answers=()),
        facts(selection=Selection()),
    ]
    for _time in range(1500):
        mixed = facts(
            **{name: getattr(chance.choice(samples), name) for name in (*_FIELDS, *_MORE_FIELDS)},
            allows_empty=chance.random() < 0.5,
            dropped=chance.choice([(), ("middleware x does not exist",)]),
            trusted=chance.choice([True, False, None]),
        )
        if mixed.answers and chance.random() < 0.7:
            given = answers(*chance.choices(_STATUSES, k=3), location="https://app.example.test/", problem="refused")
            mixed = replace(mixed, answers=given)
        if chance.random() < 0.1:
            mixed = replace(mixed, replicas=[ReplicaState(REPLICAS[0], "", "Pending")])
        found = verdicts(mixed)
        assert all(each.symptom and each.sentence and "\n" not in each.sentence for each in found)
        assert result(mixed, found, {"own": 0.1, "all": 0.2}, [])["verdict"] == found[0].sentence
