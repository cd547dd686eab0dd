# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""YAML of people and for people: read without losing a key, written with a text of several lines as a block. No I/O."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

_NEXT_LINE = "\x85"
_MERGE = "tag:yaml.org,2002:merge"


def yaml_text(value: Any, *, sort_keys: bool = True) -> str:
    """Return the value as YAML, lines of up to 120 characters; reading that gives the value again.

    PyYAML quotes a text of several lines all the same where a block could not hold it: with a tab, or with a space at
    the end of a line.
    """
    return str(
        yaml.dump(value, Dumper=_dumper(), sort_keys=sort_keys, default_flow_style=False, width=120, allow_unicode=True)
    )


def read_yaml(text: str) -> Any:
    """Return what a text of YAML says, None for an empty one. Raises ValueError with the place of what is wrong.

    A key that a mapping has twice is wrong: PyYAML takes the last and says nothing, and what stood at the first would
    be lost with the next writing. Anchors and ``<<`` are read as YAML 1.1 has them.
    """
    try:
        return yaml.load(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(f"{place}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


@functools.cache
def _loader() -> Any:
    class Loader(yaml.SafeLoader):
        """The safe one, which takes no key twice."""

    def mapping(loader: Any, node: Any) -> Any:
        seen = dict[str, int]()
        for key, _value in node.value:
            if key.tag == _MERGE or not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                words = f"{key.value} stands there twice, first in line {seen[key.value]}"
                raise yaml.constructor.ConstructorError(None, None, words, key.start_mark)
            seen[key.value] = key.start_mark.line + 1
        return loader.construct_yaml_map(node)

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    return Loader


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
