"""AWX's objects: equal to what their source makes, typed as the playbooks want, and in the shapes that awxkit takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import yaml
from awxkit.api import pages
from awxkit.api.pages.api import EXPORTABLE_RESOURCES
from dateutil.rrule import rrulestr

from ansible_collections.resilient.traefik.plugins.module_utils.specification import findings
from release.artefact import ROOT
from release.awx.objects import survey
from release.awx.surveys import options_of, question_of
from release.awx.writing import written
from release.errors import ReleaseError

GIVEN = yaml.safe_load((ROOT / "awx/templates.yml").read_text())
IMPORT: dict[str, Any] = json.loads((ROOT / "awx/import.json").read_text())
OPTIONS = options_of(ROOT)
QUESTIONS = {
    question["variable"]: question
    for template in GIVEN["templates"].values()
    for question in survey(GIVEN, template, ROOT)["spec"]
}
# Those of AWX 24, awx/main/utils/ansible.py: what it lists as a playbook.
LISTED = re.compile(r"^\s*?-?\s*?(?:hosts|(ansible\.builtin\.)?include|(ansible\.builtin\.)?import_playbook):\s*?.*?$")
TYPES = {"text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect"}
# Pages of awxkit by the section of an import.
PAGES = {
    "credential_types": pages.CredentialType,
    "execution_environments": pages.ExecutionEnvironment,
    "job_templates": pages.JobTemplate,
    "notification_templates": pages.NotificationTemplate,
    "projects": pages.Project,
    "workflow_job_templates": pages.WorkflowJobTemplate,
}


class _Unsafe(yaml.SafeLoader):
    pass


_Unsafe.add_constructor("!unsafe", lambda loader, node: str(node.value))
CONTROLLER: dict[str, Any] = yaml.load((ROOT / "awx/controller.yml").read_text(), _Unsafe)


def test_the_files_are_what_their_source_makes() -> None:
    """It fails after a change of a specification without `make awx`."""
    for path, text in written(ROOT).items():
        assert path.read_text() == text, f"{path.relative_to(ROOT)}: run make awx"


def _answers(question: dict[str, Any]) -> Iterator[Any]:
    """What AWX may hand over for a question: each choice, the bounds and the default."""
    choices = question["choices"].split("\n") if question["choices"] else []
    kind = question["type"]
    assert kind in TYPES
    if kind == "multiselect":
        yield choices
    elif choices:
        yield from choices
    elif kind in ("integer", "float"):
        yield from (question["min"], question["max"])
    elif question["variable"] != "resilient_traefik_run_id":
        yield "x" * question["min"]
    if question["default"] != "":
        yield question["default"]


@pytest.mark.parametrize("variable", QUESTIONS)
def test_no_answer_is_refused_by_the_playbook(variable: str) -> None:
    for answer in _answers(QUESTIONS[variable]):
        assert list(findings({variable: OPTIONS[variable]}, {variable: answer})) == []


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=lambda question: str(question["variable"]))
def test_an_empty_answer_is_not_handed_over(question: dict[str, Any]) -> None:
    """AWX hands over an empty text where `min` is 0, and whoever launches has not chosen that."""
    assert question["required"] is bool(OPTIONS[question["variable"]].get("required"))
    assert question["min"] == 1 or question["type"] not in ("text", "password")


@pytest.mark.parametrize("kind", ["dict", "list", "raw"])
def test_what_no_survey_can_ask_is_refused(kind: str) -> None:
    with pytest.raises(ReleaseError, match=f"sites is a {kind}"):
        question_of("sites", {"type": kind}, "")


@pytest.mark.parametrize(
    ("asked", "message"),
    [("resilient_traefik_runid", "no such variable"), ("resilient_traefik_report_directory", "what it means")],
)
def test_what_is_unknown_or_undescribed_is_refused(asked: str, message: str) -> None:
    with pytest.raises(ReleaseError, match=message):
        survey(GIVEN, {"name": "x", "asks": [asked]}, ROOT)


def test_secrets_are_asked_as_such() -> None:
    assert question_of("key", OPTIONS["resilient_traefik_journal_key"], "told")["type"] == "password"


@pytest.mark.parametrize("template", GIVEN["templates"].values(), ids=lambda template: str(template["name"]))
def test_a_templates_playbook_is_listed_by_awx_and_is_one_of_ours(template: dict[str, Any]) -> None:
    text = (ROOT / "awx/project" / template["playbook"]).read_text()
    assert any(LISTED.match(line) for line in text.splitlines())
    (imported,) = (play["ansible.builtin.import_playbook"] for play in yaml.safe_load(text))
    name = imported.removeprefix("resilient.traefik.")
    assert (ROOT / f"playbooks/{name}.yml").is_file()


def test_the_workflow_is_one_way_and_asks_before_it_writes() -> None:
    steps = GIVEN["workflow"]["steps"]
    (workflow,) = IMPORT["workflow_job_templates"]
    nodes = {node["identifier"]: node for node in workflow["related"]["workflow_nodes"]}
    assert list(nodes) == steps
    for step, following in pairwise(steps):
        edge = "always_nodes" if step == "audit" else "success_nodes"
        (leads,) = nodes[step]["related"][edge]
        assert leads["identifier"] == following
    writing = [step for step in steps if step != "approval" and _writes(GIVEN["templates"][step])]
    assert steps.index("approval") < min(map(steps.index, writing))


def _writes(template: dict[str, Any]) -> bool:
    return template.get("job_type") != "check" and template["playbook"] in ("harden.yml", "drill.yml", "rollback.yml")


# --- by awxkit ------------------------------------------------------------------------------------------------------


class _Related:
    """Stands for an object that another one refers to."""

    id = 1


def _dropped(page: Any, given: dict[str, Any], **related: Any) -> set[str]:
    """The fields that awxkit would not send."""
    told = page.__new__(page).payload(**given, **related)
    return set(given) - set(told)


@pytest.mark.parametrize("template", IMPORT["job_templates"], ids=lambda template: str(template["name"]))
def test_awxkit_sends_every_field_of_a_template(template: dict[str, Any]) -> None:
    plain = {name: value for name, value in template.items() if not isinstance(value, dict)}
    assert _dropped(pages.JobTemplate, plain, project=_Related()) == set()
    assert _dropped(pages.JobTemplate, plain | {"ask_limits_on_launch": True}, project=_Related()) != set()


def test_awxkit_sends_every_field_of_a_workflow_and_its_nodes() -> None:
    (workflow,) = IMPORT["workflow_job_templates"]
    plain = {name: value for name, value in workflow.items() if not isinstance(value, dict)}
    assert _dropped(pages.WorkflowJobTemplate, plain) == set()
    for node in workflow["related"]["workflow_nodes"]:
        own = {name: value for name, value in node.items() if not isinstance(value, dict)}
        related = {"workflow_job_template": _Related(), "unified_job_template": _Related()}
        assert _dropped(pages.WorkflowJobTemplateNode, own, **related) == set()


def test_awxkit_sends_every_field_of_the_rest() -> None:
    for kind in IMPORT["credential_types"]:
        assert _dropped(pages.CredentialType, {name: kind[name] for name in kind if name != "natural_key"}) == set()
    for notification in IMPORT["notification_templates"]:
        own = {name: value for name, value in notification.items() if name not in ("natural_key", "organization")}
        assert _dropped(pages.NotificationTemplate, own, organization=_Related()) == set()


def _natural_keys(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") in _PAGE_BY_TYPE and "natural_key" not in value:
            yield value
        for each in value.values():
            yield from _natural_keys(each)
    elif isinstance(value, list):
        for each in value:
            yield from _natural_keys(each)


_PAGE_BY_TYPE = {
    **{section.rstrip("s"): page for section, page in PAGES.items()},
    "inventory": pages.Inventory,
    "organization": pages.Organization,
    "schedule": pages.Schedule,
    "workflow_job_template_node": pages.WorkflowJobTemplateNode,
}


def test_natural_keys_are_those_of_awxkit() -> None:
    found = list(_natural_keys(IMPORT))
    assert {key["type"] for key in found} == set(_PAGE_BY_TYPE)
    for key in found:
        assert set(key) - {"type"} == set(_PAGE_BY_TYPE[key["type"]].NATURAL_KEY), key


def test_what_is_referred_to_is_imported_or_said_to_be_there() -> None:
    """Inventory and organization are the user's own."""
    own = {json.dumps(each["natural_key"], sort_keys=True) for section in IMPORT.values() for each in section}
    (workflow,) = IMPORT["workflow_job_templates"]
    own |= {json.dumps(node["natural_key"], sort_keys=True) for node in workflow["related"]["workflow_nodes"]}
    referred = {
        json.dumps(key, sort_keys=True)
        for key in _natural_keys(IMPORT)
        if key["type"] not in ("inventory", "organization", "schedule")
    }
    assert referred - own == set()


@pytest.mark.parametrize("schedule", GIVEN["schedules"].values(), ids=lambda schedule: str(schedule["name"]))
def test_schedules_recur(schedule: dict[str, Any]) -> None:
    rule = rrulestr(schedule["rrule"].replace(" ", "\n"))
    first, second = (moment for moment, _ in zip(rule, range(2), strict=False))
    assert second > first


def test_both_ways_in_have_the_same_templates() -> None:
    def shared(template: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in template.items() if isinstance(value, (str, bool, int))}

    plain = [shared(template) for template in IMPORT["job_templates"]]
    assert [
        {name: each[name] for name in own} for each, own in zip(CONTROLLER["controller_templates"], plain, strict=True)
    ] == plain


def test_awxkit_knows_all_sections() -> None:
    assert set(IMPORT) <= set(EXPORTABLE_RESOURCES)
