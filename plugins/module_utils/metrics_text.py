# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What programs tell Prometheus, read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

# The text format 0.0.4 of Prometheus: name{label="value",...} number
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


def samples(text: str, start: str = "") -> Iterator[tuple[str, dict[str, str], float]]:
    """Name, labels and value of every sample whose name begins so."""
    for line in text.splitlines():
        sample = _SAMPLE.match(line) if line.startswith(start) else None
        if sample:
            labels = {name: _unescaped(value) for name, value in _LABEL.findall(sample[2] or "")}
            yield sample[1], labels, float(sample[3])


def _unescaped(value: str) -> str:
    return re.sub(r"\\.", lambda escape: _ESCAPES.get(escape[0], escape[0]), value)
