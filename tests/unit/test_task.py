# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a SPEC makes of its body's mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec, Task


def _body_raising(error: Exception) -> ModuleSpec:
    def body(task: Task) -> dict[str, Any]:
        raise error

    return ModuleSpec(body, {})


def test_a_mistake_of_ours_is_told_by_place_and_without_its_words() -> None:
    with pytest.raises(ResilientError) as caught:
        _body_raising(KeyError("password=opensesame")).run(Task({}))
    assert str(caught.value).startswith("KeyError at test_task.py:")
    assert "opensesame" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_an_expected_failure_stays_as_it_is() -> None:
    with pytest.raises(BadArgument, match=r"^objects: not YAML$"):
        _body_raising(BadArgument("objects: not YAML")).run(Task({}))


def test_a_missing_library_is_named_before_the_body_runs() -> None:
    spec = ModuleSpec(lambda task: {}, {}, libraries=("no_such_library_anywhere",))
    with pytest.raises(ResilientError, match="no_such_library_anywhere"):
        spec.run(Task({}))
