# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of an nginx with njs: its configuration out of templates, its scripts, and what these are told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

# What nginx takes for a parameter of a map and not for a value, also in quotes (ngx_http_map_module).
_MAP_PARAMETERS = frozenset(("default", "hostnames", "include", "volatile"))


def njs_files(
    folder: Path, values: Mapping[str, Any], settings: Mapping[str, Any], parts: Path | None = None
) -> dict[str, str]:
    """By name the rendered ``*.conf.j2`` and the ``*.js`` of the folder, and settings.js with the ``settings``.

    ``parts`` is a folder with more scripts, and with what the templates include.
    """
    folders = [folder] if parts is None else [folder, parts]
    environment = Environment(
        loader=FileSystemLoader(folders),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["map_key"] = lambda key: "\\" + key if key in _MAP_PARAMETERS else key
    environment.filters["milliseconds"] = lambda seconds: f"{round(seconds * 1000)}ms"
    rendered = {
        path.stem: environment.get_template(path.name).render(values) for path in sorted(folder.glob("*.conf.j2"))
    }
    scripts = {path.name: path.read_text() for each in folders for path in sorted(each.glob("*.js"))}
    return rendered | scripts | {"settings.js": f"export default {json.dumps(settings, indent=4)};\n"}
