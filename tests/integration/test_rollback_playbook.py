"""The playbook rollback where it would make an outage: it leads forward again, and later goes all the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import runs
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from tests.integration.http_in_pod import Door, ask_all
from tests.integration.standin import StandIn
from tests.integration.support_books import QUICK, Books
from tests.integration.support_whole_state import differing, whole_state

pytest_plugins = ("tests.integration.support_fixtures",)
pytestmark = pytest.mark.alone

HOST, RUN = "private.lab.test", "rolled-back"


def _forward_auth(admin: Client) -> Object:
    """The middleware that was led to the proxy."""
    changed = next(run for run in runs(admin) if run.run_id == RUN).entries
    (ref,) = [entry.ref for entry in changed if entry.ref.kind == "Middleware" and entry.before]
    return admin.get(ref)


def _set_address(admin: Client, item: Object, address: str) -> None:
    """As somebody does by hand."""
    metadata = item["metadata"]
    ref = ObjectRef(item["apiVersion"], "Middleware", metadata["name"], metadata["namespace"])
    body = {"spec": {"forwardAuth": {"address": address}}}
    query, patch = {"fieldManager": "kubectl-patch"}, "application/merge-patch+json"
    admin.request("PATCH", admin.path(ref), query=query, body=body, content_type=patch)


def test_a_rollback_that_loses_a_site_is_led_forward(
    kubeconfig: Path, tmp_path: Path, admin: Client, traefik_doors: list[Door], outpost: StandIn
) -> None:
    before, books = whole_state(admin), Books(kubeconfig, tmp_path, QUICK)
    hardened = books.play("harden", "--tags", "auth", resilient_traefik_run_id=RUN)
    assert hardened.code == 0, hardened.output
    try:
        protected = _forward_auth(admin)
        with outpost.failing("hang"):
            assert {answer.status for answer in ask_all(traefik_doors, HOST, "/get").values()} == {401}
            back = books.play("rollback", resilient_traefik_run_id=RUN)
            assert back.code != 0
            assert "sites did not answer that had answered before" in back.output, back.output
            assert HOST in back.output
            assert "was 401 before, is no answer" in back.output
            assert "was led forward again" in back.output
            assert "All of them answer again." in back.output
            assert _forward_auth(admin)["spec"] == protected["spec"]
            assert {answer.status for answer in ask_all(traefik_doors, HOST, "/get").values()} == {401}
        # By hand elsewhere, and back to the same value.
        address = protected["spec"]["forwardAuth"]["address"]
        for wanted in ("http://elsewhere.test/auth", address):
            _set_address(admin, protected, wanted)
    finally:
        outpost.switch("ok")
        back = books.play("rollback", resilient_traefik_run_id=RUN)
    assert back.code == 0, back.output
    assert "all as well as before" in back.output
    assert differing(before, whole_state(admin)) == {}
