# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleet's report as one HTML page that needs no network, in the look of the drills' page. Pure, but for reading."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ansible_collections.resilient.traefik.plugins.plugin_utils.drill_page.page import bundle, environment_of, policy
from ansible_collections.resilient.traefik.plugins.plugin_utils.fleet_page.report import TONES, counted, word_of

FOLDER = Path(__file__).parent
SCRIPTS = (FOLDER / "page.js",)
STYLES = (FOLDER.parent / "drill_page" / "page.css", FOLDER / "page.css")
_STATES = {"passed": "✓", "failed": "✕", "not_looked_at": "·", "not_there": "-"}


def page_of(report: Mapping[str, Any]) -> str:
    """The page's text. All that comes from the report is escaped."""
    script, style = bundle(SCRIPTS), bundle(STYLES)
    environment = environment_of(FOLDER)
    environment.filters |= {"word": word_of, "counted": counted, "tone": lambda verdict: TONES.get(verdict, verdict)}
    return environment.get_template("page.html.j2").render(
        report=report,
        states=_STATES,
        policy=policy(script, style),
        script=Markup(script),  # ours, without any data
        style=Markup(style),
    )
