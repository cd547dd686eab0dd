"""How many connections authentik opens, and whether they fit: the numbers of known outages, and any others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.authentik.capacity import (
    MODES,
    SESSION,
    STATEMENT,
    TRANSACTION,
    Component,
    Pool,
    Setup,
    faults_of,
    need_of,
    remedies_of,
)

# Three servers of five processes with four threads and three workers with five threads, through PgBouncer's defaults.
OUTAGE = Setup(Component(3, 5, 4), Component(3, 1, 5), kept=True, pool=Pool(), max_connections=200)


def test_the_outage_that_this_arithmetic_would_have_prevented() -> None:
    assert need_of(OUTAGE).held == 3 * (20 + 5) == 75
    (fault,) = faults_of(OUTAGE)
    assert (
        "authentik keeps 75 connections (3 servers x 5 processes x 4 threads + 3 workers x 1 x 5), 100 while" in fault
    )
    assert "a session-mode pool of 20 lends" in fault
    assert "at rest 80 of them wait, and after 120 s (query_wait_timeout)" in fault
    assert remedies_of(OUTAGE) == [
        "postgresql.conn_max_age: 0",
        "pool_mode: transaction",
        "default_pool_size: 101, or more",
    ]


@pytest.mark.parametrize(
    "held",
    [
        replace(OUTAGE, kept=False),
        replace(OUTAGE, pool=Pool(mode=TRANSACTION)),
        replace(OUTAGE, pool=Pool(size=101)),
        replace(OUTAGE, pool=None),
    ],
    ids=["given back", "lent for a transaction", "a larger pool", "no pool"],
)
def test_what_holds(held: Setup) -> None:
    assert faults_of(held) == []
    assert remedies_of(held) == []


def test_a_pool_that_only_a_roll_empties() -> None:
    setup = Setup(Component(2, 1, 4), Component(0, 1, 2), kept=True, pool=Pool(size=10))
    (fault,) = faults_of(setup)
    assert "while it is rolled 2 of them wait" in fault
    assert "web.threads: 3, or less" in remedies_of(setup)
    # As many as there are leaves nothing for anybody else.
    assert "none is left for anybody else" in faults_of(replace(setup, pool=Pool(size=12)))[0]
    assert faults_of(replace(setup, pool=Pool(size=13))) == []


def test_without_a_pool_the_database_decides() -> None:
    setup = Setup(Component(3, 5, 4), Component(3, 1, 5), others=30)
    (fault,) = faults_of(setup)
    assert "up to 75 connections" in fault
    assert "has 67 for it (max_connections 100 less 3 for superusers and 30 of others)" in fault
    assert remedies_of(setup) == ["web.threads: 2, or less", "web.workers: 2, or less", "max_connections: 133, or more"]


def test_each_limit_of_a_pool_is_told() -> None:
    setup = replace(OUTAGE, kept=False, channels=1, pool=Pool(2, STATEMENT, size=60, clients=40), max_connections=100)
    told = " ".join(faults_of(setup))
    assert "pool_mode is statement" in told
    assert "62 to each of its 2 pods, and max_client_conn is 40" in told
    assert "may open 120 connections (2 pods of 60), and the database has 97" in told
    assert "a LISTEN is lost there" in " ".join(faults_of(replace(setup, pool=Pool(mode=TRANSACTION))))


def test_connections_that_listen_are_held_whatever_conn_max_age_is() -> None:
    setup = Setup(Component(3, 2, 4), Component(3, 1, 2), channels=1, pool=Pool())
    need = need_of(setup)
    assert (need.held, need.held_in_roll) == (9, 12)
    assert "+ 9 that listen" in faults_of(replace(setup, pool=Pool(size=12)))[0]


def setups(number: int = 3000) -> Iterator[Setup]:
    """Setups of all kinds, the same in each run."""
    chance = random.Random(20)
    for _ in range(number):
        server, worker = (
            Component(chance.randint(0, 6), chance.randint(1, 12), chance.randint(1, 12), chance.randint(0, 3))
            for _part in range(2)
        )
        pool = Pool(
            chance.randint(1, 4),
            chance.choice(MODES),
            chance.randint(0, 120),
            chance.randint(0, 20),
            chance.randint(1, 300),
        )
        yield Setup(
            server,
            worker,
            kept=chance.random() < 0.5,
            channels=chance.randint(0, 2),
            pool=pool if chance.random() < 0.8 else None,
            max_connections=chance.randint(0, 500),
            reserved=chance.randint(0, 12),
            others=chance.randint(0, 50),
        )


def changed(setup: Setup, remedy: str) -> Setup:
    """The setup with what a remedy says."""
    name, _colon, rest = remedy.partition(": ")
    value = rest.split(",")[0]
    if name == "max_connections":
        return replace(setup, max_connections=int(value))
    if name == "postgresql.conn_max_age":
        return replace(setup, kept=False)
    if name.startswith("web."):
        part = {"web.threads": "threads", "web.workers": "processes"}[name]
        return replace(setup, server=replace(setup.server, **{part: int(value)}))
    assert setup.pool is not None
    if name == "pool_mode":
        return replace(setup, pool=replace(setup.pool, mode=value))
    return replace(setup, pool=replace(setup.pool, size=int(value)))


def test_each_remedy_makes_all_of_it_fit() -> None:
    seen = set()
    for setup in setups():
        for remedy in remedies_of(setup):
            assert faults_of(changed(setup, remedy)) == [], (setup, remedy)
            seen.add(remedy.partition(":")[0])
    assert len(seen) == 6, "every kind of remedy was tried"


def test_a_little_more_than_the_largest_that_fits_does_not() -> None:
    for setup in setups():
        for remedy in remedies_of(setup):
            name, _colon, rest = remedy.partition(": ")
            if rest.endswith("or less"):
                one_more = changed(setup, f"{name}: {int(rest.split(',')[0]) + 1}")
                assert faults_of(one_more), (setup, remedy)


def test_more_room_never_makes_it_worse() -> None:
    fitting = [setup for setup in setups() if not faults_of(setup)]
    assert len(fitting) > 100
    for setup in fitting:
        assert not faults_of(replace(setup, max_connections=setup.max_connections + 10))
        assert not faults_of(replace(setup, kept=False))
        if setup.pool:
            assert not faults_of(replace(setup, pool=replace(setup.pool, clients=setup.pool.clients + 5)))


def test_a_roll_needs_no_less_than_the_steady_state() -> None:
    for setup in setups():
        need = need_of(setup)
        assert need.roll >= need.peak >= need.held >= 0
        assert need.held_in_roll >= need.held
        if setup.pool and setup.pool.mode == SESSION and need.held >= setup.pool.servers:
            assert faults_of(setup)
