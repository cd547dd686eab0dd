# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The three times of a drill at which something has to be seen of the thing itself. Pure."""

from __future__ import annotations

BEFORE, FAULT, RECOVERY = "before", "fault", "recovery"
MOMENTS = (BEFORE, FAULT, RECOVERY)
