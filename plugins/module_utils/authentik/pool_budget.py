# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The disruption budget that PgBouncer is to have. No I/O."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.authentik.cluster_state import ClusterState
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.desired_state import DesiredState
from ansible_collections.resilient.traefik.plugins.module_utils.disruption import (
    Advice,
    Limit,
    Wish,
    advise,
    limit_from,
)

_NONE = Advice(None, [], [], Limit("minAvailable", 0))


def wish_of(desired: DesiredState) -> Wish | None:
    """Return the wish for the pool's budget, None where budgets are left alone. Raises BadArgument for a bad number."""
    if not desired.pool or not desired.pool_min_available:
        return None
    return Wish("pool", limit_from("pool", {"min_available": desired.pool_min_available}))


def advise_pool(state: ClusterState, desired: DesiredState) -> Advice:
    """Return the budget to apply, with findings and notes. Raises BadArgument for a bad number."""
    wish, pool = wish_of(desired), state.parts.pool
    if wish is None or pool is None:
        return _NONE
    return advise(wish, pool, int(pool["spec"].get("replicas", 1)), state.budgets)
