# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""YAML for people: a text of several lines is a literal block, one line of the text a line of the YAML. No I/O."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

_NEXT_LINE = "\x85"


def yaml_text(value: Any, *, sort_keys: bool = True) -> str:
    """Return the value as YAML, lines of up to 120 characters; reading that gives the value again.

    PyYAML quotes a text of several lines all the same where a block could not hold it: with a tab, or with a space at
    the end of a line.
    """
    return str(
        yaml.dump(value, Dumper=_dumper(), sort_keys=sort_keys, default_flow_style=False, width=120, allow_unicode=True)
    )


@functools.cache
def _dumper() -> Any:
    class Dumper(yaml.SafeDumper):
        """The safe one, with literal blocks."""

    Dumper.add_representer(str, _represented)
    return Dumper


def _represented(dumper: Any, text: str) -> Any:
    # PyYAML writes this character, which YAML reads as the end of a line, as it is.
    style = '"' if _NEXT_LINE in text else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
