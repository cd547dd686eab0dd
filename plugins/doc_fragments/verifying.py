# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long modules wait that advise before a change and verify it afterwards, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """Each has an option ``verify`` of its own words."""

    DOCUMENTATION = r"""
options:
  wait_timeout:
    description: With O(verify=true) the seconds to wait for all checks to pass.
    type: int
    default: 30
"""
