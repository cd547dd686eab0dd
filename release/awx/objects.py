"""AWX's objects out of awx/templates.yml, without what they refer to: that is named differently by each way in.

Names of fields: infra.aap_configuration 3 and 4 (its roles' README), the modules of awx.awx 24. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from release.awx.surveys import options_of, question_of
from release.errors import ReleaseError

Given = Mapping[str, Any]
Fields = dict[str, Any]

APPROVAL = "approval"
# What whoever launches a template may say otherwise.
ASKED = (
    "limit",
    "tags",
    "skip_tags",
    "diff_mode",
    "job_slice_count",
    "instance_groups",
    "forks",
    "verbosity",
    "variables",
)


class Unsafe(str):
    """A text with braces that are AWX's, not Ansible's."""


def survey(given: Given, template: Given, root: Path) -> Fields:
    """The survey of a template. Raises ReleaseError for a variable that is unknown, undescribed or no question."""
    options = options_of(root)
    spec = []
    for variable in _flat(template["asks"]):
        if variable not in options:
            raise ReleaseError(f"{template['name']} asks for {variable}, and there is no such variable.")
        told = given["questions"].get(variable) or options[variable].get("description")
        if not told:
            raise ReleaseError(
                f"{variable} is asked for and nobody says what it means: see `questions` in templates.yml."
            )
        spec.append(question_of(variable, options[variable], told if isinstance(told, str) else " ".join(told)))
    return {"name": "", "description": "", "spec": spec}


def _flat(asks: Iterable[Any]) -> list[str]:
    return list(chain.from_iterable([each] if isinstance(each, str) else each for each in asks))


def template(each: Given) -> Fields:
    """A job template."""
    return {
        "name": each["name"],
        "description": each["description"],
        "job_type": each.get("job_type", "run"),
        "playbook": each["playbook"],
        "forks": each.get("forks", 0),
        "diff_mode": True,
        # The journal and the lock are each cluster's own, and a second run on a cluster is refused by its lock.
        "allow_simultaneous": True,
        "become_enabled": False,
        "job_slice_count": 1,
        "survey_enabled": True,
        **{f"ask_{what}_on_launch": True for what in ASKED},
    }


def workflow(given: Given) -> Fields:
    """The workflow's template."""
    about = given["workflow"]
    return {
        "name": about["name"],
        "description": about["description"],
        "allow_simultaneous": False,
        "ask_limit_on_launch": True,
        "ask_variables_on_launch": True,
    }


def nodes(given: Given) -> list[tuple[str, Fields]]:
    """By step its node: each leads to the next where it succeeded."""
    steps = given["workflow"]["steps"]
    nodes = []
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        node: Fields = {"identifier": step}
        if step == APPROVAL:
            node["approval_node"] = dict(given["workflow"]["approval"])
        elif step in given["templates"]:
            node["unified_job_template"] = given["templates"][step]["name"]
        else:
            raise ReleaseError(f"The workflow has the step {step}, and there is no template of that name.")
        leads = "always_nodes" if step in given["workflow"].get("whatever", []) else "success_nodes"
        nodes.append((step, {**node, leads: [following] if following else []}))
    return nodes


def project(given: Given) -> Fields:
    """The project of one-line playbooks."""
    return {
        "name": given["project"],
        "description": "One line for each playbook of resilient.traefik",
        "scm_type": "git",
        "scm_url": given["scm_url"],
        "scm_update_on_launch": True,
    }


def schedule(schedule: Given) -> Fields:
    """A schedule."""
    return {"name": schedule["name"], "rrule": schedule["rrule"], "enabled": schedule.get("enabled", True)}


def credential_type(given: Given) -> Fields:
    """A credential type. Its injectors are AWX's templates."""
    return {
        "name": given["name"],
        "description": given["description"],
        "kind": "cloud",
        "inputs": given["inputs"],
        "injectors": _unsafe(given["injectors"]),
    }


def notification(given: Given) -> Fields:
    """The notification and its texts, which are AWX's templates."""
    about = given["notification"]
    messages = {name: {"body": Unsafe(json.dumps({"text": about[name]}))} for name in ("started", "success", "error")}
    waiting = {"body": Unsafe(json.dumps({"text": about["approval"]}))}
    return {
        "name": about["name"],
        "description": "What hardening did, and who has to decide",
        "notification_type": "webhook",
        "notification_configuration": {"url": about["url"], "http_method": "POST", "headers": {}},
        "messages": {**messages, "workflow_approval": {"running": waiting}},
    }


def _unsafe(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unsafe(each) for name, each in value.items()}
    return Unsafe(value) if isinstance(value, str) and "{{" in value else value
