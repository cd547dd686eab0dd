"""The order in which a fleet is taken: canaries, batches, and who stops whom. By Ansible, without any cluster."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.plugin_utils.batching import batches
from tests.ansible_playbook.running import ansible_playbook, environment

ROOT = Path(__file__).parents[3]
MECHANICS = Path(__file__).with_name("batches.yml")
INVENTORY = {
    "all": {
        "vars": {"ansible_connection": "local"},
        "hosts": dict.fromkeys("abcde"),
        "children": {"canaries": {"hosts": dict.fromkeys("de")}},
    }
}
FLEET = ("harden", "verify", "drill", "rollback")


@pytest.mark.parametrize(
    ("canaries", "serial", "sizes"),
    [
        (0, None, [0]),
        (0, "", [0]),
        (2, None, [2, 0]),
        (2, "3", [2, 3]),
        (0, 5, [5]),
        (1, [2, "30%"], [1, 2, "30%"]),
    ],
)
def test_sizes(canaries: int, serial: Any, sizes: list[int | str]) -> None:
    assert batches(canaries, serial) == sizes


@pytest.mark.parametrize("serial", ["many", -1, "x%", {"a": 1}])
def test_what_is_no_size_is_refused(serial: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        batches(0, serial)


def _play(folder: Path, *broken: str, limit: str = "", **variables: Any) -> tuple[int, list[list[str]], str]:
    """The exit code, the clusters that were worked on by batch, and all that was printed."""
    inventory = folder / "inventory.yml"
    inventory.write_text(yaml.safe_dump(INVENTORY))
    given = json.dumps({"broken": list(broken), **variables})
    arguments = ["-i", str(inventory), str(MECHANICS), "-e", given, *(["--limit", limit] if limit else [])]
    ended = ansible_playbook(arguments, environment())
    worked = re.findall(r"worked on \w beside ([\w ]+)", ended.stdout)
    printed = " ".join((ended.stdout + ended.stderr).split())
    return ended.returncode, [each.split() for each in dict.fromkeys(worked)], printed


def test_canaries_come_first_and_then_batches(tmp_path: Path) -> None:
    code, worked, _output = _play(tmp_path, resilient_traefik_canary="canaries", resilient_traefik_serial=2)
    assert (code, worked) == (0, [["d", "e"], ["a", "b"], ["c"]])


def test_a_canary_that_fails_stops_the_rest(tmp_path: Path) -> None:
    code, worked, output = _play(tmp_path, "d", resilient_traefik_canary="canaries")
    assert code == 2
    assert worked == [["d", "e"]], "the batch itself goes on"
    assert "Nothing was changed here: 1 of 5 clusters failed before (d), and 0 % may" in output


def test_as_many_as_may_fail_stop_nobody(tmp_path: Path) -> None:
    allowed: dict[str, Any] = {"resilient_traefik_serial": 2, "resilient_traefik_max_fail_percentage": 20}
    _code, worked, output = _play(tmp_path, "a", "c", **allowed)
    assert {name for batch in worked for name in batch if name not in "ac"} == {"b", "d"}
    assert "2 of 5 clusters failed before (a, c), and 20 % may" in output


def test_without_batches_nobody_stops_anybody(tmp_path: Path) -> None:
    _code, worked, _output = _play(tmp_path, "a", "b")
    assert {name for batch in worked for name in batch} >= set("cde")


def test_the_limit_counts_for_canaries_too(tmp_path: Path) -> None:
    _code, worked, _output = _play(tmp_path, limit="a,b,d", resilient_traefik_canary="canaries")
    assert worked == [["d"], ["a", "b"]]
    code, worked, output = _play(tmp_path, limit="a,b", resilient_traefik_canary="canaries")
    assert (code, worked) == (2, [])
    assert "no cluster of this run fits canaries" in output


def test_a_serial_that_is_none_is_told(tmp_path: Path) -> None:
    code, worked, output = _play(tmp_path, resilient_traefik_serial="some")
    assert code != 0
    assert worked == []
    assert "resilient_traefik_serial: expected a number, a percentage or a list" in output


@pytest.mark.parametrize("name", FLEET)
def test_each_playbook_waits_for_its_turn_first(name: str) -> None:
    (mechanics,) = yaml.safe_load(MECHANICS.read_text())
    (play,) = yaml.safe_load((ROOT / f"playbooks/{name}.yml").read_text())
    assert (play["hosts"], play["serial"]) == (mechanics["hosts"], mechanics["serial"])
    first = play["tasks"][0]
    assert first["ansible.builtin.import_tasks"] == "tasks/turn.yml"
    assert first.get("tags", ["always"]) == ["always"]
