"""Streams to pods through the API server: who may, from where, how many, how much, and what is said when it fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import (
    Answer,
    NoAnswer,
    PodPoint,
    Request,
    Session,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.port_forward import connect_to_pod
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Replica, find_workload
from tests.integration.support_connect_proxy import ConnectProxy

pytest_plugins = ["tests.integration.support_fixtures"]

PING = Request(host="localhost", path="/ping")
INTERNAL = 8080


@pytest.fixture
def replica(admin: Client) -> Replica:
    """One of the lab's replicas."""
    return find_workload(admin, "traefik").ready[0]


def ask(client: Client, replica: Replica, request: Request = PING, port: int = INTERNAL) -> Answer:
    """One request over a stream of its own."""
    with Session(PodPoint(client, replica.namespace, replica.name, port), timeout=10, max_seconds=30) as session:
        return session.ask(request)


def rules(namespace: str, account: str, *resources: str) -> list[dict[str, Any]]:
    """A role in Traefik's namespace and a binding, for a ServiceAccount of another."""
    metadata = {"name": f"{namespace}-{account}", "namespace": "traefik"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": metadata["name"]}
    rule = {"apiGroups": [""], "resources": list(resources), "verbs": ["get", "list", "create"]}
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    api = "rbac.authorization.k8s.io/v1"
    return [
        {"apiVersion": api, "kind": "Role", "metadata": metadata, "rules": [rule]},
        {"apiVersion": api, "kind": "RoleBinding", "metadata": metadata, "roleRef": role, "subjects": [subject]},
    ]


@pytest.fixture
def with_token(admin: Client, kubeconfig: Path, namespace: str) -> Iterator[Client]:
    """A ServiceAccount's client that may port-forward in Traefik's namespace and nothing else."""
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "forwarder", "namespace": namespace},
    }
    objects = [account, *rules(namespace, "forwarder", "pods/portforward")]
    writer = Writer(admin, check_mode=False)
    refs = [change.ref for change in writer.apply(objects).changes]
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/forwarder/token"
    token = admin.request("POST", path, body={"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"})
    known = yaml.safe_load(kubeconfig.read_text())
    cluster = known["clusters"][0]["cluster"]
    user = {"name": "u", "user": {"token": token["status"]["token"]}}
    context = {"name": "c", "context": {"cluster": "k", "user": "u"}}
    own = {"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "k", "cluster": cluster}]}
    yield Client({"kubeconfig": own | {"users": [user], "contexts": [context], "current-context": "c"}})
    writer.delete(refs)


def test_a_token_with_this_right_alone_will_do(with_token: Client, replica: Replica) -> None:
    assert ask(with_token, replica).text == "OK"


def test_a_missing_right_is_named(kubeconfig: Path, replica: Replica) -> None:
    stranger = Client({"kubeconfig": str(kubeconfig), "impersonate_user": "stranger"})
    with pytest.raises(errors.Forbidden) as refusal:
        ask(stranger, replica)
    assert 'cannot get resource "pods/portforward"' in str(refusal.value)
    assert f"Pod traefik/{replica.name} port 8080" in str(refusal.value)


def test_impersonation_reaches_the_stream(kubeconfig: Path, replica: Replica) -> None:
    options = {"impersonate_user": "somebody", "impersonate_groups": ["testers", "system:masters"]}
    assert ask(Client({"kubeconfig": str(kubeconfig)} | options), replica).status == 200


def test_through_a_proxy(kubeconfig: Path, replica: Replica) -> None:
    with ConnectProxy() as proxy:
        client = Client({"kubeconfig": str(kubeconfig), "proxy": f"http://127.0.0.1:{proxy.port}"})
        assert ask(client, replica).status == 200
        assert proxy.tunnels == 1


def test_the_environment_is_no_proxy(admin: Client, replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert admin.connection.configuration.proxy is None
    assert ask(admin, replica).status == 200


def test_many_at_once(admin: Client) -> None:
    replicas = find_workload(admin, "traefik").ready * 20
    before = threading.active_count()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda replica: ask(admin, replica), replicas))
    assert [answer.text for answer in answers] == ["OK"] * len(replicas)
    for thread in [each for each in threading.enumerate() if each.name.startswith("port-forward")]:
        thread.join(10)
    assert threading.active_count() <= before


def test_large_bodies_both_ways(admin: Client, replica: Replica) -> None:
    body = bytes(range(256)) * 4096
    head = f"POST /post HTTP/1.1\r\nHost: public.lab.test\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with connect_to_pod(admin, replica.namespace, replica.name, 8000, 10) as stream:
        until = time.monotonic() + 30
        stream.send(head.encode() + body, until)
        received = b""
        while data := stream.receive(until):
            received += data
    assert received.startswith(b"HTTP/1.1 200")
    # httpbin gives the body back in base64, within JSON.
    assert len(received) > len(body)


def test_a_port_that_nobody_listens_on(admin: Client, replica: Replica) -> None:
    with pytest.raises(NoAnswer, match="connection refused: nothing listens there"):
        ask(admin, replica, port=9)


def test_a_pod_that_is_not_there(admin: Client) -> None:
    with pytest.raises(errors.NotFound, match="Pod traefik/nobody port 80"):
        connect_to_pod(admin, "traefik", "nobody", 80, 5)


def test_an_api_server_that_is_not_there() -> None:
    client = Client({"host": "https://127.0.0.1:9", "api_key": "none", "validate_certs": False})
    with pytest.raises(errors.Unreachable, match="no answer from the API server"):
        connect_to_pod(client, "traefik", "nobody", 80, 0.5)


def test_a_certificate_that_is_not_trusted(kubeconfig: Path, admin: Client) -> None:
    client = Client({"host": admin.host, "api_key": "none"})
    with pytest.raises(errors.Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        connect_to_pod(client, "traefik", "nobody", 80, 0.5)
