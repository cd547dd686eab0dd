"""Who has to start anew because its configuration is another one."""

from __future__ import annotations

from typing import Any

import pytest

from lab.configuration import with_outdated_configuration


def config_map(data: dict[str, str], name: str = "settings", namespace: str = "n") -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"namespace": namespace, "name": name}, "data": data}


READER = {
    "kind": "StatefulSet",
    "metadata": {"namespace": "n", "name": "reader"},
    "spec": {"template": {"spec": {"volumes": [{"configMap": {"name": "settings"}}, {"emptyDir": {}}]}}},
}


@pytest.mark.parametrize(
    "live",
    [
        [config_map({"a": "1"})],
        [config_map({"a": "1", "somebody": "else's"})],
        [],
        [config_map({"a": "2"}, namespace="other")],
        [config_map({"a": "2"}, name="other")],
    ],
    ids=["the same", "another key of somebody else", "not there yet", "another namespace's", "not its own"],
)
def test_stays(live: list[dict[str, Any]]) -> None:
    assert with_outdated_configuration([config_map({"a": "1"}), READER], live) == []


@pytest.mark.parametrize("data", [{"a": "2"}, {}, {"b": "1"}], ids=["other value", "emptied", "other key"])
def test_starts_anew(data: dict[str, str]) -> None:
    assert with_outdated_configuration([config_map({"a": "1"}), READER], [config_map(data)]) == [READER]


def test_who_has_no_such_configuration_stays() -> None:
    other = {**READER, "spec": {"template": {"spec": {}}}}
    assert with_outdated_configuration([config_map({"a": "1"}), other], [config_map({"a": "2"})]) == []
