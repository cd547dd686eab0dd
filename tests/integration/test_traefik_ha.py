"""The role traefik_ha on a Traefik of the test's own: proved by behaviour, and taken back by the playbook rollback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.ansible_playbook.running import ansible_playbook, environment
from tests.integration.support_backend import TRAEFIK, backend, backend_ref, before_ingresses, routes
from tests.integration.support_own_traefik import OwnTraefik, run
from tests.integration.support_restore import Site

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]
SECONDS = 400


@pytest.fixture
def shop(admin: Client, namespace: str, cleaned: Callable[[ObjectRef], None]) -> OwnTraefik:
    """Two slow backends behind three replicas of a Traefik that waits for ever."""
    traefik = before_ingresses(namespace, replicas=3)
    cleaned(ref_of(traefik.binding()))
    objects = [each for name in ("slow", "plain") for each in routes(namespace, name)]
    Writer(admin, check_mode=False).apply([traefik.binding(), backend(namespace), *objects])
    run(admin, traefik)
    wait_until_ready(admin, [backend_ref(namespace)], 60, print)
    return traefik


def variables(traefik: OwnTraefik) -> dict[str, Any]:
    """The role's: three seconds are too long for all but one of the backends."""
    both = ("ingress", "route")
    return {
        "traefik_ha_traefik_namespace": traefik.namespace,
        "traefik_ha_traefik_name": traefik.name,
        "traefik_ha_min_ready_seconds": 1,
        "traefik_ha_readiness_delay": 3,
        "traefik_ha_pre_stop_sleep": 1,
        "traefik_ha_request_accept_grace_timeout": 1,
        "traefik_ha_response_header_timeout": "1500ms",
        "traefik_ha_slow_backends": [{"namespace": traefik.namespace, "service": "slow"}],
        "traefik_ha_sites": [{"host": f"plain.{kind}.test", "path": "/status/200"} for kind in both],
        "traefik_ha_hanging_sites": [{"host": f"plain.{kind}.test", "path": "/delay/3"} for kind in both],
        "traefik_ha_slow_sites": [{"host": f"slow.{kind}.test", "path": "/delay/3"} for kind in both],
    }


def playbook(book: Path, kubeconfig: Path, *options: str, **given: Any) -> str:
    """What ansible-playbook prints. Fails the test with it unless it ends well."""
    told = json.dumps({"resilient_traefik_kubeconfig": str(kubeconfig), **given})
    ended = ansible_playbook(["-i", "lab,", str(book), "-e", told, *options], environment(), SECONDS)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def role(folder: Path, run_id: str) -> Path:
    """A playbook of the role alone, recorded as a run."""
    defaults = {
        "group/resilient.traefik.cluster": {"kubeconfig": "{{ resilient_traefik_kubeconfig }}"},
        "group/resilient.traefik.writing": {"run_id": run_id},
    }
    play = {"hosts": "all", "gather_facts": False, "connection": "local", "module_defaults": defaults}
    book = folder / "role.yml"
    book.write_text(json.dumps([play | {"roles": ["resilient.traefik.traefik_ha"]}]))
    return book


def test_the_role_is_proved_and_taken_back(
    shop: OwnTraefik, kubeconfig: Path, admin: Client, namespace: str, tmp_path: Path
) -> None:
    site = Site(admin, {"kubeconfig": str(kubeconfig)}, namespace)
    before, owners = site.state(), site.owners()
    route = ObjectRef(TRAEFIK, "IngressRoute", "slow", namespace)
    spec = admin.get(route)["spec"]
    run_id = f"ha-{namespace}"
    book, given = role(tmp_path, run_id), variables(shop)

    planned = playbook(book, kubeconfig, "--check", **given)
    assert "changed=2 " in planned
    assert (site.state(), site.owners()) == (before, owners)

    done = playbook(book, kubeconfig, **given)
    assert "changed=2 " in done
    for proof in ("Each replica must run", "Sites must answer", "A backend that hangs", "A backend that may take"):
        assert proof in done
    assert "skipping" not in done.partition("RUNNING HANDLER")[2], "every proof is carried out"
    assert "changed=0 " in playbook(book, kubeconfig, **given)

    rollback = playbook(
        ROOT / "playbooks" / "rollback.yml", kubeconfig, "--connection=local", resilient_traefik_run_id=run_id
    )
    assert "'left_alone': []" in rollback or '"left_alone": []' in rollback
    assert (site.state(), site.owners()) == (before, owners)
    assert admin.get(route)["spec"] == spec
