# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Traefik's objects refer to. Pure. Read in Traefik's source, 3.6.10 and 3.7.9, provider/kubernetes/crd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, CHAIN_ANNOTATION

_TLS_KEYS = (("tls.crt", "tls.key"),)
_CA_KEYS = (("tls.ca",), ("ca.crt",))
_REDIS_KEYS = (("username", "password"),)
_SECRET_URN = "urn:k8s:secret:"


@dataclass(frozen=True)
class Reference:
    """One reference: ``path`` in the object ``source`` names an object of ``kind``.

    ``name`` is as written, with ``@provider`` where it has one. ``port`` is a Service's, None where there is none to
    check. ``keys`` are the sets of Secret keys of which one has to be there; ``one_value`` allows a Secret with a
    single key of any name instead.
    """

    source: ObjectRef
    path: str
    kind: str
    namespace: str
    name: str
    port: Any = None
    keys: tuple[tuple[str, ...], ...] = ()
    one_value: bool = False

    @property
    def provider(self) -> str:
        """The provider that the name states, empty for a Kubernetes object."""
        return self.name.partition("@")[2]

    @property
    def target(self) -> ObjectRef:
        """The object referred to."""
        api_version = "v1" if self.kind in ("Service", "Secret", "ConfigMap") else API_VERSION
        return ObjectRef(api_version, self.kind, self.name, self.namespace)


def references_of(item: Mapping[str, Any]) -> list[Reference]:
    """All references of a Traefik object; of an object of any other kind none. Malformed parts are left out."""
    reader = _READERS.get(str(item.get("kind")))
    spec = item.get("spec")
    return list(reader(_Source(ref_of(item)), spec)) if reader and isinstance(spec, dict) else []


@dataclass(frozen=True)
class _Source:
    ref: ObjectRef

    def to(self, path: str, kind: str, name: Any, namespace: Any = "", **more: Any) -> Iterator[Reference]:
        if isinstance(name, str) and name:
            yield Reference(self.ref, path, kind, str(namespace or self.ref.namespace), name, **more)

    def to_each(self, path: str, kind: str, entries: Any, **more: Any) -> Iterator[Reference]:
        """A list of mappings with ``name`` and perhaps ``namespace``."""
        for at, entry in _entries(path, entries):
            yield from self.to(at, kind, entry.get("name"), entry.get("namespace"), **more)

    def to_secrets(self, path: str, names: Any, keys: tuple[tuple[str, ...], ...]) -> Iterator[Reference]:
        """A list of Secret names."""
        for position, name in enumerate(names if isinstance(names, list) else []):
            yield from self.to(f"{path}[{position}]", "Secret", name, keys=keys, one_value=keys is _CA_KEYS)


def _entries(path: str, entries: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for position, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, Mapping):
            yield f"{path}[{position}]", entry


def _part(spec: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        part = spec.get(name)
        spec = part if isinstance(part, Mapping) else {}
    return spec


def _service(source: _Source, path: str, service: Mapping[str, Any], transport: str) -> Iterator[Reference]:
    kind = service.get("kind") or "Service"
    namespace, port = service.get("namespace"), service.get("port", 0)
    yield from source.to(path, str(kind), service.get("name"), namespace, port=None if kind != "Service" else port)
    yield from source.to(f"{path}.serversTransport", transport, service.get("serversTransport"), namespace)
    yield from source.to_each(f"{path}.middlewares", "Middleware", service.get("middlewares"))


def _services(source: _Source, path: str, services: Any, transport: str = "ServersTransport") -> Iterator[Reference]:
    for at, service in _entries(path, services):
        yield from _service(source, at, service, transport)


def _ingress_route(source: _Source, spec: Mapping[str, Any]) -> Iterator[Reference]:
    for at, route in _entries("spec.routes", spec.get("routes")):
        yield from source.to_each(f"{at}.middlewares", "Middleware", route.get("middlewares"))
        yield from _services(source, f"{at}.services", route.get("services"))
    yield from source.to_each("spec.parentRefs", "IngressRoute", spec.get("parentRefs"))
    yield from _route_tls(source, spec)


def _ingress_route_tcp(source: _Source, spec: Mapping[str, Any]) -> Iterator[Reference]:
    for at, route in _entries("spec.routes", spec.get("routes")):
        yield from source.to_each(f"{at}.middlewares", "MiddlewareTCP", route.get("middlewares"))
        yield from _services(source, f"{at}.services", route.get("services"), "ServersTransportTCP")
    yield from _route_tls(source, spec)


def _ingress_route_udp(source: _Source, spec: Mapping[str, Any]) -> Iterator[Reference]:
    for at, route in _entries("spec.routes", spec.get("routes")):
        yield from _services(source, f"{at}.services", route.get("services"))


def _route_tls(source: _Source, spec: Mapping[str, Any]) -> Iterator[Reference]:
    tls = _part(spec, "tls")
    yield from source.to("spec.tls.secretName", "Secret", tls.get("secretName"), keys=_TLS_KEYS)
    for name, kind in (("options", "TLSOption"), ("store", "TLSStore")):
        part = _part(tls, name)
        yield from source.to(f"spec.tls.{name}", kind, part.get("name"), part.get("namespace"))


def _middleware(source: _Source, spec: Mapping[str, Any]) -> Iterator[Reference]:
    yield from source.to_each("spec.chain.middlewares", "Middleware", _part(spec, "chain").get("middlewares"))
    yield from _service(source, "spec.errors.service", _part(spec, "errors", "service"), "ServersTransport")
    for name in ("basicAuth", "digestAuth"):
        secret = _part(spec, name).get("secret")
        keys = _REDIS_KEYS if name == "basicAuth" else ()
        yield from source.to(f"spec.{name}.secret", "Secret", secret, keys=keys, one_value=True)
    yield from _client_tls(source, "spec.forwardAuth.tls", _part(spec, "forwardAuth", "tls"))
    redis = _part(spec, "rateLimit", "redis")
    yield from source.to("spec.rateLimit.redis.secret", "Secret", redis.get("secret"), keys=_REDIS_KEYS)
    yield from _client_tls(source, "spec.rateLimit.redis.tls", _part(redis, "tls"))
    yield from _plugin_secrets(source, "spec.plugin", spec.get("plugin"))


def _client_tls(source: _Source, path: str, tls: Mapping[str, Any]) -> Iterator[Reference]:
    yield from source.to(f"{path}.caSecret", "Secret", tls.get("caSecret"), keys=_CA_KEYS, one_value=True)
    yield from source.to(f"{path}.certSecret", "Secret", tls.get("certSecret"), keys=_TLS_KEYS)


def _plugin_secrets(source: _Source, path: str, value: Any) -> Iterator[Reference]:
    """Texts of the form urn:k8s:secret:NAME:KEY, wherever they stand in a plugin's settings."""
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _plugin_secrets(source, f"{path}.{name}", entry)
    elif isinstance(value, list):
        for position, entry in enumerate(value):
            yield from _plugin_secrets(source, f"{path}[{position}]", entry)
    elif isinstance(value, str) and value.startswith(_SECRET_URN) and value.count(":") == 4:
        name, key = value.removeprefix(_SECRET_URN).split(":")
        yield from source.to(path, "Secret", name, keys=((key,),))


def _traefik_service(source: _Source, spec: Mapping[str, Any]) -> Iterator[Reference]:
    for name in ("weighted", "highestRandomWeight"):
        yield from _services(source, f"spec.{name}.services", _part(spec, name).get("services"))
    mirroring = _part(spec, "mirroring")
    yield from _service(source, "spec.mirroring", mirroring, "ServersTransport")
    yield from _services(source, "spec.mirroring.mirrors", mirroring.get("mirrors"))
    for name in ("service", "fallback"):
        yield from _service(source, f"spec.failover.{name}", _part(spec, "failover", name), "ServersTransport")


def _root_cas(source: _Source, path: str, spec: Mapping[str, Any]) -> Iterator[Reference]:
    yield from source.to_secrets(f"{path}.rootCAsSecrets", spec.get("rootCAsSecrets"), _CA_KEYS)
    yield from source.to_secrets(f"{path}.certificatesSecrets", spec.get("certificatesSecrets"), _TLS_KEYS)
    for at, entry in _entries(f"{path}.rootCAs", spec.get("rootCAs")):
        yield from source.to(f"{at}.secret", "Secret", entry.get("secret"), keys=_CA_KEYS, one_value=True)
        yield from source.to(f"{at}.configMap", "ConfigMap", entry.get("configMap"))


def _servers_transport(source: _Source, spec: Mapping[str, Any]) -> Iterator[Reference]:
    yield from _root_cas(source, "spec", spec)


def _servers_transport_tcp(source: _Source, spec: Mapping[str, Any]) -> Iterator[Reference]:
    yield from _root_cas(source, "spec.tls", _part(spec, "tls"))


def _tls_option(source: _Source, spec: Mapping[str, Any]) -> Iterator[Reference]:
    names = _part(spec, "clientAuth").get("secretNames")
    yield from source.to_secrets("spec.clientAuth.secretNames", names, _CA_KEYS[:])


def _tls_store(source: _Source, spec: Mapping[str, Any]) -> Iterator[Reference]:
    default = _part(spec, "defaultCertificate").get("secretName")
    yield from source.to("spec.defaultCertificate.secretName", "Secret", default, keys=_TLS_KEYS)
    for at, entry in _entries("spec.certificates", spec.get("certificates")):
        yield from source.to(f"{at}.secretName", "Secret", entry.get("secretName"), keys=_TLS_KEYS)


_READERS = {
    "IngressRoute": _ingress_route,
    "IngressRouteTCP": _ingress_route_tcp,
    "IngressRouteUDP": _ingress_route_udp,
    "Middleware": _middleware,
    "ServersTransport": _servers_transport,
    "ServersTransportTCP": _servers_transport_tcp,
    "TLSOption": _tls_option,
    "TLSStore": _tls_store,
    "TraefikService": _traefik_service,
}
TRAEFIK_KINDS = (*_READERS, "MiddlewareTCP")


def of_ingress(item: Mapping[str, Any]) -> list[Reference]:
    """The middlewares that an Ingress' annotation names."""
    names = ((item["metadata"].get("annotations") or {}).get(CHAIN_ANNOTATION) or "").split(",")
    source = _Source(ref_of(item))
    return [
        reference
        for name in names
        for reference in source.to(f"annotation {CHAIN_ANNOTATION}", "Middleware", name.strip())
    ]


def all_references(objects: Iterable[Object]) -> list[Reference]:
    """The references of all objects, in their order."""
    return [reference for item in objects for reference in references_of(item)]
