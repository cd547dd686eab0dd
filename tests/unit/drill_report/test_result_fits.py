"""What a drill tells is what the report takes: the result of the module drill, with and without a measurement."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from jsonschema import Draft202012Validator

from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_schema import SCHEMA
from ansible_collections.resilient.traefik.plugins.module_utils.drill.result import Phases, Result, measure
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check

STRICT = Draft202012Validator({"$defs": SCHEMA["$defs"], "$ref": "#/$defs/scenario"})
FAULT, RESTORED = 1_767_323_050.25, 1_767_323_060.5
VISITORS = (
    Visitor("guarded", Request("guarded.test"), before=(302,)),
    Visitor("open", Request("open.test"), guarded=False, before=(200,)),
)


def records() -> Iterator[Record]:
    """Five a second from before the fault until after it."""
    chance = Random(3)
    for number in range(100):
        sent = FAULT - 4 + number / 5
        ill = FAULT <= sent < RESTORED and number % 2 == 0
        status = 0 if ill else VISITORS[number % 2].before[0]
        yield Record(
            sent, 2.5 if ill else chance.random() / 100, 0.0005, "traefik-a", number % 2, status, error="timeout" * ill
        )


def result(measured: bool) -> Result:
    """A drill's result as it ends, or as it is when nothing was begun."""
    told = Result("forward_auth_hung", "authentik hangs", {"seconds": 10.0, "rate": 5.0, "burst": 0, "expiry": 300.0})
    if not measured:
        return told
    told.phases = Phases(FAULT - 5, FAULT, RESTORED, RESTORED + 0.5, RESTORED + 6)
    told.visitors, told.replicas = VISITORS, ["traefik-a"]
    told.checks.append(Check("longest wait", False, "at most 2 s", "2.5 s"))
    counted = {int(FAULT) + 1: {"fallbacks": {"timeout": 2}, "traefik": {"302": 3}}}
    told.measured = measure(records, VISITORS, told.phases, 0, counted)
    told.changes = [{"object": "Service a/b", "field": "spec.selector", "before": "c", "during": "d", "restored": True}]
    return told


@pytest.mark.parametrize("measured", [False, True])
def test_the_result_of_a_drill_is_as_the_schema_says(measured: bool) -> None:
    told = result(measured).as_dict()
    STRICT.validate(told)
    assert told["figures"]["requests"] == (100 if measured else 0)
