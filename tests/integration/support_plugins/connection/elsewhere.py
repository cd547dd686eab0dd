"""The local connection under another name: Ansible then sends the module itself, as to any other host."""

from __future__ import annotations

from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = """
name: elsewhere
short_description: A host that is not the controller
description: Runs commands here, and is not the local connection.
"""


class Connection(LocalConnection):
    """See the module's docstring."""

    transport = "elsewhere"
