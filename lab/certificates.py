"""An authority that issues certificates, and those of the lab's hosts: made once, kept in the cluster."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab.kube import Kubectl


class Authority:
    """``certificate`` is its own, as PEM text."""

    def __init__(self, name: str = "an authority", valid_for: timedelta = timedelta(days=1)) -> None:
        self._key, self._name, self._valid_for = ec.generate_private_key(ec.SECP256R1()), _name(name), valid_for
        own = self._builder(self._name, self._key.public_key())
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate = _pem(own.sign(self._key, hashes.SHA256()))

    def issue(self, *hosts: str) -> tuple[str, str]:
        """Key and certificate for hosts, as PEM text."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = self._builder(_name(hosts[0]), key.public_key()).add_extension(names, critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return private.decode(), _pem(builder.sign(self._key, hashes.SHA256()))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + self._valid_for)


@dataclass(frozen=True)
class Wanted:
    """A Secret of the type kubernetes.io/tls with a certificate for these hosts."""

    namespace: str
    name: str
    hosts: Sequence[str]

    @property
    def bare(self) -> dict[str, Any]:
        """The Secret without its data."""
        metadata = {"name": self.name, "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata}


WANTED = (
    Wanted("traefik", "lab-test-tls", ("*.lab.test", "lab.test")),
    Wanted("partners", "partners-tls", ("partners.lab.test",)),
)


def missing(kubectl: Kubectl) -> list[dict[str, Any]]:
    """Return all Secrets, issued together, where one of them is not there; else none."""
    return [] if all(_exists(kubectl, each) for each in WANTED) else secrets()


def secrets() -> list[dict[str, Any]]:
    """Issue the certificates. ``ca.crt`` is the authority that a client has to know."""
    authority = Authority("authority of the lab", timedelta(days=365))
    return [_secret(each, authority) for each in WANTED]


def _secret(wanted: Wanted, authority: Authority) -> dict[str, Any]:
    key, certificate = authority.issue(*wanted.hosts)
    data = {"tls.crt": certificate, "tls.key": key, "ca.crt": authority.certificate}
    return wanted.bare | {"data": {name: base64.b64encode(text.encode()).decode() for name, text in data.items()}}


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _exists(kubectl: Kubectl, wanted: Wanted) -> bool:
    where = ("--namespace", wanted.namespace, "--ignore-not-found", "--output=name")
    shown = kubectl.run("get", "secret", wanted.name, *where, doing="reading the certificates")
    return bool(shown.stdout.strip())
