# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The retry middleware: what it is made of, and what is wrong with a wish for one. Pure.

Read in Traefik's source, 3.6.10 and 3.7.9, pkg/middlewares/retry: ``attempts`` is the total number of tries, and before
3.7 a try is repeated only when the connection to the backend could not be made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION

_DURATION = re.compile(r"([0-9]+(ns|us|µs|ms|s|m|h)?)+")
OLDEST, RETRIES_ON_STATUS = (3, 0), (3, 7)
# Unless they were wished: then what an application may have done already is tried again, or POST, or nothing at all.
_CHANGING = ("status", "retryNonIdempotentMethod", "disableRetryOnNetworkError")


def middleware(namespace: str, name: str, attempts: int, interval: str, more: Mapping[str, Any]) -> Object:
    """The Middleware. ``more`` are further fields of it, as Traefik's CRD has them."""
    retry = {"attempts": attempts, "initialInterval": interval} | dict(more)
    return {
        "apiVersion": API_VERSION,
        "kind": "Middleware",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": dict(OUR_LABELS),
        },
        "spec": {"retry": retry},
    }


def ref_to(namespace: str, name: str) -> ObjectRef:
    """The identity of the Middleware."""
    return ObjectRef(API_VERSION, "Middleware", name, namespace)


def wish_faults(attempts: int, interval: str) -> list[str]:
    """What is wrong with the two numbers, each fault beginning with the option's name."""
    found = []
    if attempts < 2:
        found.append(f"attempts: is the total number of tries, so {attempts} never retries; give 2 or more")
    if not _DURATION.fullmatch(interval):
        found.append(f"initial_interval: {interval!r} is no duration such as 100ms or 1s")
    return found


def existing_fault(existing: Mapping[str, Any] | None, ref: ObjectRef) -> str:
    """Why a Middleware of that name that is there already cannot become the retry one, empty when it can."""
    if existing is None or "retry" in (existing.get("spec") or {}):
        return ""
    kinds = ", ".join(existing.get("spec") or {}) or "empty"
    return f"name: {ref} is there already and is no retry middleware ({kinds}); give another name"


def version_fault(version: str) -> str:
    """Why this version of Traefik cannot be served, empty when it can or is not known."""
    known = parsed(version)
    return f"Traefik {version} is older than 3.0, and this is for 3.0 and later" if known and known < OLDEST else ""


def notes(version: str, more: Mapping[str, Any]) -> list[str]:
    """What is worth knowing about retrying with this Traefik."""
    if more.get("status"):
        return ["a retry on a status asks the ForwardAuth middlewares behind the retry once more each time"]
    known = parsed(version)
    if known and known < RETRIES_ON_STATUS:
        return [f"Traefik {version} retries only what could not be connected, not what broke off or answered an error"]
    return []


def parsed(version: str) -> tuple[int, ...]:
    """``3.7.9`` as numbers, empty when it begins with none."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else ()


def check(existing: Mapping[str, Any] | None, wanted: Object) -> Check:
    """Whether the Middleware is there and retries as wanted. Durations count as they are written."""
    expected = wanted["spec"]["retry"]
    found = ((existing or {}).get("spec") or {}).get("retry") or {}
    same = {name: found.get(name) for name in expected} | {name: found[name] for name in _CHANGING if found.get(name)}
    metadata = wanted["metadata"]
    return Check(
        f"Middleware {metadata['namespace']}/{metadata['name']} retries as wanted",
        existing is not None and same == expected,
        json.dumps(expected, sort_keys=True),
        json.dumps(found, sort_keys=True) if existing else "no such Middleware",
    )
