# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The drill's report as one HTML page that needs no network. Pure, but for reading its own files.

It lives here and not in module_utils because it stands on a template, a style sheet and scripts: modules travel to
other machines as Python files only, plugin_utils stay on the controller, where the report is written anyway.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ansible_collections.resilient.traefik.plugins.module_utils.drill import report_words as words
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_schema import KINDS
from ansible_collections.resilient.traefik.plugins.plugin_utils.drill_page.views import page_view

FOLDER = Path(__file__).parent
SCRIPTS = ("vendor/uPlot.iife.min.js", "charts.js", "page.js")
STYLES = ("vendor/uPlot.min.css", "page.css")
# What could end a script or begin a comment in the middle of data.
_IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def page_of(report: Mapping[str, Any]) -> str:
    """The page's text. All that comes from the report is escaped, in HTML and in the data for the scripts."""
    script = bundle(FOLDER / name for name in SCRIPTS)
    style = bundle(FOLDER / name for name in STYLES)
    environment = environment_of(FOLDER)
    environment.filters |= {
        "wait": words.wait,
        "seconds": words.seconds,
        "count": words.count,
        "percent": words.percent,
        "kinds": words.kinds_told,
    }
    return environment.get_template("page.html.j2").render(
        report=report,
        view=page_view(report),
        kinds=words.KIND_WORDS,
        kind_meanings=KINDS,
        verdict_words=words.VERDICT_WORDS,
        meanings=words.MEANINGS,
        policy=policy(script, style),
        script=Markup(script),  # ours, without any data
        style=Markup(style),
        data=script_data(report),
    )


def environment_of(folder: Path) -> Environment:
    """Templates of a folder, in which everything is escaped and nothing is missing."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def script_data(value: Any) -> Markup:
    """The value as JSON that nothing in it can lead out of its script element."""
    return Markup(json.dumps(value).translate(_IN_SCRIPT))


def bundle(files: Iterable[Path]) -> str:
    """The files' texts, one after the other."""
    return "\n" + "\n".join(file.read_text(encoding="utf-8") for file in files)


def policy(script: str, style: str) -> str:
    """Nothing may be fetched, and of scripts and styles only these two are used."""
    hashes = f"script-src {_hash(script)}; style-src {_hash(style)}"
    return f"default-src 'none'; {hashes}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
