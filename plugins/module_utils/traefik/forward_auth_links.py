# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The links between a ForwardAuth middleware and the target that a proxy stands before, each as a check. Pure.

middleware -> address -> Service -> the proxy's pods -> their configuration -> the target's pods.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import belongs, ready_targets, serves
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy import FALLBACK_HEADER
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth

CONFIGURATION = "resilient.traefik/configuration"
USERS = "resilient.traefik/users"
_SETTINGS = "settings.js"
_SERVER = re.compile(r"^\s*server\s+(\S+?):(\d+)\s+resolve", re.MULTILINE)

Place = tuple[str, str]


@dataclass(frozen=True)
class Surroundings:
    """What the links are made of, by (namespace, name). ``slices`` are those of each Service, ``pods`` those of its
    namespace. ``unread`` says of what may not be read why; it is by (namespace, name) too. ``namespaces`` are the
    labels of these, where they may be listed.
    """

    services: Mapping[Place, Object] = field(default_factory=dict)
    slices: Mapping[Place, Sequence[Object]] = field(default_factory=dict)
    deployments: Mapping[Place, Object] = field(default_factory=dict)
    pods: Mapping[Place, Object] = field(default_factory=dict)
    config_maps: Mapping[Place, Object] = field(default_factory=dict)
    secrets: Mapping[Place, Object] = field(default_factory=dict)
    unread: Mapping[Place, str] = field(default_factory=dict)
    policies: Sequence[Object] = ()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    cluster_domain: str = "cluster.local"
    traefik_namespace: str = ""

    def service_behind(self, middleware: Object) -> Object | None:
        """Return the Service that a ForwardAuth middleware asks, None where that is none of the cluster."""
        address = forward_auth.asked_by(middleware)
        return forward_auth.service_behind(address, self.services, self.cluster_domain, self.traefik_namespace)


@dataclass(frozen=True)
class Proxy:
    """What stands behind a middleware's address. ``service`` is None where that is no Service of the cluster.

    ``ours`` is whether it is one of this collection's proxies: by the mark of the Service or of all pods behind it.
    ``pods`` are its ready ones.
    """

    address: forward_auth.Address
    service: Object | None
    ours: bool
    pods: Sequence[Object] = ()
    deployment: Object | None = None

    @property
    def reached(self) -> Object:
        """The Service. Raise NotFound where there is none, which ``service`` tells."""
        if self.service is None:
            raise errors.NotFound(f"{self.name}", status=404, reason="NotFound", causes=[])
        return self.service

    @property
    def name(self) -> str:
        """What is asked, in words."""
        if self.service is None:
            return f"{self.address.shown}, which is no Service of this cluster"
        whose = "" if self.ours else ", which is no proxy of this collection"
        return f"{self.address.shown}, {ref_of(self.service)}{whose}"


def proxy_behind(middleware: Object, around: Surroundings) -> Proxy:
    """What a ForwardAuth middleware asks."""
    address = forward_auth.asked_by(middleware)
    service = around.service_behind(middleware)
    if service is None:
        return Proxy(address, None, ours=False)
    pods = pods_behind(service, around)
    ours = is_ours(service) or (bool(pods) and all(map(is_ours, pods)))
    namespace = service["metadata"]["namespace"]
    candidates = [item for (space, _name), item in around.deployments.items() if space == namespace and is_ours(item)]
    found = [item for item in candidates if serves(item, service)]
    found = found or [item for item in candidates if item["metadata"]["name"] == service["metadata"]["name"]]
    return Proxy(address, service, ours, pods, found[0] if found else None)


def pods_behind(service: Object, around: Surroundings) -> list[Object]:
    """The pods that a Service sends requests to now, by name. Endpoints that are no pods are left out."""
    metadata = service["metadata"]
    slices = around.slices.get((metadata["namespace"], metadata["name"]), ())
    names = {name for piece in slices for name in ready_targets(piece)}
    places = [(metadata["namespace"], name) for name in sorted(names)]
    return [around.pods[place] for place in places if place in around.pods]


def target_of(proxy: Proxy, around: Surroundings) -> Place:
    """The Service that is asked in the end, as (namespace, name); empty texts when nothing tells it."""
    if proxy.service is None:
        return "", ""
    if not proxy.ours:
        return proxy.service["metadata"]["namespace"], proxy.service["metadata"]["name"]
    remembered = forward_auth.remembered_target(_own_service(proxy, around))
    return remembered.get("namespace", ""), remembered.get("service", "")


def link_checks(middleware: Object, proxy: Proxy, around: Surroundings, behind_another: bool = False) -> list[Check]:
    """The checks from the address on, of a middleware that asks one of our proxies.

    ``behind_another`` is whether a middleware before it in a chain sets identity headers, which it must not take away.
    """
    name = str(ref_of(middleware))
    configuration = _configuration(proxy, around)
    return [
        _address_check(name, proxy),
        *_header_checks(name, middleware, configuration, proxy, behind_another),
        _service_check(name, proxy),
        _nodes_check(name, proxy),
        *_pod_checks(name, proxy, around),
        _target_check(name, proxy, configuration, around),
    ]


def _address_check(name: str, proxy: Proxy) -> Check:
    """The port and path of the address have to be the proxy's too."""
    service, address = proxy.reached, proxy.address
    port = forward_auth.service_port(service, address.port)
    container = _named_port(proxy.deployment, "http")
    target = (port or {}).get("targetPort", (port or {}).get("port"))
    fits = bool(port) and target in ("http", container)
    known = ", ".join(str(each["port"]) for each in service["spec"].get("ports") or []) or "none"
    found = (
        f"port {address.port} of {ref_of(service)} leads to {target}" if port else f"no port {address.port}: {known}"
    )
    return Check(f"{name}: its address is the proxy's port", fits, f"a port that leads to {container} (http)", found)


def _header_checks(
    name: str, middleware: Object, configuration: Mapping[str, Any], proxy: Proxy, behind_another: bool
) -> Iterator[Check]:
    """What a client may not bring: Traefik takes from requests only what is listed, or fits the pattern."""
    spec = middleware["spec"]["forwardAuth"]
    listed = {str(header).lower() for header in spec.get("authResponseHeaders") or []}
    settings = configuration.get("settings") or {}
    asks_for_login = bool(_volume(_pod_spec(proxy), "users", "secret", "secretName"))
    identity = [] if behind_another and not asks_for_login else list(settings.get("identity_headers") or [])
    needed = [*identity, FALLBACK_HEADER]
    needed += ["Authorization"] if settings.get("emergency_users") else []
    missing = [header for header in dict.fromkeys(needed) if header.lower() not in listed]
    yield Check(
        f"{name}: it takes identity headers from nobody but the proxy",
        bool(settings) and not missing,
        f"authResponseHeaders with {', '.join(dict.fromkeys(needed))}",
        (f"not {', '.join(missing)}: what a client sends of these reaches the site" if missing else "all of them")
        if settings
        else "the proxy's configuration is not there to compare with",
    )
    pattern = str(spec.get("authResponseHeadersRegex") or "")
    families = [header for header in identity if "-" in header]
    passing = [spelled for header in families if not _takes(pattern, spelled := header.replace("-", "_"))]
    yield Check(
        f"{name}: it takes other spellings of identity headers too",
        not passing,
        "an authResponseHeadersRegex that fits underscores as well",
        f"{pattern or 'none'}, which lets {passing[0]} pass" if passing else pattern or "no family of headers",
    )


def _takes(pattern: str, header: str) -> bool:
    if not pattern:
        return False
    try:
        return bool(re.search(pattern, header))
    except re.error:
        return False


def trust_check(name: str, middleware: Object, insecure: Sequence[str]) -> Check:
    """``insecure`` are the entry points that take X-Forwarded headers from anybody."""
    trusts = bool(middleware["spec"]["forwardAuth"].get("trustForwardHeader"))
    told = "; ".join(f"entry point {each} takes them from anybody" for each in insecure)
    return Check(
        f"{name}: no client chooses by X-Forwarded-Host which host's policy holds",
        not (trusts and insecure),
        "trustForwardHeader false, or entry points that do not trust everybody",
        f"trustForwardHeader {str(trusts).lower()}{f'; {told}' if told else ''}",
    )


def _service_check(name: str, proxy: Proxy) -> Check:
    service, deployment = proxy.reached, proxy.deployment
    of = ref_of(deployment) if deployment else None
    others = [pod["metadata"]["name"] for pod in proxy.pods if not (is_ours(pod) and of and belongs(pod, of))]
    selects = bool(deployment) and serves(deployment or {}, service)
    passed = selects and bool(proxy.pods) and not others
    parts = [f"{len(proxy.pods)} ready" + (f" of {deployment['spec'].get('replicas', 1)}" if deployment else "")]
    parts += [f"not the proxy's: {', '.join(others)}"] if others else []
    parts += [] if deployment else ["no Deployment of this collection with that name or selected by it"]
    parts += [] if selects or not deployment else [f"its selector {service['spec'].get('selector')} is not theirs"]
    words = "pods of the proxy, ready"
    return Check(f"{name}: {ref_of(service)} selects the proxy's pods", passed, words, "; ".join(parts))


def _nodes_check(name: str, proxy: Proxy) -> Check:
    """Harden leaves this field to whoever set it, and requests find it out only where a node has no pod just now."""
    service = proxy.reached
    policy = service["spec"].get("internalTrafficPolicy") or "Cluster"
    told = f"internalTrafficPolicy {policy}"
    told += "" if policy == "Cluster" else ", so a Traefik asks nobody while its own node has no ready pod of the proxy"
    what = f"{name}: {ref_of(service)} leads from every node to all of the proxy's pods"
    return Check(what, policy == "Cluster", "internalTrafficPolicy Cluster", told)


def _pod_checks(name: str, proxy: Proxy, around: Surroundings) -> Iterator[Check]:
    if proxy.deployment is None:
        return
    ref, template = ref_of(proxy.deployment), proxy.deployment["spec"]["template"]
    digest = str((template["metadata"].get("annotations") or {}).get(CONFIGURATION, ""))
    place = (ref.namespace, _volume(template["spec"], "configuration", "configMap", "name"))
    config_map = around.config_maps.get(place)
    data = (config_map or {}).get("data") or {}
    real = digest_of(data)
    wrong = [] if config_map else [f"ConfigMap {place[0]}/{place[1]} is not there"]
    wrong += [f"ConfigMap {place[1]} has {real[:10]}, not {digest[:10]}"] if config_map and real != digest else []
    own = [pod for pod in around.pods.values() if belongs(pod, ref) and pod["metadata"]["namespace"] == ref.namespace]
    own = [pod for pod in own if not pod["metadata"].get("deletionTimestamp")]
    for pod in own:
        has = str((pod["metadata"].get("annotations") or {}).get(CONFIGURATION, ""))
        mounted = _volume(pod["spec"], "configuration", "configMap", "name")
        if (has, mounted) != (digest, place[1]):
            wrong.append(f"pod {pod['metadata']['name']} has {mounted or 'none'} ({has[:10] or 'no digest'})")
    yield Check(
        f"{name}: each pod of {ref} has the configuration of the policy",
        bool(own) and not wrong,
        f"ConfigMap {place[1]} ({digest[:10]}) in every pod",
        "; ".join(wrong) or (f"in all {len(own)} pods" if own else "it has no pods"),
    )
    secret = _volume(template["spec"], "users", "secret", "secretName")
    if secret:
        yield _users_check(name, ref, (ref.namespace, secret), own, around)


def _users_check(name: str, ref: ObjectRef, place: Place, pods: Sequence[Object], around: Surroundings) -> Check:
    found = around.secrets.get(place)
    what, expected = f"{name}: each pod of {ref} has loaded the emergency logins", f"Secret {'/'.join(place)} as it is"
    if found is None:
        return Check(what, False, expected, around.unread.get(place, "the Secret is not there"))
    try:
        users = base64.b64decode(str((found.get("data") or {}).get("users") or "")).decode(errors="replace")
    except ValueError:
        users = ""
    if not users.strip():
        return Check(what, False, expected, "it holds no user, so nobody gets in while the target is down")
    version = str(found["metadata"].get("resourceVersion", ""))
    others = [
        pod["metadata"]["name"]
        for pod in pods
        if str((pod["metadata"].get("annotations") or {}).get(USERS, "")) != version
    ]
    told = f"it was changed since {', '.join(others)} began: run harden again" if others else f"in all {len(pods)} pods"
    return Check(what, bool(pods) and not others, expected, told)


def _target_check(name: str, proxy: Proxy, configuration: Mapping[str, Any], around: Surroundings) -> Check:
    """The upstream in the configuration is a Service beside the target, which selects the pods that the target does."""
    place = target_of(proxy, around)
    what = f"{name}: the proxy asks the pods of its target"
    expected = f"pods of Service {'/'.join(place)}, ready" if place[1] else "pods of a target, ready"
    target = around.services.get(place)
    if target is None:
        told = (
            f"Service {'/'.join(place)} is not there" if place[1] else "its Service does not say whom it stands before"
        )
        return Check(what, False, expected, told)
    upstream = str(configuration.get("upstream") or "")
    labels = upstream.rstrip(".").removesuffix(f".{around.cluster_domain}").removesuffix(".svc").split(".")
    peers = around.services.get((labels[1], labels[0])) if len(labels) == 2 else None
    if peers is None:
        return Check(what, False, expected, f"it asks {upstream or 'nobody'}, which is no Service of this cluster")
    if peers["metadata"]["namespace"] != place[0] or peers["spec"].get("selector") != target["spec"].get("selector"):
        told = f"{ref_of(peers)} selects {peers['spec'].get('selector')}, the target {target['spec'].get('selector')}"
        return Check(what, False, expected, told)
    asked, known = pods_behind(peers, around), pods_behind(target, around)
    if not asked or {each["metadata"]["name"] for each in asked} != {each["metadata"]["name"] for each in known}:
        told = f"{ref_of(peers)} has {len(asked)} ready pods, the target {len(known)}"
        return Check(what, False, expected, told)
    return Check(what, True, expected, f"{len(asked)} ready, by {ref_of(peers)}")


def notes_on_policies(proxy: Proxy, around: Surroundings) -> str:
    """The NetworkPolicies that are about the proxy's pods, in words."""
    labels = ((proxy.deployment or {}).get("spec") or {}).get("template", {}).get("metadata", {}).get("labels") or {}
    namespace = (proxy.service or {}).get("metadata", {}).get("namespace")
    names = [
        policy["metadata"]["name"]
        for policy in around.policies
        if policy["metadata"]["namespace"] == namespace
        and ((policy.get("spec") or {}).get("podSelector") or {}).get("matchLabels", {}).items() <= labels.items()
    ]
    return f"NetworkPolicies about its pods: {', '.join(sorted(names)) or 'none'}"


def digest_of(files: Mapping[str, str]) -> str:
    """The digest of a configuration, as the role fallback_proxy makes it."""
    return hashlib.sha256(json.dumps(dict(files), sort_keys=True).encode()).hexdigest()


def _configuration(proxy: Proxy, around: Surroundings) -> dict[str, Any]:
    """``settings`` of the policy and ``upstream``, out of the files that the pods have; empty when there are none."""
    if proxy.deployment is None:
        return {}
    ref, spec = ref_of(proxy.deployment), proxy.deployment["spec"]["template"]["spec"]
    config_map = around.config_maps.get((ref.namespace, _volume(spec, "configuration", "configMap", "name")))
    data = (config_map or {}).get("data") or {}
    server = _SERVER.search(str(data.get("proxy.conf") or ""))
    return {"settings": _settings(data), "upstream": server[1] if server else ""}


def _settings(data: Mapping[str, str]) -> dict[str, Any]:
    text = str(data.get(_SETTINGS) or "")
    begin, end = text.find("{"), text.rfind("}")
    try:
        found = json.loads(text[begin : end + 1]) if begin >= 0 else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _own_service(proxy: Proxy, around: Surroundings) -> Object:
    """The Service that the collection made, also where another one leads to its pods."""
    service = proxy.reached
    if proxy.deployment is None or is_ours(service):
        return service
    ref = ref_of(proxy.deployment)
    return around.services.get((ref.namespace, ref.name), service)


def _pod_spec(proxy: Proxy) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = proxy.deployment["spec"]["template"]["spec"] if proxy.deployment else {}
    return spec


def _volume(spec: Mapping[str, Any], name: str, kind: str, key: str) -> str:
    for volume in spec.get("volumes") or []:
        if volume["name"] == name and kind in volume:
            return str(volume[kind].get(key, ""))
    return ""


def _named_port(workload: Object | None, name: str) -> int:
    for container in (workload or {}).get("spec", {}).get("template", {}).get("spec", {}).get("containers") or []:
        for port in container.get("ports") or []:
            if port.get("name") == name:
                return int(port["containerPort"])
    return 0
