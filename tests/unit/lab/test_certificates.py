"""The lab's certificates: of one authority, for the hosts that are wanted, and made anew only where one is missing."""

from __future__ import annotations

import base64
import ssl
import subprocess
from typing import Any
from unittest.mock import Mock

import pytest
from cryptography import x509

from lab import certificates
from lab.certificates import WANTED, secrets


def _read(secret: dict[str, Any], name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(base64.b64decode(secret["data"][name]))


def test_all_are_of_one_authority_and_for_their_hosts() -> None:
    made = secrets()
    assert [(each["metadata"]["namespace"], each["metadata"]["name"]) for each in made] == [
        (each.namespace, each.name) for each in WANTED
    ]
    assert len({each["data"]["ca.crt"] for each in made}) == 1
    for secret, wanted in zip(made, WANTED, strict=True):
        authority, certificate = _read(secret, "ca.crt"), _read(secret, "tls.crt")
        certificate.verify_directly_issued_by(authority)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == list(wanted.hosts)
        context = ssl.create_default_context(cadata=base64.b64decode(secret["data"]["ca.crt"]).decode())
        assert context.get_ca_certs()


@pytest.mark.parametrize(("there", "written"), [(("lab-test-tls", "partners-tls"), 0), (("partners-tls",), 2), ((), 2)])
def test_they_are_kept(there: tuple[str, ...], written: int) -> None:
    def run(*words: str, **_more: Any) -> subprocess.CompletedProcess[str]:
        found = words[0] == "get" and words[2] in there
        return subprocess.CompletedProcess(words, 0, f"secret/{words[2]}\n" if found else "", "")

    assert len(certificates.missing(Mock(run=Mock(side_effect=run)))) == written
