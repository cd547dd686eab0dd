"""What `awx import` reads: the same objects, each with its natural key and those of what it refers to.

Natural keys: awxkit 24, `NATURAL_KEY` of its pages.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from release.awx import objects
from release.awx.objects import APPROVAL, Fields, Given


def awxkit_import(given: Given, root: Path) -> Fields:
    """What `awx import` reads: the same objects, each with its natural key and those of what it refers to."""
    key = _Keys(given)
    notification = [key.notification()]
    nodes = []
    following = dict(objects.nodes(given))
    for step, node in following.items():
        made: Fields = {"identifier": step, "natural_key": key.node(step), "all_parents_must_converge": False}
        related: Fields = {
            leads: [key.node(name) for name in node[leads]]
            for leads in ("success_nodes", "always_nodes")
            if leads in node
        }
        if step == APPROVAL:
            related["create_approval_template"] = node["approval_node"]
        else:
            made["unified_job_template"] = key.template(given["templates"][step])
        nodes.append({**made, "related": related})
    return {
        "credential_types": [
            {
                **_plain(objects.credential_type(each)),
                "natural_key": key.of("credential_type", name=each["name"], kind="cloud"),
            }
            for each in given["credential_types"]
        ],
        "execution_environments": [
            {
                "name": given["execution_environment"],
                "image": given["execution_environment_image"],
                "pull": "missing",
                "natural_key": key.environment(),
            }
        ],
        "notification_templates": [
            {
                **_plain(objects.notification(given)),
                "organization": key.organization(),
                "natural_key": key.notification(),
            }
        ],
        "projects": [{**objects.project(given), "organization": key.organization(), "natural_key": key.project()}],
        "job_templates": [
            {
                **objects.template(each),
                "project": key.project(),
                "inventory": key.inventory(),
                "execution_environment": key.environment(),
                "natural_key": key.template(each),
                "related": {
                    "survey_spec": objects.survey(given, each, root),
                    "notification_templates_error": notification,
                    "notification_templates_success": notification,
                    "schedules": [
                        {**objects.schedule(schedule), "natural_key": key.schedule(each, schedule)}
                        for schedule in [given["schedules"].get(name)]
                        if schedule
                    ],
                },
            }
            for name, each in given["templates"].items()
        ],
        "workflow_job_templates": [
            {
                **objects.workflow(given),
                "organization": key.organization(),
                "inventory": key.inventory(),
                "natural_key": key.workflow(),
                "related": {
                    "workflow_nodes": nodes,
                    "notification_templates_error": notification,
                    "notification_templates_approvals": notification,
                },
            }
        ],
    }


class _Keys:
    """Natural keys, as awxkit makes and reads them."""

    def __init__(self, given: Given) -> None:
        self._given = given

    def of(self, type_: str, /, **fields: Any) -> Fields:
        return {**fields, "type": type_}

    def organization(self) -> Fields:
        return self.of("organization", name=self._given["organization"])

    def _in_organization(self, kind: str, name: str) -> Fields:
        return self.of(kind, organization=self.organization(), name=name)

    def project(self) -> Fields:
        return self._in_organization("project", self._given["project"])

    def inventory(self) -> Fields:
        return self._in_organization("inventory", self._given["inventory"])

    def environment(self) -> Fields:
        return self.of("execution_environment", name=self._given["execution_environment"])

    def notification(self) -> Fields:
        return self._in_organization("notification_template", self._given["notification"]["name"])

    def template(self, template: Given) -> Fields:
        return self._in_organization("job_template", template["name"])

    def schedule(self, template: Given, schedule: Given) -> Fields:
        return self.of("schedule", unified_job_template=self.template(template), name=schedule["name"])

    def workflow(self) -> Fields:
        return self._in_organization("workflow_job_template", self._given["workflow"]["name"])

    def node(self, step: str) -> Fields:
        return self.of("workflow_job_template_node", workflow_job_template=self.workflow(), identifier=step)


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))
