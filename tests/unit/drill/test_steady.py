"""What is not steady, in words."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.drill.steady import BY_FALLBACK, unsteady


def test_the_same_from_everybody_every_time_is_steady() -> None:
    answers = {"stranger": {"one": [302, 302], "two": [302, 302]}, "member": {"one": [200, 200], "two": [200, 200]}}
    assert unsteady(answers) == []


def test_each_that_is_not_is_named() -> None:
    answers = {
        "silent": {"one": [200, 0], "two": [200, 200]},
        "broken": {"one": [502, 502], "two": [502, 502]},
        "unknown": {"one": [404, 404], "two": [404, 404]},
        "refused": {"one": [302, BY_FALLBACK], "two": [302, 302]},
        "fickle": {"one": [200, 200], "two": [200, 302]},
    }
    assert unsteady(answers) == [
        "silent gets no answer through one",
        "broken gets 502",
        "unknown gets 404",
        "refused gets an answer of the fallback, 302: the service that is asked about it does not answer now",
        "fickle gets now 200, 302: not the same from every replica and every time",
    ]
