"""What the proxy counts, read as Prometheus reads it. No cluster needed."""

from __future__ import annotations

import signal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import SESSION, Proxy, basic

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback


def test_fallbacks_are_counted_by_reason(proxy: Proxy) -> None:
    proxy.switch("500")
    proxy.ask()
    assert proxy.metric('fallback_proxy_failed_tries_total{reason="500"}') == 1
    assert proxy.metric('fallback_proxy_fallbacks_total{reason="500",policy="basic"}') == 1
    assert "# TYPE fallback_proxy_fallbacks_total counter" in proxy.status("/metrics").body


def test_metrics_are_as_prometheus_wants_them(proxy: Proxy) -> None:
    proxy.switch("503")
    proxy.ask(basic())
    answer = proxy.status("/metrics")
    assert (answer.header("Content-Type") or "").startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(answer.body))
    assert len(families) == answer.body.count("# HELP ") == answer.body.count("# TYPE ") == 15
    for family in families:
        assert family.name.startswith("fallback_proxy_")
        assert family.documentation.endswith(".")
        assert family.type in ("counter", "gauge")
        labels = [(sample.name, *sorted(sample.labels.items())) for sample in family.samples]
        assert len(labels) == len(set(labels))
    # A counter is there before its first event: else that would be no rise.
    assert 'fallback_proxy_fallbacks_total{reason="timeout",policy="basic"} 0\n' in answer.body


def test_counts_and_logins_outlast_a_reload(proxy: Proxy) -> None:
    proxy.switch("500")
    assert proxy.ask(basic()).status == 200
    line = 'fallback_proxy_failed_tries_total{reason="500"}'
    before, old = proxy.metric(line), set(proxy.workers())
    assert before == 1
    proxy.processes["proxy"].send_signal(signal.SIGHUP)
    eventually(lambda: not old & set(proxy.workers()), "new workers", 15)
    assert proxy.metric(line) >= before
    assert proxy.ask(basic()).status == 200
    assert proxy.metric('fallback_proxy_logins_total{result="accepted"}') == 1
    rounds = proxy.metric('fallback_proxy_checks_total{result="failed"}')
    eventually(lambda: proxy.metric('fallback_proxy_checks_total{result="failed"}') >= rounds + 4, "checks go on")


def test_all_workers_count_together(proxy: Proxy) -> None:
    asked = proxy.metric("fallback_proxy_requests_total")
    assert {answer.status for answer in proxy.ask_all([SESSION] * 200)} == {200}
    assert proxy.metric("fallback_proxy_requests_total") == asked + 200
