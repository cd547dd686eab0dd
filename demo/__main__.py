"""Measures and drills, hardens, measures and drills again. Leaves the lab hardened; run again, it takes that back."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from kubernetes import config
from kubernetes.client import Configuration

from demo.drills import PAGE, drill_after, drill_before
from demo.measure import Lab, Measured, basic
from demo.plays import BUILD, play, say
from demo.table import is_well, show, table_of
from lab.settings import from_environment
from tests.integration.lab_cluster import LabCluster, RequestFailed

PASSWORDS = "/api/v1/namespaces/traefik/secrets/auth-proxy-users-passwords"
MIDDLEWARE = "/apis/traefik.io/v1alpha1/namespaces/traefik/middlewares/authentik-forward-auth"
# More runs than a journal keeps.
MOST_RUNS = 12


def main() -> int:
    """0 when after hardening every visit is as it should be and every drill passed."""
    kubeconfig = from_environment().kubeconfig
    cluster = _cluster(kubeconfig)
    for _run in range(MOST_RUNS):
        if not _is_hardened(cluster):
            break
        say("the lab is hardened: taking that back first ...")
        play("rollback", kubeconfig)
    before = list(Lab(cluster).measure(say))
    drill_before(kubeconfig)
    play("harden", kubeconfig)
    after = list(Lab(cluster, _emergency_login(cluster)).measure(say))
    passed = drill_after(kubeconfig)
    show(table_of(before, after), BUILD / "demo.svg")
    say(f"The drills before and after, side by side: {PAGE.relative_to(BUILD.parent)}")
    say("Back to before: ansible-playbook -i inventories/lab playbooks/rollback.yml")
    return _verdict(after) or int(not passed)


def _verdict(after: list[Measured]) -> int:
    ill = [measured for measured in after if not is_well(measured)]
    for measured in ill:
        say(f"not as it should be: {measured}")
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


if __name__ == "__main__":
    sys.exit(main())
