"""The output callback: one line a step, and what changed, failed or is worth knowing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ansible_playbook.running import ansible_playbook, environment

FAILING = (
    "Middleware web/login asks nobody, since Service web/gone is not there, and what it asked before is not either."
)
STEP = [
    {"name": "Keep a fact", "set_fact": {"kept": 1}},
    {"name": "Write a file", "copy": {"content": "new\n", "dest": "{{ place }}", "mode": "0644"}},
    {"name": "Say what is known", "debug": {"msg": "it is written"}},
]
QUIET = [{"name": "Look", "stat": {"path": "/"}}, {"name": "Skip", "stat": {"path": "/"}, "when": False}]


class Played:
    """Plays tasks, with two files to import from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, tasks: list[dict[str, Any]], *arguments: str, hosts: str = "one,") -> str:
        for name, content in {"step.yml": STEP, "quiet.yml": QUIET}.items():
            (self.folder / name).write_text(json.dumps(content))
        book = self.folder / "book.yml"
        book.write_text(json.dumps([{"name": "Try", "hosts": "all", "gather_facts": False, "tasks": tasks}]))
        given = ["-e", f"place={self.folder / 'file'}", "-e", f"ansible_python_interpreter={sys.executable}"]
        settings = environment(ANSIBLE_STDOUT_CALLBACK="resilient.traefik.brief")
        ended = ansible_playbook(["-i", hosts, "-c", "local", str(book), *given, *arguments], settings)
        return ended.stdout + ended.stderr


@pytest.fixture
def played(tmp_path: Path) -> Played:
    return Played(tmp_path)


def test_a_step_is_a_line_and_what_changed_stands_beneath_it(played: Played) -> None:
    tasks: list[dict[str, Any]] = [
        {"name": "Look around", "import_tasks": "quiet.yml"},
        {"name": "Write things", "import_tasks": "step.yml"},
        {"name": "Look again", "include_tasks": "quiet.yml"},
        {"name": "Ask", "stat": {"path": "/"}},
    ]
    lines = played(tasks).splitlines()
    assert lines[:7] == [
        "Try",
        "Look around",
        "Write things",
        "  changed: Write a file",
        "  it is written",
        "Look again",
        "Ask",
    ]
    assert lines[7].startswith("one: 1 changed, 0 failed of ")
    assert len(lines) == 8


def test_the_diff_stands_beneath_what_changed(played: Played) -> None:
    lines = played([{"name": "Write things", "import_tasks": "step.yml"}], "--check", "--diff").splitlines()
    assert lines[:3] == ["Try (check mode: nothing is written)", "Write things", "  changed: Write a file"]
    assert "+new" in lines


def test_failures_are_whole_and_told_once(played: Played) -> None:
    tell = {"name": "Say what to do", "fail": {"msg": "{{ ansible_failed_result.msg }} Go back by rollback."}}
    code = "print(40 + 2); raise SystemExit(3)"
    output = played(
        [
            {"name": "Fail some", "fail": {"msg": "bad {{ item }}"}, "loop": [1, 2], "when": "item == 2"}
            | {"ignore_errors": True},
            {"name": "Run", "command": f"{sys.executable} -c '{code}'", "ignore_errors": True},
            {"block": [{"name": "Fail", "fail": {"msg": FAILING}}], "rescue": [tell]},
        ]
    )
    assert "  failed for 2 [one]: Fail some\n    bad 2\n" in output
    assert '"stdout": "42"' in output, "modules of others show all that they return"
    assert '"rc": 3' in output
    assert "book.yml" in output, "where the task stands"
    assert output.count(FAILING.rstrip(".")) == 1
    assert "  failed [one]: Say what to do\n    (as above). Go back by rollback.\n" in output
    assert "[ERROR]: Task failed: Action failed: Middleware" not in output
    assert output.splitlines()[-1].endswith("With -v: each task.")


def test_messages_are_told_as_they_are_read(played: Played) -> None:
    told = {"runs": ["a"], "left_alone": [], "objects": {"Secret": 3}}
    long = {"name": "Tell", "debug": {"msg": "{{ range(100, 160) | map('string') | list }}"}}
    whole = {"name": "Tell", "debug": {"msg": "{{ range(200, 260) | map('string') | list }}"}}
    tasks = [{"name": "Tell", "debug": {"msg": told}}, long, whole | {"vars": {"_shown_whole": True}}]
    output = played(tasks)
    assert "runs:\n- a\nobjects:\n  Secret: 3\n" in output
    assert "left_alone" not in output, "nothing is said of what is empty"
    assert "138\n... and 21 more lines: with -v they are shown\n" in output
    assert "159" not in output
    assert "259" in output


def test_hosts_are_named_where_there_are_several(played: Played) -> None:
    output = played([{"name": "Tell", "debug": {"msg": "for {{ inventory_hostname }}"}}], hosts="one,two,")
    assert "[one] for one\n" in output
    assert "[two] for two\n" in output


def test_with_v_it_is_the_output_of_ansible(played: Played) -> None:
    output = played([{"name": "Look around", "import_tasks": "quiet.yml"}], "-v")
    assert "TASK [Look] " in output
    assert "PLAY RECAP " in output
