"""The variables of infra.aap_configuration, whose fields are those of the modules of awx.awx."""

from __future__ import annotations

from pathlib import Path

from release.awx import objects
from release.awx.objects import APPROVAL, Fields, Given


def controller(given: Given, root: Path) -> Fields:
    """The variables of infra.aap_configuration."""
    organization, notification = given["organization"], given["notification"]["name"]
    return {
        "controller_credential_types": [objects.credential_type(each) for each in given["credential_types"]],
        "controller_execution_environments": [
            {"name": given["execution_environment"], "image": given["execution_environment_image"], "pull": "missing"}
        ],
        "controller_projects": [{**objects.project(given), "organization": organization}],
        "controller_notifications": [{**objects.notification(given), "organization": organization}],
        "controller_templates": [
            {
                **objects.template(each),
                "organization": organization,
                "project": given["project"],
                "inventory": given["inventory"],
                "execution_environment": given["execution_environment"],
                "credentials": given["credentials"],
                "survey_spec": objects.survey(given, each, root),
                "notification_templates_error": [notification],
                "notification_templates_success": [notification],
            }
            for each in given["templates"].values()
        ],
        "controller_workflows": [
            {
                **objects.workflow(given),
                "organization": organization,
                "inventory": given["inventory"],
                "notification_templates_error": [notification],
                "notification_templates_approvals": [notification],
                "simplified_workflow_nodes": [
                    node if APPROVAL in step else {**node, "lookup_organization": organization}
                    for step, node in objects.nodes(given)
                ],
            }
        ],
        "controller_schedules": [
            {
                **objects.schedule(each),
                "unified_job_template": given["templates"][name]["name"],
                "organization": organization,
            }
            for name, each in given["schedules"].items()
        ],
    }
