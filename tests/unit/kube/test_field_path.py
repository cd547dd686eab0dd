"""Fields of an object by their path."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_path import same, shown, steps, value_at

ITEM: dict[str, Any] = {
    "metadata": {"annotations": {"example.test/owner": "ops", "0": "zero"}},
    "spec": {
        "replicas": 2,
        "paused": False,
        "containers": [{"name": "a", "image": "one"}, {"name": "b", "image": "two", "ports": [{"containerPort": 80}]}],
    },
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.replicas", 2),
        ("spec.paused", False),
        ("spec.containers[1].image", "two"),
        ("spec.containers.1.image", "two"),
        ("spec.containers[name=b].image", "two"),
        ("spec.containers[name=b].ports[containerPort=80].containerPort", 80),
        ("metadata.annotations[example.test/owner]", "ops"),
        ("metadata.annotations.0", "zero"),
        ("spec.containers[7].image", None),
        ("spec.containers[name=z].image", None),
        ("spec.containers.image", None),
        ("spec.replicas.more", None),
        ("spec.containers[0].image.0", None),
        ("nothing", None),
    ],
)
def test_value_at(path: str, value: Any) -> None:
    assert value_at(ITEM, path) == value


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "a[]", "a[b", "a]b", "a[b]c"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(BadArgument, match="is no path such as"):
        steps(path)


@pytest.mark.parametrize(
    ("found", "wanted", "equal"),
    [
        (2, 2, True),
        (2, "2", True),
        ("2", 2, True),
        (2, 3, False),
        (True, True, True),
        (True, 1, False),
        (True, "True", False),
        (None, None, True),
        (None, "None", False),
        ({"a": 1}, {"a": 1}, True),
        ([1], "[1]", False),
    ],
)
def test_same(found: Any, wanted: Any, equal: bool) -> None:
    assert same(found, wanted) is equal


def test_shown() -> None:
    assert shown("text") == "text"
    assert shown({"b": [1], "a": None}) == '{"a": null, "b": [1]}'
    assert shown("x" * 300) == "x" * 200 + "..."
