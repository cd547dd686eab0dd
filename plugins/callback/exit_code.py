# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends ansible-playbook with the exit code of the worst verdict of drills and audits."""

from __future__ import annotations

DOCUMENTATION = r"""
name: exit_code
type: aggregate
short_description: End ansible-playbook with the exit code of the verdict of a drill or an audit
version_added: 0.3.0
author: The resilient.traefik authors (@resilient)
description:
  - Ansible itself ends with 2 whatever failed. With this callback a run of drills ends with 0 when all passed, 10 when
    one deviated, 11 when one was not run, 12 when a measurement was inconclusive, and 13 when a cluster is not as it
    was before.
  - A run of audits ends with 0 when all passed, 10 when there are findings that one was to fail on, 11 where there is
    no Traefik, and 12 where too little could be read.
  - Where clusters differ, the worst verdict counts. Runs without a drill report or an audit end as they always do.
requirements:
  - Enable it with C(ANSIBLE_CALLBACKS_ENABLED=resilient.traefik.exit_code).
"""

from typing import Any

from ansible.plugins.callback import CallbackBase

from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import EXIT_CODES, worst


class CallbackModule(CallbackBase):
    """Looks at the results of M(resilient.traefik.drill_report) and M(resilient.traefik.audit)."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "resilient.traefik.exit_code"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._verdicts: list[str] = []

    def v2_runner_on_ok(self, result: Any) -> None:
        """A report that passed, or whose failure the playbook keeps for later."""
        self._see(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A report that did not pass."""
        self._see(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The end of the run."""
        hosts = stats.processed
        others_failed = any(stats.summarize(host)["unreachable"] for host in hosts)
        if self._verdicts and not others_failed and worst(self._verdicts) != "passed":
            # Not an error that Ansible would report, and no failure of a task: the process is to end with this code.
            raise SystemExit(EXIT_CODES[worst(self._verdicts)])

    def _see(self, result: Any) -> None:
        found = getattr(result, "result", None) or result._result
        verdict = found.get("verdict")
        if "files" in found and verdict in EXIT_CODES:
            self._verdicts.append(verdict)
