# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which objects a Traefik looks at, by its static settings. Pure. Read in its source, 3.6.10 and 3.7.9.

Settings come under the flags' names in lower case, as traefik/settings.py gives them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import CLASS_ANNOTATION
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.reference_faults import Rules

CRD, INGRESS = "providers.kubernetescrd", "providers.kubernetesingress"
CONTROLLER = "traefik.io/ingress-controller"
_DEFAULT_CLASS = "traefik"
_ROUTES = ("IngressRoute", "IngressRouteTCP", "IngressRouteUDP")


def rules(settings: Mapping[str, str]) -> Rules:
    """How the provider kubernetescrd reads references."""
    return Rules(
        cross_namespace=static.is_on(dict(settings), f"{CRD}.allowcrossnamespace"),
        external_names=static.is_on(dict(settings), f"{CRD}.allowexternalnameservices"),
        cross_provider_namespaces=_names(settings, f"{CRD}.crossprovidernamespaces"),
    )


def overlooked(item: Object, settings: Mapping[str, str]) -> str:
    """Why the provider kubernetescrd does not look at the object, empty when it does."""
    reason = _outside(item, settings, CRD)
    if reason or item["kind"] not in _ROUTES:
        return reason
    wanted = settings.get(f"{CRD}.ingressclass", "")
    given = (item.get("spec") or {}).get("ingressClassName") or _annotated_class(item)
    return "" if _class_fits(wanted, given) else f"its ingress class is {given or 'none'}, not {wanted or 'none'}"


def overlooked_ingress(item: Object, settings: Mapping[str, str], classes: Collection[str]) -> str:
    """Why the provider kubernetesingress does not look at the Ingress, empty when it does.

    ``classes`` are the names of the IngressClasses whose controller is Traefik's.
    """
    reason = _outside(item, settings, INGRESS)
    if reason:
        return reason
    wanted = settings.get(f"{INGRESS}.ingressclass", "")
    given = (item.get("spec") or {}).get("ingressClassName")
    if given is not None:
        fits = given in classes and wanted in ("", given)
        return "" if fits else f"its IngressClass {given} is not Traefik's"
    annotated = _annotated_class(item)
    return "" if _class_fits(wanted, annotated) else f"its ingress class is {annotated or 'none'}, not Traefik's"


def no_foreign_names(namespace: str, settings: Mapping[str, str]) -> str:
    """Why an Ingress of the namespace may name no middleware at all, empty when it may (since 3.7)."""
    allowed = _names(settings, f"{INGRESS}.crossprovidernamespaces")
    if allowed is None or namespace in allowed:
        return ""
    return f"namespace {namespace} is not among {INGRESS}.crossProviderNamespaces: Traefik would drop the Ingress"


def labels_to_be_seen(settings: Mapping[str, str], provider: str = CRD) -> dict[str, str] | None:
    """Labels that an object needs to be looked at; None when the selector is not a list of equalities.

    Or when it has a variable of the pod in it, ``$(POD_NAME)``: each replica then looks at objects of its own.
    """
    labels: dict[str, str] = {}
    for part in _parts(settings.get(f"{provider}.labelselector", "")):
        name, equals, value = part.replace("==", "=").partition("=")
        if not equals or "!" in part or " " in part.strip() or "$(" in part:
            return None
        labels[name.strip()] = value.strip()
    return labels


def class_to_be_seen(settings: Mapping[str, str]) -> str:
    """The ingress class that an IngressRoute needs to be looked at, empty for none."""
    return settings.get(f"{CRD}.ingressclass", "")


def watched_as_one(settings: Mapping[str, str], provider: str) -> bool:
    """Whether one watch brings the objects of all namespaces; else each namespace has its own."""
    return not _names(settings, f"{provider}.namespaces")


def _outside(item: Object, settings: Mapping[str, str], provider: str) -> str:
    if not any(name == provider or name.startswith(f"{provider}.") for name in settings):
        return f"this Traefik runs without {provider}"
    if settings.get(provider, "").lower() == "false":
        return f"this Traefik runs with {provider} switched off"
    namespaces = _names(settings, f"{provider}.namespaces")
    namespace = item["metadata"].get("namespace", "")
    if namespaces and namespace not in namespaces:
        return f"namespace {namespace} is not among {provider}.namespaces ({', '.join(namespaces)})"
    wanted = labels_to_be_seen(settings, provider)
    labels: Mapping[str, Any] = item["metadata"].get("labels") or {}
    lacking = [f"{name}={value}" for name, value in (wanted or {}).items() if labels.get(name) != value]
    return f"it lacks the labels {', '.join(lacking)} of {provider}.labelSelector" if lacking else ""


def _class_fits(wanted: str, given: str) -> bool:
    return given == wanted or (not wanted and given == _DEFAULT_CLASS)


def _annotated_class(item: Object) -> str:
    return str((item["metadata"].get("annotations") or {}).get(CLASS_ANNOTATION, ""))


def _names(settings: Mapping[str, str], name: str) -> Sequence[str] | None:
    """The entries of a list setting, given as one text or one by one; None when it is not set."""
    if name in settings:
        return _parts(settings[name])
    numbered = [value for key, value in settings.items() if key.startswith(f"{name}.")]
    return numbered or None


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
