"""Why a site answers as it does, on the lab: each fault is made, and the verdict has to name it.

All of it is asked by an account with the rights of the purpose explain and no others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.explain import explain
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.plugin_utils.granting import granted
from lab import settings
from tests.ansible_playbook.running import ansible_playbook, environment
from tests.integration.http_in_pod import Door, ask
from tests.integration.lab_cluster import LabCluster, eventually
from tests.integration.support_account import MANIFEST, apply_and_await, least_privilege_params
from tests.integration.support_audit import AuditLog
from tests.integration.support_engine import namespace_object
from tests.integration.support_explain import LOADED, differing, seen_by, sites
from tests.integration.support_retry import await_router
from tests.integration.support_traefik import route

pytest_plugins = ["tests.integration.support_fixtures"]

Explained = dict[str, Any]
Explain = Callable[..., Explained]
ROOT = Path(__file__).parents[2]
ACCOUNT = "resilient-traefik-explain"
SECRET = "hunter2-of-the-tests"
# Left in the cluster by other tests too, and nothing without a binding.
ROLES = ("Namespace", "Role", "ClusterRole")
DEFAULTS = {name: option.get("default") for name, option in explain.OPTIONS.items()} | {"resolve": False}
REQUEST = {name: option.get("default") for name, option in explain.REQUEST_OPTIONS.items()}


@pytest.fixture(scope="module")
def space(kubeconfig: Path, cluster: LabCluster) -> Iterator[str]:
    """A namespace with all sites, which every replica of the lab's Traefik has loaded."""
    admin, name = Client({"kubeconfig": str(kubeconfig)}), f"explain-{uuid4().hex[:8]}"
    writer = Writer(admin, check_mode=False)
    writer.apply([namespace_object(name), *sites(name)])
    wait_until_ready(admin, [ObjectRef("apps/v1", "Deployment", "backend", name)], 60, print)
    doors = [
        Door(cluster, "traefik", pod, 8000) for pod in cluster.ready_pods("traefik", "app.kubernetes.io/name=traefik")
    ]

    def loaded(site: tuple[str, Door]) -> bool:
        return ask(site[1], f"{site[0]}.{name}.test", "/status/200", time_limit=1.0).status != 404

    with ThreadPoolExecutor(8) as pool:
        pairs = [(site, door) for site in LOADED for door in doors]
        eventually(lambda: all(pool.map(loaded, pairs)), "every replica has the sites' routers", 60)
    yield name
    writer.delete([ObjectRef("v1", "Namespace", name)])


@pytest.fixture(scope="module")
def params(kubeconfig: Path, space: str) -> Iterator[dict[str, Any]]:
    """Connection options of an account for the purpose explain, which may reach pods of Traefik and of the sites."""
    admin = Client({"kubeconfig": str(kubeconfig)})
    roles = yaml.safe_load(MANIFEST.read_text())["items"]
    items = granted(roles, ["explain"], ["traefik", space], [])
    apply_and_await(admin, items)
    yield least_privilege_params(admin, ACCOUNT)
    Writer(admin, check_mode=False).delete(ref_of(item) for item in items if item["kind"] not in ROLES)


@pytest.fixture
def ask_why(params: dict[str, Any], space: str) -> Explain:
    """Explains a request to a site, by its name."""
    return lambda site, **given: explained(params, f"{site}.{space}.test", **given)


def explained(connection: dict[str, Any], host: str, **given: Any) -> Explained:
    """Return what explain tells of a request to the host; ``given`` are its options and the request's."""
    request = REQUEST | {"host": host} | {name: given.pop(name) for name in list(given) if name in REQUEST}
    return explain.run(Task(connection | DEFAULTS | {"request": request} | given))


CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("ok", {}, "ok", "200 on every replica"),
    ("ok", {"path": "/status/404"}, "404", "404: by the application: pod backend-"),
    ("ok", {"path": "/status/431"}, "431", "431: the application takes no headers of"),
    ("ok", {"path": "/status/413"}, "413", "413: by the application: pod backend-"),
    ("nobody", {}, "404", "404: no Ingress and no IngressRoute that this Traefik looks at names the host nobody."),
    ("foreign", {}, "404", "its IngressClass nobody is not Traefik's"),
    ("dangling", {}, "404", "404: Traefik drops router `"),
    ("ok", {"entry_point": "websecure"}, "404", "it is on entry point web and not on websecure"),
    ("closed", {}, "502", "port 9999, and there: connection refused: nothing listens there"),
    ("empty", {}, "503", "has no endpoints: 0 of 1 pods ready: "),
    ("slow", {"path": "/delay/3"}, "504", " s, Traefik waits 1 s"),
    ("gone", {}, "500", "cannot be reached: Service "),
    ("hung", {"seconds": 2.0}, "no_answer", "gives no answer in 2 s; Traefik waits 30 s, which is fixed"),
    ("ok", {"path": "/delay/9", "seconds": 2.0}, "no_answer", "Traefik waits for ever (responseHeaderTimeout 0)"),
    ("ok", {"headers": {"X-Forwarded-Proto": "https"}}, "mixed_content", "so X-Forwarded-Proto is http"),
    ("loop", {"headers": {"X-Forwarded-Proto": "https"}}, "redirect_loop", "because X-Forwarded-Proto is http"),
    ("body", {"method": "POST", "body_bytes": 1001}, "413", "413 is to be expected: middleware "),
    ("ok", {"headers": {"Cookie": "x" * 1_100_000}}, "431", "takes 1052672 (http.maxHeaderBytes)"),
    ("ok", {"headers": {"Cookie": f"session={SECRET}"}}, "sticky_sessions", "has 2 pods and no sticky cookie"),
    ("sticky", {"headers": {"Cookie": f"session={SECRET}"}}, "ok", "200 on every replica"),
    ("ok", {"websocket": True, "path": "/get"}, "websocket", "WebSocket fails with 200: the application opens none"),
    ("ok", {"websocket": True, "path": "/websocket/echo"}, "ok", "101 on every replica"),
]


@pytest.mark.parametrize(("site", "given", "symptom", "words"), CASES, ids=[f"{each[0]} {each[2]}" for each in CASES])
def test_the_verdict_names_the_fault(
    site: str, given: dict[str, Any], symptom: str, words: str, ask_why: Explain
) -> None:
    told = ask_why(site, **given)
    assert (told["symptom"], words in told["verdict"]) == (symptom, True), "\n".join(told["report"])
    assert SECRET not in str(told)
    assert not told["unread"]


def test_a_certificate_of_another_name_is_told(params: dict[str, Any]) -> None:
    told = explained(params, "https://public.lab.test/status/200")
    assert "the certificate is not for public.lab.test" in told["verdict"], "\n".join(told["report"])
    assert "TRAEFIK DEFAULT CERT" in {each["subject"] for each in told["certificates"]}


def test_a_router_that_one_replica_lacks(space: str, admin: Client, cluster: LabCluster, kubeconfig: Path) -> None:
    image = admin.get(ObjectRef("apps/v1", "Deployment", "traefik", "traefik"))
    container = image["spec"]["template"]["spec"]["containers"][0]["image"]
    writer = Writer(admin, check_mode=False)
    edge = differing(space, container)
    writer.apply(edge)
    try:
        wait_until_ready(admin, [ObjectRef("apps/v1", "Deployment", "edge", space)], 60, print)
        first, second = sorted(cluster.ready_pods(space, "app=edge"))
        there = {"services": [{"name": "web", "port": 80}]}
        writer.apply(
            [seen_by(route(space, "both", **there), first, second), seen_by(route(space, "one", **there), second)]
        )
        for name, pod in (("both", first), ("one", second)):
            await_router(Door(cluster, space, pod, 8000), f"{name}.{space}.test")
        where = {"namespace": space, "workload": "edge", "entry_point": "web"}
        told = explained({"kubeconfig": str(kubeconfig)}, f"one.{space}.test", **where)
    finally:
        writer.delete(ref_of(item) for item in edge)
    assert told["symptom"] == "replicas_differ", "\n".join(told["report"])
    assert told["verdict"].startswith(f"404 on {first} only: its router `{space}-one-")
    assert told["verdict"].endswith("` is missing; the other one answers 200 by it")


def test_without_a_replica_everybody_is_refused(space: str, admin: Client, kubeconfig: Path) -> None:
    edge = [item for item in differing(space, "localhost/none") if item["kind"] == "Deployment"]
    edge[0]["spec"]["replicas"] = 0
    edge[0]["metadata"]["name"] = "asleep"
    Writer(admin, check_mode=False).apply(edge)
    where = {"namespace": space, "workload": "asleep", "entry_point": "web"}
    told = explained({"kubeconfig": str(kubeconfig)}, f"ok.{space}.test", **where)
    assert told["verdict"].startswith(f"connection refused: no replica of Deployment {space}/asleep is ready (0 of 0)")


def test_nothing_is_written_and_the_playbook_shows_the_way(
    params: dict[str, Any], space: str, admin: Client, kubeconfig: Path
) -> None:
    named = os.environ.get("LAB_AUDIT_LOG")
    log = AuditLog(Path(named) if named else settings.from_environment().audit_log, admin)
    book = str(ROOT / "playbooks" / "explain.yml")
    given = environment(K8S_AUTH_HOST=params["host"], K8S_AUTH_API_KEY=params["api_key"], K8S_AUTH_VERIFY_SSL="false")
    arguments = ["-i", "cluster.test,", "-c", "local", book, "-e", f"host=ok.{space}.test", "-e", "path=/status/204"]
    ended = ansible_playbook([*arguments, "--check"], given)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "204 on every replica" in ended.stdout
    assert "changed=0" in ended.stdout
    assert log.writes(f"system:serviceaccount:resilient-traefik:{ACCOUNT}") == []
    log.close()


def test_a_missing_right_is_named_and_the_rest_is_told(params: dict[str, Any], space: str, admin: Client) -> None:
    binding = ObjectRef("rbac.authorization.k8s.io/v1", "RoleBinding", "resilient-traefik-reaching-to-explain", space)
    kept = admin.get(binding)
    writer = Writer(admin, check_mode=False)
    writer.delete([binding])
    try:
        eventually(
            lambda: "pods/portforward" in str(explained(params, f"ok.{space}.test", path="/status/404")["backends"]),
            "the missing right is named",
            20,
        )
    finally:
        writer.apply(
            [
                {key: kept[key] for key in ("apiVersion", "kind", "roleRef", "subjects")}
                | {"metadata": {"name": binding.name, "namespace": space}}
            ]
        )
