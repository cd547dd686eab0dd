"""The dashboard: Prometheus takes what it asks, and what it asks for is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.expressions import metric_names
from tests.rules.dashboard import dashboard, expressions
from tests.rules.programs import run

_PROGRAMS = Path(__file__).parents[2] / "plugins" / "plugin_utils"
# What nginx tells of itself: by program the beginning of its metrics, and how its source names them.
_TOLD = {
    "fallback_proxy_": ("nginx_engine", r"gauge\('(\w+)'|^    (\w+_total): \["),
    "traefik_parity_": ("parity_exporter", r"family\('(\w+)'"),
    "resilient_traefik_probe_": ("probe_exporter", r"told\('(\w+)'"),
    "resilient_traefik_hardening_": ("parity_exporter", r"told\('(\w+)'"),
}


def _told(prefix: str) -> set[str]:
    """The metrics that a program of this collection has, by its source."""
    folder, pattern = _TOLD[prefix]
    text = "\n".join(path.read_text() for path in sorted((_PROGRAMS / folder).glob("*.js")))
    return {f"{prefix}{''.join(found)}" for found in re.findall(pattern, text, re.MULTILINE)}


def test_prometheus_takes_every_expression(tmp_path: Path) -> None:
    rules = [{"record": f"asked:number_{number}", "expr": each} for number, each in enumerate(expressions().values())]
    (tmp_path / "asked.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert "SUCCESS" in run("promtool", "check", "rules", "asked.yml", folder=tmp_path)


def test_what_it_asks_for_is_recorded_or_told(rules: list[dict[str, Any]]) -> None:
    known = {rule["record"] for rule in rules if "record" in rule}
    for prefix in _TOLD:
        told = _told(prefix)
        assert len(told) > 5, f"{prefix}: {told}"
        known |= told
    for where, expression in [*expressions().items(), *((rule.get("alert", ""), rule["expr"]) for rule in rules)]:
        ours = {name for name in metric_names(expression) if name.startswith(("resilient_traefik:", *_TOLD))}
        assert ours <= known, where


def test_it_shows_what_is_asked_about() -> None:
    asked = " ".join(expressions().values())
    for series in (
        "resilient_traefik:target_up:min",
        "fallback_proxy_fallbacks_total",
        "traefik_entrypoint_request_duration_seconds_sum",
        "traefik_service_request_duration_seconds_sum",
        "resilient_traefik:pod_ready",
        "kube_poddisruptionbudget_status_pod_disruptions_allowed",
        "traefik_parity_missing",
    ):
        assert series in asked


def test_grafana_finds_its_way() -> None:
    found = dashboard()
    assert found["uid"] == "resilient-traefik"
    assert [each["name"] for each in found["templating"]["list"]] == ["datasource"]
    ids = [panel["id"] for panel in found["panels"]]
    assert len(ids) == len(set(ids))
    for panel in found["panels"]:
        assert panel["title"]
        assert panel["description"]
        assert all(each["datasource"]["uid"] == "${datasource}" for each in [panel, *panel["targets"]])


def test_no_panel_lies_on_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _y in cells) < 24
        taken |= cells
