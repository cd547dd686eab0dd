# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which series a PromQL expression asks for, by their metrics' names. Pure.

No parser: what is no name of a metric (text, matchers, ranges, label lists, functions, words) is taken out first. The
expression must be one that Prometheus takes.
"""

from __future__ import annotations

import re

_TEXT = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`")
_COMMENT = re.compile(r"#[^\n]*")
_MATCHERS = re.compile(r"\{[^{}]*\}")
_RANGE = re.compile(r"\[[^\[\]]*\]")
_LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)", re.IGNORECASE)
_NAME = re.compile(r"(?<![\w:.])([a-zA-Z_:][\w:]*)(?!\s*\()(?![\w:])")
_OPERATORS = "and or unless bool by without on ignoring group_left group_right offset start end inf nan"
_AGGREGATIONS = "sum avg min max count group stddev stdvar topk bottomk quantile count_values limitk limit_ratio"
_WORDS = frozenset(f"{_OPERATORS} {_AGGREGATIONS}".split())
# {__name__="x"} names a metric as well.
_NAMED = re.compile(r"__name__\s*=\s*[\"']([a-zA-Z_:][\w:]*)[\"']")


def metric_names(expression: str) -> set[str]:
    """The names of all metrics that the expression asks for."""
    named = set(_NAMED.findall(expression))
    text = _COMMENT.sub(" ", _TEXT.sub('""', expression))
    for pattern in (_MATCHERS, _RANGE, _LABELS):
        # A space would part a name from the parenthesis of nothing: only what stands inside goes.
        text = pattern.sub(" ", text)
    return named | {name for name in _NAME.findall(text) if name.lower() not in _WORDS}
