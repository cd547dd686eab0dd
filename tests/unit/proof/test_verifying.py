"""Looking until all checks pass."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.proof.verifying import equal, none_lacks, verified


class NotSo(ResilientError):
    """What these tests raise."""


def test_it_looks_again_until_all_pass() -> None:
    found: Iterator[str] = iter(["a", "b", "b"])
    result = verified(lambda: [equal("letter", "b", next(found))], 5, NotSo, print)
    assert result == {
        "changed": False,
        "checks": [{"name": "letter", "passed": True, "expected": "b", "found": "b"}],
    }
    assert list(found) == ["b"], "it looks no more than it has to"


def test_the_failure_has_all_checks_of_the_last_look() -> None:
    with pytest.raises(NotSo, match=r"(?s)1 of 2 checks did not pass:.*letter: expected b; found a") as failed:
        verified(lambda: [equal("letter", "b", "a"), equal("digit", "1", "1")], 0, NotSo, print)
    assert [check["passed"] for check in failed.value.facts["checks"]] == [False, True]


def test_none_of_none_is_no_proof() -> None:
    assert none_lacks("all", 0, []) == Check("all", False, "at least 1", "none")


@pytest.mark.parametrize(
    ("lacking", "check"),
    [
        ([], Check("all", True, "9", "9")),
        (["x"], Check("all", False, "9", "8, not x")),
        (list("abcdefg"), Check("all", False, "9", "2, not a; b; c; d; e and 2 more")),
    ],
)
def test_the_first_few_that_lack_are_named(lacking: list[str], check: Check) -> None:
    assert none_lacks("all", 9, lacking) == check
