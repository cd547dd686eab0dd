"""The text of an htpasswd file: what is read, refused and left alone."""

from __future__ import annotations

import random

import pytest
from passlib.hash import apr_md5_crypt, bcrypt, ldap_salted_sha1, sha512_crypt

from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd import text
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.hiding import Secrets
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.plan import (
    Plan,
    Wish,
)

PASSWORD = "correct höpse 1"
APR1, SSHA = apr_md5_crypt.hash(PASSWORD), ldap_salted_sha1.hash(PASSWORD)
SHA512 = sha512_crypt.using(rounds=1000).hash(PASSWORD)
BCRYPT = bcrypt.using(rounds=4, ident="2y").hash(PASSWORD)


def test_every_known_form_of_a_line_is_read() -> None:
    data = (
        f"# people\r\n\n  \t\n  # indented\nalice:{BCRYPT}\nbob:{APR1}:left in May\r\ncarol:{SHA512}\n"
        f"dave:{SSHA}\nerin:{{SHA}}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\nfrank:{{PLAIN}}secret\ngrace:!{BCRYPT}\n"
        "heidi:rqXexS6ZhobKA\nivan:*\njürgen:$y$j9T$abc$def\njudy:$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"
    ).encode()
    lines = text.parse(data, "it")
    assert text.users(lines) == [
        "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "jürgen", "judy"
    ]  # fmt: skip
    assert text.hashes(lines, "bob") == [APR1]
    assert text.hashes(lines, "nobody") == []
    assert text.render(lines) == data


REFUSED = {
    b"alice": (1, "no colon"),
    b"# fine\nalice:secret-hash-that-is-none": (2, "not a password hash"),
    b"alice:": (1, "not a password hash"),
    b"alice:$apr1$": (1, "not a password hash"),
    f"alice:{APR1} ".encode(): (1, "not a password hash"),
    b"apiVersion: v1\nkind: Secret\n": (1, "not a password hash"),
    f":{APR1}".encode(): (1, "its user name is empty"),
    f"\n\n alice:{APR1}".encode(): (3, "begins or ends with a space"),
    f"al\x07ice:{APR1}".encode(): (1, "control character"),
    f"bob:{APR1}\ralice:{APR1}\n".encode(): (1, "not a password hash"),
    f"al\rice:{APR1}\n".encode(): (1, "control character"),
    f"{'a' * 256}:{APR1}".encode(): (1, "longer than 255 bytes"),
    f"ok:{APR1}\n".encode() + "jürgen".encode("latin-1") + f":{APR1}".encode(): (2, "not UTF-8"),
    f"ok:{APR1}\n".encode() + b"# a\0b\n": (2, "zero byte"),
    b"\xef\xbb\xbf# people\n": (1, "byte order mark"),
    f"ok:{APR1}\n".encode("utf-16-le"): (1, "zero byte"),
    f"ok:{APR1}\n".encode("utf-16"): (1, "not UTF-8"),
}


@pytest.mark.parametrize("data", REFUSED)
def test_what_is_not_htpasswd_is_refused_by_line_number_and_never_quoted(data: bytes) -> None:
    number, reason = REFUSED[data]
    with pytest.raises(text.NotHtpasswd) as caught:
        text.parse(data, "Secret a/b, key users")
    message = str(caught.value)
    assert message.startswith(f"Secret a/b, key users: line {number} ")
    assert reason in message
    for part in (APR1, "alice", "secret-hash", "apiVersion", "ice"):
        assert part not in message.replace("byte order mark: save the text as UTF-8 without it", "")
    assert caught.value.facts == {}


def test_neither_repr_nor_str_of_a_line_or_plan_has_a_hash() -> None:
    lines = text.parse(f"alice:{APR1}:c\n".encode(), "it")
    plan = Plan(lines, {"password-alice": PASSWORD}, {"password-alice": PASSWORD})
    shown = repr(lines) + repr(plan) + repr(Wish("alice", True, PASSWORD, "k", None)) + repr(Secrets())
    assert APR1 not in shown
    assert PASSWORD not in shown


def test_a_new_entry_goes_to_the_end_with_the_usual_line_end() -> None:
    for before, after in (
        (b"", f"alice:{APR1}\n"),
        (b"# none yet", f"# none yet\nalice:{APR1}\n"),
        (f"bob:{SSHA}\r\n".encode(), f"bob:{SSHA}\r\nalice:{APR1}\r\n"),
        (f"bob:{SSHA}\r\ncarol:{SSHA}".encode(), f"bob:{SSHA}\r\ncarol:{SSHA}\r\nalice:{APR1}\r\n"),
        (f"bob:{SSHA}\n\n\n".encode(), f"bob:{SSHA}\n\n\nalice:{APR1}\n"),
    ):
        assert text.render(text.with_entry(text.parse(before, "it"), "alice", APR1)).decode() == after


def test_a_changed_entry_keeps_its_place_its_comment_and_its_line_end() -> None:
    before = f"# top\r\nbob:{SSHA}\nalice:{APR1}:on call\r\n# end\nalice:{SSHA}\ncarol:{SSHA}".encode()
    after = f"# top\r\nbob:{SSHA}\nalice:{BCRYPT}:on call\r\n# end\ncarol:{SSHA}"
    assert text.render(text.with_entry(text.parse(before, "it"), "alice", BCRYPT)).decode() == after


def test_any_sequence_of_operations_leaves_everything_else_alone() -> None:
    """Random texts and operations against a model that knows only names, hashes and the other lines."""
    chance = random.Random(4)
    for _round in range(300):
        endings = chance.choice((("\n",), ("\r\n",), ("\n", "\r\n")))
        names = [f"user{number}" for number in range(chance.randint(0, 6))]
        entries = [(name, chance.choice((APR1, SSHA, BCRYPT))) for name in names]
        others = ["", "# note", "   ", "\t# tabbed: $apr1$x$y"]
        content = [f"{name}:{hashed}" for name, hashed in entries] + chance.choices(others, k=chance.randint(0, 5))
        chance.shuffle(content)
        raw = "".join(line + chance.choice(endings) for line in content)
        raw = (
            raw[: -len(endings[0])] if raw.endswith(endings[0]) and len(endings) == 1 and chance.random() < 0.5 else raw
        )
        lines = text.parse(raw.encode(), "it")
        assert text.render(lines) == raw.encode()
        model = dict(entries)
        for _step in range(chance.randint(1, 5)):
            name = f"user{chance.randint(0, 8)}"
            if chance.random() < 0.5:
                model[name] = chance.choice((APR1, SSHA, BCRYPT))
                lines = text.with_entry(lines, name, model[name])
            else:
                model.pop(name, None)
                lines = text.without_entry(lines, name)
        again = text.parse(text.render(lines), "it")
        assert {name: text.hashes(again, name) for name in text.users(again)} == {n: [h] for n, h in model.items()}
        untouched = [line.text for line in text.parse(raw.encode(), "it") if not line.user]
        assert [line.text for line in again if not line.user] == untouched
        assert again == lines


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("a:b", "colon"),
        ("a\nb", "control"),
        ("a\x7f", "control"),
        ("a\u2028b", "control"),
        ("a\udc80", "control"),
        (" a", "space"),
        ("a ", "space"),
        ("#a", "comment"),
        ("ü" * 128, "255 bytes"),
    ],
)
def test_names_that_cannot_stand_in_a_text(name: str, reason: str) -> None:
    assert reason in text.name_problem(name)


@pytest.mark.parametrize("name", ["a", "a b", "ops@example.test", "jürgen", "ü" * 127, "a#b", "日本"])
def test_names_that_can(name: str) -> None:
    assert text.name_problem(name) == ""
