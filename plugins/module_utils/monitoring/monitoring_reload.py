# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module monitoring_reload: has servers load what is there, after something was taken back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import (
    alertmanager,
    forms,
    inhibition,
    prometheus,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.alert_inhibition import configuration_of
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.loaded import differences
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.mounts import Source, rule_places
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.rules import Groups, structure_faults
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import Api
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.stack import (
    STACK_OPTIONS,
    Stack,
    find_stack,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.taking import (
    Taking,
    lacking_now,
    wait_taken,
)
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

OPTIONS: dict[str, dict[str, Any]] = {
    **STACK_OPTIONS,
    "key": {"type": "str", "no_log": False, "default": f"{forms.NAME}.yml"},
    "wait_timeout": {"type": "int", "default": 180},
}


def run(task: Task) -> dict[str, Any]:
    """Nothing where no server reads a file of ours. Raises NotTaken when one does not load what is there, Forbidden."""
    stack = find_stack(task.client, task.params)
    lacking: list[str] = []
    for taking in [*_rules(task, stack), *_inhibition(task.client, stack)]:
        found = lacking_now(task.client, taking)
        lacking += found
        if found and not task.check_mode:
            wait_taken(task, taking)
    return {"changed": bool(lacking), "reloaded": lacking}


def _rules(task: Task, stack: Stack) -> Iterator[Taking]:
    servers = [each for each in stack.prometheus if not prometheus.reloads_by_itself(each)]
    if not servers:
        return
    with Api(task.client, servers[0]) as api:
        if not prometheus.takes_reloads(api):
            return
        places = rule_places(servers[0], prometheus.rule_files(api), task.params["key"])
    for place in places:
        yield _taking_of(place, servers, _groups(task.client, place))


def _taking_of(place: Source, servers: Sequence[Any], groups: Groups) -> Taking:
    def own(file: str) -> bool:
        return file == place.path

    def lacks(api: Api) -> str:
        found = differences(groups, prometheus.loaded_rules(api), own, prometheus.Comparison(api), {})
        return "; ".join(found[:1])

    return Taking(
        servers=servers,
        lacks=lacks,
        state=lacks,
        reload=prometheus.RELOAD,
        reloaded=prometheus.RELOADED,
        mounted=True,
        what=f"{place.ref}, key {place.key}",
    )


def _groups(client: Client, place: Source) -> Groups:
    """The groups that are in the ConfigMap now; none where it, or the key, is not there or is no rule file."""
    text = ((client.find(place.ref) or {}).get("data") or {}).get(place.key, "")
    try:
        given = (yaml.safe_load(text) or {}).get("groups") or []
    except (yaml.YAMLError, AttributeError):
        return []
    return [] if any(structure_faults(given)) else list(given)


def _inhibition(client: Client, stack: Stack) -> Iterator[Taking]:
    found = configuration_of(client, stack) if stack.alertmanagers else None
    if found is None or found.faults or found.owner:
        return
    wanted = inhibition.ours_in(found.text)

    def lacks(api: Api) -> str:
        loaded = inhibition.ours_in(alertmanager.loaded_text(api))
        return "" if inhibition.same_rules(loaded, wanted) else "inhibition rules are loaded as they were before"

    yield Taking(
        servers=stack.alertmanagers,
        lacks=lacks,
        state=lacks,
        reload=alertmanager.RELOAD,
        reloaded=alertmanager.RELOADED,
        mounted=True,
        what=str(found),
    )
