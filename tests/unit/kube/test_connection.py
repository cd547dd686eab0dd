"""Ways into a cluster: options, variables, kubeconfigs, exec plugins. Nothing is sent to a cluster."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.resilient.traefik.plugins.module_utils.kube import connection as connection_module
from ansible_collections.resilient.traefik.plugins.module_utils.kube.connection import CONNECTION_OPTIONS, connect
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

SERVER = "https://api.cluster.test:6443"


@pytest.fixture(autouse=True)
def _no_cluster_of_the_developer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("K8S_AUTH_", "KUBE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def _kubeconfig(user: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "main",
        "clusters": [{"name": "main", "cluster": {"server": SERVER, "insecure-skip-tls-verify": True} | cluster}],
        "users": [{"name": "main", "user": {"token": "of-the-kubeconfig"} if user is None else user}],
        "contexts": [{"name": "main", "context": {"cluster": "main", "user": "main"}}],
    }


def _file(folder: Path, config: dict[str, Any]) -> str:
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return str(path)


def _validated(arguments: dict[str, Any]) -> dict[str, Any]:
    result = ArgumentSpecValidator(CONNECTION_OPTIONS).validate(arguments)
    assert result.error_messages == []
    return dict(result.validated_parameters)


def _authorization(**params: Any) -> str | None:
    value = connect(params).headers().get("Authorization")
    return None if value is None else str(value)


@pytest.mark.parametrize(
    ("text", "value"), [("True", True), ("False", False), ("true", True), ("no", False), ("1", True), ("", None)]
)
def test_verify_ssl_as_awx_injects_it(monkeypatch: pytest.MonkeyPatch, text: str, value: bool | None) -> None:
    monkeypatch.setenv("K8S_AUTH_VERIFY_SSL", text)
    assert _validated({})["validate_certs"] is value


def test_an_option_wins_over_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_AUTH_VERIFY_SSL", "False")
    monkeypatch.setenv("K8S_AUTH_HOST", "https://elsewhere.test")
    params = _validated({"verify_ssl": True, "host": SERVER})
    assert params["validate_certs"] is True
    assert params["host"] == SERVER


def test_variables_of_the_kubernetes_credential_of_awx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_AUTH_HOST", SERVER)
    monkeypatch.setenv("K8S_AUTH_API_KEY", "of-awx")
    monkeypatch.setenv("K8S_AUTH_VERIFY_SSL", "False")
    connection = connect(_validated({}))
    assert connection.host == SERVER
    assert connection.headers()["Authorization"] == "Bearer of-awx"
    assert not connection.tls.check_hostname


def test_groups_in_a_variable_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_AUTH_IMPERSONATE_GROUPS", "one,two")
    assert _validated({})["impersonate_groups"] == ["one", "two"]


def test_a_kubeconfigs_token_is_sent(tmp_path: Path) -> None:
    assert _authorization(kubeconfig=_file(tmp_path, _kubeconfig())) == "Bearer of-the-kubeconfig"
    assert _authorization(kubeconfig=_kubeconfig()) == "Bearer of-the-kubeconfig"


def test_options_win_over_the_kubeconfig_and_stay(tmp_path: Path) -> None:
    connection = connect({"kubeconfig": _file(tmp_path, _kubeconfig()), "host": "https://other.test:1/"})
    connection.headers()
    assert connection.host == "https://other.test:1"
    assert _authorization(kubeconfig=_kubeconfig(), api_key="given") == "Bearer given"


def test_a_name_and_password_win_over_the_kubeconfigs_token() -> None:
    expected = "Basic " + base64.b64encode("jörg:pä:ss".encode()).decode()
    assert _authorization(kubeconfig=_kubeconfig(), username="jörg", password="pä:ss") == expected


def test_impersonation_is_sent_with_every_group() -> None:
    headers = connect({"host": SERVER, "impersonate_user": "jane", "impersonate_groups": ["a", "b"]}).headers()
    assert headers["Impersonate-User"] == "jane"
    assert headers.getlist("Impersonate-Group") == ["a", "b"]


def test_groups_without_a_user_are_refused() -> None:
    with pytest.raises(BadArgument, match=r"^impersonate_groups: .*impersonate_user"):
        connect({"host": SERVER, "impersonate_groups": ["a"]})


def test_a_proxy_from_the_option_and_from_the_kubeconfig() -> None:
    proxies = {
        "option": connect({"host": SERVER, "proxy": "http://proxy.test:3128"}),
        "kubeconfig": connect({"kubeconfig": _kubeconfig(None, **{"proxy-url": "http://proxy.test:3128"})}),
    }
    assert {name: str(connection.pool.proxy) for name, connection in proxies.items()} == dict.fromkeys(
        proxies, "http://proxy.test:3128"
    )
    bypassed = connect({"host": SERVER, "proxy": "http://proxy.test:3128", "no_proxy": "cluster.test"})
    assert bypassed.pool.proxy is None


def _own_certificate() -> tuple[bytes, bytes]:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "jane")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def test_keys_of_a_kubeconfig_leave_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    certificate, key = (base64.b64encode(pem).decode() for pem in _own_certificate())
    config = _kubeconfig({"client-certificate-data": certificate, "client-key-data": key})
    config["clusters"][0]["cluster"] = {"server": SERVER, "certificate-authority-data": certificate}
    for _again in range(2):
        connection = connect({"kubeconfig": config})
        assert connection.tls.check_hostname
        assert [ca["serialNumber"] for ca in connection.tls.get_ca_certs()] in ([], ["01"])
        assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"kubeconfig": "/nowhere/at/all"}, "kubeconfig: /nowhere/at/all is not a file"),
        ({"kubeconfig": _kubeconfig(), "context": "unknown"}, "context: .*unknown"),
        ({"kubeconfig": {"apiVersion": "v1"}}, "kubeconfig: "),
        ({}, "kubeconfig: .*Give kubeconfig"),
        ({"host": SERVER, "ca_cert": "/nowhere/ca.pem"}, "ca_cert: /nowhere/ca.pem cannot be used: No such file"),
        ({"host": SERVER, "client_cert": "/nowhere/me.pem"}, "client_cert and client_key: /nowhere/me.pem"),
        (
            {"kubeconfig": _kubeconfig({"client-certificate-data": "no base64", "client-key-data": "bm8="})},
            "kubeconfig: |client_cert",
        ),
    ],
)
def test_what_leads_into_no_cluster_is_named(params: dict[str, Any], says: str) -> None:
    with pytest.raises(BadArgument, match=says):
        connect(params)


def test_a_file_that_is_no_kubeconfig(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("{ never: closed")
    with pytest.raises(BadArgument, match=r"^kubeconfig: "):
        connect({"kubeconfig": str(path)})


def test_broken_yaml_is_told_with_its_place_and_without_its_text(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("apiVersion: v1\nusers:\n  - {name: a, user: {token: s3cret\nclusters: []\n")
    with pytest.raises(BadArgument, match=r"kubeconfig: .*/kubeconfig is no YAML: .* in line 4, column") as refused:
        connect({"kubeconfig": str(path)})
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("as_file", [True, False])
def test_a_context_that_there_is_not_is_told_with_those_that_there_are(tmp_path: Path, as_file: bool) -> None:
    given = _file(tmp_path, _kubeconfig()) if as_file else _kubeconfig()
    with pytest.raises(BadArgument, match=r"^context: the kubeconfig has no context 'berlin'; there are main$"):
        connect({"kubeconfig": given, "context": "berlin"})


def test_a_certificate_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("not a certificate")
    with pytest.raises(BadArgument, match=r"ca_cert: .*ca\.pem cannot be used: it is no PEM file"):
        connect({"host": SERVER, "ca_cert": str(path)})


def _exec_plugin(folder: Path, script: str) -> dict[str, Any]:
    program = folder / "login"
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)
    user = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), "interactiveMode": "Never"}
    }
    return _kubeconfig(user)


def _credential(token: str, expires: str) -> str:
    status = {"token": token, "expirationTimestamp": expires}
    return json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status})


def test_an_exec_plugins_token_is_sent_and_renewed_once_it_expired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program counts its runs in a file; its tokens are expired when they arrive."""
    monkeypatch.setattr(connection_module, "HEADERS_SECONDS", 0.0)
    count = tmp_path / "count"
    credential = _credential("run-$N", "2020-01-01T00:00:00Z").replace('"', '\\"')
    script = f'N=$(cat {count} 2>/dev/null || echo 0); N=$((N + 1)); echo $N > {count}\necho "{credential}"\n'
    connection = connect({"kubeconfig": _exec_plugin(tmp_path, script)})
    assert connection.headers()["Authorization"] == "Bearer run-2"
    assert connection.headers()["Authorization"] == "Bearer run-3"


def test_an_exec_plugins_token_is_kept_while_it_is_good(tmp_path: Path) -> None:
    count = tmp_path / "count"
    script = f"echo run >> {count}\necho '{_credential('good', '2099-01-01T00:00:00Z')}'\n"
    connection = connect({"kubeconfig": _exec_plugin(tmp_path, script)})
    assert [connection.headers()["Authorization"] for _ in range(3)] == ["Bearer good"] * 3
    assert count.read_text() == "run\n"


def test_an_exec_plugin_that_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    config = _exec_plugin(tmp_path, "echo 'session expired, log in again' >&2; exit 3\n")
    with pytest.raises(BadArgument, match=r"it gave no credentials: .*session expired, log in again"):
        connect({"kubeconfig": config})
