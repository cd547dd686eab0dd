"""A router's rule: parsed as Traefik does, in both syntaxes, and evaluated for a request."""

from __future__ import annotations

import random

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.traefik.rules import (
    V2,
    V3,
    RuleError,
    evaluate,
    hosts_of,
    parse,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest

REQUEST = SiteRequest(
    "App.Example.test:8080",
    "/api/v1/x?a=1&b=&c=two&twice=1&twice=2",
    "POST",
    {"X-Kind": "blue", "Accept": "text/html"},
    client_ip="10.1.2.3",
)


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ("Host(`app.example.test`)", True),
        ("host(`app.example.test`)", True),
        ("HOST(`APP.example.test.`)", True),
        ('Host("app.example.test")', True),
        ("Host(`other.test`)", False),
        ("Host(`*.example.test`)", True),
        ("Host(`*.test`)", False),
        ("Host(`*`)", True),
        ("HostRegexp(`^.+\\.example\\.test$`)", True),
        ("HostRegexp(`^example`)", False),
        ("Path(`/api/v1/x`)", True),
        ("Path(`/api`)", False),
        ("PathPrefix(`/api`)", True),
        ("PathPrefix(`/ap`)", True),
        ("PathRegexp(`v[0-9]+`)", True),
        ("Method(`post`)", True),
        ("Method(`GET`)", False),
        ("Header(`x-kind`, `blue`)", True),
        ("Header(`X-Kind`, `red`)", False),
        ("HeaderRegexp(`Accept`, `html$`)", True),
        ("Query(`a`, `1`)", True),
        ("Query(`b`)", True),
        ("Query(`a`)", False),
        ("QueryRegexp(`c`, `^t`)", True),
        ("ClientIP(`10.0.0.0/8`)", True),
        ("ClientIP(`192.0.2.1`)", False),
        ("!Host(`other.test`)", True),
        ("Host(`other.test`) || Path(`/api/v1/x`) && Method(`POST`)", True),
        ("(Host(`other.test`) || Path(`/api/v1/x`)) && Method(`GET`)", False),
        ("!(Host(`app.example.test`) && Method(`GET`))", True),
        ("HostRegexp(`[[:alpha:]]+`)", None),
        ("HostRegexp(`[[:alpha:]]+`) && Method(`GET`)", False),
        ("HostRegexp(`[[:alpha:]]+`) || Method(`POST`)", True),
    ],
)
def test_syntax_of_traefik_3(rule: str, matches: bool | None) -> None:
    assert evaluate(parse(rule), REQUEST).matches is matches


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ("Host(`a.test`, `app.example.test`)", True),
        ("HostHeader(`app.example.test`)", True),
        ("HostRegexp(`{sub:[a-z]+}.example.test`)", True),
        ("HostRegexp(`{sub:[0-9]+}.example.test`)", False),
        ("HostRegexp(`{any}.example.test`)", True),
        ("Path(`/api/{version:v[0-9]{1,2}}/x`)", True),
        ("Path(`/api/{version}`)", False),
        ("PathPrefix(`/api/{version}`)", True),
        ("PathPrefix(`/other`, `/api`)", True),
        ("Method(`GET`, `POST`)", True),
        ("Headers(`X-Kind`, `blue`)", True),
        ("Headers(`X-Kind`, `red`)", False),
        ("HeadersRegexp(`X-Kind`, `^b`)", True),
        ("Query(`a=1`, `c=two`)", True),
        ("Query(`a=2`)", False),
        ("Query(`c=`)", True),
        ("Query(`d=`)", False),
        ("Query(`twice=1`)", True),
        ("Query(`twice=2`)", False),
        ("Query(`c={any:t.*}`)", True),
        ("ClientIP(`192.0.2.0/24`, `10.0.0.0/8`)", True),
    ],
)
def test_syntax_of_traefik_2(rule: str, matches: bool) -> None:
    assert evaluate(parse(rule, V2), REQUEST, V2).matches is matches


@pytest.mark.parametrize(
    ("rule", "syntax", "words"),
    [
        ("", V3, "ends too early"),
        ("Host(`a.test`", V3, "')' is missing before 'the end'"),
        ("Host(`a.test`) &&", V3, "ends too early"),
        ("Host(`a.test`) & Path(`/`)", V3, "cannot be read from '& Path"),
        ("Host(``)", V3, "Host has no value"),
        ("Host()", V3, "Host has no value"),
        ("Headers(`a`, `b`)", V3, "there is no matcher Headers"),
        ("Header(`a`, `b`)", V2, "there is no matcher Header"),
        ("Host(`a.test`) Path(`/`)", V3, "unexpected 'Path'"),
    ],
)
def test_what_traefik_refuses_is_refused(rule: str, syntax: str, words: str) -> None:
    with pytest.raises(RuleError) as refused:
        parse(rule, syntax)
    assert words in str(refused.value)


def test_a_client_of_unknown_address_leaves_it_open_and_says_so() -> None:
    outcome = evaluate(parse("ClientIP(`10.0.0.0/8`)"), SiteRequest("a.test"))
    assert outcome.matches is None
    assert "client_ip" in outcome.reason


def test_reasons_name_the_matcher_and_hold_no_value_of_a_header() -> None:
    rule = "Host(`app.example.test`) && Method(`GET`) && Header(`X-Kind`, `red`)"
    assert evaluate(parse(rule), REQUEST).reason == (
        "Method(`GET`) does not take POST; Header(`X-Kind`, `red`) does not take the headers of the request"
    )


def test_hosts_behind_a_negation_are_none_of_the_rules() -> None:
    assert hosts_of(parse("Host(`a.test`) && !Host(`b.test`) || !(!Host(`C.test`))")) == ["a.test", "c.test"]


def test_any_text_is_parsed_or_refused() -> None:
    chance = random.Random(18)
    words = ["Host(", "Path(", "`a.test`", '"/x"', ")", "(", "&&", "||", "!", ",", " ", "Method(`POST`)", "&", "é"]
    for _time in range(2000):
        text, syntax = "".join(chance.choices(words, k=chance.randint(0, 9))), chance.choice((V2, V3))
        try:
            node = parse(text, syntax)
        except RuleError:
            continue
        assert evaluate(node, REQUEST, syntax).matches in (True, False, None)
