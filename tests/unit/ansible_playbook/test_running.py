"""A play in a fork is what the program makes of it: exit code, words, environment, and nothing before it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.ansible_playbook import running
from tests.ansible_playbook.running import PROGRAM, ansible_playbook, environment


def book(folder: Path, *tasks: dict[str, Any]) -> list[str]:
    """The arguments for a play of these tasks."""
    path, variables = folder / "play.yml", {"ansible_python_interpreter": sys.executable}
    play = {"hosts": "all", "connection": "local", "gather_facts": False, "vars": variables}
    path.write_text(json.dumps([play | {"tasks": tasks}]))
    return ["-i", "one.test,", str(path)]


def test_it_tells_what_the_program_tells(tmp_path: Path) -> None:
    told = {"ansible.builtin.debug": {"msg": "{{ lookup('env', 'K8S_AUTH_HOST') }} {{ lookup('env', 'PWD') }}"}}
    for last in ({"ansible.builtin.debug": {"msg": "well"}}, {"ansible.builtin.fail": {"msg": "no"}}):
        arguments = book(tmp_path, told, last)
        for host in ("https://one.test", "https://two.test"):
            given = environment(K8S_AUTH_HOST=host)
            forked = ansible_playbook(arguments, given)
            program = subprocess.run([PROGRAM, *arguments], env=given, capture_output=True, text=True, check=False)
            assert (forked.returncode, forked.stdout, forked.stderr) == (
                program.returncode,
                program.stdout,
                program.stderr,
            )
            assert host in forked.stdout


def test_each_play_has_what_the_last_one_had(tmp_path: Path) -> None:
    """A task that needs Ansible's folder for temporary files, twice."""
    written = {"ansible.builtin.copy": {"dest": str(tmp_path / "written"), "content": "{{ lookup('env', 'PWD') }}"}}
    for _time in range(2):
        ended = ansible_playbook(book(tmp_path, written), environment())
        assert ended.returncode == 0, ended.stdout
        (tmp_path / "written").unlink()


def test_settings_of_ansible_count(tmp_path: Path) -> None:
    arguments = book(tmp_path, {"ansible.builtin.debug": {"msg": "well"}})
    usual = ansible_playbook(arguments, environment()).stdout
    assert ansible_playbook(arguments, environment(ANSIBLE_STDOUT_CALLBACK="minimal")).stdout != usual
    assert ansible_playbook(arguments, environment()).stdout == usual


def test_it_ends_with_its_time_and_the_next_one_plays(tmp_path: Path) -> None:
    left = tmp_path / "left"
    slow = {"ansible.builtin.shell": f"sleep 2; touch {left}"}
    with pytest.raises(subprocess.TimeoutExpired):
        ansible_playbook(book(tmp_path, slow), environment(), 1)
    assert ansible_playbook(book(tmp_path, {"ansible.builtin.debug": {}}), environment()).returncode == 0


def test_a_busy_process_makes_nobody_wait(tmp_path: Path) -> None:
    arguments, given = book(tmp_path, {"ansible.builtin.debug": {"msg": "well"}}), environment()
    ansible_playbook(arguments, given)
    server = running._server(given)
    assert server
    with server.free:
        assert ansible_playbook(arguments, given).returncode == 0


def test_it_ends_with_the_tests_that_asked_for_it(tmp_path: Path) -> None:
    """Whoever stops the tests has no play left that goes on writing."""
    began, went_on = tmp_path / "began", tmp_path / "went_on"
    slow = {"ansible.builtin.shell": f"echo $$ > {began}; sleep 3; touch {went_on}"}
    arguments = book(tmp_path, slow)
    asking = f"from tests.ansible_playbook.running import *; ansible_playbook({arguments!r}, environment())"
    tests = subprocess.Popen([sys.executable, "-c", asking], cwd=running.ROOT)
    while not began.exists():
        assert tests.poll() is None
        time.sleep(0.1)
    tests.kill()
    tests.wait()
    time.sleep(4)
    assert not went_on.exists()
