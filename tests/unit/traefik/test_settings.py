"""Static settings out of flags, variables and files."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings, settings_report
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import version_of


def test_flags_in_all_their_forms() -> None:
    flags = [
        "--entryPoints.web.address=:80",
        "-api",
        "--log.level",
        "DEBUG",
        "--ping",
        "--a=b=c",
        "stray",
        "--log.level=INFO",
    ]
    assert settings.from_flags(flags) == {
        "entrypoints.web.address": ":80",
        "api": "true",
        "log.level": "INFO",
        "ping": "true",
        "a": "b=c",
    }


def test_the_environment() -> None:
    given = {"TRAEFIK_ENTRYPOINTS_WEB_ADDRESS": ":80", "POD_NAME": "x", "TRAEFIK_PING": "true"}
    assert settings.from_environment(given) == {"entrypoints.web.address": ":80", "ping": "true"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "api: {}\nping:\nentryPoints:\n  web:\n    address: ':80'\n    forwardedHeaders: {trustedIPs: [a, b]}\n",
            "a.yml",
        ),
        (
            '[api]\n[ping]\n[entryPoints.web]\naddress=":80"\n'
            '[entryPoints.web.forwardedHeaders]\ntrustedIPs=["a", "b"]',
            "a.toml",
        ),
    ],
)
def test_a_file_says_the_same_as_flags(text: str, name: str) -> None:
    flags = ["--api", "--ping", "--entryPoints.web.address=:80", "--entryPoints.web.forwardedHeaders.trustedIPs=a,b"]
    assert settings.from_file(text, name) == settings.from_flags(flags)


@pytest.mark.parametrize(("text", "name"), [("a: [", "a.yml"), ("a = ", "a.toml")])
def test_a_file_that_cannot_be_read(text: str, name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} cannot be read: "):
        settings.from_file(text, name)


@pytest.mark.parametrize(
    ("flags", "ports"),
    [
        (["--entrypoints.web.address=:8000/tcp"], {"web": 8000}),
        (
            ["--entrypoints.a.address=[::1]:1", "--entrypoints.b.address=1.2.3.4:2", "--entrypoints.c.address=:3/udp"],
            {"a": 1, "b": 2},
        ),
        (["--ping"], {"traefik": 8080, "http": 80}),
        (["--ping", "--ping.entrypoint=http"], {"http": 80}),
        (["--ping", "--ping.manualrouting=true"], {"http": 80}),
        (["--api.insecure=true"], {"traefik": 8080, "http": 80}),
        (["--api.dashboard=true"], {"http": 80}),
        (["--metrics.prometheus"], {"traefik": 8080, "http": 80}),
        (["--metrics.prometheus.entrypoint=m", "--entrypoints.m.address=:1"], {"m": 1}),
        (["--ping", "--entrypoints.traefik.address=:9"], {"traefik": 9}),
    ],
)
def test_ports_of_entry_points(flags: list[str], ports: dict[str, int]) -> None:
    assert settings.entry_points(settings.from_flags(flags)) == ports


def test_switches() -> None:
    given = settings.from_flags(["--api.dashboard=true", "--ping=false", "--metrics.prometheus"])
    assert [settings.is_on(given, name) for name in ("api", "ping", "metrics", "tracing")] == [True, False, True, False]


def test_lists_in_both_forms() -> None:
    given = settings.from_flags(["--a=x, y", "--b[0]=x", "--b[1]=y", "--bb[0]=z"])
    assert settings.listed(given, "a") == settings.listed(given, "b") == ["x", "y"]


def test_what_may_be_secret_is_hidden() -> None:
    given = settings.from_flags(
        ["--hub.token=abc", "--x.password=abc", "--tracing.otlp.http.headers.authorization=abc", "--log.level=INFO"]
    )
    report = settings_report.report(given, "arguments")
    assert "abc" not in str(report)
    assert report["arguments"]["log.level"] == "INFO"


def test_time_limits_are_told_with_their_defaults() -> None:
    flags = ["--entrypoints.web.address=:80", "--entrypoints.web.transport.respondingtimeouts.readtimeout=5s"]
    report = settings_report.report(
        settings.from_flags([*flags, "--serverstransport.forwardingtimeouts.dialtimeout=1s"]), ""
    )
    assert report["entry_points"]["web"]["timeouts"] == {
        "readtimeout": "5s",
        "writetimeout": "0s",
        "idletimeout": "180s",
    }
    assert report["forwarding_timeouts"]["dialtimeout"] == "1s"
    assert report["forwarding_timeouts"]["responseheadertimeout"] == "0s"


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("docker.io/library/traefik:v3.7.9", "3.7.9"),
        ("registry.test:5000/traefik:3.7", "3.7"),
        ("traefik:v3.7.9@sha256:abcdef", "3.7.9"),
        ("traefik:v3.8.0-rc.1", "3.8.0-rc.1"),
        ("registry.test:5000/traefik", ""),
        ("traefik:latest", ""),
        ("traefik@sha256:abcdef", ""),
    ],
)
def test_the_version_of_an_image(image: str, version: str) -> None:
    assert version_of(image) == version
