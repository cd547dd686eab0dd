"""The environment as the lab reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import LabError
from lab.settings import from_environment, read_record
from lab.versions import TRAEFIK_VERSIONS


def test_defaults() -> None:
    settings = from_environment({"HOME": "/home/me"})
    assert (settings.name, settings.source, settings.traefik_version) == (
        "resilient-traefik",
        None,
        TRAEFIK_VERSIONS[0],
    )
    assert settings.cache == Path("/home/me/.cache/resilient-traefik")
    assert settings.kubeconfig.name == "kubeconfig"


def test_another_lab_has_its_own_files() -> None:
    one = from_environment({"HOME": "/home/me"})
    other = from_environment({"HOME": "/home/me", "LAB_NAME": "second"})
    assert other.kubeconfig.name == "kubeconfig.second"
    assert not {one.state, one.audit_log, one.network} & {other.state, other.audit_log, other.network}


@pytest.mark.parametrize(
    ("given", "cache"), [("/c", "/c/resilient-traefik"), ("relative", "/h/.cache/resilient-traefik")]
)
def test_cache_follows_xdg(given: str, cache: str) -> None:
    assert from_environment({"HOME": "/h", "XDG_CACHE_HOME": given}).cache == Path(cache)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LAB_NAME", "Not A Name"),
        ("LAB_SOURCE", "magic"),
        ("LAB_TRAEFIK", "2.0.0"),
        ("LAB_NODE_MEMORY", "much"),
        ("LAB_API_PORT", "70000"),
        ("LAB_API_PORT", "http"),
        ("LAB_MONITORING", "yes"),
        ("LAB_AUTHENTIK_DB", "yes"),
        ("LAB_ORDINARY", "yes"),
        ("LAB_RULE_TOOLS", "fetch"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_a_remedy(variable: str, value: str) -> None:
    with pytest.raises(LabError) as caught:
        from_environment({"HOME": "/h", variable: value})
    assert f"{variable}={value}" in caught.value.problem
    assert caught.value.remedy


def test_traefik_version_with_or_without_v() -> None:
    for version in TRAEFIK_VERSIONS:
        for given in (version, f"v{version}"):
            assert from_environment({"HOME": "/h", "LAB_TRAEFIK": given}).traefik_version == version


@pytest.mark.parametrize(("given", "wanted"), [(None, False), ("", False), ("0", False), ("1", True)])
def test_monitoring_is_there_when_it_is_asked_for(given: str | None, wanted: bool) -> None:
    environment = {"HOME": "/h"} if given is None else {"HOME": "/h", "LAB_MONITORING": given}
    assert from_environment(environment).monitoring is wanted


def test_a_record_that_was_cut_short_counts_as_none(tmp_path: Path) -> None:
    settings = from_environment({"XDG_CACHE_HOME": str(tmp_path)})
    assert read_record(settings) == {}
    settings.state.mkdir(parents=True)
    settings.record.write_text('{"source": "bui')
    assert read_record(settings) == {}
    settings.record.write_text('{"source": "build"}')
    assert read_record(settings) == {"source": "build"}
