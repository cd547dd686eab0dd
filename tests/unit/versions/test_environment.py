"""How an environment is made: what uv is told of pip's settings, and the one pinned package that comes first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.versions import environment
from tests.versions.environment import pip_settings, requirement, uv_variables

PINNED = """\
# by hand
other==1.0 \\
    --hash=sha256:aa
    # via uv
uv==0.13.9 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via -r requirements-dev.in
uvx==2 ; python_version < '3.12' \\
    --hash=sha256:dd
"""


def test_one_package_is_taken_with_its_hashes() -> None:
    assert requirement("uv", PINNED) == "uv==0.13.9 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
    with pytest.raises(ValueError, match="pip is not in the lock"):
        requirement("pip", PINNED)


def test_the_lock_has_uv_with_hashes_and_names_no_index() -> None:
    lock = environment.LOCK.read_text()
    assert "--hash=sha256:" in requirement("uv", lock)
    assert "://" not in lock


def test_a_variable_wins_over_the_section_and_that_over_all_commands() -> None:
    listed = "\n".join(
        [
            ":env:.index-url='https://variable.test/simple'",
            "global.index-url='https://global.test/simple'",
            "install.index-url='https://install.test/simple'",
            "download.cert='/elsewhere'",
            "install.timeout='7'",
            "global.timeout='5'",
            'global.trusted-host="it\'s.test"',
        ]
    )
    assert pip_settings(listed) == {
        "index-url": "https://variable.test/simple",
        "timeout": "7",
        "trusted-host": "it's.test",
    }


def test_pips_settings_in_uvs_words(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    pip = {
        "index-url": "https://index.test/simple",
        "extra-index-url": "https://one.test/simple\nhttps://two.test/simple",
        "find-links": f"{tmp_path} {tmp_path}/missing https://links.test/",
        "cert": str(bundle),
        "client-cert": "/me.pem",
        "default-timeout": "1.5",
        "trusted-host": "index.test\none.test",
        "no-index": "yes",
        "proxy": "http://proxy.test:3128",
    }
    assert uv_variables(pip, {"HTTP_PROXY": "http://mine.test", "SSL_CERT_FILE": "/system.pem"}) == {
        "UV_DEFAULT_INDEX": "https://index.test/simple",
        "UV_INDEX": "https://one.test/simple https://two.test/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": f"{tmp_path},https://links.test/",
        "UV_NO_INDEX": "true",
        "UV_INSECURE_HOST": "index.test one.test",
        "UV_HTTP_TIMEOUT": "2",
        "SSL_CLIENT_CERT": "/me.pem",
        "SSL_CERT_FILE": str(bundle),
        "HTTPS_PROXY": "http://proxy.test:3128",
    }


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, {"UV_SYSTEM_CERTS": "true"}),
        ({"SSL_CERT_FILE": "/system.pem"}, {}),
        ({"REQUESTS_CA_BUNDLE": __file__}, {"SSL_CERT_FILE": __file__}),
        ({"REQUESTS_CA_BUNDLE": "/nowhere.pem"}, {"UV_SYSTEM_CERTS": "true"}),
    ],
)
def test_authorities_without_a_setting_of_pip(variables: dict[str, str], told: dict[str, str]) -> None:
    assert uv_variables({}, variables) == told


def test_an_environment_is_one_pythons_and_one_locks(tmp_path: Path) -> None:
    assert not environment.is_current(tmp_path, "3.13")
    made = environment.stamp(tmp_path, "3.13")
    made.touch()
    assert environment.is_current(tmp_path, "3.13")
    assert not environment.is_current(tmp_path, "3.12")
    os.utime(made, (0, 0))
    assert not environment.is_current(tmp_path, "3.13")
