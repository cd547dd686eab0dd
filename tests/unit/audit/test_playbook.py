"""The playbook on files, as in anybody's CI: no cluster, the reports, and the exit code of the verdict."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.ansible_playbook.running import ROOT, ansible_playbook, environment

OUTPUTS = {"resilient_traefik_audit_outputs": ["json", "sarif", "junit", "prometheus", "html"]}


def _play(tmp_path: Path, *options: str, **variables: object) -> CompletedProcess[str]:
    given = {"audit_manifests": str(ROOT / "lab" / "workloads"), "resilient_traefik_report_directory": str(tmp_path)}
    arguments = ["-i", "shop.test,", "-c", "local", str(ROOT / "playbooks" / "audit.yml"), *options]
    for name, value in (given | OUTPUTS | variables).items():
        arguments += ["-e", json.dumps({name: value})]
    return ansible_playbook(arguments, environment(ANSIBLE_CALLBACKS_ENABLED="resilient.traefik.exit_code"))


def test_files_are_judged_without_a_cluster(tmp_path: Path) -> None:
    ended = _play(tmp_path)
    assert ended.returncode == 10, ended.stdout + ended.stderr
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".sarif", ".xml", ".prom", ".html"}
    (sarif,) = (json.loads(path.read_text()) for path in tmp_path.glob("*.sarif"))
    places = {result["ruleId"]: result["locations"][0]["physicalLocation"] for result in sarif["runs"][0]["results"]}
    lines = (ROOT / "lab/workloads/traefik/middlewares.yaml").read_text().splitlines()
    assert places["RT101"]["artifactLocation"]["uri"].endswith("lab/workloads/traefik/middlewares.yaml")
    assert "address: http://" in lines[places["RT101"]["region"]["startLine"] - 1]
    assert "500 after 30 s" in ended.stdout


def test_what_is_only_told_passes(tmp_path: Path) -> None:
    ended = _play(tmp_path, resilient_traefik_audit_fail_on="never", resilient_traefik_audit_outputs=[])
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"resilient_traefik_audit_profile": "prod"}, "there is no 'prod' (is production meant?)"),
        ({"audit_manifests": "/nowhere"}, "there is no /nowhere"),
    ],
)
def test_a_wrong_variable_is_told_in_a_sentence(tmp_path: Path, variables: dict[str, object], words: str) -> None:
    ended = _play(tmp_path, **variables)
    assert ended.returncode not in (0, 10)
    assert words in ended.stdout.replace("\\'", "'")


@pytest.mark.parametrize(
    ("tags", "unknown"),
    [
        # Molecule's own, whatever it plays, and again where it looks whether a second run changes nothing.
        ("molecule-notest,notest,molecule-idempotence-notest", ""),
        ("zebra,deep,apple", "apple, zebra"),
        ("notes", "notes"),
    ],
)
def test_tags_that_there_are_not_are_told(tmp_path: Path, tags: str, unknown: str) -> None:
    ended = _play(tmp_path, "--skip-tags", tags, resilient_traefik_audit_fail_on="never")
    assert (ended.returncode == 0) is not bool(unknown), ended.stdout
    assert (f"There is no tag {unknown}; there are audit, deep" in " ".join(ended.stdout.split())) is bool(unknown)
