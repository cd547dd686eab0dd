"""Where a request comes in: doors, nodes without a replica, entry points, and whom an entry point trusts."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.explain import entrance
from ansible_collections.resilient.traefik.plugins.module_utils.explain.entrance import (
    doors_of,
    empty_nodes,
    forwarded_proto,
    public_port,
    reach,
    resolve,
    to_try,
    trusts,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Replica, Workload
from tests.unit.explain.sample import REQUEST

TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


def _workload(*nodes: str, **pod: Any) -> Workload:
    ports = [{"name": "web", "containerPort": 8000} | ({"hostPort": 80} if pod.pop("host_port", False) else {})]
    template = {"metadata": {"labels": {"app": "traefik"}}, "spec": {"containers": [{"ports": ports}]} | pod}
    item: Object = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "traefik", "namespace": "traefik"},
        "spec": {"template": template},
    }
    replicas = [Replica(f"traefik-{node}", "traefik", node, "", True) for node in nodes]
    return Workload(ref_of(item), "3.7.13", replicas, {"web": 8000}, {}, "arguments", "", len(nodes), item)


def _service(kind: str, *addresses: str, local: bool = False, **port: int) -> Object:
    policy = {"externalTrafficPolicy": "Local"} if local else {}
    return {
        "metadata": {"name": "traefik", "namespace": "traefik"},
        "spec": {"type": kind, "selector": {"app": "traefik"}, "ports": [{"port": 80, "targetPort": "web"} | port]}
        | policy,
        "status": {"loadBalancer": {"ingress": [{"ip": address} for address in addresses]}},
    }


def _node(name: str, address: str, *taints: dict[str, str]) -> Object:
    status = {"addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]}
    return {"metadata": {"name": name, "labels": {}}, "spec": {"taints": list(taints)}, "status": status}


NODES = [_node("a", "192.0.2.1"), _node("b", "192.0.2.2"), _node("control", "192.0.2.3", TAINT)]


def test_host_ports_are_doors_of_the_nodes_where_a_replica_may_run() -> None:
    workload = _workload("a", host_port=True)
    doors, _words, _pending = doors_of(workload, [], NODES, 80, 8000)
    assert [(door.address, door.node, door.local) for door in doors] == [
        ("192.0.2.1", "a", True),
        ("192.0.2.2", "b", True),
    ]
    assert empty_nodes(workload, doors) == ["b"]
    tolerant = _workload("a", host_port=True, tolerations=[{"operator": "Exists"}])
    assert len(doors_of(tolerant, [], NODES, 80, 8000)[0]) == 3
    assert not doors_of(workload, [], NODES, 443, 8443)[0]


def test_a_load_balancers_addresses_are_doors_and_one_without_is_pending() -> None:
    workload = _workload("a")
    doors, words, pending = doors_of(workload, [_service("LoadBalancer", "198.51.100.1")], NODES, 80, 8000)
    assert [(door.address, door.node) for door in doors] == [("198.51.100.1", "")]
    assert words == ["Service traefik (LoadBalancer)"]
    assert not pending
    assert doors_of(workload, [_service("LoadBalancer")], NODES, 80, 8000)[2] == ["traefik"]


def test_node_addresses_of_a_local_service_serve_their_own_replica_alone() -> None:
    workload = _workload("a")
    addresses = ["192.0.2.1", "192.0.2.2"]
    doors, words, _pending = doors_of(workload, [_service("LoadBalancer", *addresses, local=True)], NODES, 80, 8000)
    assert words == ["Service traefik (LoadBalancer, externalTrafficPolicy Local)"]
    assert empty_nodes(workload, doors) == ["b"]
    ported, _words, _pending = doors_of(workload, [_service("NodePort", nodePort=30080)], NODES, 30080, 8000)
    assert {door.address for door in ported} == {"192.0.2.1", "192.0.2.2", "192.0.2.3"}
    assert not empty_nodes(workload, ported)


@pytest.mark.parametrize(
    ("settings", "address", "trusted"),
    [
        ({}, "192.0.2.10", False),
        ({}, "", False),
        ({"insecure": "true"}, "", True),
        ({"insecure": "false"}, "", False),
        ({"trustedips": "10.0.0.0/8,192.0.2.0/24"}, "192.0.2.10", True),
        ({"trustedips": "10.0.0.0/8"}, "192.0.2.10", False),
        ({"trustedips.0": "192.0.2.10"}, "192.0.2.10", True),
        ({"trustedips": "10.0.0.0/8"}, "", None),
        ({"trustedips": "x"}, "192.0.2.10", None),
    ],
)
def test_whose_forwarded_headers_are_kept(settings: dict[str, str], address: str, trusted: bool | None) -> None:
    given = {f"entrypoints.web.forwardedheaders.{name}": value for name, value in settings.items()}
    assert trusts(given, "web", address) is trusted


def test_the_forwarded_scheme_is_the_clients_only_where_it_is_trusted() -> None:
    proxied = replace(REQUEST, headers={"x-forwarded-proto": "HTTPS"})
    assert forwarded_proto(proxied, True) == "https"
    assert forwarded_proto(proxied, False) == "http"
    assert forwarded_proto(replace(REQUEST, https=True), False) == "https"


@pytest.mark.parametrize(
    ("host", "https", "port"),
    [("a.test", False, 80), ("a.test", True, 443), ("a.test:8443", True, 8443), ("[2001:db8::1]", False, 80)],
)
def test_the_public_port(host: str, https: bool, port: int) -> None:
    assert public_port(replace(REQUEST, host=host, https=https)) == port


def test_addresses_of_the_name_are_tried_before_traefiks_own() -> None:
    doors, _words, _pending = doors_of(_workload("a", host_port=True), [], NODES, 80, 8000)
    assert to_try(["198.51.100.1"], doors) == ["198.51.100.1"]
    assert to_try([], doors) == ["192.0.2.1", "192.0.2.2"]


def test_a_connection_is_open_or_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert reach("127.0.0.1", port, 1.0) == entrance.OPEN
    assert reach("127.0.0.1", port, 1.0) == entrance.REFUSED


def test_a_name_is_resolved_or_the_reason_is_told() -> None:
    assert "127.0.0.1" in resolve("localhost", 5.0)[0]
    addresses, problem = resolve("no such name", 5.0)
    assert not addresses
    assert problem
