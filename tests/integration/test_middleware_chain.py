"""The module middleware_chain against the lab's Traefik: places, owners, proofs, and many objects at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from tests.integration.http_in_pod import Door, ask
from tests.integration.lab_cluster import eventually
from tests.integration.support_engine import Audited
from tests.integration.support_playbook import Played, Player
from tests.integration.support_retry import app, deployment, service
from tests.integration.support_traefik import (
    CHAIN,
    TRAEFIK,
    backend_of_ingresses,
    ingress,
    middleware,
    own_traefik,
    probes_left,
    route,
)

pytest_plugins = ["tests.integration.support_fixtures"]

INGRESS = "networking.k8s.io/v1"


@pytest.fixture
def shop(namespace: str, admin: Client) -> str:
    """A namespace with two Ingresses, an IngressRoute, an Ingress of another class, and their middlewares."""
    Writer(admin, check_mode=False).apply(
        [
            *backend_of_ingresses(namespace),
            middleware(namespace),
            middleware(namespace, "auth", headers={"customResponseHeaders": {"X-Auth": "asked"}}),
            ingress(namespace, "plain"),
            ingress(namespace, "chained", f" {namespace}-auth@kubernetescrd , {namespace}-auth@kubernetescrd"),
            ingress(namespace, "foreign", ingress_class="nginx"),
            route(namespace, "routed", {"name": "auth"}),
        ]
    )
    return namespace


def _play(player: Player, namespace: str, check: bool = False, **options: Any) -> Played:
    given = {"middleware": f"{namespace}/retry", "namespaces": [namespace]} | options
    chosen = {name: value for name, value in given.items() if value is not None}
    return player.task("middleware_chain", chosen, check=check, diff=True)


def _ok(played: Played, changed: bool) -> Played:
    assert (played.outcome, played.changed) == ("ok", changed), played
    return played


def _chain(admin: Client, namespace: str, name: str) -> str:
    item = admin.get(ObjectRef(INGRESS, "Ingress", name, namespace))
    return str((item["metadata"].get("annotations") or {}).get(CHAIN, ""))


def _routed(admin: Client, namespace: str) -> list[dict[str, str]]:
    item = admin.get(ObjectRef(TRAEFIK, "IngressRoute", "routed", namespace))
    return list(item["spec"]["routes"][0].get("middlewares") or [])


def test_check_apply_check_apply(shop: str, audited: Audited, traefik_doors: list[Door]) -> None:
    player, client = audited.player(), audited.client()
    check = _ok(_play(player, shop, check=True), True)
    assert audited.writes() == []
    first = _ok(_play(player, shop), True)
    assert first.result["diff"] == check.result["diff"]
    written = [write.name for write in audited.writes() if not write.name.startswith("resilient-probe")]
    assert sorted(written) == ["chained", "plain", "routed"]
    assert first.result["taken_up"]["proof"] == "behaviour"

    assert _chain(client, shop, "plain") == f"{shop}-retry@kubernetescrd"
    assert _chain(client, shop, "chained") == f"{shop}-retry@kubernetescrd,{shop}-auth@kubernetescrd"
    assert _chain(client, shop, "foreign") == "", "another controller's Ingress is none of its business"
    assert _routed(client, shop) == [{"name": "retry"}, {"name": "auth"}]
    assert [skipped["name"] for skipped in first.result["left_alone"]] == ["foreign"]
    (proof,) = first.result["proofs"]
    assert (proof["proof"], len(proof["replicas"])) == ("behaviour", len(traefik_doors))
    assert probes_left(client, shop) == []
    for door in traefik_doors:
        assert ask(door, f"routed.{shop}.test", "/").header("X-Auth") == "asked"

    for checking in (True, False):
        again = _ok(_play(player, shop, check=checking), False)
        assert (again.result["results"], again.result["chosen"], again.result["unchanged"]) == ([], 4, 3)
        assert audited.writes() == []


def test_places_one_after_the_other(shop: str, player: Player, admin: Client) -> None:
    def chain_after(**options: Any) -> list[str]:
        _ok(_play(player, shop, names=["chained"], kinds=["Ingress"], **options), True)
        names = _chain(admin, shop, "chained").replace(f"{shop}-", "").replace("@kubernetescrd", "")
        return names.split(",") if names else []

    Writer(admin, check_mode=False).apply([middleware(shop, "small", compress={})])
    assert chain_after(place="last") == ["auth", "retry"]
    assert chain_after(middleware=f"{shop}/small", after=f"{shop}/auth") == ["auth", "small", "retry"]
    assert chain_after(before=f"{shop}-small@kubernetescrd") == ["auth", "retry", "small"]
    assert chain_after(replaces=f"{shop}/auth") == ["retry", "small"]
    assert chain_after(middleware=f"{shop}-auth@kubernetescrd", place="last") == ["retry", "small", "auth"]
    for name, left in (("retry", ["small", "auth"]), ("auth", ["small"]), ("small", [])):
        assert chain_after(middleware=f"{shop}/{name}", state="absent") == left
    item = admin.get(ObjectRef(INGRESS, "Ingress", "chained", shop))
    assert CHAIN not in (item["metadata"].get("annotations") or {})


def test_at_its_end_every_replica_goes_by_the_chains(
    namespace: str, audited: Audited, admin: Client, traefik_doors: list[Door]
) -> None:
    """Again and again: Traefik takes up a first change at once, and one soon after it only after 2 s."""
    hosts = [f"{name}.{namespace}.test" for name in ("plain", "routed")]
    marked = middleware(namespace, "marked", headers={"customResponseHeaders": {"X-Marked": "yes"}})
    served = [deployment(namespace, "well", 8080), service(namespace, "web", app="well")]
    routes = [ingress(namespace, "plain"), ingress(namespace, "idle", busy="no"), route(namespace, "routed", **app())]
    Writer(admin, check_mode=False).apply([*served, marked, *routes])
    asked = [(door, host) for door in traefik_doors for host in hosts]
    eventually(lambda: {ask(door, host).status for door, host in asked} == {200}, "every replica serves both")
    for state, mark in [("present", "yes"), ("absent", "")] * 2:
        done = _ok(_play(audited.player(), namespace, middleware=f"{namespace}/marked", state=state), True)
        found = {(door.pod, host): ask(door, host).header("X-Marked") for door, host in asked}
        assert set(found.values()) == {mark}, (state, found)
        assert done.result["taken_up"]["proof"] == "behaviour", done.result["taken_up"]
        assert sorted(done.result["taken_up"]["replicas"]) == sorted(door.pod for door in traefik_doors)
    assert probes_left(admin, namespace) == []


def test_a_place_that_is_not_there(shop: str, audited: Audited) -> None:
    player = audited.player()
    failed = _play(player, shop, before=f"{shop}/auth")
    assert failed.outcome == "failed"
    assert f"before: Ingress {shop}/plain: a chain does not hold {shop}-auth@kubernetescrd" in failed.message
    assert audited.writes() == []
    skipped = _ok(_play(player, shop, before=f"{shop}/auth", missing="skip"), True)
    assert sorted(entry["name"] for entry in skipped.result["left_alone"]) == ["foreign", "plain"]


def test_only_the_chain_is_owned(shop: str, player: Player, admin: Client) -> None:
    _ok(_play(player, shop), True)
    item = admin.get(ObjectRef(INGRESS, "Ingress", "plain", shop))
    # The fixture wrote the object as the collection's own apply: what the patch owns stands in an entry of its own.
    (ours,) = [
        entry
        for entry in item["metadata"]["managedFields"]
        if entry["operation"] == "Update" and "subresource" not in entry
    ]
    assert ours["fieldsV1"] == {"f:metadata": {"f:annotations": {".": {}, f"f:{CHAIN}": {}}}}


def test_no_chain_names_what_is_not_loaded(shop: str, audited: Audited, admin: Client) -> None:
    broken = middleware(shop, "broken", replacePathRegex={"regex": "(", "replacement": "x"})
    Writer(admin, check_mode=False).apply([broken])
    player = audited.player()
    for name, words in (("broken", "missing closing"), ("absent", "does not exist")):
        failed = _play(player, shop, middleware=f"{shop}/{name}")
        assert failed.outcome == "failed"
        assert words in failed.message, failed.message
        assert [write.name for write in audited.writes() if not write.name.startswith("resilient-probe")] == []
    assert probes_left(admin, shop) == []


def test_check_mode_of_what_comes_before_in_the_same_play(shop: str, player: Player) -> None:
    checked = _ok(_play(player, shop, check=True, middleware=f"{shop}/later"), True)
    assert "does not exist yet" in checked.result["warnings"][0]


def test_an_owner_is_named_once(shop: str, player: Player, admin: Client) -> None:
    marks = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": shop}
    writer = Writer(admin, check_mode=False)
    for name in ("plain", "chained"):
        seen = admin.get(ObjectRef(INGRESS, "Ingress", name, shop))
        writer.patch([Patch(seen, {"metadata": {"annotations": marks}})])
    warnings = _ok(_play(player, shop, kinds=["Ingress"]), True).result["warnings"]
    assert len(warnings) == 1
    assert f"belong to Helm release {shop}/shop, which may undo this change" in warnings[0]


def test_objects_that_change_meanwhile_are_worked_out_anew(shop: str, player: Player, admin: Client) -> None:
    """Somebody touches every Ingress without pause while the task runs."""
    names = [f"busy{number}" for number in range(20)]
    writer = Writer(admin, check_mode=False)
    writer.apply([ingress(shop, name, busy="0") for name in names])
    stop = threading.Event()
    rounds = 0

    def touch() -> None:
        nonlocal rounds
        while not stop.is_set():
            rounds += 1
            for name in names:
                body = {"metadata": {"labels": {"busy": str(rounds)}}}
                path = admin.path(ObjectRef(INGRESS, "Ingress", name, shop))
                admin.request("PATCH", path, body=body, content_type="application/merge-patch+json")

    toucher = threading.Thread(target=touch)
    toucher.start()
    try:
        _ok(_play(player, shop, names=names, kinds=["Ingress"], proof="none"), True)
    finally:
        stop.set()
        toucher.join()
    assert rounds > 1
    assert {_chain(admin, shop, name) for name in names} == {f"{shop}-retry@kubernetescrd"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"middleware": "retry"}, "middleware: 'retry' is neither"),
        ({"before": "auth"}, "before: 'auth' is neither"),
        ({"namespaces": None}, "one of the following is required"),
        ({"before": "a/b", "place": "first"}, "mutually exclusive"),
        ({"state": "absent", "place": "first"}, "place: a middleware that goes away has no place"),
        ({"names": ["x"], "namespaces": None}, "names: 'x' needs its namespace"),
        ({"names": ["nowhere"]}, "names: no Ingress or IngressRoute"),
        ({"middleware": "no-such@kubernetescrd"}, "is not one Middleware"),
    ],
)
def test_arguments(options: dict[str, Any], words: str, shop: str, player: Player) -> None:
    played = _play(player, shop, **options)
    assert played.outcome == "failed"
    assert words in played.message


def test_an_entry_point_of_manifests(shop: str, player: Player, admin: Client) -> None:
    """Checked only: the lab's Traefik is everybody's."""
    checked = _ok(_play(player, shop, check=True, namespaces=None, entry_points=["web"]), True)
    (result,) = checked.result["results"]
    assert result["chains"] == [
        {"at": "--entryPoints.web.http.middlewares", "before": [], "after": [f"{shop}-retry@kubernetescrd"]}
    ]
    unknown = _play(player, shop, namespaces=None, entry_points=["wbe"])
    assert "no TCP entry point 'wbe'" in unknown.message


@pytest.mark.slow
def test_an_entry_point_is_changed_and_taken_back(
    namespace: str, admin: Client, player: Player, cleaned: Callable[[ObjectRef], None]
) -> None:
    """On a Traefik of the test's own, which wants labels that a probe has to carry too."""
    lab = admin.get(ObjectRef("apps/v1", "Deployment", "traefik", "traefik"))
    cleaned(ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", f"edge-{namespace}"))
    retry = middleware(namespace)
    retry["metadata"]["labels"] = {"edge": "yes"}
    objects = [retry, *own_traefik(namespace, lab["spec"]["template"]["spec"]["containers"][0]["image"])]
    brought = player.task("apply", {"objects": objects, "wait": True, "wait_timeout": 180})
    assert brought.outcome == "ok", brought
    edge = {"namespace": namespace, "workload": "edge"}
    this: dict[str, Any] = {"namespaces": None, "entry_points": ["web"], "traefik": edge}
    wanted = f"--entryPoints.web.http.middlewares={namespace}-retry@kubernetescrd"

    def arguments() -> list[str]:
        item = admin.get(ObjectRef("apps/v1", "Deployment", "edge", namespace))
        return list(item["spec"]["template"]["spec"]["containers"][0]["args"])

    before = arguments()
    (proof,) = _ok(_play(player, namespace, wait_timeout=180, **this), True).result["proofs"]
    assert (proof["proof"], len(proof["replicas"])) == ("behaviour", 1)
    assert arguments() == [*before, wanted]
    _ok(_play(player, namespace, **this), False)
    _ok(_play(player, namespace, state="absent", wait_timeout=180, **this), True)
    assert arguments() == before


@pytest.mark.slow
@pytest.mark.variation("as many places as a large cluster has")
def test_two_thousand_ingresses(
    namespace: str, admin: Client, player: Player, cleaned: Callable[[ObjectRef], None]
) -> None:
    """Of a class that nobody serves: the lab's Traefik has nothing to do with them, the API server all the same."""
    others = ["a@file", "b@file", f"{namespace}-retry@kubernetescrd", "c@file"]

    def create(number: int) -> Object:
        path = f"/apis/{INGRESS}/namespaces/{namespace}/ingresses"
        body = ingress(namespace, f"many-{number:04}", ", ".join(others), "nobody")
        return dict(admin.request("POST", path, body=body))

    admin.concurrently(create, range(2000))
    first = _ok(_play(player, namespace, state="absent", kinds=["Ingress"]), True)
    assert len(first.result["results"]) == first.result["chosen"] == 2000
    assert all(result["written"] for result in first.result["results"])
    (answer,) = read_found(admin, [Query(INGRESS, "Ingress", namespace=namespace)])
    assert {item["metadata"]["annotations"][CHAIN] for item in answer.items} == {"a@file,b@file,c@file"}
    again = _ok(_play(player, namespace, state="absent", kinds=["Ingress"]), False)
    assert again.result["unchanged"] == 2000
