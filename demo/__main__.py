"""Measures, hardens and measures again. Leaves the lab hardened; run again, it takes that back first."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

from kubernetes import config
from kubernetes.client import Configuration

from demo.measure import Lab, Measured, basic
from demo.table import is_well, show, table_of
from lab.settings import from_environment
from tests.integration.lab_cluster import LabCluster, RequestFailed

ROOT = Path(__file__).parents[1]
PASSWORDS = "/api/v1/namespaces/traefik/secrets/auth-proxy-users-passwords"
MIDDLEWARE = "/apis/traefik.io/v1alpha1/namespaces/traefik/middlewares/authentik-forward-auth"
# More runs than a journal keeps.
MOST_RUNS = 12


def main() -> int:
    """0 when every visit after hardening is as it should be."""
    kubeconfig = from_environment().kubeconfig
    cluster = _cluster(kubeconfig)
    for _run in range(MOST_RUNS):
        if not _is_hardened(cluster):
            break
        _say("the lab is hardened: taking that back first ...")
        _play("rollback", kubeconfig)
    before = list(Lab(cluster).measure(_say))
    _play("harden", kubeconfig)
    after = list(Lab(cluster, _emergency_login(cluster)).measure(_say))
    show(table_of(before, after), ROOT / "build" / "demo.svg")
    _say("The report: build/. Back to before: ansible-playbook -i inventories/lab playbooks/rollback.yml")
    return _verdict(after)


def _verdict(after: list[Measured]) -> int:
    ill = [measured for measured in after if not is_well(measured)]
    for measured in ill:
        _say(f"not as it should be: {measured}")
    return 1 if ill else 0


def _cluster(kubeconfig: Path) -> LabCluster:
    configuration = Configuration()
    config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    return LabCluster(configuration)


def _is_hardened(cluster: LabCluster) -> bool:
    return "auth-proxy" in cluster.read(MIDDLEWARE)["spec"]["forwardAuth"]["address"]


def _emergency_login(cluster: LabCluster) -> str:
    try:
        data = cluster.read(PASSWORDS)["data"]
    except RequestFailed:
        return ""
    key, password = next(iter(data.items()))
    return basic(key.removeprefix("password-"), base64.b64decode(password).decode())


def _play(playbook: str, kubeconfig: Path) -> None:
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(ROOT / "inventories" / "lab")]
    command += [str(ROOT / "playbooks" / f"{playbook}.yml"), "-e", f"resilient_traefik_kubeconfig={kubeconfig}"]
    command += ["-e", f"resilient_traefik_report_directory={ROOT / 'build'}"]
    _say(f"ansible-playbook {playbook}.yml ...")
    environment = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "ANSIBLE_FORCE_COLOR": "0"}
    ended = subprocess.run(command, env=environment, check=False)
    if ended.returncode:
        sys.exit(f"The playbook {playbook} failed: see above.")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
