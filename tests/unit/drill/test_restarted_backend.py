"""What is expected of an application that is restarted follows what stands before it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill import backend, scenarios
from ansible_collections.resilient.traefik.plugins.module_utils.drill.expectations import Expectations, Seen, judged
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS

FIGURES = {"longest_ms": 2100.0, "settled_longest_ms": 2100.0, "slow_percent": 0.0, "recovery_seconds": 0.5}


def expected(monkeypatch: pytest.MonkeyPatch, attempts: int, labels: dict[str, str] = OUR_LABELS) -> Expectations:
    """With a retry middleware beside Traefik that tries so often."""
    metadata = {"name": "retry", "namespace": "traefik", "labels": labels}
    item = {"apiVersion": "traefik.io/v1alpha1", "kind": "Middleware", "metadata": metadata}
    item["spec"] = {"retry": {"attempts": attempts}}
    monkeypatch.setattr(backend, "read_found", lambda *_given: [SimpleNamespace(items=[item])])
    traefik = SimpleNamespace(arguments={}, ref=ObjectRef("apps/v1", "Deployment", "traefik", "traefik"))
    context: Any = SimpleNamespace(client=None, traefik=traefik)
    return scenarios.SCENARIOS["backend_restart"].expectations(context)


def passes(expectations: Expectations, name: str, failed: dict[int, int]) -> bool:
    visitor = Seen(name, "a.test", "none", True, {"failed": sum(failed.values())}, failed)
    return judged(expectations, FIGURES, [visitor])[0].passed


def test_behind_a_retry_two_may_fail_and_only_at_the_application_that_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    behind = expected(monkeypatch, 8)
    assert passes(behind, backend.APPLICATION, {502: 1, 504: 1})
    assert not passes(behind, backend.APPLICATION, {502: 3})
    assert not passes(behind, backend.APPLICATION, {404: 1})
    assert not passes(behind, "a stranger", {502: 1})
    assert "no preStop hook" in behind.remark


@pytest.mark.parametrize(("attempts", "labels"), [(1, OUR_LABELS), (8, {})], ids=["one try", "somebody else's"])
def test_without_a_retry_nothing_excuses_one(
    attempts: int, labels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = expected(monkeypatch, attempts, labels)
    assert not passes(alone, backend.APPLICATION, {502: 1})
    assert "no retry stands before it" in alone.remark
