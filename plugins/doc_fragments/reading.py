# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What modules have in common that read a cluster and change nothing, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """None of them sends a write, see tests/unit/test_one_writer.py."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: It only reads, so check mode is the same.
    support: full
  diff_mode:
    description: Nothing changes, so there is no diff.
    support: none
"""
