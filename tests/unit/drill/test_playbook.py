"""The scenarios are the same wherever they are listed."""

from __future__ import annotations

from pathlib import Path

import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.drill.scenarios import SCENARIOS
from ansible_collections.resilient.traefik.plugins.modules import drill

ROOT = Path(__file__).parents[3]


def test_playbook_module_and_documentation_know_the_same_scenarios() -> None:
    (play,) = yaml.safe_load((ROOT / "playbooks" / "drill.yml").read_text())
    assert set(play["vars"]["_all_scenarios"]) == set(SCENARIOS)
    specification = yaml.safe_load((ROOT / "playbooks" / "vars" / "variables.yml").read_text())
    chosen = specification["resilient_traefik_drill_scenarios"]["options"]["scenario"]["choices"]
    assert chosen == play["vars"]["_all_scenarios"]
    for by_scenario in ("resilient_traefik_drill_expect", "resilient_traefik_drill_alerts"):
        assert list(specification[by_scenario]["options"]) == chosen
    assert set(yaml.safe_load(drill.DOCUMENTATION)["options"]["scenario"]["choices"]) == set(SCENARIOS)
    rows = [
        line.split("`")[1] for line in (ROOT / "docs" / "drill.md").read_text().splitlines() if line.startswith("| `")
    ]
    assert rows[: len(SCENARIOS)] == play["vars"]["_all_scenarios"]
