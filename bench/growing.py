"""Whether a proxy becomes slower by others beside it, by others in its chain, or by many hosts in its policy.

Beside each other, each site has its own middleware and its own proxy, and a request passes one of them: its time must
not grow. In a chain a request passes all of them, one after another, and its time grows by each: here it is the time of
one link that must not grow.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from bench.cases import Case, Cluster, Contender, Samples
from bench.even import percentile
from bench.sets import Object
from bench.sites import NO_LOGIN, SPACE, Sites, sites_of

NUMBERS = (1, 3, 9)
HOSTS = 500
OFFERED = 100
NAMES = [f"growing-{number}" for number in range(1, max(NUMBERS) + 1)]
MANY = "growing-many"
# The other hosts of its policy.
OTHERS = [f"site-{number}.lab.test" for number in range(1, HOSTS)]


def growing(cluster: Cluster) -> Case:
    """At an offered rate, with the target well and hung."""
    sites = sites_of(cluster)
    _bring_up(sites)
    return [
        *(_beside(sites, number) for number in NUMBERS),
        *(_by_hosts(sites, name, hosts) for name, hosts in ((NAMES[0], 1), (MANY, HOSTS))),
        Contender("chains", lambda _: _chains(sites)),
    ]


def _beside(sites: Sites, number: int) -> Contender:
    used = [_host(name) for name in NAMES[:number]]

    def run(_: str) -> Samples:
        _scale(sites, number)
        return _measured(sites, used, f"{number} side by side")

    return Contender(f"{number} side by side", run)


def _by_hosts(sites: Sites, name: str, hosts: int) -> Contender:
    label = f"a policy of {hosts} hosts" if hosts > 1 else "a policy of one host"
    return Contender(label, lambda _: _measured(sites, [_host(name)], label))


def _measured(sites: Sites, hosts: Sequence[str], label: str) -> Samples:
    sites.wait_until_well(*hosts)
    well = sites.offered(hosts, OFFERED, 200).replies
    with sites.hung(*hosts):
        hung = sites.offered(hosts, OFFERED, 401).replies
    return {f"p50: {label}": percentile(well, 50), f"p50: {label}, target hung": percentile(hung, 50)}


def _chains(sites: Sites) -> Samples:
    """The time that one link takes: what a site behind so many takes more than one without a login, by their number."""
    _scale(sites, max(NUMBERS))
    chains = [_host(f"chain-{number}") for number in NUMBERS]
    sites.wait_until_well(*chains)
    floor = percentile(sites.offered([NO_LOGIN], OFFERED, 200).replies, 50)
    samples: Samples = {}
    for number, chain in zip(NUMBERS, chains, strict=True):
        whole = percentile(sites.offered([chain], OFFERED / 2, 200).replies, 50)
        samples[f"p50: a chain of {number}"] = whole
        samples[f"p50: one link of a chain of {number}"] = (whole - floor) / number
    return samples


def _scale(sites: Sites, number: int) -> None:
    """So many proxies of one pod each, and no others of these."""
    bench = sites.cluster.bench
    used, unused = NAMES[:number], NAMES[number:]
    if unused:
        bench.program("-n", SPACE, "scale", "deployment", *unused, "--replicas=0")
    bench.program("-n", SPACE, "scale", "deployment", *used, "--replicas=1")
    for name in used:
        bench.program("-n", SPACE, "rollout", "status", f"deployment/{name}", "--timeout=180s")
    bench.program("-n", SPACE, "wait", "pod", "-l", f"app.kubernetes.io/name in ({','.join(unused)})", "--for=delete")


def _bring_up(sites: Sites) -> None:
    objects = [*(_middleware(name) for name in (*NAMES, MANY)), _routes()]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    sites.cluster.bench.program("apply", "--server-side", "-f", "-", stdin=listed)
    policies = {host: ("allow", "deny")[place % 2] for place, host in enumerate(OTHERS)}
    one = {"replicas": 1, "when_unsatisfiable": "ScheduleAnyway"}
    proxies = [{"name": name, "middleware": _place(name), "hosts": [_host(name)], **one} for name in (*NAMES, MANY)]
    proxies[-1]["fallback_policies"] = {**policies, _host(MANY): "basic"}
    sites.play({"auth_proxy_proxies": proxies})


def _host(name: str) -> str:
    return f"{name}.lab.test"


def _place(name: str) -> dict[str, str]:
    return {"namespace": SPACE, "name": name}


def _middleware(name: str) -> Object:
    target = f"ak-outpost-authentik-embedded-outpost.{SPACE}.svc.cluster.local"
    return {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "Middleware",
        "metadata": _place(name),
        "spec": {
            "forwardAuth": {
                "address": f"http://{target}:9000/outpost.goauthentik.io/auth/traefik",
                "trustForwardHeader": True,
                "authResponseHeaders": ["X-authentik-username"],
            }
        },
    }


def _routes() -> Object:
    """A site behind each middleware, one behind each chain, and as many as the large policy names behind its proxy."""
    guarded = {name: [name] for name in (*NAMES, MANY)} | {f"chain-{number}": NAMES[:number] for number in NUMBERS}
    routes = [_route([_host(name)], chain) for name, chain in guarded.items()]
    routes += [_route(OTHERS[start : start + 50], [MANY]) for start in range(0, len(OTHERS), 50)]
    return {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "IngressRoute",
        "metadata": _place("growing"),
        "spec": {"entryPoints": ["web"], "routes": routes},
    }


def _route(hosts: Sequence[str], chain: Sequence[str]) -> Object:
    return {
        "kind": "Rule",
        "match": " || ".join(f"Host(`{host}`)" for host in hosts),
        "middlewares": [{"name": middleware} for middleware in chain],
        "services": [{"name": "site", "port": 80}],
    }
