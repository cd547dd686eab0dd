# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who looks after an object: our own label, and the marks that Helm, Argo CD, Flux, Terraform and k3s leave on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What this collection brings as a whole carries this label.
OUR_LABELS = {"app.kubernetes.io/part-of": "resilient-traefik"}


def is_ours(item: Mapping[str, Any] | None) -> bool:
    """Whether this collection brought the object; no for None."""
    labels = (item or {}).get("metadata", {}).get("labels") or {}
    return OUR_LABELS.items() <= labels.items()


def helm_release_of(item: Mapping[str, Any]) -> str:
    """The Helm release (NAMESPACE/NAME) that brought the object, whoever runs Helm; empty when none did."""
    metadata = item.get("metadata", {})
    annotations = metadata.get("annotations") or {}
    name = annotations.get("meta.helm.sh/release-name", "")
    return f"{annotations.get('meta.helm.sh/release-namespace', metadata.get('namespace', ''))}/{name}" if name else ""


def controller_of(item: Mapping[str, Any]) -> str:
    """Return the controller that takes changes of the object back by itself, in words; empty when none is known to.

    authentik's outposts make a Middleware and put it back when it differs, every four hours and at each change of the
    outpost (authentik/providers/proxy/controllers/k8s/traefik_3.py, outposts/settings.py).
    """
    labels = item.get("metadata", {}).get("labels") or {}
    if labels.get("app.kubernetes.io/managed-by") == "goauthentik.io":
        return f"authentik outpost {labels.get('app.kubernetes.io/instance', '')}".rstrip()
    return ""


def managing_owner_of(item: Mapping[str, Any]) -> str:
    """Return the object whose controller manages this one (``KIND NAME``), as its owner references say; else empty."""
    references = item.get("metadata", {}).get("ownerReferences") or []
    return next((f"{each.get('kind', '')} {each.get('name', '')}" for each in references if each.get("controller")), "")


def owner_of(item: Mapping[str, Any]) -> str:
    """The owner in words (``"Helm release traefik/traefik"``), empty when nobody marked the object.

    Argo CD and Flux win over Helm: they are the ones who would undo a change of a release's object.
    """
    metadata = item.get("metadata", {})
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    tracking = annotations.get("argocd.argoproj.io/tracking-id") or labels.get("argocd.argoproj.io/instance")
    if tracking:
        return f"Argo CD application {tracking.split(':', 1)[0]}"
    for kind, prefix in (("Kustomization", "kustomize"), ("HelmRelease", "helm")):
        name = labels.get(f"{prefix}.toolkit.fluxcd.io/name")
        if name:
            return f"Flux {kind} {labels.get(f'{prefix}.toolkit.fluxcd.io/namespace', '')}/{name}"
    if "objectset.rio.cattle.io/owner-name" in annotations:
        return f"k3s add-on {annotations['objectset.rio.cattle.io/owner-name']}"
    if controller_of(item):
        return controller_of(item)
    release = helm_release_of(item)
    if release:
        return f"Helm release {release}"
    managers = {entry.get("manager", "").lower() for entry in metadata.get("managedFields") or []}
    if managers & {"terraform", "hashicorp", "opentofu"} or labels.get("app.kubernetes.io/managed-by") == "terraform":
        return "Terraform"
    return ""
