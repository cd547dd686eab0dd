"""What ends a build or a release, told in a sentence and without a traceback."""

from __future__ import annotations


class ReleaseError(Exception):
    """What failed, on what, and what to do."""
