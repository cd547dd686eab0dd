# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module authentik_settings, in the controller's process."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.modules import authentik_settings
from ansible_collections.resilient.traefik.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """Runs the module's body here on a local connection."""

    MODULE = authentik_settings
