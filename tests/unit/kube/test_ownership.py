"""Who else looks after an object."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import owner_of

HELM = {"meta.helm.sh/release-name": "traefik", "meta.helm.sh/release-namespace": "edge"}
ARGO_LABEL = {"argocd.argoproj.io/instance": "shop"}

CASES: dict[str, tuple[dict[str, Any], str]] = {
    "nobody": ({}, ""),
    "nulls": ({"labels": None, "annotations": None, "managedFields": None}, ""),
    "helm": ({"annotations": HELM}, "Helm release edge/traefik"),
    "helm without its namespace": (
        {"namespace": "shop", "annotations": {"meta.helm.sh/release-name": "traefik"}},
        "Helm release shop/traefik",
    ),
    "a chart's label alone is no owner": ({"labels": {"helm.sh/chart": "traefik-39"}}, ""),
    "argo cd by annotation": (
        {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/one"}},
        "Argo CD application shop",
    ),
    "argo cd by label": ({"labels": ARGO_LABEL}, "Argo CD application shop"),
    "argo cd over helm": ({"labels": ARGO_LABEL, "annotations": HELM}, "Argo CD application shop"),
    "flux": (
        {
            "labels": {
                "kustomize.toolkit.fluxcd.io/name": "apps",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
            }
        },
        "Flux Kustomization flux-system/apps",
    ),
    "flux over the helm release that it makes": (
        {
            "labels": {"helm.toolkit.fluxcd.io/name": "traefik", "helm.toolkit.fluxcd.io/namespace": "edge"},
            "annotations": HELM,
        },
        "Flux HelmRelease edge/traefik",
    ),
    "k3s": ({"annotations": {"objectset.rio.cattle.io/owner-name": "traefik"}}, "k3s add-on traefik"),
    "terraform by field manager": ({"managedFields": [{"manager": "Terraform"}]}, "Terraform"),
    "terraform by label": ({"labels": {"app.kubernetes.io/managed-by": "terraform"}}, "Terraform"),
    "kubectl is nobody": ({"managedFields": [{"manager": "kubectl"}, {}]}, ""),
}


@pytest.mark.parametrize(("metadata", "owner"), CASES.values(), ids=CASES.keys())
def test_owner(metadata: dict[str, Any], owner: str) -> None:
    assert owner_of({"metadata": metadata}) == owner
