"""The templates for AWX: each playbook of the project as a job of AWX runs it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.lab_cluster import eventually
from tests.integration.support_account import ROLES, least_privilege_params, made_account
from tests.integration.support_awx import TEMPLATES, credential, launch
from tests.integration.support_whole_state import is_going

pytest_plugins = ["tests.integration.support_fixtures"]

# Of the lab: what is hardened, and whose routes are changed.
NAMESPACES = ("traefik", "authentik", "poison-fountain", "apps")

# They ask a server that is not there about one thing after the other: minutes, in which nothing new is seen.
PATIENT = ("audit", "explain")


@pytest.fixture
def injected(admin: Client, kubeconfig: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What AWX's credential hands over for an account of docs/rbac.md, with the cluster's authority."""
    name = f"awx-{uuid4().hex[:8]}"
    refs = made_account(admin, name, ROLES, ("", ""), NAMESPACES)
    authority = tmp_path / "ca.crt"
    (cluster,) = yaml.safe_load(kubeconfig.read_text())["clusters"]
    authority.write_bytes(base64.b64decode(cluster["cluster"]["certificate-authority-data"]))
    params = least_privilege_params(admin, name)
    yield credential(params["host"], params["api_key"], str(authority))
    Writer(admin, check_mode=False).delete(refs)


def _going(admin: Client) -> bool:
    namespaces = admin.request("GET", "/api/v1/namespaces")["items"]
    return any(map(is_going, namespaces))


# A plan is for the whole cluster, and other tests put ForwardAuth middlewares of their own into it.
@pytest.mark.alone
def test_a_plan_of_awx_on_the_lab(injected: dict[str, str], admin: Client, tmp_path: Path) -> None:
    """With the token of an account with few rights, its authority verified, and the survey's own answers."""
    eventually(lambda: not _going(admin), "the namespaces of the tests before are gone", 120)
    job = launch("harden-check", tmp_path / "job", injected, traefik_ha_replicas=0)
    assert job.status == "successful", job.output
    told = job.artifacts["resilient_traefik_results"]["blue"]
    assert told["verdict"] == "planned"
    assert told["run_id"].startswith("harden-")
    assert injected["K8S_AUTH_API_KEY"] not in job.output


@pytest.mark.loopback
@pytest.mark.variation("the same way in by the other playbooks, as far as a server that is not there")
@pytest.mark.parametrize("template", [name for name in TEMPLATES if name not in ("harden-check", *PATIENT)])
def test_every_playbook_of_the_project_is_a_job(template: str, tmp_path: Path) -> None:
    """A credential without an authority hands over 'False', and the variables of a job are nobody's mistake."""
    job = launch(template, tmp_path / "job", credential("https://127.0.0.1:9", "a-token", ""))
    assert job.status == "failed"
    assert "there is no such setting" not in job.output
    assert "127.0.0.1:9" in job.output, job.output
    assert "a-token" not in job.output
