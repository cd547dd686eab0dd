"""Every chain of up to four names, and every place in it."""

from __future__ import annotations

from itertools import product

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import chain
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain import MiddlewareName, OtherMissing, Place
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import crd_id, normalized, router_id

NAMES = ("new", "other", "x", "y")
CHAINS = [list(names) for length in range(5) for names in product(NAMES, repeat=length)]
PLACES = [
    Place("first"),
    Place("last"),
    Place("before", "other"),
    Place("after", "other"),
    Place("replaces", "other"),
]


def _without(names: list[str], *gone: str) -> list[str]:
    return [name for name in dict.fromkeys(names) if name not in gone]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.where)
def test_every_chain(place: Place) -> None:
    for names in CHAINS:
        needs_other = place.where in ("before", "after", "replaces")
        if needs_other and "other" not in names and not (place.where == "replaces" and "new" in names):
            with pytest.raises(OtherMissing):
                chain.with_middleware(names, "new", place)
            continue
        after = chain.with_middleware(names, "new", place)
        gone = ("new", "other") if place.where == "replaces" else ("new",)
        assert _without(after, *gone) == _without(names, *gone), "the others keep their order"
        assert len(after) == len(set(after)), "nothing is doubled"
        assert after.count("new") == 1
        assert chain.with_middleware(after, "new", place) == after, "a second time changes nothing"
        _assert_placed(names, after, place)


def _assert_placed(names: list[str], after: list[str], place: Place) -> None:
    at = after.index("new")
    if place.where == "first":
        assert at == 0
    elif place.where == "last":
        assert at == len(after) - 1
    elif place.where == "before":
        assert after[at + 1] == "other"
    elif place.where == "after":
        assert after[at - 1] == "other"
    elif "other" in names:
        assert "other" not in after
        ahead = _without(names, "new")
        assert after[:at] == ahead[: ahead.index("other")], "exactly where the other one was"
    else:
        assert after == list(dict.fromkeys(names))


def test_removal_from_every_chain() -> None:
    for names in CHAINS:
        after = chain.without_middleware(names, "new")
        if "new" in names:
            assert after == _without(names, "new")
        else:
            assert after == names, "a chain without it is not touched, doubled names included"
        assert chain.without_middleware(after, "new") == after


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, []),
        ("", []),
        (" , ", []),
        ("a@file", ["a@file"]),
        ("a@file,b@file", ["a@file", "b@file"]),
        (" a@file ,\tb@file,\n c@file,", ["a@file", "b@file", "c@file"]),
    ],
)
def test_reading_an_annotation(text: str | None, names: list[str]) -> None:
    assert chain.from_text(text) == names


def test_names_that_options_take() -> None:
    given = chain.parsed_name("middleware", "traefik/retry")
    assert (given.qualified, given.namespace, given.name) == ("traefik-retry@kubernetescrd", "traefik", "retry")
    assert chain.parsed_name("middleware", "auth@file") == MiddlewareName("auth@file")


@pytest.mark.parametrize(
    "text", ["retry", "", "/", "a/", "/a", "a/b/c", "@file", "a@", "a b/c", "a,b@file", "a/b@file"]
)
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(BadArgument, match=r"^after: "):
        chain.parsed_name("after", text)


def test_references_keep_their_own_form() -> None:
    before = [{"name": "a"}, {"name": "b", "namespace": "shop"}, {"name": "c", "namespace": "far"}, {"name": "d@file"}]
    names = chain.from_references(before, "shop")
    assert names == ["shop-a@kubernetescrd", "shop-b@kubernetescrd", "far-c@kubernetescrd", "d@file"]
    added = chain.parsed_name("middleware", "traefik/retry")
    after = chain.as_references(chain.with_middleware(names, added.qualified, Place("first")), before, "shop", added)
    assert after == [{"name": "retry", "namespace": "traefik"}, *before]


def test_a_reference_within_the_namespace_names_none() -> None:
    assert chain.parsed_name("middleware", "shop/retry").reference("shop") == {"name": "retry"}
    assert chain.parsed_name("middleware", "auth@file").reference("shop") == {"name": "auth@file"}


def test_doubled_references_of_two_forms_are_one() -> None:
    before = [{"name": "a"}, {"name": "a", "namespace": "shop"}, {"name": "shop-a@kubernetescrd"}]
    names = chain.from_references(before, "shop")
    assert names == ["shop-a@kubernetescrd"] * 3
    added = chain.parsed_name("middleware", "shop/new")
    after = chain.as_references(chain.with_middleware(names, added.qualified, Place("last")), before, "shop", added)
    assert after == [{"name": "a"}, {"name": "new"}]


def test_traefiks_own_names() -> None:
    assert normalized("a.b--c_d/e") == "a-b-c-d-e"
    assert crd_id("my-ns", "a.b") == "my-ns-a-b@kubernetescrd"
    # Seen on 3.7.9: the router of this rule.
    assert router_id("crd-try", "r1", "Host(`r1.test`)").startswith("crd-try-r1-")
    assert len(router_id("a", "b", "c").split("@")[0].rsplit("-", 1)[1]) == 20
