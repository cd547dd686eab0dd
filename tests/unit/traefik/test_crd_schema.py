"""Faults of objects against structural schemas: each found, at its path, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.traefik.crd_schema import faults, kinds_of

INT_OR_STRING = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
    "pattern": "^[0-9]+(ms|s)?$",
}
SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["address"],
    "properties": {
        "address": {"type": "string", "minLength": 2, "maxLength": 10},
        "attempts": {"type": "integer", "minimum": 0, "maximum": 9},
        "ratio": {"type": "number"},
        "initialInterval": INT_OR_STRING,
        "enabled": {"type": "boolean"},
        "mode": {"type": "string", "enum": ["Strict", "Lax"]},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "plugin": {"type": "object", "additionalProperties": {"x-kubernetes-preserve-unknown-fields": True}},
        "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "nothing": {"type": "string", "nullable": True},
        "defaulted": {"type": "string", "default": "x"},
        "routes": {
            "type": "array",
            "maxItems": 2,
            "items": {
                "type": "object",
                "required": ["match"],
                "properties": {"match": {"type": "string"}, "priority": {"type": "integer"}},
            },
        },
        "x": {"type": "object", "properties": {"y": {"type": "string"}}},
    },
}
SCHEMA = {
    "type": "object",
    "required": ["metadata", "spec"],
    "properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {}, "spec": SPEC},
}


def _faults(**spec: Any) -> list[str]:
    item = {"apiVersion": "v", "kind": "K", "metadata": {"name": "n", "anything": 1}}
    return faults(item | {"spec": {"address": "ok"} | spec}, SCHEMA)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"attempts": 3},
        {"attempts": 3.0},
        {"ratio": 1},
        {"ratio": 0.5},
        {"initialInterval": 3},
        {"initialInterval": "100ms"},
        {"enabled": False},
        {"mode": "Lax"},
        {"headers": {"X-Any": "a", "Y": ""}},
        {"plugin": {"any": {"deep": [1, None, {"a": True}]}, "nil": None}},
        {"open": {"whatever": 1}},
        {"nothing": None},
        {"defaulted": None},
        {"routes": []},
        {"routes": [{"match": "a"}, {"match": "b", "priority": -1}]},
    ],
)
def test_what_fits(spec: dict[str, Any]) -> None:
    assert _faults(**spec) == []


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({"attempts": "two"}, "spec.attempts: expected integer, got 'two'"),
        ({"attempts": 3.5}, "spec.attempts: expected integer, got 3.5"),
        ({"attempts": True}, "spec.attempts: expected integer, got true"),
        ({"attempts": None}, "spec.attempts: expected integer, got nothing (null)"),
        ({"attempts": -1}, "spec.attempts: -1 is below the minimum 0"),
        ({"attempts": 10}, "spec.attempts: 10 is above the maximum 9"),
        ({"ratio": "1"}, "spec.ratio: expected number, got '1'"),
        ({"initialInterval": True}, "spec.initialInterval: expected an integer or text, got true"),
        ({"initialInterval": "soon"}, "spec.initialInterval: 'soon' does not match ^[0-9]+(ms|s)?$"),
        ({"enabled": "yes"}, "spec.enabled: expected a boolean, got 'yes'"),
        ({"enabled": 1}, "spec.enabled: expected a boolean, got 1"),
        ({"mode": "strict"}, "spec.mode: 'strict' is none of Strict, Lax, did you mean Strict?"),
        ({"address": 5}, "spec.address: expected text, got 5"),
        ({"address": "a"}, "spec.address: must have at least this many characters: 2, not 1"),
        ({"address": "a" * 11}, "spec.address: must have at most this many characters: 10, not 11"),
        ({"headers": ["a"]}, "spec.headers: expected an object, got a list"),
        ({"headers": {"X": 1}}, "spec.headers.X: expected text, got 1"),
        ({"routes": {}}, "spec.routes: expected a list, got an object"),
        ({"routes": [{"priority": 1}]}, "spec.routes[0].match: is required"),
        ({"routes": [{"match": "a"}, {"match": 1}]}, "spec.routes[1].match: expected text, got 1"),
        ({"routes": [{"match": "a"}] * 3}, "spec.routes: must have at most this many entries: 2, not 3"),
        ({"initalInterval": 1}, "spec.initalInterval: unknown field, did you mean initialInterval?"),
        ({"Attempts": 1}, "spec.Attempts: unknown field, did you mean attempts?"),
        ({"x": {"zz": 1}}, "spec.x.zz: unknown field (known are y)"),
        ({"zzzzzzzz": 1}, "spec.zzzzzzzz: unknown field"),
    ],
)
def test_what_does_not(spec: dict[str, Any], fault: str) -> None:
    assert _faults(**spec) == [fault]


def test_all_at_once() -> None:
    found = faults({"apiVersion": "v", "kind": "K", "status": {}, "spec": {"attempts": "a", "mode": "b"}}, SCHEMA)
    assert found == [
        "status: unknown field (known are apiVersion, kind, spec)",
        "spec.address: is required",
        "spec.attempts: expected integer, got 'a'",
        "spec.mode: 'b' is none of Strict, Lax",
    ]


def test_a_missing_spec() -> None:
    assert faults({"apiVersion": "v", "kind": "K", "metadata": {}}, SCHEMA) == ["spec: is required"]


def test_long_values_are_not_repeated() -> None:
    assert _faults(attempts="x" * 500) == ["spec.attempts: expected integer, got text of 500 characters"]


def test_kinds_of_an_openapi_document() -> None:
    def of(*kinds: str) -> dict[str, Any]:
        return {"x-kubernetes-group-version-kind": [{"group": "g", "version": "v", "kind": kind} for kind in kinds]}

    document = {"components": {"schemas": {"a": of("A"), "b": of("AList"), "c": of("X", "Y"), "d": {}}}}
    assert kinds_of(document) == {"A": of("A")}
    assert kinds_of({}) == {}
