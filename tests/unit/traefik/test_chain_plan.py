"""The smallest patch for an object's chains, and what it is said to result in."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.traefik import chain
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain import OtherMissing, Place
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_plan import (
    Edit,
    entry_point_arguments,
    plan,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import CHAIN_ANNOTATION

RETRY = chain.parsed_name("middleware", "traefik/retry")
FIRST, GONE = Edit(RETRY, Place("first")), Edit(RETRY, None)


def _ingress(text: str | None = None, **annotations: str) -> dict[str, Any]:
    annotations |= {} if text is None else {CHAIN_ANNOTATION: text}
    metadata = {"name": "web", "namespace": "shop", "resourceVersion": "7", "annotations": annotations}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": {"rules": []}}


def _routes(*chains: list[dict[str, str]] | None) -> dict[str, Any]:
    routes = [
        {"match": f"Host(`h{number}.test`)", "kind": "Rule"} | ({} if names is None else {"middlewares": names})
        for number, names in enumerate(chains)
    ]
    metadata = {"name": "web", "namespace": "shop", "resourceVersion": "7"}
    return {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "IngressRoute",
        "metadata": metadata,
        "spec": {"routes": routes},
    }


def test_only_the_annotation_is_patched() -> None:
    item = _ingress("shop-a@kubernetescrd, b@file", other="kept")
    planned = plan(copy.deepcopy(item), FIRST)
    assert planned.patch is not None
    wanted = "traefik-retry@kubernetescrd,shop-a@kubernetescrd,b@file"
    assert planned.patch.body == {"metadata": {"annotations": {CHAIN_ANNOTATION: wanted}}}
    assert planned.patch.seen == item, "what was read is left as it was"
    assert planned.patch.after == _ingress(wanted, other="kept")


def test_an_ingress_without_annotations_gets_one() -> None:
    item = _ingress()
    item["metadata"]["annotations"] = None
    planned = plan(item, FIRST)
    assert planned.patch is not None
    assert planned.patch.after == _ingress("traefik-retry@kubernetescrd")


def test_the_last_one_takes_the_annotation_with_it() -> None:
    planned = plan(_ingress("traefik-retry@kubernetescrd", other="kept"), GONE)
    assert planned.patch is not None
    assert planned.patch.body == {"metadata": {"annotations": {CHAIN_ANNOTATION: None}}}
    assert planned.patch.after == _ingress(other="kept")


@pytest.mark.parametrize(
    "text",
    ["traefik-retry@kubernetescrd", " traefik-retry@kubernetescrd ,b@file", "traefik-retry@kubernetescrd,, b@file,"],
)
def test_blanks_alone_are_no_change(text: str) -> None:
    assert plan(_ingress(text), FIRST).patch is None


def test_every_route_has_its_own_chain() -> None:
    item = _routes([{"name": "a"}], None, [{"name": "retry", "namespace": "traefik"}], [{"name": "b"}])
    planned = plan(copy.deepcopy(item), FIRST)
    retry = {"name": "retry", "namespace": "traefik"}
    assert planned.patch is not None
    assert planned.patch.body == [
        {"op": "add", "path": "/spec/routes/0/middlewares", "value": [retry, {"name": "a"}]},
        {"op": "add", "path": "/spec/routes/1/middlewares", "value": [retry]},
        {"op": "add", "path": "/spec/routes/3/middlewares", "value": [retry, {"name": "b"}]},
    ]
    assert planned.patch.seen == item
    assert planned.patch.after == _routes([retry, {"name": "a"}], [retry], [retry], [retry, {"name": "b"}])
    assert [change.at for change in planned.changes] == ["spec.routes[0]", "spec.routes[1]", "spec.routes[3]"]


def test_a_route_loses_its_last_middleware() -> None:
    planned = plan(_routes([{"name": "traefik-retry@kubernetescrd"}], [{"name": "a"}]), GONE)
    assert planned.patch is not None
    assert planned.patch.body == [{"op": "remove", "path": "/spec/routes/0/middlewares"}]
    assert planned.patch.after == _routes(None, [{"name": "a"}])


def test_planning_what_was_planned_changes_nothing() -> None:
    for item in (_ingress("b@file"), _routes([{"name": "a"}], None)):
        planned = plan(item, FIRST)
        assert planned.patch is not None
        assert planned.patch.after is not None
        assert plan(planned.patch.after, FIRST).patch is None
        assert planned.patch.again is not None
        assert planned.patch.again(planned.patch.after) is None, "somebody else was faster"


def test_a_newer_object_is_planned_anew() -> None:
    planned = plan(_ingress("b@file"), FIRST)
    assert planned.patch is not None
    assert planned.patch.again is not None
    renewed = planned.patch.again(_ingress("b@file,c@file"))
    assert renewed is not None
    assert renewed.body == {
        "metadata": {"annotations": {CHAIN_ANNOTATION: "traefik-retry@kubernetescrd,b@file,c@file"}}
    }


def test_one_route_without_the_other_is_told() -> None:
    edit = Edit(RETRY, Place("before", "shop-a@kubernetescrd"))
    with pytest.raises(OtherMissing, match="shop-a@kubernetescrd"):
        plan(_routes([{"name": "a"}], [{"name": "b"}]), edit)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["--entryPoints.web.http.middlewares=traefik-retry@kubernetescrd"]),
        (["--ping"], ["--ping", "--entryPoints.web.http.middlewares=traefik-retry@kubernetescrd"]),
        (
            ["--entrypoints.web.http.middlewares=a@file, b@file", "--ping"],
            ["--entryPoints.web.http.middlewares=traefik-retry@kubernetescrd,a@file,b@file", "--ping"],
        ),
        (
            ["--ping", "-ENTRYPOINTS.WEB.HTTP.MIDDLEWARES", "a@file", "--api"],
            ["--ping", "--entryPoints.web.http.middlewares=traefik-retry@kubernetescrd,a@file", "--api"],
        ),
        (
            ["--entryPoints.web.http.middlewares[0]=a@file", "--entryPoints.web.http.middlewares[1]=b@file"],
            ["--entryPoints.web.http.middlewares=traefik-retry@kubernetescrd,a@file,b@file"],
        ),
        (
            ["--entryPoints.websecure.http.middlewares=a@file"],
            [
                "--entryPoints.websecure.http.middlewares=a@file",
                "--entryPoints.web.http.middlewares=traefik-retry@kubernetescrd",
            ],
        ),
    ],
)
def test_arguments_of_an_entry_point(arguments: list[str], expected: list[str]) -> None:
    after, change = entry_point_arguments(arguments, "web", FIRST)
    assert after == expected
    assert change.changed
    assert entry_point_arguments(after, "web", FIRST)[0] == after


def test_an_entry_point_loses_its_last_middleware() -> None:
    arguments = ["--ping", "--entryPoints.web.http.middlewares=traefik-retry@kubernetescrd", "--api"]
    assert entry_point_arguments(arguments, "web", GONE)[0] == ["--ping", "--api"]
    assert entry_point_arguments(["--ping"], "web", GONE)[0] == ["--ping"]
