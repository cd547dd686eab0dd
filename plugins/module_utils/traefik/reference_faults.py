# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether references lead anywhere, and whether this Traefik follows them. Pure.

A dangling reference is not a small fault: Traefik leaves out the whole router that holds it, and answers 404.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import PROVIDER, crd_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.references import Reference

# Kinds whose namespace must be the source's own unless Traefik runs with allowCrossNamespace.
_GUARDED = ("Middleware", "MiddlewareTCP", "Service", "TraefikService", "TLSOption", "IngressRoute")


@dataclass(frozen=True)
class Rules:
    """How this Traefik reads references: arguments of its provider kubernetescrd, off by default."""

    cross_namespace: bool = False
    external_names: bool = False
    # None: every namespace may name objects of other providers (crossProviderNamespaces, since 3.7).
    cross_provider_namespaces: Sequence[str] | None = None


@dataclass(frozen=True)
class Known:
    """What is there: objects by identity (those of the set included), and identities that could not be read."""

    objects: Mapping[ObjectRef, Object]
    unread: frozenset[ObjectRef] = field(default_factory=frozenset)
    # Qualified names of all Middlewares and TLSOptions, for names that do not tell their namespace; None: not read.
    qualified: frozenset[str] | None = None


def faults(references: Sequence[Reference], known: Known, rules: Rules) -> list[str]:
    """Each fault as ``Kind namespace/name: path: fault``, in the references' order."""
    return [
        f"{reference.source}: {reference.path}: {fault}"
        for reference in references
        for fault in _faults(reference, known, rules)
    ]


def _faults(reference: Reference, known: Known, rules: Rules) -> Iterator[str]:
    if reference.provider:
        yield from _provider_faults(reference, known, rules)
        return
    source = reference.source.namespace
    if reference.source.kind == "Ingress":
        yield (
            f"names {reference.name} without a provider: Traefik looks for {reference.name}@kubernetes, which nothing "
            f"makes; write {crd_id(source, reference.name)}"
        )
        return
    if reference.namespace != source and reference.kind in _GUARDED and not rules.cross_namespace:
        yield (
            f"{reference.target} is in another namespace than {source}, and this Traefik does not follow such "
            "references (providers.kubernetescrd.allowCrossNamespace is off)"
        )
        return
    if reference.target in known.unread or _built_in(reference):
        return
    found = known.objects.get(reference.target)
    if found is None:
        yield f"{reference.target} does not exist"
    else:
        yield from _CONTENT.get(reference.kind, _nothing)(reference, found, rules)


def _built_in(reference: Reference) -> bool:
    """Traefik has a TLSOption and a TLSStore called default of its own."""
    return reference.kind in ("TLSOption", "TLSStore") and reference.name == "default"


def _provider_faults(reference: Reference, known: Known, rules: Rules) -> Iterator[str]:
    allowed = rules.cross_provider_namespaces
    source = reference.source.namespace
    if reference.provider == PROVIDER and not rules.cross_namespace:
        yield (
            f"names {reference.name}, a form that this Traefik refuses while "
            "providers.kubernetescrd.allowCrossNamespace is off: give name and namespace"
        )
    elif allowed is not None and source not in allowed:
        yield (
            f"names {reference.name}, and namespace {source} is not among this Traefik's "
            "providers.kubernetescrd.crossProviderNamespaces"
        )
    elif reference.provider == PROVIDER and known.qualified is not None and reference.name not in known.qualified:
        yield f"names {reference.name}, and no object makes this name"


def _nothing(reference: Reference, found: Object, rules: Rules) -> Iterator[str]:
    yield from ()


def _service_content(reference: Reference, found: Object, rules: Rules) -> Iterator[str]:
    spec = found.get("spec") or {}
    if spec.get("type") == "ExternalName":
        if not rules.external_names:
            yield (
                f"{reference.target} is of type ExternalName, and this Traefik takes none "
                "(providers.kubernetescrd.allowExternalNameServices is off)"
            )
        return
    ports: list[dict[str, Any]] = spec.get("ports") or []
    if not reference.port:
        yield f"port is missing; {reference.target} has {_listed(ports)}"
    elif not any(reference.port in (port.get("port"), port.get("name")) for port in ports):
        yield f"{reference.target} has no port {reference.port!r}, it has {_listed(ports)}"


def _listed(ports: Sequence[Mapping[str, Any]]) -> str:
    named = [f"{port.get('port')}" + (f" ({port['name']})" if port.get("name") else "") for port in ports]
    return ", ".join(named) or "no ports"


def _secret_content(reference: Reference, found: Object, rules: Rules) -> Iterator[str]:
    """Looks at the keys only, never at a value."""
    keys = {*(found.get("data") or {}), *(found.get("stringData") or {})}
    wanted = reference.keys
    if any(keys.issuperset(group) for group in wanted) and not (reference.one_value and _is_users(reference, found)):
        return
    if reference.one_value and len(keys) == 1:
        return
    if wanted or reference.one_value:
        choices = [" and ".join(group) for group in wanted] + (["a single key"] if reference.one_value else [])
        yield f"{reference.target} has to hold {' or '.join(choices)}, it holds {', '.join(sorted(keys)) or 'nothing'}"


def _is_users(reference: Reference, found: Object) -> bool:
    """A Secret of users whose type is not basic-auth: Traefik takes its one key, whatever the keys are called."""
    return reference.path.endswith("Auth.secret") and found.get("type") != "kubernetes.io/basic-auth"


_CONTENT = {"Service": _service_content, "Secret": _secret_content}


def still_referenced(references: Sequence[Reference], removed: Mapping[ObjectRef, Any]) -> list[str]:
    """References to objects that are to be removed, from objects that stay, as ``source: path``."""
    names = {crd_id(ref.namespace, ref.name): ref for ref in removed if ref.kind == "Middleware"}
    return [
        f"{reference.source}: {reference.path} names {names.get(reference.name) or reference.target}"
        for reference in references
        if reference.source not in removed
        and (reference.target in removed or (reference.kind == "Middleware" and reference.name in names))
    ]
