# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts a target knows: its pods are asked what Traefik asks about each, before a proxy checks them by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer, PodPoint, Request, Session
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ApiError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import ready_targets
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import Situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import Wish

# By host the statuses of the pods that answered.
Answers = Mapping[str, frozenset[int]]
_PODS, _SECONDS = 2, 2.5


def asked_of_pods(client: Client, there: Situation, slices: Sequence[Object], hosts: Sequence[str]) -> Answers:
    """What up to two pods of the target answer to a stranger about each host; nothing where none is reached."""
    pods = sorted(name for piece in slices for name in ready_targets(piece))[:_PODS]
    if not pods or not there.pod_port or not hosts:
        return {}
    found = client.concurrently(lambda name: _asked_of(client, there, name, hosts), pods)
    return {host: statuses for host in hosts if (statuses := frozenset(one[host] for one in found if one.get(host)))}


def refused_hosts(wish: Wish, answers: Answers) -> tuple[str, ...]:
    """Hosts that the target does not know: each pod says so, and none of another host, so that it is not ill."""
    failures = set(wish.check_failures)
    refused = tuple(host for host, statuses in answers.items() if statuses <= failures)
    well = [host for host, statuses in answers.items() if not statuses & failures and max(statuses) < 500]
    return refused if well else ()


def check_host_faults(wish: Wish, there: Situation, answers: Answers) -> list[tuple[str, str]]:
    """A host to check by that is named and not known: the check would take every pod for ill."""
    given = str(wish.given.get("check_host") or "")
    if given not in there.refused:
        return []
    service = f"Service {there.place['namespace']}/{there.place['service']}"
    told = ", ".join(map(str, sorted(answers[given])))
    known = next(host for host in answers if host not in there.refused)
    return [
        (
            "check_host",
            f"{given} is not known to {service}: its pods answer {told} about it, and not about {known}; name a host "
            "that it knows, or none",
        )
    ]


def _asked_of(client: Client, there: Situation, pod: str, hosts: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    point = PodPoint(client, there.place["namespace"], pod, there.pod_port)
    try:
        with Session(point, timeout=_SECONDS, max_seconds=_SECONDS) as session:
            for host in hosts:
                found[host] = session.ask(_question(there, host)).status
    except (NoAnswer, ApiError):
        pass
    return found


def _question(there: Situation, host: str) -> Request:
    headers = {"X-Forwarded-Host": host, "X-Forwarded-Proto": "https", "X-Forwarded-Method": "GET"}
    headers |= {"X-Forwarded-Uri": "/", "X-Forwarded-For": "192.0.2.1"}
    return Request(f"{there.place['service']}.{there.place['namespace']}", there.asked_path, headers=headers)
