"""The page that says how to add a kind, followed by its word; and the table of kinds there."""

from __future__ import annotations

import re
from pathlib import Path
from unittest import mock

from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_kinds as kinds
from tests.unit.traefik.test_clusters_as_they_are import AUTH_WISH, cluster, looked_at
from tests.unit.traefik.test_forward_auth_findings import facts_of

PAGE = (Path(__file__).parents[3] / "docs" / "kinds.md").read_text(encoding="utf-8")


def test_every_kind_stands_on_the_page_and_no_other() -> None:
    rows = re.findall(r"^\| (`[^|]+) \| (`[^|]+) \|", PAGE, flags=re.MULTILINE)
    told = {name: role for names, roles in rows for name, role in zip(_words(names), _words(roles), strict=True)}
    roles = {kinds.AUTH: "auth_proxy", kinds.BOT_BLOCK: "bot_block_proxy"}
    assert told == {kind.name: roles[kind.role] for kind in kinds.BY_NAME.values()}
    for kind in kinds.KINDS:
        (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{kind.name}` "))
        assert all(f"`{path}`" in row for path in kind.paths), kind.name


def _words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_steps_of_the_page_add_a_kind() -> None:
    (entry,) = re.findall(r"```python\n\s*(Kind\(.*?\))\n\s*```", PAGE, flags=re.DOTALL)
    kind = eval(entry, {"Kind": kinds.Kind, "AUTH": kinds.AUTH})
    (path,), (user, *_more) = kind.paths, kind.identity
    found = cluster(("apps/gate", f"http://gate.apps:8080{path}", "apps/gate", {"authResponseHeaders": [user]}))
    assert looked_at("auth", found)[0] == {}
    with mock.patch.object(kinds, "KINDS", (*kinds.KINDS, kind)):
        proxies, said = looked_at("auth", found)
        assert kinds.kind_of(found.middlewares[0], None) == kind
    assert proxies == {f"auth-proxy-{kind.name}": ["apps/gate"]}
    facts = facts_of(found, **said.entries[0], users=AUTH_WISH["users"])
    assert facts["policy"]["user_header"] == user
    assert set(kind.identity) <= set(facts["middleware"]["response_headers"])
