"""What becomes of an htpasswd text and of the stored passwords."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from passlib.hash import apr_md5_crypt, bcrypt, ldap_salted_sha1

from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd import schemes, text
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.plan import (
    Plan,
    Planner,
    Wish,
    diff_of,
    key_problem,
    warnings_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import (
    BadArgument,
    ResilientError,
)

PASSWORD = "correct höpse 1"
APR1, SSHA = apr_md5_crypt.hash(PASSWORD), ldap_salted_sha1.hash(PASSWORD)
BCRYPT = bcrypt.using(rounds=4, ident="2y").hash(PASSWORD)
FAST = schemes.hashing_of("bcrypt", 4)


def _wish(name: str = "alice", password: str | None = None, **more: Any) -> Wish:
    return Wish(name, more.get("present", True), password, more.get("key", f"password-{name}"), more.get("rotation"))


def _plan(
    data: str, *wishes: Wish, stored: Mapping[str, str] | None = None, exclusive: bool = False, keeps: bool = True
) -> Plan:
    generate = (lambda name: f"generated-for-{name}") if keeps else None
    planner = Planner(FAST, generate, "give one")
    return planner.plan(text.parse(data.encode(), "it"), stored or {}, wishes, exclusive)


def _changes(plan: Plan) -> list[tuple[str, str, str]]:
    return [(user.name, user.change, user.password) for user in plan.users]


def _settled(plan: Plan, *wishes: Wish, exclusive: bool = False) -> bool:
    """True when the same wishes on the plan's result change nothing."""
    stored = {key: value for key, value in {**plan.stored, **plan.store}.items() if value is not None}
    rendered = text.render(plan.lines).decode()
    again = _plan(rendered, *wishes, stored=stored, exclusive=exclusive)
    return text.render(again.lines).decode() == rendered and not again.store


def test_a_given_password_adds_an_entry_once() -> None:
    wish = _wish(password=PASSWORD)
    plan = _plan("", wish)
    assert _changes(plan) == [("alice", "added", "given")]
    assert plan.store == {}
    assert FAST.verifies(PASSWORD, text.hashes(plan.lines, "alice")[0])
    assert _settled(plan, wish)


@pytest.mark.parametrize(
    ("hashed", "reason"),
    [
        (APR1, "other scheme or cost"),
        (bcrypt.using(rounds=5).hash(PASSWORD), "other scheme or cost"),
        (bcrypt.using(rounds=4).hash("other"), "new password"),
        ("!" + BCRYPT, "other scheme or cost"),
    ],
)
def test_an_entry_that_does_not_fit_is_changed(hashed: str, reason: str) -> None:
    wish = _wish(password=PASSWORD)
    plan = _plan(f"alice:{hashed}\n", wish)
    assert _changes(plan) == [("alice", "changed", "given")]
    assert plan.users[0].reason == reason
    assert _settled(plan, wish)


@pytest.mark.parametrize("prefix", ["$2y$", "$2b$", "$2a$"])
def test_an_entry_that_fits_is_kept(prefix: str) -> None:
    before = f"alice:{BCRYPT.replace('$2y$', prefix)}\n"
    plan = _plan(before, _wish(password=PASSWORD))
    assert _changes(plan) == [("alice", "kept", "given")]
    assert text.render(plan.lines).decode() == before


def test_an_entry_of_an_absurd_cost_is_not_even_verified() -> None:
    absurd = BCRYPT.replace("$04$", "$31$")
    plan = _plan(f"alice:{absurd}\n", _wish(password=PASSWORD))
    assert _changes(plan) == [("alice", "changed", "given")]


def test_a_user_without_password_gets_a_generated_one_that_is_stored() -> None:
    plan = _plan("", _wish())
    assert _changes(plan) == [("alice", "added", "generated")]
    assert plan.store == {"password-alice": "generated-for-alice"}
    assert plan.users[0].password_key == "password-alice"
    assert _settled(plan, _wish())


def test_without_a_store_a_new_user_needs_a_password() -> None:
    with pytest.raises(BadArgument, match="users: alice needs a password and none is given: give one"):
        _plan("", _wish(), keeps=False)


def test_an_existing_entry_without_password_is_kept() -> None:
    for keeps in (True, False):
        plan = _plan(f"alice:{APR1}\n", _wish(), keeps=keeps)
        assert _changes(plan) == [("alice", "kept", "unknown")]
        assert plan.store == {}


def test_a_stored_password_counts_like_a_given_one() -> None:
    stored = {"password-alice": PASSWORD}
    for before, change in (("", "added"), (f"alice:{APR1}\n", "changed"), (f"alice:{BCRYPT}\n", "kept")):
        plan = _plan(before, _wish(), stored=stored)
        assert _changes(plan) == [("alice", change, "stored")]
        assert plan.store == {}
        assert FAST.verifies(PASSWORD, text.hashes(plan.lines, "alice")[0])


def test_a_given_password_removes_the_stored_one() -> None:
    stored = {"password-alice": "old", "rotation.password-alice": "1", "password-bob": "his"}
    plan = _plan(f"alice:{BCRYPT}\n", _wish(password=PASSWORD), stored=stored)
    assert plan.store == {"password-alice": None, "rotation.password-alice": None}


def test_a_changed_mark_rotates_once() -> None:
    wish = _wish(rotation="2")
    for stored in (
        {"password-alice": PASSWORD, "rotation.password-alice": "1"},
        {"password-alice": PASSWORD},
        {},
    ):
        plan = _plan(f"alice:{BCRYPT}\n", wish, stored=stored)
        assert _changes(plan) == [("alice", "changed", "generated")]
        assert plan.store == {"password-alice": "generated-for-alice", "rotation.password-alice": "2"}
        assert FAST.verifies("generated-for-alice", text.hashes(plan.lines, "alice")[0])
        assert _settled(plan, wish)


def test_no_mark_leaves_the_stored_mark_alone() -> None:
    stored = {"password-alice": PASSWORD, "rotation.password-alice": "1"}
    assert _plan(f"alice:{BCRYPT}\n", _wish(), stored=stored).store == {}


def test_a_killed_rotation_is_finished() -> None:
    """The passwords are written first: the next run finds the new one and the old entry."""
    stored = {"password-alice": "newer", "rotation.password-alice": "2"}
    plan = _plan(f"alice:{BCRYPT}\n", _wish(rotation="2"), stored=stored)
    assert _changes(plan) == [("alice", "changed", "stored")]
    assert FAST.verifies("newer", text.hashes(plan.lines, "alice")[0])


def test_removal_takes_every_entry_and_the_stored_password() -> None:
    wish = _wish(present=False)
    stored = {"password-alice": PASSWORD, "rotation.password-alice": "1"}
    plan = _plan(f"alice:{APR1}\n# x\nbob:{SSHA}\nalice:{SSHA}\n", wish, stored=stored)
    assert _changes(plan) == [("alice", "removed", "")]
    assert text.render(plan.lines).decode() == f"# x\nbob:{SSHA}\n"
    assert plan.store == {"password-alice": None, "rotation.password-alice": None}
    assert _changes(_plan(f"bob:{SSHA}\n", wish)) == [("alice", "absent", "")]
    assert _settled(plan, wish)


def test_exclusive_removes_the_unlisted_and_their_stored_passwords() -> None:
    stored = {"password-bob": "his", "password-carol": "in use by alice"}
    wish = _wish(key="password-carol")
    plan = _plan(f"# x\nbob:{SSHA}\nalice:{APR1}\ncarol:{SSHA}\n", wish, stored=stored, exclusive=True)
    assert [(user.name, user.change) for user in plan.users] == [
        ("alice", "changed"),
        ("bob", "removed"),
        ("carol", "removed"),
    ]
    assert text.users(plan.lines) == ["alice"]
    assert plan.store == {"password-bob": None}
    assert _settled(plan, wish, exclusive=True)


def test_exclusive_without_users_empties_the_text_but_for_comments() -> None:
    assert text.render(_plan(f"# x\nbob:{SSHA}\n", exclusive=True).lines) == b"# x\n"


def test_duplicates_of_a_user_become_one_entry() -> None:
    given = _plan(f"alice:{BCRYPT}\nalice:{APR1}\n", _wish(password=PASSWORD))
    assert [(user.change, user.reason) for user in given.users] == [("changed", "listed more than once")]
    assert text.hashes(given.lines, "alice") == [BCRYPT]
    equal = _plan(f"alice:{APR1}\nalice:{APR1}\n", _wish())
    assert text.hashes(equal.lines, "alice") == [APR1]
    with pytest.raises(BadArgument, match="lines 1 and 3"):
        _plan(f"alice:{APR1}\n\nalice:{SSHA}\n", _wish())


def test_warnings_name_doubled_users_and_schemes_that_stay() -> None:
    data = f"bob:{APR1}\nbob:{SSHA}\nalice:{APR1}\ncarol:{SSHA}:on call\n"
    plan = _plan(data, _wish())
    warnings = warnings_of(text.parse(data.encode(), "it"), plan, FAST, "it")
    assert len(warnings) == 3
    assert "bob is listed more than once" in warnings[0]
    assert "the entry of alice stays apr1" in warnings[1]
    assert "line 4 has text after a second colon" in warnings[2]
    assert "on call" not in warnings[2]


def test_a_stored_password_that_is_too_long_is_an_error_without_it() -> None:
    long = "long-secret" * 10
    with pytest.raises(ResilientError) as caught:
        _plan("", _wish(), stored={"password-alice": long})
    assert "password-alice" in str(caught.value)
    assert "long-secret" not in str(caught.value)


def test_a_name_that_is_no_key_needs_a_key_only_where_one_is_stored() -> None:
    name = "ops@example.test"
    assert _changes(_plan("", _wish(name, PASSWORD))) == [(name, "added", "given")]
    with pytest.raises(BadArgument, match="Name another as password_key"):
        _plan("", _wish(name))
    assert _plan("", _wish(name, key="ops")).store == {"ops": f"generated-for-{name}"}


@pytest.mark.parametrize("key", ["", "a/b", "a b", "..", "..a", "ü", "x" * 254, "a\n"])
def test_keys_that_a_secret_or_folder_cannot_have(key: str) -> None:
    assert key_problem(key)


def test_the_diff_has_names_and_words_only() -> None:
    stored = {"password-erin": "old-secret", "rotation.password-erin": "1"}
    plan = _plan(
        f"bob:{APR1}\ncarol:{SSHA}\ndave:{BCRYPT}\nerin:{BCRYPT}\n",
        _wish("alice", PASSWORD),
        _wish("bob", PASSWORD),
        _wish("carol", present=False),
        _wish("dave", PASSWORD),
        _wish("erin", rotation="2"),
        _wish("frank", present=False),
        stored=stored,
    )
    diff = diff_of(plan, "Secret a/b, key users")
    assert diff["before"].splitlines() == [
        "bob: apr1",
        "carol: ssha",
        "erin: bcrypt, cost 4",
        "stored password-erin: <hidden>",
        "stored rotation.password-erin: <hidden>",
    ]
    assert diff["after"].splitlines() == [
        "alice: added, bcrypt, cost 4 (no entry yet)",
        "bob: changed, bcrypt, cost 4 (other scheme or cost)",
        "carol: removed (asked for)",
        "erin: changed, bcrypt, cost 4 (new password)",
        "stored password-erin: <hidden, changed>",
        "stored rotation.password-erin: <hidden, changed>",
    ]
    assert diff["before_header"] == diff["after_header"] == "Secret a/b, key users"


def test_random_wishes_settle_after_one_run() -> None:
    chance = random.Random(11)
    ssha = schemes.hashing_of("ssha", None)
    for _round in range(200):
        names = [f"user{number}" for number in range(6)]
        data = "".join(f"{name}:{chance.choice((APR1, SSHA))}\n" for name in names if chance.random() < 0.5)
        stored = {f"password-{name}": PASSWORD for name in names if chance.random() < 0.3}
        wishes = [
            _wish(
                name,
                None if (absent := chance.random() < 0.3) else chance.choice((None, PASSWORD, "other")),
                present=not absent,
            )
            for name in names
            if chance.random() < 0.7
        ]
        exclusive = chance.random() < 0.5
        planner = Planner(ssha, lambda name: f"generated-{name}")
        first = planner.plan(text.parse(data.encode(), "it"), stored, wishes, exclusive)
        kept = {key: value for key, value in {**stored, **first.store}.items() if value is not None}
        second = planner.plan(first.lines, kept, wishes, exclusive)
        assert (second.lines, second.store) == (first.lines, {})
        assert {user.change for user in second.users} <= {"kept", "absent"}
        present = {wish.name for wish in wishes if wish.present}
        assert present <= set(text.users(first.lines))
        assert not exclusive or set(text.users(first.lines)) == present
