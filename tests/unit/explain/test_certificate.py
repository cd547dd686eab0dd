"""A certificate's names and end, read from its bytes, and whether it is valid for a host."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.explain.certificate import Certificate, parsed
from lab.certificates import Authority


def _der(host: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(Authority("authority of a test").issue(host)[1])


def test_what_a_certificate_says() -> None:
    found = parsed(_der("app.example.test"), "traefik-abc")
    assert (found.names, found.subject) == (("app.example.test",), "app.example.test")
    assert found.issuer == "authority of a test"
    now = datetime.now(UTC)
    assert not found.expired(now)
    assert found.expired(now + timedelta(days=2))


@pytest.mark.parametrize(
    ("name", "host", "fits"),
    [
        ("app.example.test", "App.example.test.", True),
        ("app.example.test", "example.test", False),
        ("*.example.test", "app.example.test", True),
        ("*.example.test", "a.app.example.test", False),
        ("*.example.test", "example.test", False),
    ],
)
def test_a_wildcard_is_for_one_label(name: str, host: str, fits: bool) -> None:
    assert Certificate("traefik-abc", (name,)).fits(host) is fits


def test_broken_bytes_are_a_value_error() -> None:
    whole = _der("app.example.test")
    for length in (0, 1, 10, len(whole) // 2, len(whole) - 1):
        with pytest.raises(ValueError, match=r".*"):
            parsed(whole[:length], "traefik-abc")
