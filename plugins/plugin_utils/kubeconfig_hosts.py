# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The contexts of kubeconfigs as hosts of an inventory. Pure, but for reading the files. No secret is taken out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

# What a pattern of hosts gives a meaning of its own: arn:aws:eks:...:cluster/blue.
_NOT_IN_NAMES = re.compile(r"[^\w.@-]+")


class KubeconfigError(Exception):
    """What is wrong with which kubeconfig."""


@dataclass(frozen=True)
class ClusterHost:
    """A context. ``server`` is its API server's URL."""

    name: str
    context: str
    cluster: str
    server: str
    user: str
    namespace: str

    def variables(self) -> dict[str, str]:
        """What the playbooks need, and what groups can be made of."""
        return {
            "resilient_traefik_context": self.context,
            "kubeconfig_cluster": self.cluster,
            "kubeconfig_server": self.server,
            "kubeconfig_user": self.user,
            "kubeconfig_namespace": self.namespace,
        }


def paths_of(given: str | None, environment: Mapping[str, str], beside: Path) -> list[Path]:
    """The kubeconfigs: as given, relative to the folder ``beside``, else as the modules and kubectl find them."""
    named = given or environment.get("K8S_AUTH_KUBECONFIG") or environment.get("KUBECONFIG") or "~/.kube/config"
    expanded = [Path(part).expanduser() for part in named.split(os.pathsep) if part]
    return [beside / path if given else path for path in expanded]


def read(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """The kubeconfigs' content. Raises KubeconfigError for one that is not there or no kubeconfig."""
    found = []
    for path in paths:
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise KubeconfigError(f"{path} cannot be read: {error.strerror}") from None
        except (yaml.YAMLError, UnicodeDecodeError):
            # Its words would quote the file, and the file has credentials.
            raise KubeconfigError(f"{path} is no YAML") from None
        if not isinstance(content, dict) or not isinstance(content.get("contexts") or [], list):
            raise KubeconfigError(f"{path} is no kubeconfig: it has no list of contexts")
        found.append(content)
    return found


def hosts_of(
    kubeconfigs: Sequence[Mapping[str, Any]],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    name_regex: str = "",
) -> list[ClusterHost]:
    """A host for each context that a pattern of ``include`` fits (all, without any) and none of ``exclude``.

    Of two contexts of one name the first counts, as for kubectl. Raises KubeconfigError where two would be one host,
    and for a context of a cluster that there is not.
    """
    clusters = dict(reversed(list(_named(kubeconfigs, "clusters", "cluster"))))
    contexts = dict(reversed(list(_named(kubeconfigs, "contexts", "context"))))
    hosts: dict[str, ClusterHost] = {}
    for context in sorted(contexts):
        if not _fits(context, include or ["*"]) or _fits(context, exclude):
            continue
        host = _host(context, contexts[context], clusters, name_regex)
        if host.name in hosts:
            raise KubeconfigError(
                f"the contexts {hosts[host.name].context} and {context} would both be the host {host.name}. "
                "Set name_regex, or exclude one of them"
            )
        hosts[host.name] = host
    return list(hosts.values())


def _named(
    kubeconfigs: Iterable[Mapping[str, Any]], section: str, inner: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for kubeconfig in kubeconfigs:
        for entry in kubeconfig.get(section) or []:
            if isinstance(entry, dict) and entry.get("name"):
                yield str(entry["name"]), entry.get(inner) or {}


def _host(
    context: str, about: Mapping[str, Any], clusters: Mapping[str, Mapping[str, Any]], name_regex: str
) -> ClusterHost:
    cluster = str(about.get("cluster") or "")
    if cluster not in clusters:
        raise KubeconfigError(f"the context {context} names the cluster {cluster!r}, and there is no such cluster")
    server = str(clusters[cluster].get("server") or "")
    user, namespace = str(about.get("user") or ""), str(about.get("namespace") or "")
    return ClusterHost(_name(context, name_regex), context, cluster, server, user, namespace)


def _name(context: str, name_regex: str) -> str:
    found = re.search(name_regex, context) if name_regex else None
    name = (found[1] if found.groups() else found[0]) if found else context
    return _NOT_IN_NAMES.sub("-", name or context).strip("-")


def _fits(context: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(context, pattern) for pattern in patterns)


def groups_of(hosts: Iterable[ClusterHost], patterns: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """By group the names of its hosts: those whose context one of the group's patterns fits."""
    known = list(hosts)
    return {group: [host.name for host in known if _fits(host.context, each)] for group, each in patterns.items()}
