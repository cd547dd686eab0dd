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


def test_what_carries_a_word_is_counted_by_that_word_and_makes_no_series(proxy: Proxy) -> None:
    word, other = "0123456789abcdef" * 2, "f" * 32
    series = proxy.status("/metrics").body.count("\n")
    for uri in (f"/?resilient-traefik-probe={word}", f"/a?b=c&resilient-traefik-probe={word}&d=e"):
        proxy.ask(SESSION, uri=uri)
    for uri in (
        "/",
        f"/?resilient-traefik-probe={word}0",
        "/?resilient-traefik-probe=x",
        f"/resilient-traefik-probe={word}",
    ):
        proxy.ask(SESSION, uri=uri)
    assert proxy.status(f"/probes/{word}").body == "2\n"
    assert proxy.status(f"/probes/{other}").body == "0\n"
    assert proxy.status("/metrics").body.count("\n") == series
    # Whoever comes without Traefik's header is not asked about, and counts for nothing.
    proxy.ask({"X-Forwarded-Method": ""}, uri=f"/?resilient-traefik-probe={other}")
    assert proxy.status(f"/probes/{other}").body == "0\n"


def test_words_of_others_do_not_fill_the_memory(proxy: Proxy) -> None:
    requests = [SESSION | {"X-Forwarded-Uri": f"/?resilient-traefik-probe={number:032x}"} for number in range(2000)]
    assert {answer.status for answer in proxy.ask_all(requests)} == {200}
    word = "a" * 32
    proxy.ask(SESSION, uri=f"/?resilient-traefik-probe={word}")
    assert proxy.status(f"/probes/{word}").body == "1\n"


def test_all_workers_count_together(proxy: Proxy) -> None:
    asked = proxy.metric("fallback_proxy_requests_total")
    assert {answer.status for answer in proxy.ask_all([SESSION] * 200)} == {200}
    assert proxy.metric("fallback_proxy_requests_total") == asked + 200
