"""The pages of docs/rules and the schema say what the code says."""

from __future__ import annotations

from tests.unit.audit.rule_pages import FOLDER, files

HOW = "write them anew: .venv/bin/python -m tests.unit.audit.rule_pages"


def test_the_pages_are_those_of_the_rules() -> None:
    wanted = files()
    for path, text in wanted.items():
        assert path.is_file(), f"{path} is missing; {HOW}"
        assert path.read_text(encoding="utf-8") == text, f"{path} is another one; {HOW}"
    assert set(FOLDER.glob("*")) <= set(wanted)
