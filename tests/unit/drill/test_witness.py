"""What visitors say of themselves, so that those who stand in can count them apart."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.drill.healer_files import MARK_HEADER
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.drill.witness import marked
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request


def test_each_visitor_says_its_number_and_asks_for_the_same_otherwise() -> None:
    member = Visitor("member", Request("a.test", headers={"Cookie": "session=1"}, user="u", password="p"), "session")
    found = marked([Visitor("stranger", Request("a.test")), member])
    assert [each.request.headers for each in found] == [{MARK_HEADER: "0"}, {MARK_HEADER: "1", "Cookie": "session=1"}]
    assert found[1].request.all_headers()["Authorization"] == member.request.all_headers()["Authorization"]
    assert [each.name for each in found] == ["stranger", "member"]
    assert member.request.headers == {"Cookie": "session=1"}
