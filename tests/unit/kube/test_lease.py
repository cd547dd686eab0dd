"""Who holds a Lease, and when it may be taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ansible_collections.resilient.traefik.plugins.module_utils.kube.lease import (
    holding_of,
    lease_ref,
    release,
    renewal,
    taken,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEASE = taken(lease_ref("lock", "shop"), "me@here.test:run", 90, NOW, 0)


def _after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_holding() -> None:
    held = holding_of(LEASE)
    assert held is not None
    assert held.holder == "me@here.test:run"
    assert held.age(_after(12)) == 12
    assert (held.is_stale(_after(89.9)), held.is_stale(_after(90))) == (False, True)
    assert (held.is_due(_after(29.9)), held.is_due(_after(30))) == (False, True)


def test_nobody_holds_it() -> None:
    assert holding_of(None) is None
    assert holding_of({"spec": {}}) is None
    assert holding_of({"spec": {"holderIdentity": ""}}) is None
    assert set(release()["spec"].values()) == {None}


def test_renewal_keeps_since_when_it_is_held() -> None:
    held = holding_of({"spec": LEASE["spec"] | renewal(60, _after(80))["spec"]})
    assert held is not None
    assert held.acquired == NOW
    assert held.expires == _after(140)


def test_lease_without_times_ran_out() -> None:
    held = holding_of({"spec": {"holderIdentity": "somebody"}})
    assert held is not None
    assert held.is_stale(NOW)
