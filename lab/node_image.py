"""Builds the node image of the `build` source: a Debian system, kind's node files, Kubernetes and its images."""

from __future__ import annotations

import re
from pathlib import Path

from lab import commands
from lab.cache import Artefact, Workplace, digest_of_files
from lab.go_programs import CONTROL_PLANE_PROGRAMS, COREDNS, ETCD, KIND_NODE_FILES, KUBERNETES, NODE_PROGRAMS, PAUSE
from lab.image_catalogue import SMALL_ROOT
from lab.layers import LAYER, Entry, write_archive, write_digest, write_layer, write_layout
from lab.settings import LAB_FOLDER
from lab.versions import KUBERNETES_VERSION
from lab.wheels import CLIENTS

NODE_FILES = LAB_FOLDER / "node"
ROOT_SCRIPT = NODE_FILES / "make-root.sh"
STORAGE_CLASS = NODE_FILES / "default-storage.yaml"
NODE_CONFIG = {
    "Env": ["container=docker"],
    "StopSignal": "SIGRTMIN+3",
    "Entrypoint": ["/usr/local/bin/entrypoint", "/sbin/init"],
}


def root_artefact() -> Artefact:
    """The folders node/ and iptables/, each a layer: what the node and what kube-proxy's image stand on."""
    kind_files = KIND_NODE_FILES.artefact()

    def build(workplace: Workplace) -> None:
        # Its own namespaces: a killed run leaves no mount in the chroot and no process of dpkg's.
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        script: list[str | Path] = [
            "bash",
            ROOT_SCRIPT,
            workplace.destination,
            workplace.needs[kind_files.name] / "files",
        ]
        commands.run([*alone, *script], doing="making the node's file system from Debian packages", log=workplace.log)
        for layer in ("node", "iptables"):
            write_digest(workplace.destination / layer)

    return Artefact("node-root", build, (digest_of_files([ROOT_SCRIPT]),), (kind_files,), seconds=95)


def cluster_images_artefact() -> Artefact:
    """The images that kubeadm wants, as archives in a layer below /kind/images."""
    kubernetes, etcd, coredns, pause, root = (
        KUBERNETES.artefact(),
        ETCD.artefact(),
        COREDNS.artefact(),
        PAUSE.artefact(),
        root_artefact(),
    )

    def build(workplace: Workplace) -> None:
        programs = {
            **dict.fromkeys((*CONTROL_PLANE_PROGRAMS, "kube-proxy"), workplace.needs[kubernetes.name]),
            "etcd": workplace.needs[etcd.name],
            "coredns": workplace.needs[coredns.name],
            "pause": workplace.needs[pause.name],
        }
        iptables = workplace.needs[root.name] / "iptables"
        entries = [Entry("kind/images/every-node", None, 0o755), Entry("kind/images/control-plane", None, 0o755)]
        references = _kubeadm_images(workplace.needs[kubernetes.name] / "kubeadm")
        for name, program in programs.items():
            archive = workplace.destination / f"{name}.tar"
            base = [iptables] if name == "kube-proxy" else []
            _write_program_image(archive, references[name], program / name, base, workplace.destination / name)
            folder = "control-plane" if name in (*CONTROL_PLANE_PROGRAMS, "etcd") else "every-node"
            entries.append(Entry(f"kind/images/{folder}/{name}.tar", archive))
        write_layer(workplace.destination, entries)
        for name in programs:
            (workplace.destination / f"{name}.tar").unlink()
        (workplace.destination / "pause-reference").write_text(references["pause"])

    return Artefact("cluster-images", build, (repr(SMALL_ROOT),), (kubernetes, etcd, coredns, pause, root), seconds=12)


def node_image_artefact() -> Artefact:
    """The node image as an OCI layout, whose layers are shared with the artefacts they come from."""
    kubernetes, clients = KUBERNETES.artefact(), CLIENTS.artefact()
    images, root = cluster_images_artefact(), root_artefact()
    files = [STORAGE_CLASS, NODE_FILES / "import-images.sh", NODE_FILES / "lab-images.service"]

    def build(workplace: Workplace) -> None:
        programs = [workplace.needs[kubernetes.name] / name for name in NODE_PROGRAMS]
        programs.append(workplace.needs[clients.name] / "kubectl")
        pause = (workplace.needs[images.name] / "pause-reference").read_text()
        containerd = _containerd_config(workplace.needs[root.name] / "node" / LAYER, pause)
        top = workplace.destination / "top"
        top.mkdir()
        write_layer(top, _node_entries(programs, containerd))
        layers = [workplace.needs[root.name] / "node", workplace.needs[images.name], top]
        write_layout(workplace.destination, layers, NODE_CONFIG)
        (top / LAYER).unlink()

    return Artefact(
        "node-image", build, (digest_of_files(files), repr(NODE_CONFIG)), (kubernetes, clients, images, root), seconds=5
    )


def _node_entries(programs: list[Path], containerd_config: str) -> list[Entry]:
    wanted = "etc/systemd/system/multi-user.target.wants/lab-images.service"
    return [
        *(Entry(f"usr/bin/{program.name}", program, 0o755) for program in programs),
        Entry("etc/containerd/config.toml", containerd_config),
        Entry("kind/version", f"{KUBERNETES_VERSION}\n"),
        Entry("kind/manifests/default-storage.yaml", STORAGE_CLASS),
        Entry("kind/bin/import-images.sh", NODE_FILES / "import-images.sh", 0o755),
        Entry("etc/systemd/system/lab-images.service", NODE_FILES / "lab-images.service"),
        Entry(wanted, "/etc/systemd/system/lab-images.service", link=True),
    ]


def _containerd_config(layer: Path, pause: str) -> str:
    """kind's containerd configuration with the sandbox image that this Kubernetes version ships."""
    shown = commands.output(
        ["tar", "-xOf", layer, "./etc/containerd/config.toml"], doing="reading containerd's configuration"
    )
    return re.sub(r"(?m)^(\s*sandbox_image = ).*$", rf'\1"{pause}"', shown) + "\n"


def _kubeadm_images(kubeadm: Path) -> dict[str, str]:
    """Program name to the reference under which this kubeadm looks for its image."""
    listing: list[str | Path] = [kubeadm, "config", "images", "list", "--kubernetes-version", KUBERNETES_VERSION]
    references = commands.output(listing, doing="asking kubeadm for its images").split()
    return {reference.rsplit("/", 1)[-1].split(":")[0]: reference for reference in references}


def _write_program_image(archive: Path, reference: str, program: Path, base: list[Path], scratch: Path) -> None:
    scratch.mkdir()
    write_layer(scratch, [*SMALL_ROOT, Entry(f"usr/local/bin/{program.name}", program, 0o755)])
    # The control plane's manifests name the program without a path, others rely on the entry point.
    write_archive(archive, reference, [*base, scratch], {"Entrypoint": [f"/usr/local/bin/{program.name}"]})
    (scratch / LAYER).unlink()
    (scratch / "layer.sha256").unlink()
    scratch.rmdir()
