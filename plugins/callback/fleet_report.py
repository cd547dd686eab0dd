# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends a run with one report of all its clusters."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_report
type: aggregate
short_description: End a run with one report of all its clusters
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
description:
  - Prints a table of the run's clusters, the worst first, and writes it as JSON and as one HTML page.
  - It has what the playbooks of this collection told of each cluster, the last failure of those that failed, and the
    clusters whose turn did not come.
  - What it says of a cluster is what Ansible printed of it. Nothing is asked of a cluster for it.
options:
  directory:
    description:
      - Folder of the files C(fleet.json) and C(fleet.html).
      - Without it C(resilient_traefik_report_directory), else C(build).
    type: str
    ini:
      - section: resilient_traefik
        key: fleet_directory
    env:
      - name: RESILIENT_TRAEFIK_FLEET_DIRECTORY
requirements:
  - Enable it with E(ANSIBLE_CALLBACKS_ENABLED=resilient.traefik.fleet_report), or by C(callbacks_enabled) in
    C(ansible.cfg).
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import write_whole
from ansible_collections.resilient.traefik.plugins.plugin_utils.fleet_page.page import page_of
from ansible_collections.resilient.traefik.plugins.plugin_utils.fleet_page.report import Seen, fleet_report, table

RESULTS = "resilient_traefik_results"
_DIRECTORY = "resilient_traefik_report_directory"


class CallbackModule(CallbackBase):
    """Notes hosts and failures, and writes at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "resilient.traefik.fleet_report"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._hosts: list[str] = []
        self._problems: dict[str, tuple[str, str]] = {}
        self._playbook, self._directory = "", ""

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """The playbook's name."""
        self._playbook = Path(playbook._file_name).stem

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """All hosts of the play, whether or not their turn comes."""
        variables = play.get_variable_manager().get_vars(play=play)
        self._hosts += variables.get("ansible_play_hosts_all") or []
        given = variables.get(_DIRECTORY)
        if isinstance(given, str) and "{{" not in given:
            self._directory = given

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """What a task failed with: of a host the last counts."""
        self._note(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Why a host was not reached."""
        self._note(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print the table and write the files."""
        told = (getattr(stats, "custom", None) or {}).get("_run", {}).get(RESULTS) or {}
        seen = {host: self._seen(host, stats.summarize(host)) for host in stats.processed}
        if not told and not seen:
            return
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        report = fleet_report(self._hosts or list(seen), seen, told, now, self._playbook)
        for line in ["", *table(report)]:
            self._display.display(line)
        folder = Path(self.get_option("directory") or self._directory or "build").expanduser()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / "fleet.json", f"{json.dumps(report, indent=1)}\n".encode())
            write_whole(folder / "fleet.html", page_of(report).encode())
        except OSError as error:
            self._display.warning(f"The fleet's report could not be written into {folder}: {error.strerror}")
        else:
            self._display.display(f"{folder / 'fleet.html'}, {folder / 'fleet.json'}")

    def _note(self, result: Any) -> None:
        found = getattr(result, "result", None) or result._result
        host, task = getattr(result, "host", None) or result._host, getattr(result, "task", None) or result._task
        self._problems[host.get_name()] = (str(found.get("msg") or "failed"), task.get_name())

    def _seen(self, host: str, summary: dict[str, int]) -> Seen:
        problem, task = self._problems.get(host, ("", ""))
        return Seen(summary["failures"], summary["unreachable"], problem, task)
