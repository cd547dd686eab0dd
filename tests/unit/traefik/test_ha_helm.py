"""What Helm keeps of a release, and what the helm program is given."""

from __future__ import annotations

import base64
import gzip
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.helm_program import (
    HelmFailed,
    find_helm,
    helm_on,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.kubeconfigs import kubeconfig_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.releases import chart_files, stored_release


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


CHART = {
    "metadata": {"name": "traefik", "version": "41.3.0"},
    "values": {"a": 1},
    "schema": _encoded('{"type": "object"}'),
    "templates": [{"name": "templates/a.yaml", "data": _encoded("kind: A")}],
    "files": [{"name": "crds/b.yaml", "data": _encoded("kind: B")}, {"name": "empty", "data": None}],
}
RELEASE = {
    "name": "edge",
    "namespace": "net",
    "version": 7,
    "info": {"status": "deployed"},
    "chart": CHART,
    "config": {"b": 2},
    "manifest": "---\n",
}


def secret(release: Any, packed: bool = True) -> dict[str, Any]:
    """The Secret of a revision as the API server answers it."""
    text = json.dumps(release).encode()
    stored = base64.b64encode(gzip.compress(text) if packed else text)
    metadata = {"name": "sh.helm.release.v1.edge.v7", "namespace": "net"}
    return {"metadata": metadata, "data": {"release": base64.b64encode(stored).decode()}}


@pytest.mark.parametrize("packed", [True, False])
def test_a_release_out_of_its_secret(packed: bool) -> None:
    found = stored_release(secret(RELEASE, packed))
    assert (found.name, found.namespace, found.revision, found.status) == ("edge", "net", 7, "deployed")
    assert (found.config, found.defaults, found.chart_name) == ({"b": 2}, {"a": 1}, "traefik-41.3.0")
    assert json.loads(found.schema) == {"type": "object"}
    assert stored_release(secret(RELEASE | {"config": None})).config == {}


@pytest.mark.parametrize(
    "item",
    [
        secret({"name": "edge"}),
        secret([1]),
        {"metadata": {"name": "x", "namespace": "net"}, "data": {"release": "not looked into"}},
        {"metadata": {"name": "x", "namespace": "net"}},
    ],
)
def test_what_is_no_release(item: dict[str, Any]) -> None:
    with pytest.raises(ResilientError, match=r"^Secret net/\S+ is no release as Helm 3 stores it$"):
        stored_release(item)


def test_the_chart_as_files() -> None:
    files = chart_files(CHART)
    assert yaml.safe_load(files["Chart.yaml"]) == {"name": "traefik", "version": "41.3.0"}
    assert yaml.safe_load(files["values.yaml"]) == {"a": 1}
    assert (files["templates/a.yaml"], files["crds/b.yaml"], files["empty"]) == (b"kind: A", b"kind: B", b"")


def test_a_chart_that_cannot_be_had_from_the_release() -> None:
    metadata = {"name": "traefik", "dependencies": [{"name": "crds"}]}
    with pytest.raises(ResilientError, match="depends on crds, which Helm does not keep"):
        chart_files(CHART | {"metadata": metadata})
    with pytest.raises(ResilientError, match="outside of its folder"):
        chart_files(CHART | {"files": [{"name": "templates/../../x", "data": ""}]})


KUBECONFIG = {
    "current-context": "one",
    "contexts": [
        {"name": "one", "context": {"cluster": "c", "user": "u"}},
        {"name": "two", "context": {"cluster": "c", "user": "v"}},
    ],
    "clusters": [{"name": "c", "cluster": {"server": "https://c.test", "certificate-authority": "ca.pem"}}],
    "users": [{"name": "u", "user": {"token": "t"}}, {"name": "v", "user": {"exec": {"command": "login"}}}],
}


def parts(params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cluster and user of the kubeconfig that comes of the options."""
    found = kubeconfig_of(params)
    assert found is not None
    return found["clusters"][0]["cluster"], found["users"][0]["user"]


def test_a_kubeconfig_of_one_context(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(json.dumps(KUBECONFIG))
    cluster, user = parts({"kubeconfig": str(path)})
    assert cluster == {"server": "https://c.test", "certificate-authority": str(tmp_path / "ca.pem")}
    assert user == {"token": "t"}
    assert parts({"kubeconfig": str(path), "context": "two"})[1] == {"exec": {"command": "login"}}


def test_options_win_over_the_kubeconfig() -> None:
    options = {"host": "https://d.test", "proxy": "http://p.test", "validate_certs": False, "api_key": "k"}
    options |= {"impersonate_user": "me", "impersonate_groups": ["us"]}
    cluster, user = parts({"kubeconfig": KUBECONFIG} | options)
    assert cluster == {"server": "https://d.test", "proxy-url": "http://p.test", "insecure-skip-tls-verify": True}
    assert user == {"token": "k", "as": "me", "as-groups": ["us"]}


def test_options_alone() -> None:
    options = {"host": "https://d.test", "username": "me", "password": "p", "client_cert": "/c", "client_key": "/k"}
    cluster, user = parts(options | {"ca_cert": "/ca"})
    assert cluster == {"server": "https://d.test", "certificate-authority": "/ca"}
    assert user == {"username": "me", "password": "p", "client-certificate": "/c", "client-key": "/k"}


def test_several_files_and_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text(json.dumps({"users": KUBECONFIG["users"]}))
    two.write_text(json.dumps({name: value for name, value in KUBECONFIG.items() if name != "users"}))
    monkeypatch.setenv("KUBECONFIG", f"{one}:{two}:{tmp_path / 'missing'}")
    assert parts({})[1] == {"token": "t"}
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    assert kubeconfig_of({}) is None


def test_a_kubeconfig_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("{")
    with pytest.raises(BadArgument, match=r"^kubeconfig: .*bad cannot be read as YAML"):
        kubeconfig_of({"kubeconfig": str(tmp_path / "bad")})


def test_what_the_program_is_given_is_private_and_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELM_KUBETOKEN", "somebody else's")
    with helm_on({"kubeconfig": KUBECONFIG}, sys.executable) as helm:
        values = helm.values_file({"a": "hunter22"})
        chart = helm.chart_folder(chart_files(CHART))
        kubeconfig = Path(helm.environment["KUBECONFIG"])
        for file in (values, kubeconfig, chart / "templates" / "a.yaml"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        for folder in (helm.folder, chart):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert "HELM_KUBETOKEN" not in helm.environment
        assert helm.environment["HELM_DRIVER"] == "secret"
    assert not helm.folder.exists()


def test_a_program_that_fails_is_told_without_secrets() -> None:
    """The interpreter stands for helm: it is called the same way."""
    with helm_on({"kubeconfig": KUBECONFIG}, sys.executable) as helm:
        code = "import sys; sys.exit('the value hunter22 is wrong')"
        with pytest.raises(HelmFailed, match=r"^helm -c: the value <hidden> is wrong$"):
            helm.run("-c", code, values={"password": "hunter22"}, seconds=30)
        assert helm.run("-c", "print(3)", values={}, seconds=30) == "3\n"


def test_a_program_that_is_not_there() -> None:
    assert find_helm("/nowhere/helm") == ""
    with helm_on({"kubeconfig": KUBECONFIG}, "/nowhere/helm") as helm, pytest.raises(HelmFailed, match="cannot be run"):
        helm.run("version", values={}, seconds=1)
