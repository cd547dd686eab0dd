"""The desired state as values of authentik's chart."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.authentik import chart_values
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.chart_values import Release
from tests.unit.authentik.samples import VERSION, deployment, desired

COMPONENTS = {"server": deployment("server", 1), "worker": deployment("worker", 4)}


def test_what_differs_is_wished_and_lists_are_merged() -> None:
    own = {"server": {"env": [{"name": "TZ", "value": "UTC"}, {"name": "AUTHENTIK_WEB__WORKERS", "value": "2"}]}}
    asked = desired(settings={"web_workers": 3}, worker_resources={"limits": {"memory": "1Gi"}})
    found = chart_values.wished_values(Release({}, own, (), {}), COMPONENTS, frozenset(), asked, VERSION)
    assert found["server", "replicas"] == 3
    assert ("worker", "replicas") not in found
    assert [each["value"] for each in found["server", "env"]] == ["UTC", "3"]
    assert ("worker", "env") not in found
    assert found["worker", "resources", "limits", "memory"] == "1Gi"
    assert found["server", "topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"


def test_what_an_autoscaler_has_is_not_wished() -> None:
    found = chart_values.wished_values(Release({}, {}, (), {}), COMPONENTS, frozenset(["server"]), desired(), VERSION)
    assert ("server", "replicas") not in found


def test_values_beside_a_secret_of_ones_own_are_ignored_by_the_chart() -> None:
    own = {"authentik": {"existingSecret": {"secretName": "own"}, "web": {"workers": 3}, "enabled": True}}
    assert chart_values.ignored_values(own) == ["authentik.web"]
    assert chart_values.ignored_values({"authentik": {"web": {"workers": 3}}}) == []
