"""Password hashes: made, recognised, verified; costs and passwords that cannot be used."""

from __future__ import annotations

import passlib
import pytest
from passlib.hash import apr_md5_crypt, bcrypt, ldap_salted_sha1, sha512_crypt

from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd import schemes, text
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import (
    BadArgument,
    ResilientError,
)

PASSWORD = "correct höpse 1"
APR1, SSHA = apr_md5_crypt.hash(PASSWORD), ldap_salted_sha1.hash(PASSWORD)
SHA512 = sha512_crypt.using(rounds=1000).hash(PASSWORD)
BCRYPT = bcrypt.using(rounds=4, ident="2y").hash(PASSWORD)


@pytest.mark.parametrize(
    ("scheme", "cost", "begins"),
    [
        ("bcrypt", 4, "$2y$04$"),
        ("bcrypt", 5, "$2y$05$"),
        ("sha512_crypt", None, "$6$"),
        ("sha512_crypt", 1000, "$6$rounds=1000$"),
        ("apr1", None, "$apr1$"),
        ("ssha", None, "{SSHA}"),
    ],
)
def test_hashes_are_made_recognised_and_verified(scheme: str, cost: int | None, begins: str) -> None:
    hashing = schemes.hashing_of(scheme, cost)
    hashed = hashing.hash(PASSWORD)
    assert hashed.startswith(begins)
    assert hashed != hashing.hash(PASSWORD), "every hash has a salt of its own"
    assert hashing.made(hashed)
    assert hashing.verifies(PASSWORD, hashed)
    assert not hashing.verifies(PASSWORD + "x", hashed)
    assert text.users(text.parse(f"a:{hashed}".encode(), "it")) == ["a"]


@pytest.mark.parametrize(
    ("hashed", "identity"),
    [
        (BCRYPT, ("bcrypt", 4)),
        (BCRYPT.replace("$2y$", "$2a$"), ("bcrypt", 4)),
        (BCRYPT.replace("$2y$", "$2b$"), ("bcrypt", 4)),
        (BCRYPT.replace("$2y$", "$2x$"), ("another scheme", None)),
        (BCRYPT[:-1], ("another scheme", None)),
        ("!" + BCRYPT, ("another scheme", None)),
        (SHA512, ("sha512_crypt", 1000)),
        (sha512_crypt.using(rounds=5000).hash("x"), ("sha512_crypt", 5000)),
        (APR1, ("apr1", None)),
        (APR1.replace("$apr1$", "$1$"), ("another scheme", None)),
        (SSHA, ("ssha", None)),
        ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", ("another scheme", None)),
    ],
)
def test_scheme_and_cost_of_a_hash(hashed: str, identity: tuple[str, int | None]) -> None:
    assert schemes.identify(hashed) == identity


def test_a_hash_of_the_same_scheme_and_another_cost_does_not_fit() -> None:
    assert not schemes.hashing_of("bcrypt", 5).made(BCRYPT)
    assert not schemes.hashing_of("apr1", None).made(SSHA)


def test_a_broken_hash_fits_no_password() -> None:
    broken = SSHA[:-4] + "===="
    assert not schemes.hashing_of("ssha", None).verifies(PASSWORD, broken)


def test_defaults() -> None:
    assert str(schemes.hashing_of("bcrypt", None)) == "bcrypt, cost 10"
    assert str(schemes.hashing_of("sha512_crypt", None)) == "sha512_crypt, rounds 5000"
    assert str(schemes.hashing_of("apr1", None)) == "apr1"


@pytest.mark.parametrize(
    ("scheme", "cost", "reason"),
    [
        ("bcrypt", 3, "4 and 31"),
        ("bcrypt", 32, "14 keeps a core busy for about a second"),
        ("bcrypt", -1, "4 and 31"),
        ("sha512_crypt", 999, "1000 and 999999"),
        ("sha512_crypt", 1_000_000, "1000 and 999999"),
        ("apr1", 5, "none"),
        ("ssha", 0, "none"),
    ],
)
def test_costs_out_of_range(scheme: str, cost: int, reason: str) -> None:
    with pytest.raises(BadArgument, match=r"^cost: ") as caught:
        schemes.hashing_of(scheme, cost)
    assert reason in str(caught.value)


def test_the_old_passlib_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passlib, "__version__", "1.7.4")
    with pytest.raises(ResilientError, match=r"pip install 'libpass>=1\.9\.4'"):
        schemes.hashing_of("bcrypt", None)


@pytest.mark.parametrize(
    ("password", "scheme", "reason"),
    [
        ("", "bcrypt", "is empty"),
        ("x" * 73, "bcrypt", "has 73 bytes, and bcrypt takes at most 72"),
        ("ü" * 37, "bcrypt", "has 74 bytes"),
        ("x" * 256, "sha512_crypt", "at most 255"),
        ("x" * 256, "apr1", "at most 255"),
        ("a\n", "ssha", "control character"),
        ("a\0b", "bcrypt", "control character"),
        ("a\udcff", "bcrypt", "not Unicode"),
    ],
)
def test_passwords_that_cannot_be_used(password: str, scheme: str, reason: str) -> None:
    assert reason in schemes.password_problem(password, schemes.SCHEMES[scheme])


@pytest.mark.parametrize(
    ("password", "scheme"), [("x" * 72, "bcrypt"), ("ü" * 36, "bcrypt"), ("x" * 255, "ssha"), (" a:b ", "apr1")]
)
def test_passwords_that_can(password: str, scheme: str) -> None:
    assert schemes.password_problem(password, schemes.SCHEMES[scheme]) == ""


def test_generated_passwords_have_at_least_128_bits() -> None:
    alphabet = set("abcdefghijkmnpqrstuvwxyz23456789")
    seen = {schemes.generated_password() for _ in range(500)}
    assert len(seen) == 500
    assert all(len(password.replace("-", "")) == 28 for password in seen)
    used = {character for password in seen for character in password.replace("-", "")}
    # 28 places of 32 equally likely characters: 140 bits.
    assert used == alphabet
    assert len(alphabet) ** 28 >= 2**128
    assert all(schemes.password_problem(password, schemes.SCHEMES["bcrypt"]) == "" for password in seen)
