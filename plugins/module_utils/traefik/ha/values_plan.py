# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The values of a release, or of the HelmChart of k3s: as they are, as they are to be, and by the chart's schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.yaml_text import read_yaml, yaml_text
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.delivery import K3S, Delivery
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha import chart_schema
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.arguments import defined_entry_points
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.chart_values import (
    Path as ValuePath,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.chart_values import (
    Release,
    coalesced,
    shape_faults,
    wished_values,
    with_values,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.hiding import shown_values
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.releases import (
    SECRET_TYPE,
    StoredRelease,
    stored_release,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.situation import Situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import Wishes

CATTLE = "helm.cattle.io/v1"


@dataclass(frozen=True)
class ValuesPlan:
    """``subject`` names whose values they are. ``stored`` is the release's newest revision that was deployed, None when
    there is none. ``config_ref`` and ``config_object`` are the HelmChartConfig of k3s, None when it is not there.
    """

    subject: str
    release: Release
    wished: dict[ValuePath, Any]
    stored: StoredRelease | None = None
    config_ref: ObjectRef | None = None
    config_object: Object | None = None

    @property
    def before(self) -> dict[str, Any]:
        """The values that were given until now."""
        return self.release.config

    @property
    def after(self) -> dict[str, Any]:
        """The values to give."""
        return with_values(self.release.config, self.wished)

    @property
    def changed(self) -> bool:
        """Whether there is anything to do: a value that the chart has by default need not be given."""
        return coalesced(self.release.defaults, self.before) != coalesced(self.release.defaults, self.after)

    @property
    def overlay(self) -> dict[str, Any]:
        """Only what is wished, with its lists merged: for files."""
        return with_values({}, self.wished)

    def diff(self) -> dict[str, str]:
        """The values that change, before and after, without secrets."""
        now = {path: self.release.effective(path) for path in self.wished}
        paths = [path for path in self.wished if now[path] != self.wished[path]]
        before = with_values({}, {path: now[path] for path in paths if now[path] is not None})
        after = with_values({}, {path: self.wished[path] for path in paths})
        header = f"values of {self.subject}"
        texts = [yaml_text(shown_values(values)) if values else "" for values in (before, after)]
        return {"before_header": header, "after_header": header, "before": texts[0], "after": texts[1]}


def plan_values(client: Client, situation: Situation, wishes: Wishes, extra: Mapping[str, Any]) -> ValuesPlan:
    """Reads the release and works out what it is to be. Raises Forbidden, ResilientError.

    That is for a Secret not of Helm 3, and for values of another shape than the chart's: what a text means where a list
    belongs is not guessed.
    """
    stored = stored_of(client, situation.delivery)
    defaults = stored.defaults if stored else {}
    config = stored.config if stored else {}
    subject = f"Helm release {situation.delivery.namespace}/{situation.delivery.release}"
    config_ref = config_object = None
    if situation.delivery.kind == K3S:
        namespace, _slash, name = situation.delivery.helm_chart.partition("/")
        config_ref = ObjectRef(CATTLE, "HelmChartConfig", name, namespace)
        (charts,) = read_found(client, [Query(CATTLE, "HelmChart", namespace=namespace)])
        chart = next((item for item in charts.items if item["metadata"]["name"] == name), None)
        config_object = client.find(config_ref)
        defaults = coalesced(defaults, values_content(chart, f"HelmChart {namespace}/{name}"))
        config, subject = values_content(config_object, str(config_ref)), str(config_ref)
    for source, values in (("the chart's own values", defaults), (subject, config)):
        wrong = shape_faults(values)
        if wrong:
            raise errors.ResilientError(f"{source}: {'; '.join(wrong)}. Correct that first; nothing was written")
    release = _release(situation, defaults, config)
    return ValuesPlan(subject, release, wished_values(release, wishes, extra), stored, config_ref, config_object)


def refused_values(plan: ValuesPlan, schema_file: str | None) -> list[str]:
    """What the chart's schema does not take, a sentence each. Raises BadArgument for a file that is no schema."""
    schema, source = _schema(plan, schema_file)
    found = chart_schema.refusals(coalesced(plan.release.defaults, plan.after), schema)
    return [f"values: {source} does not take {each}" for each in found]


def values_content(item: Object | None, subject: str) -> dict[str, Any]:
    """The values in an object of k3s. Raises ResilientError when its valuesContent is no mapping or has a key twice."""
    text = ((item or {}).get("spec") or {}).get("valuesContent") or ""
    try:
        found = read_yaml(text) or {}
    except ValueError as error:
        raise errors.ResilientError(f"{subject}: spec.valuesContent, {error}. Correct it first") from None
    if not isinstance(found, dict):
        raise errors.ResilientError(f"{subject}: spec.valuesContent is no YAML mapping: correct it first")
    return found


def _release(situation: Situation, defaults: dict[str, Any], config: dict[str, Any]) -> Release:
    (container,) = (each for each in situation.pod["containers"] if each["name"] == situation.container)
    return Release(
        defaults=defaults,
        config=config,
        entry_points=tuple(defined_entry_points(container.get("args") or [])),
        labels=(situation.item["spec"].get("selector") or {}).get("matchLabels") or {},
        daemon_set=situation.item["kind"] == "DaemonSet",
    )


def stored_of(client: Client, delivery: Delivery) -> StoredRelease | None:
    """The newest revision of the release that was deployed, None where there is none. Raises Forbidden."""
    if not delivery.release:
        return None
    selector = f"owner=helm,name={delivery.release}"
    (answer,) = read_found(client, [Query("v1", "Secret", namespace=delivery.namespace, label_selector=selector)])
    found = [stored_release(item) for item in answer.items if item.get("type") == SECRET_TYPE]
    deployed = [each for each in found if each.status == "deployed"]
    return max(deployed or found, key=lambda each: each.revision, default=None)


def _schema(plan: ValuesPlan, schema_file: str | None) -> tuple[dict[str, Any], str]:
    if schema_file:
        try:
            text = Path(schema_file).read_bytes()
        except OSError as error:
            raise errors.BadArgument(f"values_schema: {schema_file} cannot be read: {error.strerror}") from None
        return chart_schema.schema_from(text, f"values_schema: {schema_file}"), schema_file
    if plan.stored and plan.stored.schema:
        source = f"the schema of chart {plan.stored.chart_name}"
        return chart_schema.schema_from(plan.stored.schema, source), source
    return chart_schema.minimal_schema(), "Traefik's chart"
