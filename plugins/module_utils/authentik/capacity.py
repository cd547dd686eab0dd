# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How many database connections authentik needs, and whether its pool and its database have as many.

Sources: authentik's lifecycle/gunicorn.conf.py (web.workers 2, web.threads 4) and configuration reference
(worker.processes 1, worker.threads 2, postgresql.conn_max_age 0), PgBouncer 1.18's configuration reference
(default_pool_size 20, max_client_conn 100, query_wait_timeout 120), PostgreSQL 15's (max_connections 100,
superuser_reserved_connections 3). docs/authentik.md has the formula in words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

SESSION, TRANSACTION, STATEMENT = "session", "transaction", "statement"
MODES = (SESSION, TRANSACTION, STATEMENT)


@dataclass(frozen=True)
class Component:
    """Pods of authentik's server or worker. ``surge`` are those that a roll adds before it takes others away.

    Each pod has ``processes`` with ``threads`` each; a thread uses one connection at a time.
    """

    replicas: int
    processes: int
    threads: int
    surge: int = 1

    @property
    def threads_in_pod(self) -> int:
        """How many connections the threads of one pod can use at once."""
        return self.processes * self.threads


@dataclass(frozen=True)
class Pool:
    """PgBouncer. A pod has ``size`` and ``reserve`` connections to the database, and takes ``clients`` at most."""

    replicas: int = 1
    mode: str = SESSION
    size: int = 20
    reserve: int = 0
    clients: int = 100
    wait_timeout: float = 120.0

    @property
    def servers(self) -> int:
        """How many connections to the database all pods of the pool may hold."""
        return self.replicas * (self.size + self.reserve)


@dataclass(frozen=True)
class Setup:
    """All that decides. ``kept`` is whether a connection outlives its request (conn_max_age is not 0).

    ``channels`` are connections that each process keeps open to be told of events (since 2025.10). ``others`` are
    connections of other users of the database, ``reserved`` those that it keeps for superusers.
    """

    server: Component
    worker: Component
    kept: bool = False
    channels: int = 0
    pool: Pool | None = None
    max_connections: int = 100
    reserved: int = 3
    others: int = 0

    @property
    def room(self) -> int:
        """How many connections the database has for authentik."""
        return max(0, self.max_connections - self.reserved - self.others)


@dataclass(frozen=True)
class Need:
    """Connections from authentik: all that it may open (``peak``), the same in a ``roll``, and those ``held`` for long.

    ``held`` and ``held_in_roll`` are not given back after a request: in a session pool each takes one of the pool's for
    as long.
    """

    peak: int
    roll: int
    held: int
    held_in_roll: int


def need_of(setup: Setup) -> Need:
    """Return how many connections authentik opens."""
    peak, held = _connections(setup, surge=False)
    roll, held_in_roll = _connections(setup, surge=True)
    return Need(peak, roll, held, held_in_roll)


def _connections(setup: Setup, *, surge: bool) -> tuple[int, int]:
    by_threads = by_processes = 0
    for part in (setup.server, setup.worker):
        pods = part.replicas + (part.surge if surge and part.replicas else 0)
        by_threads += pods * part.threads_in_pod
        by_processes += pods * part.processes * setup.channels
    return by_threads + by_processes, (by_threads if setup.kept else 0) + by_processes


def faults_of(setup: Setup) -> list[str]:
    """Return why the setup does not hold, in sentences with the numbers; none where it does."""
    return list(_pool_faults(setup, setup.pool) if setup.pool else _direct_faults(setup))


def _direct_faults(setup: Setup) -> Iterator[str]:
    need = need_of(setup)
    if need.roll > setup.room:
        yield (
            f"authentik opens up to {need.peak} connections ({_sum(setup)}), {need.roll} while it is rolled, and the "
            f'database has {setup.room} for it ({_room(setup)}): whoever comes after that is refused with "too many '
            'clients already", and gets 400 or 500'
        )


def _pool_faults(setup: Setup, pool: Pool) -> Iterator[str]:
    need = need_of(setup)
    if pool.mode == STATEMENT:
        yield "pool_mode is statement, which refuses the transactions that authentik needs: set transaction or session"
    if pool.mode == SESSION and need.held_in_roll >= pool.servers:
        waiting = need.held_in_roll - pool.servers
        when = "at rest" if need.held >= pool.servers else "while it is rolled"
        yield (
            f"authentik keeps {need.held} connections ({_sum(setup)}), {need.held_in_roll} while it is rolled, and a "
            f"session-mode pool of {pool.servers} lends each of its own for as long as one is kept: {when} "
            f"{f'{waiting} of them wait' if waiting else 'none is left for anybody else'}, and after "
            f"{pool.wait_timeout:g} s (query_wait_timeout) whoever waits gets 400, or is sent to the login again"
        )
    if pool.mode == TRANSACTION and setup.channels:
        yield (
            "pool_mode is transaction, and authentik listens for events on connections of its own (since 2025.10): a "
            "LISTEN is lost there, so give it a direct connection, or a session-mode pool that is large enough"
        )
    clients = math.ceil(need.roll / pool.replicas)
    if clients > pool.clients:
        yield (
            f"authentik opens up to {need.roll} connections to the pool while it is rolled, {clients} to each of its "
            f"{pool.replicas} pods, and max_client_conn is {pool.clients}: the rest is refused at once"
        )
    if pool.servers > setup.room:
        yield (
            f"the pool may open {pool.servers} connections ({pool.replicas} pods of {pool.size + pool.reserve}), and "
            f"the database has {setup.room} for it ({_room(setup)}): the rest is refused, and waits in the pool"
        )


def _sum(setup: Setup) -> str:
    server, worker = setup.server, setup.worker
    words = (
        f"{server.replicas} servers x {server.processes} processes x {server.threads} threads + {worker.replicas} "
        f"workers x {worker.processes} x {worker.threads}"
    )
    if setup.channels:
        processes = server.replicas * server.processes + worker.replicas * worker.processes
        words += f" + {setup.channels * processes} that listen"
    return words


def _room(setup: Setup) -> str:
    words = f"max_connections {setup.max_connections} less {setup.reserved} for superusers"
    return words + (f" and {setup.others} of others" if setup.others else "")


def remedies_of(setup: Setup) -> list[str]:
    """Return the single changes that make the setup hold, each with the largest or smallest value that does."""
    if not faults_of(setup):
        return []
    found = list(_pool_remedies(setup, setup.pool)) if setup.pool else []
    for name, most in (("threads", setup.server.threads), ("processes", setup.server.processes)):
        value = next((each for each in range(most - 1, 0, -1) if _holds(_with_server(setup, name, each))), None)
        if value is not None:
            key = {"threads": "web.threads", "processes": "web.workers"}[name]
            found.append(f"{key}: {value}, or less")
    if not setup.pool:
        wanted = need_of(setup).roll + setup.reserved + setup.others
        found.append(f"max_connections: {wanted}, or more")
    return found


def _pool_remedies(setup: Setup, pool: Pool) -> Iterator[str]:
    if setup.kept and _holds(replace(setup, kept=False)):
        yield "postgresql.conn_max_age: 0"
    if pool.mode != TRANSACTION and _holds(replace(setup, pool=replace(pool, mode=TRANSACTION))):
        yield "pool_mode: transaction"
    # One more than are held, so that something is left to lend.
    enough = math.ceil((need_of(setup).held_in_roll + 1) / pool.replicas) - pool.reserve
    if enough > pool.size and _holds(replace(setup, pool=replace(pool, size=enough))):
        yield f"default_pool_size: {enough}, or more"


def _with_server(setup: Setup, name: str, value: int) -> Setup:
    return replace(setup, server=replace(setup.server, **{name: value}))


def _holds(setup: Setup) -> bool:
    return not faults_of(setup)
