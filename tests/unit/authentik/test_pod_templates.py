"""What authentik's and PgBouncer's workloads are to be, and that the second time nothing is left to do."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.authentik import pod_templates
from tests.unit.authentik.samples import VERSION, Object, deployment, desired, pool

SECRET = {"name": "AUTHENTIK_SECRET_KEY", "valueFrom": {"secretKeyRef": {"name": "own", "key": "key"}}}


def authentik(item: Object, component: str = "server", *, scaled: bool = False, **given: Any) -> Object:
    return pod_templates.desired_authentik(item, component, desired(**given), VERSION, scaled=scaled)


@pytest.mark.parametrize(("now", "after"), [(1, 3), (3, 3), (5, 5)])
def test_replicas_are_raised_and_never_lowered(now: int, after: int) -> None:
    assert authentik(deployment("server", now))["spec"]["replicas"] == after


def test_an_autoscaler_keeps_its_replicas() -> None:
    assert authentik(deployment("server", 1), scaled=True)["spec"]["replicas"] == 1


def test_what_is_there_stays_and_the_second_time_nothing_is_left_to_do() -> None:
    item = deployment("server", 1, env=[SECRET, {"name": "AUTHENTIK_WEB__WORKERS", "value": "2"}])
    before = copy.deepcopy(item)
    given: dict[str, Any] = {
        "settings": {"web_workers": 3, "conn_max_age": 0},
        "server_resources": {"limits": {"memory": "2048Mi"}},
    }
    once = authentik(item, **given)
    assert item == before
    (container,) = once["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [
        SECRET,
        {"name": "AUTHENTIK_WEB__WORKERS", "value": "3"},
        {"name": "AUTHENTIK_POSTGRESQL__CONN_MAX_AGE", "value": "0"},
    ]
    # As the API server writes it.
    container["resources"]["limits"]["memory"] = "2Gi"
    assert authentik(once, **given) == once


def test_pods_that_are_spread_already_keep_their_way() -> None:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "server"}}}
    item = deployment("server", 3)
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    item["spec"]["template"]["spec"]["affinity"] = {
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}
    }
    assert authentik(item) == item
    (spread,) = authentik(deployment("server", 3))["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"] == {"matchLabels": {"app": "server"}}


def test_pgbouncer_is_asked_on_its_port_and_keeps_its_replicas_and_probes() -> None:
    wanted = pod_templates.desired_pool(pool(), desired())
    (container,) = wanted["spec"]["template"]["spec"]["containers"]
    assert wanted["spec"]["replicas"] == 1
    assert container["readinessProbe"]["tcpSocket"] == container["livenessProbe"]["tcpSocket"] == {"port": 6432}
    own = {"exec": {"command": ["pg_isready"]}}
    kept = pod_templates.desired_pool(pool(readinessProbe=own, ports=[{"containerPort": 5432}]), desired())
    (container,) = kept["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"] == own
    assert container["livenessProbe"]["tcpSocket"] == {"port": 5432}
