# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules on the way in: certificates by ACME, addresses that are shared, and proxies in front whose networks change."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    HIGH,
    INFO,
    LOW,
    MEDIUM,
    Hit,
    RuleBook,
    hit,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.traefik import (
    addresses,
    container,
    container_field,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.words import listed, pods
from ansible_collections.resilient.traefik.plugins.module_utils.audit.traefiks import Traefik
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static

BOOK = RuleBook()
# The networks of Cloudflare, as https://www.cloudflare.com/ips lists them (2026-11-30; unchanged since 2023).
CLOUDFLARE = (
    *("173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "141.101.64.0/18", "108.162.192.0/18"),
    *("190.93.240.0/20", "188.114.96.0/20", "197.234.240.0/22", "198.41.128.0/17", "162.158.0.0/15", "104.16.0.0/13"),
    *("104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22"),
    *("2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32", "2405:8100::/32", "2a06:98c0::/29"),
    "2c0f:f248::/32",
)
_SHARING = ("metallb.universe.tf/allow-shared-ip", "metallb.io/allow-shared-ip")


def _storage(traefik: Traefik) -> dict[str, str]:
    """The files in which ACME resolvers keep their certificates, by resolver."""
    found = {}
    for name, value in traefik.settings.items():
        parts = name.split(".")
        if len(parts) == 4 and parts[0] == "certificatesresolvers" and parts[2:] == ["acme", "storage"] and value:
            found[parts[1]] = value
        elif len(parts) >= 3 and parts[0] == "certificatesresolvers" and parts[2] == "acme":
            found.setdefault(parts[1], "acme.json")
    return found


@BOOK.rule(
    "RT517",
    "acme-file-with-several-replicas",
    title="Several replicas of Traefik each ask for certificates of their own (ACME in a file)",
    severity=(HIGH, MEDIUM),
    visitors="certificate errors on part of the connections; then for a week, when Let's Encrypt's limits are reached",
    why="The file is each replica's own. Challenges that come to another replica than the one that asked fail.",
    remedy="Have cert-manager bring the certificates as Secrets, or run Traefik once.",
    source="Traefik documentation, ACME",
)
def acme_in_file(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        replicas = cluster.replicas_of(traefik.item)
        resolvers = _storage(traefik)
        if resolvers and replicas > 1:
            evidence = f"resolver {listed(sorted(resolvers))} with a file, and {pods(replicas)}"
            yield hit(traefik.item, f"{container_field(traefik)}.args", evidence, hosts=traefik.hosts)


@BOOK.rule(
    "RT518",
    "acme-file-not-kept",
    title="Certificates by ACME are lost with every restart of Traefik",
    severity=(HIGH, HIGH),
    visitors="certificate errors after some restarts, for up to a week: Let's Encrypt gives five of a name a week",
    why="The file lies on an emptyDir or in the container, so each new pod asks for all certificates anew.",
    remedy="Put it on a PersistentVolumeClaim, or have cert-manager bring the certificates.",
    source="Let's Encrypt, rate limits",
)
def acme_not_kept(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        pod = traefik.item["spec"]["template"]["spec"]
        volumes = {each["name"]: each for each in pod.get("volumes") or []}
        for resolver, path in sorted(_storage(traefik).items()):
            mounts = [
                each
                for each in container(traefik).get("volumeMounts") or []
                if path == each["mountPath"] or path.startswith(each["mountPath"].rstrip("/") + "/")
            ]
            volume = volumes.get(max(mounts, key=lambda each: len(each["mountPath"]))["name"], {}) if mounts else {}
            lost = "emptyDir" in volume or not mounts
            if lost and path.startswith("/"):
                where = "an emptyDir" if mounts else "the container itself"
                evidence = f"resolver {resolver} keeps {path} in {where}"
                yield hit(traefik.item, f"{container_field(traefik)}.volumeMounts", evidence, hosts=traefik.hosts)


@BOOK.rule(
    "RT516",
    "load-balancer-address-shared",
    title="Traefik shares its address with other Services",
    severity=(LOW, INFO),
    visitors="nothing, as long as all of them can stay on one node; with externalTrafficPolicy Local sharing ends",
    why="A shared address is announced by one node for all of its Services. Traefik cannot be given "
    "externalTrafficPolicy Local, and so not the visitors' own addresses, while the others are there.",
    remedy="Give Traefik an address of its own.",
    source="MetalLB documentation, IP address sharing",
)
def shared_address(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        for service in traefik.services:
            mine = set(addresses(service))
            keys = [service["metadata"]["annotations"].get(name) for name in _SHARING]
            if not mine or not any(keys):
                continue
            others = [
                str(ref_of(each))
                for each in cluster.services.values()
                if each is not service and each["spec"].get("type") == "LoadBalancer" and mine & set(addresses(each))
            ]
            if others:
                evidence = f"{listed(sorted(mine))} is also that of {listed(sorted(others))}"
                yield hit(service, "status.loadBalancer.ingress", evidence, hosts=traefik.hosts)


@BOOK.rule(
    "RT609",
    "trusted-ips-drifted",
    title="trustedIPs name some of Cloudflare's networks, and lack others",
    severity=(MEDIUM, MEDIUM),
    visitors="mixed content, redirect loops and wrong addresses for those whose requests come by the other networks",
    why="From a network that is not trusted Traefik throws X-Forwarded-* away: it then takes https for http.",
    remedy="Take over all networks of https://www.cloudflare.com/ips.",
    source="https://www.cloudflare.com/ips",
)
def drifted(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        for name in traefik.exposed:
            setting = f"entrypoints.{name}.forwardedheaders.trustedips"
            given = [network for each in static.listed(dict(traefik.settings), setting) if (network := _network(each))]
            known = [ipaddress.ip_network(each) for each in CLOUDFLARE]
            has = [each for each in known if each in given]
            missing = [str(each) for each in known if not any(_holds(wide, each) for wide in given)]
            # Whoever has no IPv6 needs none of those.
            only_four = not any(each.version == 6 for each in given)
            missing = [each for each in missing if not (only_four and ":" in each)]
            if len(has) > 1 and missing:
                field = f"{container_field(traefik)}.args"
                yield hit(traefik.item, field, f"{setting} lacks {listed(missing)}", hosts=traefik.hosts)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _holds(
    wide: ipaddress.IPv4Network | ipaddress.IPv6Network, narrow: ipaddress.IPv4Network | ipaddress.IPv6Network
) -> bool:
    if isinstance(wide, ipaddress.IPv4Network) and isinstance(narrow, ipaddress.IPv4Network):
        return narrow.subnet_of(wide)
    if isinstance(wide, ipaddress.IPv6Network) and isinstance(narrow, ipaddress.IPv6Network):
        return narrow.subnet_of(wide)
    return False
