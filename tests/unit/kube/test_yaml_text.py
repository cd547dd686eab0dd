"""YAML for people: literal blocks, and the same value when it is read."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.yaml_text import read_yaml, yaml_text

ODD = ["\n", " ", "\t", ":", "#", "-", "|", ">", "'", '"', "{", "ü", "\u2028", "\x85", "\ufeff", "\U0001f511", "x", "1"]


def some_value(chance: random.Random, depth: int = 0) -> Any:
    """Return any value that JSON has, its texts of characters that mean something in YAML."""
    kind = chance.randrange(6 if depth < 3 else 4)
    text = "".join(chance.choices(ODD, k=chance.randrange(12)))
    if kind > 3:
        inner = [some_value(chance, depth + 1) for _each in range(chance.randrange(4))]
        return inner if kind == 4 else {f"{text}{number}": each for number, each in enumerate(inner)}
    return chance.choice([text, text, None, True, 7])


@pytest.mark.parametrize("seed", range(40))
def test_it_is_read_as_what_it_was(seed: int) -> None:
    chance = random.Random(seed)
    for _round in range(50):
        value = some_value(chance)
        assert yaml.safe_load(yaml_text(value)) == value
        assert yaml.safe_load(yaml_text(value, sort_keys=False)) == value


def test_a_line_of_a_text_is_a_line_of_the_yaml() -> None:
    item = {"data": {"nginx.conf": "http {\n    server_tokens off;\n}\n", "name": "größer"}}
    assert yaml_text(item) == (
        "data:\n  name: größer\n  nginx.conf: |\n    http {\n        server_tokens off;\n    }\n"
    )


@pytest.mark.parametrize("text", ["a\tb\n", "ends with a space \nb", "\n", " begins\nindented", "a\n\n\nb"])
def test_what_a_block_cannot_hold_is_quoted(text: str) -> None:
    assert yaml.safe_load(yaml_text({"text": text})) == {"text": text}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: {c: 1, c: 2}\n", "line 2, column 11: c stands there twice, first in line 2"),
        ("a: [1\nb: 2\n", "line 2, column"),
        ("a: !!python/name:os.system\n", "could not determine a constructor"),
    ],
)
def test_what_is_wrong_with_a_text_is_told_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        read_yaml(text)


def test_a_text_is_read_as_the_safe_loader_reads_it() -> None:
    text = "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2021-01-01\n? [1, 2]\n: pair\n"
    with pytest.raises(ValueError, match="unhashable"):
        read_yaml(text)
    text = text.partition("?")[0]
    assert read_yaml(text) == yaml.safe_load(text)
    assert read_yaml("") is None
