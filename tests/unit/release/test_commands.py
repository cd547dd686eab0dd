"""Commands of the documentation: each is held against what it calls, or says that it is not run here and why.

ansible-playbook's own parser reads its options, the playbooks' own specification its variables, and the playbooks of
the README are parsed by Ansible. What is called on a cluster the tests on the lab call in their own words.
"""

from __future__ import annotations

import re
import shlex
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.cli.inventory import InventoryCLI
from ansible.cli.playbook import PlaybookCLI

from ansible_collections.resilient.traefik.plugins.module_utils.specification import findings
from release.artefact import ROOT, known_to_git
from release.awx.surveys import options_of
from tests.ansible_playbook.running import ansible_playbook, environment

MARKER = "# not run by a test:"
PAGES = [name for name in known_to_git(ROOT) if name.endswith(".md") and not name.startswith("tests/")]
_FENCE = re.compile(r"^( *)```(?:shell|bash|sh)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
OPTIONS = options_of(ROOT) | {"audit_manifests": {"type": "raw"}}
INVENTORIES = {"inventories/lab", "inventories/example", "clusters.kubeconfig.yml", "fleet.kubeconfig.yml"}


def commands() -> Iterator[tuple[str, str]]:
    """Page and command. A marker in a block holds for the rest of the block."""
    for page in PAGES:
        for _indent, block in _FENCE.findall((ROOT / page).read_text()):
            for line in re.sub(r"\\\n\s*", "", block).splitlines():
                if line.strip().startswith(MARKER):
                    break
                if line.strip() and not line.strip().startswith("#"):
                    yield page, line.strip()


def _parsed(cli: type, words: list[str]) -> Namespace:
    made = cli(words)
    made.init_parser()
    found: Namespace = made.parser.parse_args(words[1:])
    return found


def _playbook(words: list[str]) -> None:
    given = _parsed(PlaybookCLI, words)
    for name in given.args:
        path = f"playbooks/{name.removeprefix('resilient.traefik.')}.yml" if name.startswith("resilient.") else name
        assert (ROOT / path).is_file(), f"there is no playbook {name}"
    assert set(given.inventory) <= INVENTORIES, given.inventory
    values: dict[str, Any] = {}
    for text in given.extra_vars:
        values.update(yaml.safe_load(text) if text.startswith("{") else dict([text.split("=", 1)]))
    assert values.keys() - OPTIONS.keys() == set(), "there is no such variable"
    # RUN and the like are for whoever calls it to fill in.
    filled = {name: value for name, value in values.items() if value != str(value).upper() or str(value).isdigit()}
    assert list(findings({name: OPTIONS[name] for name in filled}, filled)) == []


def _doc(words: list[str]) -> None:
    kind, name = words[words.index("-t") + 1], words[-1].removeprefix("resilient.traefik.")
    folder = {"module": "plugins/modules", "role": "roles"}.get(kind, f"plugins/{kind}")
    assert (ROOT / folder / name).exists() or (ROOT / folder / f"{name}.py").is_file(), f"no {kind} {name}"


def _make(words: list[str]) -> None:
    targets = [word for word in words[1:] if "=" not in word]
    assert set(targets) <= TARGETS, f"the Makefile has no {targets}"


def _pytest(words: list[str]) -> None:
    assert words[1:3] == ["-m", "pytest"]
    for word in words[3:]:
        assert word.startswith("-") or "/" not in word or (ROOT / word).exists(), f"there is no {word}"


def _export(words: list[str]) -> None:
    for plugin in re.findall(r"resilient\.traefik\.(\w+)", words[1]):
        assert (ROOT / f"plugins/callback/{plugin}.py").is_file(), f"no callback {plugin}"


def _echo(words: list[str]) -> None:
    """The inventory of the README, whose plugin has tests of its own."""
    assert yaml.safe_load(words[1]) == {"plugin": "resilient.traefik.kubeconfig"}


def _inventory(words: list[str]) -> None:
    _parsed(InventoryCLI, words)


def _molecule(words: list[str]) -> None:
    if "-s" in words:
        assert (ROOT / "molecule" / words[words.index("-s") + 1]).is_dir()


HELD = {
    "ansible-playbook": _playbook,
    "ansible-inventory": _inventory,
    "ansible-doc": _doc,
    "make": _make,
    ".venv/bin/python": _pytest,
    "export": _export,
    ".venv/bin/molecule": _molecule,
    "molecule": _molecule,
    "echo": _echo,
}


@pytest.mark.parametrize(
    ("page", "command"), [pytest.param(*each, id=f"{each[0]}-{each[1][:60]}") for each in commands()]
)
def test_a_command_calls_what_there_is(page: str, command: str) -> None:
    words = shlex.split(command, comments=True)
    while re.fullmatch(r"[A-Z_0-9]+=.*", words[0]):
        words = words[1:]
    assert words[0] in HELD, f"{page}: hold {words[0]} here, or say in the block '{MARKER} why'"
    HELD[words[0]](words)


def test_the_playbooks_of_the_readme_are_parsed_by_ansible(tmp_path: Path) -> None:
    """By the names under which the installed collection has them, with the README's own inventory."""
    found = dict.fromkeys(re.findall(r"resilient\.traefik\.\w+(?= --limit)", (ROOT / "README.md").read_text()))
    assert len(found) >= 7
    source = tmp_path / "clusters.kubeconfig.yml"
    source.write_text("plugin: resilient.traefik.kubeconfig\n")
    cluster = {"name": "blue", "cluster": {"server": "https://blue.test"}}
    contexts = [{"name": "CONTEXT", "context": {"cluster": "blue", "user": ""}}]
    (tmp_path / "config").write_text(yaml.safe_dump({"clusters": [cluster], "contexts": contexts}))
    arguments = ["--syntax-check", "-i", str(source), *found]
    ended = ansible_playbook(arguments, environment(KUBECONFIG=str(tmp_path / "config")))
    assert ended.returncode == 0, ended.stdout + ended.stderr
