"""Runs the project of awx/ by ansible-runner, with exactly what AWX hands over to a job."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
import yaml

from tests.ansible_playbook.running import environment

ROOT = Path(__file__).parents[2]
TEMPLATES = yaml.safe_load((ROOT / "awx/templates.yml").read_text())["templates"]
# AWX 24, awx/main/models/jobs.py: each of them twice, by both names.
_ABOUT = {
    "job_id": 7,
    "job_template_id": 3,
    "job_template_name": "a template",
    "job_launch_type": "manual",
    "project_revision": "0" * 40,
    "user_id": 1,
    "user_name": "admin",
    "user_email": "",
    "inventory_id": 2,
    "inventory_name": "clusters",
}
JOB_VARIABLES = {f"{prefix}_{name}": value for prefix in ("awx", "tower") for name, value in _ABOUT.items()}


@dataclass(frozen=True)
class Job:
    """A job's end: AWX's word for it, all that it printed, its artifacts, and the names of its tasks that failed."""

    status: str
    output: str
    artifacts: dict[str, Any]
    failed: list[str]


def credential(host: str, token: str, authority: str) -> dict[str, str]:
    """What the credential *OpenShift or Kubernetes API Bearer Token* injects: files as paths, flags as texts.

    Without an authority it does not verify. Source: awx/main/models/credential/injectors.py of AWX 24.
    """
    given = {"K8S_AUTH_HOST": host, "K8S_AUTH_API_KEY": token}
    if authority:
        return {**given, "K8S_AUTH_VERIFY_SSL": "True", "K8S_AUTH_SSL_CA_CERT": authority}
    return {**given, "K8S_AUTH_VERIFY_SSL": "False"}


def launch(template: str, folder: Path, injected: dict[str, str], **answers: Any) -> Job:
    """Launch a template on an inventory of one cluster. `answers` are those of its survey."""
    about = TEMPLATES[template]
    project = folder / "project"
    shutil.copytree(ROOT / "awx/project", project)
    (folder / "inventory").mkdir()
    hosts = {"remote_tower_enabled": "true", "remote_tower_id": 1, "ansible_connection": "local"}
    listed = {"all": {"hosts": {"blue": hosts}}}
    (folder / "inventory/hosts.yml").write_text(yaml.safe_dump(listed))
    flags = ["--check"] if about.get("job_type") == "check" else []
    runner = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=about["playbook"],
        inventory=str(folder / "inventory"),
        extravars={**JOB_VARIABLES, "resilient_traefik_report_directory": str(folder / "reports"), **answers},
        envvars=_environment(injected),
        cmdline=" ".join([*flags, "--diff"]),
        quiet=True,
    )
    events = list(runner.events)
    artifacts = [event["event_data"].get("artifact_data") for event in events if event["event"] == "playbook_on_stats"]
    failed = [event["event_data"]["task"] for event in events if event["event"] == "runner_on_failed"]
    printed = "".join(event.get("stdout") or "" for event in events) + json.dumps(artifacts)
    return Job(runner.status, printed, artifacts[-1] or {} if artifacts else {}, failed)


def _environment(injected: dict[str, str]) -> dict[str, str]:
    # ansible-runner brings a callback of its own, by the same variables.
    kept = {name: value for name, value in environment().items() if not name.startswith("ANSIBLE_CALLBACK")}
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    awx = {
        "ANSIBLE_FORCE_COLOR": "True",
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    }
    return {**kept, "PATH": programs, **awx, **injected}
