"""Certificates for the lab's hosts, by an authority that nobody else has: made once, kept in the cluster."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab.kube import Kubectl

VALID_FOR = timedelta(days=365)
Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Wanted:
    """A Secret of the type kubernetes.io/tls with a certificate for these hosts."""

    namespace: str
    name: str
    hosts: Sequence[str]


WANTED = (
    Wanted("traefik", "lab-test-tls", ("*.lab.test", "lab.test")),
    Wanted("partners", "partners-tls", ("partners.lab.test",)),
)


def ensure(kubectl: Kubectl) -> None:
    """Have all Secrets there, issued together: where one is missing, all are issued anew."""
    missing = [each for each in WANTED if not _exists(kubectl, each)]
    if not missing:
        return
    items = {"apiVersion": "v1", "kind": "List", "items": secrets()}
    kubectl.run(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=lab",
        "-f",
        "-",
        doing="writing the certificates",
        stdin=json.dumps(items),
    )


def secrets(wanted: Sequence[Wanted] = WANTED) -> list[dict[str, Any]]:
    """Issue the certificates. ``ca.crt`` is the authority that a client has to know."""
    authority_key, name = ec.generate_private_key(ec.SECP256R1()), _name("authority of the lab")
    own = _builder(name, name, authority_key).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    authority = _pem(own.sign(authority_key, hashes.SHA256()))
    return [_secret(each, authority_key, name, authority) for each in wanted]


def _secret(wanted: Wanted, authority_key: Key, authority: x509.Name, ca: bytes) -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(wanted.hosts[0]), authority, key)
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in wanted.hosts])
    certificate = _pem(builder.add_extension(names, critical=False).sign(authority_key, hashes.SHA256()))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    data = {"tls.crt": certificate, "tls.key": private, "ca.crt": ca}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": wanted.name, "namespace": wanted.namespace},
        "data": {name: base64.b64encode(value).decode() for name, value in data.items()},
    }


def _builder(subject: x509.Name, issuer: x509.Name, key: Key) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + VALID_FOR)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _exists(kubectl: Kubectl, wanted: Wanted) -> bool:
    where = ("--namespace", wanted.namespace, "--ignore-not-found", "--output=name")
    shown = kubectl.run("get", "secret", wanted.name, *where, doing="reading the certificates")
    return bool(shown.stdout.strip())
