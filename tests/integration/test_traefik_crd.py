"""The module traefik_crd against the lab's Traefik: what it refuses, and how it proves."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import Invalid
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.cluster_schemas import schema_faults
from tests.integration.http_in_pod import Door, ask
from tests.integration.support_engine import Audited, secret
from tests.integration.support_playbook import Played, Player
from tests.integration.support_traefik import TRAEFIK, middleware, probes_left, route, traefik_object

pytest_plugins = ["tests.integration.support_fixtures"]


def _play(player: Player, *objects: Object, check: bool = False, **options: Any) -> Played:
    return player.task("traefik_crd", {"objects": list(objects)} | options, check=check, diff=True)


def _ok(played: Played, changed: bool) -> Played:
    assert (played.outcome, played.changed) == ("ok", changed), played
    return played


def _refused(played: Played) -> list[str]:
    assert played.outcome == "failed", played
    return list(played.result["faults"])


def test_check_apply_check_apply(namespace: str, audited: Audited, traefik_doors: list[Door]) -> None:
    objects = [middleware(namespace), route(namespace, "web", {"name": "retry"})]
    player = audited.player()

    check = _ok(_play(player, *objects, check=True), True)
    assert audited.writes() == []
    first = _ok(_play(player, *objects), True)
    assert first.result["diff"] == check.result["diff"]
    assert {write.name for write in audited.writes()} > {"retry", "web"}
    proofs = first.result["proofs"]
    assert [proof["proof"] for proof in proofs] == ["behaviour", "behaviour"]
    assert all(len(proof["replicas"]) == len(traefik_doors) for proof in proofs)
    assert probes_left(audited.client(), namespace) == []
    for door in traefik_doors:
        assert ask(door, f"web.{namespace}.test", "/").status == 418, "it was proved, so it is so"
    for checking in (True, False):
        _ok(_play(player, *objects, check=checking), False)
        assert audited.writes() == []


def test_every_fault_at_once_and_nothing_written(namespace: str, audited: Audited) -> None:
    faulty = middleware(namespace, retry={"attempts": "two", "initalInterval": 1}, basicAuth={"secret": "nowhere"})
    lost = route(namespace, "web", {"name": "absent"}, services=[{"name": "web", "port": 80}])
    lost["spec"]["entryPoints"] = ["wbe"]
    found = _refused(_play(audited.player(), faulty, lost))
    assert found[0] == f"Middleware {namespace}/retry: spec.retry.attempts: expected integer, got 'two'"
    assert found[1].endswith("spec.retry.initalInterval: unknown field, did you mean initialInterval?")
    assert "spec.entryPoints" in found[2]
    assert found[3].endswith(f"spec.basicAuth.secret: Secret {namespace}/nowhere does not exist")
    assert found[4].endswith(f"spec.routes[0].middlewares[0]: Middleware {namespace}/absent does not exist")
    assert found[5].endswith(f"spec.routes[0].services[0]: Service {namespace}/web does not exist")
    assert len(found) == 6
    assert audited.writes() == []


SPECS: list[tuple[dict[str, Any], bool]] = [
    ({"retry": {"attempts": 3, "initialInterval": "100ms"}}, True),
    ({"retry": {"attempts": 3.0, "initialInterval": 1}}, True),
    ({"plugin": {"any": {"deep": [1, {"a": None}]}, "nil": None}}, True),
    ({"headers": {"customRequestHeaders": {"X-Any": "a"}}}, True),
    ({"retry": {"attempts": "3"}}, False),
    ({"retry": {"attempts": 3.5}}, False),
    ({"retry": {"attempts": True}}, False),
    ({"retry": {"attempts": None}}, False),
    ({"retry": None}, False),
    ({"retry": {"attempts": -1}}, False),
    ({"retry": {"initialInterval": True}}, False),
    ({"retry": {"initialInterval": "soon"}}, False),
    ({"retry": {"atempts": 3}}, False),
    ({"retries": {}}, False),
    ({"headers": {"customRequestHeaders": {"X-Any": 1}}}, False),
    ({"ipAllowList": {"sourceRange": "10.0.0.0/8"}}, False),
    ({"retry": {"status": [None]}}, False),
]


@pytest.mark.parametrize(("spec", "fits"), SPECS, ids=[str(spec) for spec, _fits in SPECS])
def test_the_api_server_agrees_with_the_offline_check(spec: dict[str, Any], fits: bool, admin: Client) -> None:
    item = middleware("default", "offline-check") | {"spec": spec}
    assert (schema_faults(admin, [item]) == []) is fits
    try:
        Writer(admin, check_mode=True).apply([item])
        accepted = True
    except Invalid:
        accepted = False
    assert accepted is fits


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"replacePathRegex": {"regex": "(", "replacement": "x"}}, "missing closing"),
        ({"circuitBreaker": {"expression": "Nonsense() > 1"}}, "Nonsense"),
        ({"retry": {"attempts": 2}, "compress": {}}, "multi-types middleware not supported"),
    ],
)
def test_what_traefik_cannot_load(spec: dict[str, Any], words: str, namespace: str, audited: Audited) -> None:
    """The schema has nothing against these: only a replica knows."""
    player = audited.player()
    _ok(_play(player, middleware(namespace), route(namespace, "web", {"name": "retry"})), True)
    audited.writes()

    failed = _play(player, middleware(namespace) | {"spec": spec})
    assert failed.outcome == "failed"
    assert words in failed.message, failed.message
    faults = failed.result["not_loaded"]
    assert {fault["object"] for fault in faults} == {f"Middleware {namespace}/retry"}
    assert len({fault["replica"] for fault in faults}) == len(faults) > 0
    assert {write.name for write in audited.writes() if not write.name.startswith("resilient-probe-")} == set()
    assert probes_left(audited.client(), namespace) == []


def test_a_bad_change_never_reaches_live_traffic(namespace: str, player: Player, traefik_doors: list[Door]) -> None:
    _ok(_play(player, middleware(namespace), route(namespace, "web", {"name": "retry"})), True)
    bad = middleware(namespace) | {"spec": {"replacePathRegex": {"regex": "(", "replacement": "x"}}}
    assert _play(player, bad).outcome == "failed"
    for door in traefik_doors:
        assert ask(door, f"web.{namespace}.test", "/").status == 418


def test_a_rule_that_cannot_be_read(namespace: str, player: Player) -> None:
    failed = _play(player, route(namespace, "web", match="Hots(`a.test`)"))
    assert failed.outcome == "failed"
    assert "unsupported function: Hots" in failed.message
    assert "resilient-probe" not in failed.message, "the probe's own names mean nothing to anybody"


def test_objects_that_need_each_other(namespace: str, player: Player) -> None:
    service = {"kind": "TraefikService", "name": "both"}
    objects = [
        route(namespace, "web", {"name": "chain"}, services=[service]),
        middleware(namespace, "chain", chain={"middlewares": [{"name": "retry"}, {"name": "small"}]}),
        middleware(namespace),
        middleware(namespace, "small", compress={}),
        traefik_object(
            "TraefikService", namespace, "both", {"weighted": {"services": [{**service, "name": "noop@internal"}]}}
        ),
    ]
    played = _ok(_play(player, *objects), True)
    assert [proof["proof"] for proof in played.result["proofs"]] == ["behaviour"] * 5


def _tcp_route(namespace: str, *services: dict[str, Any]) -> Object:
    only = {"match": f"HostSNI(`db.{namespace}.test`)", "services": list(services)}
    return traefik_object(
        "IngressRouteTCP", namespace, "database", {"entryPoints": ["websecure"], "routes": [only], "tls": {}}
    )


def test_the_api_opened_for_a_tcp_route(namespace: str, player: Player) -> None:
    metadata = {"name": "database", "namespace": namespace}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 5432}]}}
    player.task("apply", {"objects": [service]})
    item = _tcp_route(namespace, {"name": "database", "port": 5432})
    closed = _ok(_play(player, item), True).result["proofs"][0]
    assert (closed["proof"], "the API is closed" in closed["reason"]) == ("none", True)
    opened = _ok(_play(player, item, prove_unchanged=True, open_api=True), False).result["proofs"][0]
    assert (opened["proof"], len(opened["replicas"]) > 0) == ("api", True)


def test_the_api_names_what_is_wrong_with_a_tcp_route(namespace: str, player: Player) -> None:
    failed = _play(player, _tcp_route(namespace), open_api=True)
    assert failed.outcome == "failed"
    assert "does not exist" in failed.message
    assert f"Written and still there: IngressRouteTCP {namespace}/database" in failed.message


def test_the_proof_that_was_asked_for(namespace: str, player: Player) -> None:
    item = middleware(namespace)
    asked = _play(player, item, proof="api")
    assert asked.outcome == "failed"
    assert "API is closed" in asked.message
    opened = _play(player, item, proof="api", open_api=True, prove_unchanged=True).result["proofs"]
    assert [proof["proof"] for proof in opened] == ["api"]
    trusted = _play(player, item, proof="none", prove_unchanged=True).result["proofs"]
    assert [(proof["proof"], proof["replicas"]) for proof in trusted] == [("none", [])]


def test_nothing_that_is_in_use_is_removed(namespace: str, player: Player) -> None:
    retry, web = middleware(namespace), route(namespace, "web", {"name": "retry"})
    _ok(_play(player, retry, web), True)
    (fault,) = _refused(_play(player, retry, state="absent"))
    assert fault.startswith(f"IngressRoute {namespace}/web: spec.routes[0].middlewares[0] names Middleware")
    _ok(_play(player, retry, web, state="absent"), True)
    _ok(_play(player, retry, web, state="absent"), False)


def test_secrets_are_looked_at_by_key_only(namespace: str, player: Player) -> None:
    users = secret(namespace, "users", users="alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", more="x")
    player.task("apply", {"objects": [users]})
    played = _play(player, middleware(namespace, "login", basicAuth={"secret": "users"}))
    (fault,) = _refused(played)
    assert fault.endswith("has to hold username and password or a single key, it holds more, users")
    assert "5en6G6MezRroT3XKqkdPOmY" not in str(played)


def test_objects_that_this_traefik_does_not_look_at(namespace: str, player: Player) -> None:
    foreign = route(namespace, "web")
    foreign["spec"]["ingressClassName"] = "nginx"
    (fault,) = _refused(_play(player, foreign))
    assert "does not look at it: its ingress class is nginx" in fault


def test_what_is_not_traefiks_business(namespace: str, player: Player) -> None:
    played = _play(player, secret(namespace))
    assert played.outcome == "failed"
    assert played.message.startswith("objects: Secret ")
    unserved = _play(player, traefik_object("Middlewarez", namespace, "x", {}))
    assert unserved.outcome == "failed"
    assert "serves no such kind" in unserved.message
    nowhere = _play(player, {"apiVersion": TRAEFIK, "kind": "Middleware", "metadata": {"name": "x"}})
    assert "names no namespace" in nowhere.message


def test_a_probe_left_behind_is_removed_by_the_next(namespace: str, admin: Client, player: Player) -> None:
    left = middleware(namespace, "resilient-probe-dead")
    left["metadata"]["labels"] = {"resilient.traefik/probe-until": "1"}
    Writer(admin, check_mode=False).apply([left])
    _ok(_play(player, middleware(namespace)), True)
    assert admin.find(ObjectRef(TRAEFIK, "Middleware", "resilient-probe-dead", namespace)) is None
