"""Brings the lab up: what is missing is built, what is broken is made anew, what is healthy stays."""

from __future__ import annotations

import shutil

from lab import apply_workloads, preflight
from lab.cache import Store
from lab.cluster import Cluster
from lab.kit import Kit
from lab.progress import Progress, summary
from lab.settings import Settings
from lab.sources import choose_source, prepare
from lab.tools import link_tools


def up(settings: Settings, progress: Progress) -> None:
    """Make the lab healthy. Raises LabError with the remedy when it cannot be done."""
    progress.plan("check the machine", "apply the workloads", "wait for the workloads")
    store = Store(settings.cache)
    with progress.step("check the machine"):
        source = choose_source(settings)
        preflight.check(settings, source, progress)
    kit = prepare(settings, source, store, progress)
    cluster = Cluster(settings, kit)
    created = _make_usable(cluster, progress)
    cluster.load_images(progress)
    preflight.check_node_ports(kit.engine, cluster.kubectl, settings.node_names)
    _expose(settings, cluster, kit)
    apply_workloads.apply(cluster.kubectl, kit.definitions, settings, progress)
    _report(settings, kit, created, progress)


def _make_usable(cluster: Cluster, progress: Progress) -> bool:
    """Returns whether the cluster was made anew."""
    why = cluster.why_unusable()
    if why is None:
        return False
    progress.say(f"the cluster is made anew: {why}")
    cluster.create(progress)
    cluster.connect()
    cluster.mark_complete()
    return True


def _expose(settings: Settings, cluster: Cluster, kit: Kit) -> None:
    """Put the kubeconfig and the tools where tests and users look for them."""
    shutil.copyfile(cluster.kubectl.kubeconfig, settings.kubeconfig)
    settings.kubeconfig.chmod(0o600)
    link_tools(kit.tools)


def _report(settings: Settings, kit: Kit, created: bool, progress: Progress) -> None:
    kind = "cold build" if kit.built else "from the cache" if created else "was healthy"
    for line in summary(progress.figures):
        progress.say(line)
    made_of = f"{kind}, source {kit.source}, Traefik {settings.traefik_version}"
    progress.say(f"lab '{settings.name}' is up after {progress.elapsed():.1f} s ({made_of})")
    progress.say(f"kubectl --kubeconfig {settings.kubeconfig} get pods -A")
