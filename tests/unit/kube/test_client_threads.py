"""Many threads at the first use of clients, against a real API-like server with TLS on both sides."""

from __future__ import annotations

import base64
import json
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import AddressPoint, Request, Session
from ansible_collections.resilient.traefik.plugins.module_utils.kube import client as client_module
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.connection import Connection, connect
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

THREADS = 32
ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as a kubeconfig holds it, before base64."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key as a kubeconfig holds it, before base64."""
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _pair(name: str, signer: Pair | None = None, *extensions: x509.ExtensionType) -> Pair:
    """Signed by itself without a signer, and without key identifiers: kubectl takes such authorities."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    issuer = signer.certificate.subject if signer else subject
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Pair(builder.sign(signer.key if signer else key, hashes.SHA256()), key)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        body = json.dumps({"path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    request_queue_size = 2 * THREADS
    tls: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake in the connection's own thread: one in the accepting thread holds up all others."""
        with self.tls.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: the client tells what failed."""


@dataclass(frozen=True)
class _Site:
    """A server's port, the authority that signed its certificate, and a user who may come in."""

    port: int
    authority: Pair
    user: Pair


@contextmanager
def _site(folder: Path, *, user_needed: bool) -> Iterator[_Site]:
    authority = _pair("authority", None, x509.BasicConstraints(ca=True, path_length=None))
    own = _pair("server", authority, x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(ADDRESS))]))
    server = _Server((ADDRESS, 0), _Handler)
    server.tls = _server_tls(folder, own, authority)
    server.tls.verify_mode = ssl.CERT_REQUIRED if user_needed else ssl.CERT_NONE
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield _Site(server.server_port, authority, _pair("user", authority))
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Leads to a server that wants a client certificate; certificates and keys stand in the kubeconfig itself."""
    with _site(tmp_path_factory.mktemp("tls"), user_needed=True) as site:
        yield _kubeconfig(f"https://{ADDRESS}:{site.port}", site.authority, site.user)


def _server_tls(folder: Path, pair: Pair, authority: Pair) -> ssl.SSLContext:
    files = {"certificate": pair.certificate_pem, "key": pair.key_pem, "authority": authority.certificate_pem}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    context.load_verify_locations(folder / "authority")
    return context


def _kubeconfig(server: str, authority: Pair, user: Pair) -> dict[str, Any]:
    cluster = {"server": server, "certificate-authority-data": _text(authority.certificate_pem)}
    credentials = {"client-certificate-data": _text(user.certificate_pem), "client-key-data": _text(user.key_pem)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "main",
        "clusters": [{"name": "main", "cluster": cluster}],
        "users": [{"name": "main", "user": credentials}],
        "contexts": [{"name": "main", "context": {"cluster": "main", "user": "main"}}],
    }


def _text(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    """Let threads take turns in the middle of everything: what can go wrong does so within one test."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def _at_once(work: Callable[[int], Any]) -> list[Any]:
    """The answers, or the errors, of as many threads that all begin in the same moment."""
    gate = threading.Barrier(THREADS)
    found: list[Any] = [None] * THREADS

    def run(number: int) -> None:
        gate.wait()
        try:
            found[number] = work(number)
        except Exception as error:
            found[number] = repr(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _expected() -> list[Any]:
    return [{"path": f"/{number}"} for number in range(THREADS)]


def test_a_client_connects_once_for_all_threads(kubeconfig: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Connection] = []

    def counted(params: Any) -> Connection:
        made.append(connect(params))
        return made[-1]

    monkeypatch.setattr(client_module, "connect", counted)
    client = Client({"kubeconfig": kubeconfig})
    assert _at_once(lambda number: client.request("GET", f"/{number}")) == _expected()
    assert len(made) == 1


def test_clients_of_one_cluster_leave_each_others_files_alone(kubeconfig: dict[str, Any]) -> None:
    clients = [Client({"kubeconfig": kubeconfig}) for _ in range(THREADS)]
    assert _at_once(lambda number: clients[number].request("GET", f"/{number}")) == _expected()


def test_a_task_has_one_client_for_all_threads(kubeconfig: dict[str, Any]) -> None:
    task = Task({"kubeconfig": kubeconfig})
    assert _at_once(lambda number: task.client.request("GET", f"/{number}")) == _expected()
    assert len(set(map(id, _at_once(lambda number: task.client)))) == 1


def test_a_failed_connection_is_tried_again(kubeconfig: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client({"kubeconfig": kubeconfig})
    with monkeypatch.context() as patched:
        patched.setattr(client_module, "connect", lambda params: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            client.request("GET", "/")
    assert client.request("GET", "/0") == {"path": "/0"}


def test_an_authority_without_key_identifiers_will_do(tmp_path: Path) -> None:
    """Python's default context refuses it since 3.13 (VERIFY_X509_STRICT), curl, browsers and kubectl do not."""
    with _site(tmp_path, user_needed=False) as site:
        request = Request(host=ADDRESS, https=True, ca=site.authority.certificate_pem.decode())
        with Session(AddressPoint(ADDRESS, site.port), timeout=10, max_seconds=10) as session:
            assert session.ask(request).status == 200
