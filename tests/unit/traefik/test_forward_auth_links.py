"""The links from a middleware's address to its target's pods, one broken at a time."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import last_writer
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_links as links

Object = dict[str, Any]
LABELS = {"app.kubernetes.io/name": "auth-proxy", **OUR_LABELS}
SETTINGS = {"identity_headers": ["X-authentik-uid"], "emergency_users": ["emergency"]}
FILES = {
    "proxy.conf": "upstream target {\n  server auth-proxy-peers.sso.svc.cluster.local.:9000 resolve max_fails=0;\n}",
    "settings.js": f"export default {json.dumps(SETTINGS)};\n",
}
DIGEST = links.digest_of(FILES)
PATTERN = "(?i)^(x[-_]authentik[-_])"


def _item(kind: str, namespace: str, name: str, **parts: Any) -> Object:
    metadata = {"namespace": namespace, "name": name} | parts.pop("metadata", {})
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **parts}


def _pod(name: str, namespace: str, owner: str, labels: dict[str, str], **annotations: str) -> Object:
    owners = [{"kind": "ReplicaSet", "name": f"{owner}-abc"}]
    metadata = {"labels": labels, "annotations": annotations, "ownerReferences": owners}
    return _item("Pod", namespace, name, metadata=metadata, spec=_pod_spec())


def _pod_spec() -> Object:
    volumes = [
        {"name": "configuration", "configMap": {"name": "auth-proxy-1"}},
        {"name": "users", "secret": {"secretName": "users"}},
    ]
    ports = [{"name": "http", "containerPort": 9000}, {"name": "status", "containerPort": 9113}]
    return {"volumes": volumes, "containers": [{"name": "proxy", "ports": ports}]}


def _slices(*pods: str) -> list[Object]:
    return [{"endpoints": [{"targetRef": {"kind": "Pod", "name": pod}} for pod in pods]}]


def hardened() -> dict[str, Any]:
    """Everything as harden leaves it."""
    annotations = {links.CONFIGURATION: DIGEST, links.USERS: "7"}
    template = {"metadata": {"labels": LABELS, "annotations": annotations}, "spec": _pod_spec()}
    ports = [
        {"name": "http", "port": 9000, "targetPort": "http"},
        {"name": "status", "port": 9113, "targetPort": "status"},
    ]
    service = _item(
        "Service",
        "traefik",
        "auth-proxy",
        metadata={"labels": LABELS, "annotations": {"resilient.traefik/target": "sso/outpost:9000"}},
        spec={"selector": {"app.kubernetes.io/name": "auth-proxy"}, "ports": ports},
    )
    outpost = {"selector": {"app": "outpost"}, "ports": [{"port": 9000}]}
    pods = [_pod(name, "traefik", "auth-proxy", LABELS, **annotations) for name in ("p1", "p2")]
    pods.append(_pod("o1", "sso", "outpost", {"app": "outpost"}))
    return {
        "middleware": {
            "address": "http://auth-proxy.traefik.svc.cluster.local.:9000/auth",
            "authResponseHeaders": ["x-authentik-UID", "X-Auth-Fallback", "Authorization"],
            "authResponseHeadersRegex": PATTERN,
        },
        "services": {
            ("traefik", "auth-proxy"): service,
            ("sso", "outpost"): _item("Service", "sso", "outpost", spec=outpost),
            ("sso", "auth-proxy-peers"): _item("Service", "sso", "auth-proxy-peers", spec=copy.deepcopy(outpost)),
        },
        "slices": {
            ("traefik", "auth-proxy"): _slices("p1", "p2"),
            ("sso", "outpost"): _slices("o1"),
            ("sso", "auth-proxy-peers"): _slices("o1"),
        },
        "deployments": {
            ("traefik", "auth-proxy"): _item(
                "Deployment",
                "traefik",
                "auth-proxy",
                metadata={"labels": LABELS},
                spec={"template": template, "replicas": 2},
            )
        },
        "pods": {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in pods},
        "config_maps": {("traefik", "auth-proxy-1"): _item("ConfigMap", "traefik", "auth-proxy-1", data=dict(FILES))},
        "secrets": {("traefik", "users"): _users("emergency:$2y$10$x", "7")},
    }


def _users(text: str, version: str) -> Object:
    data = {"users": base64.b64encode(text.encode()).decode()}
    return _item("Secret", "traefik", "users", metadata={"resourceVersion": version}, data=data)


def failed(state: dict[str, Any], behind_another: bool = False) -> list[str]:
    """What does not pass."""
    around = links.Surroundings(**{name: value for name, value in state.items() if name != "middleware"})
    middleware = _item("Middleware", "traefik", "login", spec={"forwardAuth": state["middleware"]})
    proxy = links.proxy_behind(middleware, around)
    assert proxy.ours
    checks = links.link_checks(middleware, proxy, around, behind_another)
    assert len(checks) == 8
    return [f"{check.name}: {check.found}" for check in checks if not check.passed]


def test_everything_holds_after_harden() -> None:
    assert failed(hardened()) == []


def _set(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(state: dict[str, Any]) -> None:
        place: Any = state
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return change


OWN, PEERS, POD = ("traefik", "auth-proxy"), ("sso", "auth-proxy-peers"), ("traefik", "p1")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set("middleware", "address", to="http://auth-proxy.traefik:9113/auth"), "its address is the proxy's port"),
        (_set("middleware", "address", to="http://auth-proxy.traefik:1/auth"), "no port 1: 9000, 9113"),
        (_set("middleware", "authResponseHeaders", to=["X-Auth-Fallback", "Authorization"]), "not X-authentik-uid"),
        (_set("middleware", "authResponseHeaders", to=["X-authentik-uid", "Authorization"]), "not X-Auth-Fallback"),
        (_set("middleware", "authResponseHeadersRegex", to=""), "none, which lets X_authentik_uid pass"),
        (_set("middleware", "authResponseHeadersRegex", to="^X-"), "^X-, which lets X_authentik_uid pass"),
        (_set("slices", OWN, to=[]), "selects the proxy's pods: 0 ready of 2"),
        (_set("services", OWN, "spec", "selector", to={"app": "x"}), "is not theirs"),
        (_set("services", OWN, "spec", "internalTrafficPolicy", to="Local"), "its own node has no ready pod"),
        (_set("pods", POD, "metadata", "ownerReferences", to=[]), "not the proxy's: p1"),
        (_set("pods", POD, "metadata", "annotations", to={links.USERS: "7"}), "pod p1 has auth-proxy-1 (no digest)"),
        (_set("config_maps", to={}), "ConfigMap traefik/auth-proxy-1 is not there"),
        (_set("config_maps", ("traefik", "auth-proxy-1"), "data", "more", to="x"), f"not {DIGEST[:10]}"),
        (_set("secrets", ("traefik", "users"), to=_users("", "7")), "holds no user"),
        (_set("secrets", ("traefik", "users"), to=_users("a:b", "8")), "was changed since p1, p2 began"),
        (_set("secrets", to={}), "the Secret is not there"),
        (_set("services", PEERS, "spec", "selector", to={"app": "x"}), "the target {'app': 'outpost'}"),
        (_set("slices", PEERS, to=[]), "has 0 ready pods, the target 1"),
        (_set("services", OWN, "metadata", "annotations", to={}), "does not say whom it stands before"),
    ],
)
def test_a_broken_link_is_found_and_named(change: Callable[[dict[str, Any]], None], words: str) -> None:
    state = hardened()
    change(state)
    assert words in "\n".join(failed(state))


def test_behind_another_that_names_users_it_takes_no_identity_away() -> None:
    state = hardened()
    state["middleware"] |= {"authResponseHeaders": ["X-Auth-Fallback"], "authResponseHeadersRegex": ""}
    spec = state["deployments"][OWN]["spec"]["template"]["spec"]
    spec["volumes"] = [volume for volume in spec["volumes"] if volume["name"] != "users"]
    files = FILES | {"settings.js": 'export default {"identity_headers": ["X-authentik-uid"]};\n'}
    state["config_maps"]["traefik", "auth-proxy-1"]["data"] = files
    template = state["deployments"][OWN]["spec"]["template"]
    for item in (template, *(pod for place, pod in state["pods"].items() if place[0] == "traefik")):
        item["metadata"]["annotations"] = {links.CONFIGURATION: links.digest_of(files)}
    around = links.Surroundings(**{name: value for name, value in state.items() if name != "middleware"})
    middleware = _item("Middleware", "traefik", "bots", spec={"forwardAuth": state["middleware"]})
    proxy = links.proxy_behind(middleware, around)
    assert all(check.passed for check in links.link_checks(middleware, proxy, around, behind_another=True))
    assert not all(check.passed for check in links.link_checks(middleware, proxy, around))


def test_a_service_that_is_no_proxy_is_told_from_one() -> None:
    state = hardened()
    around = links.Surroundings(**{name: value for name, value in state.items() if name != "middleware"})
    for address, ours, target in (
        ("http://user:secret@outpost.sso:9000/auth", False, ("sso", "outpost")),
        ("https://login.example.test/auth", False, ("", "")),
        ("http://auth-proxy.traefik:9000/auth", True, ("sso", "outpost")),
    ):
        proxy = links.proxy_behind(_item("Middleware", "x", "y", spec={"forwardAuth": {"address": address}}), around)
        assert (proxy.ours, links.target_of(proxy, around)) == (ours, target)
        assert "secret" not in proxy.name


def test_trust_is_a_fault_only_where_an_entry_point_trusts_everybody() -> None:
    trusting = _item("Middleware", "x", "y", spec={"forwardAuth": {"trustForwardHeader": True}})
    assert links.trust_check("m", trusting, []).passed
    assert not links.trust_check("m", trusting, ["web"]).passed


def test_who_wrote_a_field_last_is_told() -> None:
    def entry(manager: str, time: str, *fields: str) -> Object:
        below: Object = {"f:spec": {"f:forwardAuth": {f"f:{field}": {} for field in fields}}}
        return {"manager": manager, "operation": "Update", "time": time, "fieldsV1": below}

    entries = [entry("b", "2026-01-02", "address"), entry("a", "2026-01-01", "address"), entry("c", "2026-01-03", "x")]
    item = {"metadata": {"managedFields": entries}}
    assert last_writer(item, ("f:spec", "f:forwardAuth", "f:address")) == "b (Update) at 2026-01-02"
    assert last_writer({}, ("f:spec",)) == ""
