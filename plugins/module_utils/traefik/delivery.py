# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How Traefik's settings get into the cluster: a Helm release, the HelmChart of k3s, or plain manifests."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import owner_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all

HELM, K3S, MANIFEST = "helm", "k3s", "manifest"
_CATTLE = "helm.cattle.io/v1"


@dataclass(frozen=True)
class Delivery:
    """``kind`` is helm, k3s or manifest; ``owner`` is who would undo a change of the workload, in words, or empty.

    ``release`` (and ``namespace``) name the Helm release, ``chart`` and ``chart_version`` what it was made of,
    ``revision`` and ``status`` its newest state. ``helm_chart`` and ``helm_chart_config`` name k3s' objects as
    NAMESPACE/NAME. ``note`` says what could not be read. Empty where there is nothing to say.
    """

    kind: str
    owner: str = ""
    release: str = ""
    namespace: str = ""
    chart: str = ""
    chart_version: str = ""
    revision: int = 0
    status: str = ""
    helm_chart: str = ""
    helm_chart_config: str = ""
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The parts under their names."""
        return asdict(self)


def delivery_of(client: Client, workload: ObjectRef) -> Delivery:
    """The workload's delivery. Secrets and HelmCharts that may not be read are a note, not a failure."""
    item = client.get(workload)
    owner = owner_of(item)
    metadata = item["metadata"]
    annotations, labels = metadata.get("annotations") or {}, metadata.get("labels") or {}
    release = annotations.get("meta.helm.sh/release-name", "")
    name, _dash, version = _chart_label(labels.get("helm.sh/chart", ""))
    if not release:
        return Delivery(MANIFEST, owner, chart=name, chart_version=version)
    namespace = annotations.get("meta.helm.sh/release-namespace", workload.namespace)
    revision, status, note = _newest(client, release, namespace)
    charts, configs = read_all(client, [Query(_CATTLE, "HelmChart"), Query(_CATTLE, "HelmChartConfig")])
    helm_chart = next((_where(chart) for chart in charts.items if _makes(chart, release, namespace)), "")
    helm_chart_config = next((_where(config) for config in configs.items if _where(config) == helm_chart), "")
    return Delivery(
        kind=K3S if helm_chart else HELM,
        owner=owner,
        release=release,
        namespace=namespace,
        chart=name,
        chart_version=version,
        revision=revision,
        status=status,
        helm_chart=helm_chart,
        helm_chart_config=helm_chart_config,
        note=" ".join(part for part in (note, charts.message if charts.status == "forbidden" else "") if part),
    )


def _chart_label(label: str) -> tuple[str, str, str]:
    """``traefik-41.3.0`` as name and version; Helm writes the + of a version as _."""
    for position, character in enumerate(label):
        if character == "-" and label[position + 1 : position + 2].isdigit():
            return label[:position], "-", label[position + 1 :].replace("_", "+")
    return label, "", ""


def _newest(client: Client, release: str, namespace: str) -> tuple[int, str, str]:
    """Revision and status of the release's newest Secret, and a note when there is none to be read."""
    selector = f"owner=helm,name={release}"
    (answer,) = read_all(client, [Query("v1", "Secret", namespace=namespace, label_selector=selector)])
    if answer.status == "forbidden":
        return 0, "", f"The release's Secrets may not be read: {answer.message}"
    secrets = [item for item in answer.items if item.get("type") == "helm.sh/release.v1"]
    if not secrets:
        return 0, "", f"No release Secret of {release} in {namespace}: it was rendered, or is stored elsewhere."
    newest = max(secrets, key=_revision)
    return _revision(newest), str(newest["metadata"]["labels"].get("status", "")), ""


def _revision(secret: Object) -> int:
    version = str(secret["metadata"].get("labels", {}).get("version", ""))
    return int(version) if version.isdigit() else 0


def _makes(chart: Object, release: str, namespace: str) -> bool:
    """The release of a HelmChart has its name, in its target namespace or its own."""
    target = chart.get("spec", {}).get("targetNamespace") or chart["metadata"]["namespace"]
    return bool(chart["metadata"]["name"] == release and target == namespace)


def _where(item: Object) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"
