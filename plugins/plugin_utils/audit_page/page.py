# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit's report as one HTML page that needs no network. No I/O but reading its own files.

It stands in the house of the drill's page: the same style sheet, the same policy, the same escaping.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import SEVERITIES
from ansible_collections.resilient.traefik.plugins.plugin_utils.audit_page.views import page_view
from ansible_collections.resilient.traefik.plugins.plugin_utils.drill_page import page as drill_page

FOLDER = Path(__file__).parent
# The first is a comment: the licence of the second goes wherever it goes.
SCRIPTS = ("vendor/dagre.min.js.LEGAL.txt", "vendor/dagre.min.js", "picture.js", "page.js")
STYLES = (drill_page.FOLDER / "page.css", FOLDER / "page.css")


def page_of(report: Mapping[str, Any]) -> str:
    """The page's text. All that comes from the report is escaped, in HTML and in the data for the scripts."""
    script = drill_page.bundle(FOLDER / name for name in SCRIPTS)
    style = drill_page.bundle(STYLES)
    view = page_view(report)
    environment = drill_page.environment_of(FOLDER)
    return environment.get_template("page.html.j2").render(
        report=report,
        view=view,
        severities=SEVERITIES,
        policy=drill_page.policy(script, style),
        script=Markup(script),  # ours, without any data
        style=Markup(style),
        data=drill_page.script_data(view["picture"]),
    )
