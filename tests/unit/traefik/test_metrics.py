"""The summary of a replica's metrics."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.traefik.metrics import summary

TEXT = r"""
# HELP traefik_config_reloads_total Config reloads
# TYPE traefik_config_reloads_total counter
traefik_config_reloads_total 7
traefik_config_last_reload_success 1.795263383e+09
process_start_time_seconds 1.7952633e+09
traefik_open_connections{entrypoint="web",protocol="TCP"} 3
traefik_open_connections{entrypoint="web",protocol="UDP"} 1
traefik_service_requests_total{code="200",method="GET",protocol="http",service="a@file"} 5
traefik_service_requests_total{code="200",method="POST",protocol="http",service="a@file"} 2
traefik_service_requests_total{code="500",method="GET",protocol="http",service="\"b\\c\"@file"} 1 1795263383000
traefik_something_else NaN
"""


def test_the_numbers_that_count() -> None:
    assert summary(TEXT) == {
        "reloads": 7,
        "last_reload": "2026-11-21T12:16:23+00:00",
        "started": "2026-11-21T12:15:00+00:00",
        "open_connections": {"web": 4},
        "requests": [
            {"service": '"b\\c"@file', "code": "500", "count": 1},
            {"service": "a@file", "code": "200", "count": 7},
        ],
    }


def test_a_replica_that_never_loaded_anything() -> None:
    assert summary("traefik_config_last_reload_success 0\n")["last_reload"] == ""
