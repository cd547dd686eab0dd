"""Links of the documentation lead somewhere, in the repository and in the artefact."""

from __future__ import annotations

import pytest

from release.artefact import ROOT, known_to_git
from release.links import anchors, led_out, links, target_of

FILES = known_to_git(ROOT)
PAGES = [name for name in FILES if name.endswith(".md")]
# Written by `make test-all`.
MADE = {"docs/tested.md"}
ANCHORS = {name: anchors((ROOT / name).read_text()) for name in PAGES}


def test_anchors_are_those_of_forges() -> None:
    text = "# One `two`\n## What's *there*, [linked](x.md)\n```\n# not this\n```\n## One two\n"
    assert anchors(text) == {"one-two", "whats-there-linked", "one-two-1"}


def test_only_links_that_are_links() -> None:
    text = "[a](x.md#y) ![b](c.svg)\n```\n[no](no.md)\n```\n[d](https://e.test/) [f](mailto:g@h.test)"
    assert list(links(text)) == ["x.md#y", "c.svg"]


def test_targets_are_from_the_root() -> None:
    assert target_of("roles/a/README.md", "../../docs/x.md#y") == ("docs/x.md", "y")
    assert target_of("docs/x.md", "#y") == ("docs/x.md", "y")


def test_what_is_not_kept_is_led_out() -> None:
    text = "[a](../docs/x.md) [b](../tests/y.py#z) [c](#d) [e](https://f.test)"
    assert led_out(text, "docs/b.md", {"docs/x.md"}, lambda path: f"https://git.test/{path}") == (
        "[a](../docs/x.md) [b](https://git.test/tests/y.py#z) [c](#d) [e](https://f.test)"
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_link_has_its_target(page: str) -> None:
    folders = {name.rpartition("/")[0] for name in FILES}
    broken = []
    for link in links((ROOT / page).read_text()):
        target, anchor = target_of(page, link)
        there = target in FILES or target in MADE or any(f"{folder}/".startswith(f"{target}/") for folder in folders)
        if not there or (anchor and anchor not in ANCHORS.get(target, {anchor})):
            broken.append(link)
    assert broken == []
