"""The prober in the cluster: more than a port-forward carries, every request recorded, and nothing left behind."""

from __future__ import annotations

from collections import Counter

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.figures import by_replica
from ansible_collections.resilient.traefik.plugins.module_utils.drill.prober import Prober
from ansible_collections.resilient.traefik.plugins.module_utils.drill.prober_job import Load, Place
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import find_workload
from lab.image_catalogue import PROBER
from tests.integration.lab_cluster import eventually

pytest_plugins = ["tests.integration.support_fixtures"]

HOST, WORD = "public.lab.test", "chocolate-chip"


def visitor(path: str, https: bool = False) -> Visitor:
    request = Request(host=HOST, path=path, headers={"Cookie": f"session={WORD}"}, https=https, verify=False)
    return Visitor(path, request, guarded=False, before=(int(path.rsplit("/", 1)[1]),))


@pytest.mark.slow
@pytest.mark.parametrize("https", [False, True])
def test_every_replica_is_asked_and_every_request_recorded(
    admin: Client, writer: Writer, namespace: str, https: bool
) -> None:
    workload = find_workload(admin, "traefik")
    visitors = [visitor("/status/200", https), visitor("/status/404", https)]
    prober = Prober(admin, writer, workload, "websecure" if https else "web", Place(namespace, PROBER.reference))
    prober.begin(Load(rate=20, seconds=4, max_seconds=5), visitors)
    jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    assert WORD not in str(admin.request("GET", jobs))
    records = list(prober.records(120))
    expected = 20 * 4 * len(workload.ready)
    assert len(records) + prober.not_sent == expected
    assert prober.not_sent <= 0.05 * expected
    assert Counter((record.visitor, record.status) for record in records).keys() == {(0, 200), (1, 404)}
    assert set(by_replica(records, visitors)) == {replica.name for replica in workload.ready}
    assert all(0 < record.seconds < 5 for record in records)
    prober.remove()
    paths = [f"/api/v1/namespaces/{namespace}/{kind}" for kind in ("pods", "secrets")]
    eventually(lambda: not any(admin.request("GET", path)["items"] for path in paths), "nothing is left", 60)


def test_an_image_that_is_not_there_is_told(
    admin: Client, writer: Writer, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ansible_collections.resilient.traefik.plugins.module_utils.drill.prober._START_SECONDS", 20.0)
    workload = find_workload(admin, "traefik")
    prober = Prober(admin, writer, workload, "web", Place(namespace, "localhost/lab/nobody:1"))
    with pytest.raises(ResilientError, match=r"container attack did not start: (ErrImagePull|ImagePullBackOff)"):
        prober.begin(Load(rate=20, seconds=4, max_seconds=5), [visitor("/status/200")])
    prober.remove()
