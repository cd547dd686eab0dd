"""What the dashboard asks Prometheus for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "roles" / "alerts" / "files" / "dashboard.json"


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def expressions() -> dict[str, str]:
    """By panel and letter (the annotations by their name) each expression, with a range where Grafana fills one in."""
    found = dashboard()
    asked = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in found["panels"]
        for target in panel["targets"]
    }
    asked |= {f"annotation {each['name']}": each["expr"] for each in found["annotations"]["list"]}
    return {where: expression.replace("$__rate_interval", "5m") for where, expression in asked.items()}
