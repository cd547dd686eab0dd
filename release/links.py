"""Links of Markdown files: which there are, and those out of a set of files led to where the rest can be read. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Container, Iterator

_LINK = re.compile(r"(\]\()([^()\s]+)(\))")
_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


def links(text: str) -> Iterator[str]:
    """The targets of all links and pictures that lead to a file or a heading, not to a site."""
    for found in _LINK.finditer(_FENCE.sub("", text)):
        if not _is_site(found[2]):
            yield found[2]


def anchors(text: str) -> set[str]:
    """The anchors of the headings, as forges make them."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        number = next(n for n in range(1000) if (f"{anchor}-{n}" if n else anchor) not in found)
        found.add(f"{anchor}-{number}" if number else anchor)
    return found


def target_of(path: str, link: str) -> tuple[str, str]:
    """The file, from the root, and the anchor that a link of the file `path` leads to."""
    name, _, anchor = link.partition("#")
    return (posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) if name else path), anchor


def led_out(text: str, path: str, kept: Container[str], elsewhere: Callable[[str], str]) -> str:
    """The text of the file `path` with each link to a file that is not `kept` led to `elsewhere` of it."""

    def lead(found: re.Match[str]) -> str:
        if _is_site(found[2]) or found[2].startswith("#"):
            return found[0]
        target, anchor = target_of(path, found[2])
        if target in kept:
            return found[0]
        return f"{found[1]}{elsewhere(target)}{'#' if anchor else ''}{anchor}{found[3]}"

    return _LINK.sub(lead, text)


def _is_site(link: str) -> bool:
    return "://" in link or link.startswith("mailto:")
