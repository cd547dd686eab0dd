"""An object beside a manifest: what it lacks, and what is not looked at."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.proof.containing import lacks

SERVES = {"name": "proxy", "lifecycle": {"preStop": {"exec": {"command": ["nginx"]}}}}

CASES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    # What the API server fills in, and what others add, is not looked at.
    ({"spec": {"replicas": 2, "paused": False}, "status": {}}, {"spec": {"replicas": 2}}, []),
    ({"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}, ["spec.replicas is 1, not 2"]),
    ({}, {"spec": {"replicas": 2}}, ["spec is not there"]),
    # An empty part and none are the same, a number and its text, quantities by value.
    ({"a": {}}, {"a": None, "b": {}, "c": []}, []),
    ({"a": "2"}, {"a": 2}, []),
    ({"r": {"limits": {"memory": "1Gi"}}}, {"r": {"limits": {"memory": "1024Mi"}}}, []),
    (
        {"r": {"limits": {"memory": "1Gi"}}},
        {"r": {"limits": {"memory": "1Mi"}}},
        ["r.limits.memory is 1Gi, not 1Mi"],
    ),
    ({"size": "1Gi"}, {"size": "1024Mi"}, ["size is 1Gi, not 1024Mi"]),
    ({"immutable": False}, {"immutable": True}, ["immutable is false, not true"]),
    ({"immutable": True}, {"immutable": False}, ["immutable is true, not false"]),
    ({"on": 1}, {"on": True}, ["on is 1, not true"]),
    # Selectors, annotations.
    ({"selector": {"app": "x"}}, {"selector": {"app": "proxy"}}, ["selector.app is x, not proxy"]),
    ({"annotations": {}}, {"annotations": {"a.test/b": "1"}}, ["annotations[a.test/b] is not there"]),
    ({"annotations": {"c": "1"}}, {"annotations": {"a.test/b": "1"}}, ["annotations[a.test/b] is not there"]),
    # Lists of what has names by the names, others by their place.
    ({"c": [{"name": "z"}, SERVES | {"image": "i"}]}, {"c": [SERVES]}, ["c[name=z] is there too"]),
    ({"c": [{"name": "proxy"}]}, {"c": [SERVES]}, ["c[name=proxy].lifecycle is not there"]),
    ({"c": [{"name": "other"}]}, {"c": [SERVES]}, ["c[name=proxy] is not there", "c[name=other] is there too"]),
    ({"args": ["-p", "/tmp"]}, {"args": ["-p", "/tmp", "-q"]}, ["args[2] is not there"]),
    ({"args": ["-p", "/tmp", "-x"]}, {"args": ["-p", "/tmp"]}, ["args[2] is there too"]),
    ({"ports": [{"port": 1}, {"port": 3}]}, {"ports": [{"port": 1}, {"port": 2}]}, ["ports[1].port is 3, not 2"]),
    ({"ports": None}, {"ports": [{"port": 1}]}, ["ports is not there"]),
    ({"from": [{"ipBlock": {}}]}, {"from": []}, ['from is [{"ipBlock": {}}], which is not wanted']),
    # A file is not repeated in a sentence.
    ({"data": {"a.conf": "one\ntwo"}}, {"data": {"a.conf": "one\nthree"}}, ["data[a.conf] is another text"]),
]


@pytest.mark.parametrize(("found", "wanted", "words"), CASES)
def test_what_is_otherwise(found: dict[str, Any], wanted: dict[str, Any], words: list[str]) -> None:
    assert list(lacks(found, wanted)) == words


def test_what_is_hidden_is_not_told() -> None:
    (words,) = lacks({"password": "c2VjcmV0"}, {"password": "b3RoZXI="}, "data", secret=True)
    assert words == "data.password is <hidden>, and not what it should be"
