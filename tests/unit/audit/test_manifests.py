"""Files in place of a cluster: every field has its file and line, and what cannot be read is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Terms, audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.manifests import read_manifests
from ansible_collections.resilient.traefik.plugins.module_utils.audit.snapshot import Snapshot
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

MIDDLEWARE = """\
# A comment before it.
---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata:
  name: auth
spec:
  forwardAuth:
    trustForwardHeader: true
    address: http://authentik.authentik.svc.cluster.local:9000/outpost.goauthentik.io/auth/traefik
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: shop}
spec:
  routes:
    - match: Host(`shop.test`)
      middlewares:
        - name: auth
      services:
        - {name: shop, port: 80}
"""
LIST = """\
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Service
    metadata: {name: one, namespace: a}
    spec: {ports: [{port: 80}]}
  - apiVersion: v1
    kind: Service
    metadata:
      name: two
      namespace: a
    spec:
      type: NodePort
"""


def _written(tmp_path: Path, **texts: str) -> Snapshot:
    for name, text in texts.items():
        path = tmp_path / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_manifests([str(tmp_path)])


def test_a_finding_is_at_its_line(tmp_path: Path) -> None:
    found = audit(_written(tmp_path, app=MIDDLEWARE), Terms())
    lines = {each.rule: (Path(each.file).name, each.line) for each in found.findings}
    assert lines["RT101"] == ("app.yaml", 10)
    # Headers are not there: the nearest field around is ForwardAuth itself.
    assert lines["RT201"] == ("app.yaml", 8)


def test_items_of_a_list_have_their_own_lines(tmp_path: Path) -> None:
    snapshot = _written(tmp_path, all=LIST)
    one, two = snapshot.of("Service")
    assert [item["metadata"]["name"] for item in (one, two)] == ["one", "two"]
    (ref,) = [ref for ref in snapshot.origins if ref.name == "two" and ref.namespace]
    assert snapshot.place(ref, "spec.type")[1] == 14
    assert snapshot.place(ref, "")[1] == 8
    assert snapshot.place(ref, "spec.ports[0].port")[1] == 13


def test_a_kustomization_gives_its_namespace(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: other}\nspec: {}\n"
    snapshot = _written(tmp_path, base__kustomization="namespace: shop\nresources: [web.yaml]\n", base__web=text)
    (service,) = snapshot.of("Service")
    assert service["metadata"]["namespace"] == "shop"


def test_a_template_is_not_judged_and_said_so(tmp_path: Path) -> None:
    text = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ include "x" . }}\n{{- if .Values.a }}\nspec: {}\n'
    snapshot = _written(tmp_path, chart=text, app=MIDDLEWARE)
    (note,) = snapshot.notes
    assert "chart.yaml was not judged to its end: it is a template: judge the output of helm template" in note
    assert len(snapshot.of("Middleware")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]\n",
        "- 1\n- two\n",
        "kind: Service\n",
        "apiVersion: 1\nkind: 2\nmetadata: 3\n",
        "apiVersion: v1\nkind: Service\nmetadata: {name: 2026-01-01}\nspec: {ports: 80}\n",
        "apiVersion: v1\nkind: List\nitems: {a: b}\n",
        "? [a, b]\n: c\n",
        "!!python/object:os.system x\n",
        "\x00",
        "",
        "apiVersion: v1\nkind: Service\nmetadata: {name: &n x, namespace: *n}\nspec: &s\n  <<: *s\n",
    ],
)
def test_whatever_a_file_holds_it_ends_in_words(tmp_path: Path, text: str) -> None:
    audit(_written(tmp_path, odd=text, app=MIDDLEWARE), Terms())


def test_a_folder_without_manifests_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match=r"has no file that ends with \.yaml, \.yml, \.json"):
        read_manifests([str(tmp_path)])


def test_what_another_repository_may_hold_is_not_missing(tmp_path: Path) -> None:
    route = MIDDLEWARE.replace("- name: auth", "- {name: shared, namespace: traefik}")
    found = audit(_written(tmp_path, app=route), Terms())
    assert not {"RT301", "RT302", "RT306", "RT109"} & {each.rule for each in found.findings}
