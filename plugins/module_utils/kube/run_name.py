# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run may be called: its name becomes part of objects' names, and a label's value. Pure."""

from __future__ import annotations

import re

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

# Room for what the journal puts before and behind it in a label's 63 characters.
LONGEST = 52
_PART = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_SHAPE = re.compile(rf"{_PART}(\.{_PART})*")


def run_name_problem(name: str) -> str:
    """Why nothing can be recorded under this name, in words that follow it; empty when it can."""
    if len(name) <= LONGEST and _SHAPE.fullmatch(name):
        return ""
    return (
        f"must be at most {LONGEST} lower-case letters, digits, '-' and '.', and each part between dots must begin and "
        "end with a letter or digit"
    )


def check_run_name(option: str, name: str) -> None:
    """Raises BadArgument for a name under which nothing can be recorded: an empty one is no wish to record nothing."""
    problem = run_name_problem(name)
    if problem:
        raise BadArgument(f"{option}: {name[: 2 * LONGEST]!r} {problem}")
