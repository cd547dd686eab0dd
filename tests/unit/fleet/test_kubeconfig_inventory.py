"""The inventory plugin kubeconfig, asked by ansible-inventory as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.plugin_utils.kubeconfig_hosts import (
    KubeconfigError,
    hosts_of,
    paths_of,
    read,
)

ROOT = Path(__file__).parents[3]
SECRET = "c2VjcmV0-token"


def kubeconfig(*contexts: str, server: str = "https://{}.clusters.test:6443") -> dict[str, Any]:
    """A kubeconfig with a cluster and a user for each context."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": contexts[0] if contexts else "",
        "clusters": [{"name": f"{name}-c", "cluster": {"server": server.format(name)}} for name in contexts],
        "users": [{"name": "me", "user": {"token": SECRET}}],
        "contexts": [{"name": name, "context": {"cluster": f"{name}-c", "user": "me"}} for name in contexts],
    }


def _inventory(folder: Path, source: dict[str, Any], **environment: str) -> subprocess.CompletedProcess[str]:
    path = folder / "fleet.kubeconfig.yml"
    path.write_text(yaml.safe_dump({"plugin": "resilient.traefik.kubeconfig"} | source))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("K8S_AUTH_", "KUBECONFIG"))}
    own = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}
    program = str(Path(sys.executable).with_name("ansible-inventory"))
    command = [program, "-i", str(path), "--list"]
    return subprocess.run(command, env=kept | own | environment, capture_output=True, text=True, check=False)


def _file(folder: Path, *contexts: str) -> Path:
    path = folder / "config"
    path.write_text(yaml.safe_dump(kubeconfig(*contexts)))
    return path


def test_a_host_for_each_context_with_groups(tmp_path: Path) -> None:
    _file(tmp_path, "berlin", "lisbon", "dev-1")
    source = {
        "kubeconfig": "config",
        "exclude": ["dev-*"],
        "group_patterns": {"canaries": ["b*"], "nobody": ["x"]},
        "compose": {"resilient_traefik_production": "inventory_hostname == 'berlin'"},
        "keyed_groups": [{"key": "kubeconfig_user", "prefix": "user"}],
    }
    told = _inventory(tmp_path, source)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["clusters"]["hosts"] == ["berlin", "lisbon"]
    assert found["canaries"]["hosts"] == ["berlin"]
    assert found["user_me"]["hosts"] == ["berlin", "lisbon"]
    variables = found["_meta"]["hostvars"]["berlin"]
    # Not marked as what is not to be templated, as all the rest is.
    assert variables["ansible_python_interpreter"] == "{{ ansible_playbook_python }}"
    assert {name: _plain(value) for name, value in variables.items()} == {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "kubeconfig_cluster": "berlin-c",
        "kubeconfig_namespace": "",
        "kubeconfig_server": "https://berlin.clusters.test:6443",
        "kubeconfig_user": "me",
        "resilient_traefik_production": True,
        "resilient_traefik_context": "berlin",
        "resilient_traefik_kubeconfig": str(tmp_path / "config"),
    }
    assert SECRET not in told.stdout + told.stderr


def _plain(value: Any) -> Any:
    return value["__ansible_unsafe"] if isinstance(value, dict) else value


def test_a_file_of_the_environment_is_not_named_to_the_hosts(tmp_path: Path) -> None:
    """AWX puts a credential elsewhere in each job."""
    path = _file(tmp_path, "berlin")
    told = _inventory(tmp_path, {}, K8S_AUTH_KUBECONFIG=str(path))
    assert "resilient_traefik_kubeconfig" not in json.loads(told.stdout)["_meta"]["hostvars"]["berlin"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "config cannot be read: No such file"), ("[1]", "is no kubeconfig"), ("contexts: 1", "is no kubeconfig")],
)
def test_what_cannot_be_read_is_named(content: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(KubeconfigError, match=message):
        read([path])


def test_no_secret_is_quoted_of_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(f"users: [{{token: {SECRET}\n\t- x")
    told = _inventory(tmp_path, {"kubeconfig": "config"})
    assert told.returncode != 0
    assert "is no YAML" in told.stderr
    assert SECRET not in told.stdout + told.stderr


@pytest.mark.parametrize(
    ("context", "regex", "name"),
    [
        ("kubernetes-admin@kind", "", "kubernetes-admin@kind"),
        ("arn:aws:eks:eu-west-1:123:cluster/blue", "", "arn-aws-eks-eu-west-1-123-cluster-blue"),
        ("arn:aws:eks:eu-west-1:123:cluster/blue", ".*/(.+)$", "blue"),
        ("gke_project_europe-west1_blue", "[^_]+$", "blue"),
        ("plain", ".*/(.+)$", "plain"),
        ("fleet-default/local name", "", "fleet-default-local-name"),
    ],
)
def test_names_of_hosts(context: str, regex: str, name: str) -> None:
    assert [host.name for host in hosts_of([kubeconfig(context)], name_regex=regex)] == [name]


def test_two_contexts_are_not_one_host() -> None:
    with pytest.raises(KubeconfigError, match="a/blue and b/blue would both be the host blue"):
        hosts_of([kubeconfig("a/blue", "b/blue")], name_regex=".*/(.+)$")


def test_the_first_of_several_files_counts() -> None:
    first, second = kubeconfig("blue"), kubeconfig("blue", "green", server="https://second.test")
    assert [(host.name, host.server) for host in hosts_of([first, second])] == [
        ("blue", "https://blue.clusters.test:6443"),
        ("green", "https://second.test"),
    ]


def test_a_context_of_no_cluster_is_named() -> None:
    broken = kubeconfig("blue") | {"clusters": []}
    with pytest.raises(KubeconfigError, match="context blue names the cluster 'blue-c'"):
        hosts_of([broken])
    assert hosts_of([broken], exclude=["blue"]) == []


def test_where_kubeconfigs_are_looked_for() -> None:
    beside = Path("/inventory")
    assert paths_of("a:/b", {"KUBECONFIG": "/c"}, beside) == [Path("/inventory/a"), Path("/b")]
    assert paths_of(None, {"KUBECONFIG": "/c:/d"}, beside) == [Path("/c"), Path("/d")]
    assert paths_of(None, {"KUBECONFIG": "/c", "K8S_AUTH_KUBECONFIG": "/e"}, beside) == [Path("/e")]
    assert paths_of(None, {}, beside) == [Path("~/.kube/config").expanduser()]
