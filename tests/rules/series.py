"""The series of a well cluster, and how they change in time: input for promtool's unit tests."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

STEP = 15
NODES = ("control-plane", "worker", "worker2")

Labels = Mapping[str, str]
# What a series is worth from a minute on: a number, "+n" (n more with every sample), or None (it is gone).
Course = Mapping[int, float | str | None]

# The metric may be a pattern, where series are chosen.
_SERIES = re.compile(r"([\w.*]+)(?:\{(.*)\})?")
_MATCHER = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Series:
    """A metric with its labels, and its course."""

    metric: str
    labels: Labels
    course: Course

    def changed(self, course: Course) -> Series:
        """The same series, with this course from its first minute on."""
        before = {minute: change for minute, change in self.course.items() if minute < min(course)}
        return Series(self.metric, self.labels, {**before, **course})

    def as_input(self, minutes: int) -> dict[str, str]:
        """As promtool takes it, for so many minutes."""
        labels = ",".join(f'{name}="{value}"' for name, value in self.labels.items())
        return {"series": f"{self.metric}{{{labels}}}", "values": " ".join(samples(self.course, minutes))}


def parsed(selector: str) -> tuple[str, dict[str, str]]:
    """Metric and labels of metric{label="value",...}. Raises ValueError."""
    found = _SERIES.fullmatch(selector)
    if not found:
        raise ValueError(f"{selector} is no series")
    return found[1], dict(_MATCHER.findall(found[2] or ""))


def samples(course: Course, minutes: int) -> Iterator[str]:
    """In promtool's notation one sample every STEP seconds, from the beginning to the end of these minutes."""
    starts = sorted(minute for minute in course if minute <= minutes)
    if not starts or starts[0] > 0:
        course, starts = {0: None, **course}, [0, *starts]
    value, gone = 0.0, True
    for start, end in itertools.pairwise([*starts, minutes + 1]):
        change, count = course[start], (end - start) * 60 // STEP
        if change is None:
            # The mark that Prometheus sets when a target or a series of it is gone.
            yield from ["_"] if gone else ["stale"]
            yield f"_x{count - 1}"
        else:
            slope = float(change) if isinstance(change, str) else 0.0
            # A slope goes on from the last value before it.
            value = value if isinstance(change, str) else float(change)
            yield f"{value:.0f}{slope:+.0f}x{count - 1}"
            value += slope * count
        gone = change is None


def well() -> list[Series]:
    """All series that the rules ask for, as they are while nothing is wrong."""
    return [
        Series(*each)
        for each in (
            *_cluster(),
            *_traefik(),
            *_proxies(),
            *_targets(),
            *_parity(),
            *_hardening(),
            *_probes(),
            *_pool(),
        )
    ]


_Row = tuple[str, dict[str, str], dict[int, Any]]


def pods(workload: str, count: int) -> list[str]:
    """Names such as a Deployment gives them."""
    return [f"{workload}-5c9d7f6b8-{letter * 5}" for letter in "bcd"[:count]]


def _cluster() -> Iterator[_Row]:
    for node in NODES:
        yield "kube_node_info", {"node": node}, {0: 1}
        for status, value in (("true", 1), ("false", 0), ("unknown", 0)):
            yield "kube_node_status_condition", {"node": node, "condition": "Ready", "status": status}, {0: value}
    for namespace, name, count in (("traefik", "traefik", 3), ("traefik", "auth-proxy", 2), ("authentik", "server", 3)):
        budget = {"namespace": namespace, "poddisruptionbudget": name}
        for status, value in (
            ("pod_disruptions_allowed", 1),
            ("expected_pods", count),
            ("current_healthy", count),
            ("desired_healthy", count - 1),
        ):
            yield f"kube_poddisruptionbudget_status_{status}", budget, {0: value}


def _pool() -> Iterator[_Row]:
    """As prometheus-community's pgbouncer_exporter tells of one PgBouncer; the second database is its own console."""
    place = {"namespace": "authentik", "pod": "pgbouncer-6c9d7f6b8-bbbbb"}
    for database, size, used in (("authentik", 20, 4), ("pgbouncer", 2, 0)):
        pool = place | {"database": database, "user": database}
        yield "pgbouncer_pools_client_waiting_connections", pool, {0: 0}
        yield "pgbouncer_pools_server_active_connections", pool, {0: used}
        yield "pgbouncer_databases_pool_size", place | {"name": database, "database": "postgres"}, {0: size}


def _workload(namespace: str, name: str, count: int) -> Iterator[_Row]:
    deployment = {"namespace": namespace, "deployment": name}
    yield "kube_deployment_status_replicas_available", deployment, {0: count}
    yield "kube_deployment_spec_replicas", deployment, {0: count}
    for pod, node in zip(pods(name, count), NODES, strict=False):
        labels = {"namespace": namespace, "pod": pod}
        yield "kube_pod_info", labels | {"node": node, "pod_ip": "10.244.0.1"}, {0: 1}
        yield "kube_pod_created", labels, {0: -86400}
        for condition, value in (("true", 1), ("false", 0), ("unknown", 0)):
            yield "kube_pod_status_ready", labels | {"condition": condition}, {0: value}


def _scraped(namespace: str, name: str, count: int, port: int) -> Iterator[dict[str, str]]:
    for pod in pods(name, count):
        yield {
            "namespace": namespace,
            "pod": pod,
            "app": name,
            "job": "kubernetes-pods",
            "instance": f"10.244.0.1:{port}",
        }


def _traefik() -> Iterator[_Row]:
    yield from _workload("traefik", "traefik", 3)
    for labels in _scraped("traefik", "traefik", 3, 9100):
        yield "traefik_config_last_reload_success", labels, {0: -3600}
        yield "traefik_config_reloads_total", labels, {0: 13}
        yield "process_start_time_seconds", labels, {0: -86400}
        for code, start, slope in (("200", 1000, "+150"), ("404", 10, "+3"), ("500", 7, "+0")):
            entry_point = {"code": code, "entrypoint": "web", "method": "GET", "protocol": "http"}
            yield "traefik_entrypoint_requests_total", labels | entry_point, {0: start, 1: slope}


def _proxies() -> Iterator[_Row]:
    for name in ("auth-proxy", "bot-block-proxy"):
        yield from _workload("traefik", name, 2)
        for labels in _scraped("traefik", name, 2, 9113):
            yield "fallback_proxy_target_up", labels, {0: 1}
            for state, value in (("well", 3), ("failed", 0)):
                yield "fallback_proxy_target_pods", labels | {"state": state}, {0: value}
            yield "fallback_proxy_last_check_timestamp_seconds", labels, {0: "+15"}
            for reason in ("down", "timeout"):
                # As after an outage of yesterday.
                yield "fallback_proxy_fallbacks_total", labels | {"reason": reason, "policy": "basic"}, {0: 500}
            for result in ("accepted", "remembered", "refused"):
                yield "fallback_proxy_logins_total", labels | {"result": result}, {0: 9}


def _targets() -> Iterator[_Row]:
    yield from _workload("authentik", "goauthentik-server", 3)
    yield from _workload("poison-fountain", "poison-fountain", 2)


def _parity() -> Iterator[_Row]:
    for labels in _scraped("traefik", "traefik-parity", 1, 9113):
        yield "traefik_parity_replicas", labels, {0: 3}
        yield "traefik_parity_last_check_timestamp_seconds", labels, {0: "+15"}
        for result, slope in (("same", "+1"), ("different", "+0"), ("alone", "+0"), ("failed", "+0")):
            yield "traefik_parity_checks_total", labels | {"result": result}, {0: 1, 1: slope}
        for replica in pods("traefik", 3):
            mine = labels | {"exported_pod": replica, "replica": replica}
            yield "traefik_parity_missing", mine, {0: 0}


def _hardening() -> Iterator[_Row]:
    for labels in _scraped("traefik", "traefik-parity", 1, 9113):
        yield "resilient_traefik_hardening_last_check_timestamp_seconds", labels, {0: "+15"}
        for kind, namespace, name, fields in (
            ("Middleware", "auth", "authentik", ("object", "address", "authResponseHeaders", "authRequestHeaders")),
            ("PodDisruptionBudget", "traefik", "auth-proxy", ("object", "maxUnavailable", "selector")),
            ("Ingress", "shop", "shop", ("object", "chain")),
        ):
            mine = labels | {"kind": kind, "object_namespace": namespace, "object_name": name}
            for field in fields:
                yield "resilient_traefik_hardening_intact", mine | {"field": field}, {0: 1}


def _probes() -> Iterator[_Row]:
    ways = [("public", ""), ("backend", ""), *(("replica", pod) for pod in pods("traefik", 3))]
    for labels in _scraped("traefik", "traefik-probes", 1, 9113):
        yield "resilient_traefik_probe_last_round_timestamp_seconds", labels, {0: "+15"}
        for probe, protocol, status in (("shop", "http", 200), ("terminal", "websocket", 101)):
            named = labels | {"probe": probe}
            yield "resilient_traefik_probe_every_seconds", named, {0: 60}
            yield "resilient_traefik_probe_slow_seconds", named, {0: 2}
            yield "resilient_traefik_probe_certificate_expiry_timestamp_seconds", named, {0: 90 * 86400}
            for leg, replica in ways:
                mine = named | {"leg": leg, "replica": replica}
                kind = {"protocol": protocol, "severity": "critical"}
                yield "resilient_traefik_probe_failing", mine | kind, {0: 0}
                yield "resilient_traefik_probe_status", mine, {0: status}
                yield "resilient_traefik_probe_duration_seconds", mine, {0: 0}
                yield "resilient_traefik_probe_last_timestamp_seconds", mine, {0: "+15"}
