"""Each rule finds its weakness, at the right object, and is silent on the cluster in which nothing is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Terms, audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import PROFILES, SEVERITIES
from ansible_collections.resilient.traefik.plugins.module_utils.audit.registry import RULES
from tests.unit.audit.weaknesses import WEAKNESSES
from tests.unit.audit.well import CHAIN, Spoil, well


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    found = well().audit(fail_on="info")
    assert [(each.rule, str(each.ref), each.evidence) for each in found.findings] == []
    assert found.notes == ()
    assert found.verdict == "passed"


@pytest.mark.parametrize(("rule", "what", "spoil"), WEAKNESSES, ids=[f"{rule} {what}" for rule, what, _ in WEAKNESSES])
def test_a_weakness_is_found_by_its_rule(rule: str, what: str, spoil: Spoil) -> None:
    world = well()
    spoil(world)
    found = world.audit()
    assert rule in {each.rule for each in found.findings}, what
    for each in found.findings:
        assert each.evidence, each
        assert str(each.ref) in world.objects or each.ref.kind == "Namespace", each


def test_every_rule_has_a_weakness() -> None:
    of_others = {"RT991", "RT331", "RT332", "RT333", "RT334"}
    assert {rule.id for rule in RULES} - of_others == {rule for rule, _what, _spoil in WEAKNESSES}


ANSWER = {"request": "GET http://shop.test/", "behind": "entry point web", "problem": ""}


@pytest.mark.parametrize(
    ("rule", "replicas"),
    [
        (
            "RT331",
            {"parity": [{"kind": "routers", "name": "shop@kubernetes", "missing_at": ["traefik-a"], "differing": []}]},
        ),
        ("RT331", {"parity": [{"kind": "answer", "name": "shop.test", "statuses": {"a": 200, "b": 404}}]}),
        (
            "RT332",
            {"faults": [{"kind": "routers", "name": "shop", "errors": ["no such middleware"], "replicas": ["a"]}]},
        ),
        ("RT333", {"answers": [ANSWER | {"name": "shop.test", "point": "a", "status": 502}]}),
        ("RT333", {"answers": [{"name": "shop.test", "point": "a", "problem": "no answer within 5 s"}]}),
        (
            "RT334",
            {
                "answers": [
                    ANSWER | {"name": "shop.test", "point": each, "status": status}
                    for each, status in (("a", 200), ("b", 404))
                ]
            },
        ),
    ],
)
def test_what_replicas_said_is_judged(rule: str, replicas: dict[str, object]) -> None:
    found = audit(replace(well().snapshot(), replicas=replicas), Terms()).findings
    assert [each.rule for each in found] == [rule]
    assert "shop" in found[0].evidence


def test_replicas_that_said_the_same_are_well() -> None:
    answers: list[dict[str, object]] = [
        {**ANSWER, "name": "shop.test", "point": each, "status": 302} for each in ("a", "b")
    ]
    answers.append({"name": "shop.test", "point": "c", "skipped": True})
    given = {"faults": [], "parity": [], "answers": answers}
    assert audit(replace(well().snapshot(), replicas=given), Terms()).findings == ()


def test_two_hits_on_one_field_are_one_finding_that_tells_both() -> None:
    world = well()
    chain = "traefik-retry@kubernetescrd,traefik-gone@kubernetescrd,traefik-lost@kubernetescrd"
    world["Ingress shop/shop"]["metadata"]["annotations"][CHAIN] = chain
    (found,) = world.audit().findings
    assert "traefik-gone@kubernetescrd" in found.evidence
    assert "traefik-lost@kubernetescrd" in found.evidence


def test_a_field_of_the_wrong_type_is_told_of_files_alone() -> None:
    world = well()
    world["Service shop/shop"]["spec"]["ports"] = "80"
    (found,) = [each for each in audit(world.snapshot(source="files"), Terms()).findings if each.rule == "RT991"]
    assert (str(found.ref), found.field, found.evidence) == ("Service shop/shop", "spec.ports", "expected a list")
    assert "RT991" not in {each.rule for each in world.audit().findings}


def test_ids_and_names_are_each_rules_own() -> None:
    assert len({rule.id for rule in RULES}) == len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert set(rule.severities) == set(PROFILES)
        assert set(rule.severities.values()) <= set(SEVERITIES)
        # A homelab is never judged harder than production.
        order = SEVERITIES.index
        assert order(rule.severities["production"]) <= order(rule.severities["homelab"]), rule.id
        assert not rule.title.endswith(".")
        assert not rule.visitors.endswith("."), rule.id
