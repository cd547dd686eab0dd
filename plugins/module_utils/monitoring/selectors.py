# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether operators' selectors take an object with these labels. Pure.

A Prometheus (monitoring.coreos.com/v1) takes rules by ruleSelector in namespaces by ruleNamespaceSelector: a missing
ruleSelector takes none, an empty one takes all; a missing ruleNamespaceSelector is its own namespace. A VMAlert
(operator.victoriametrics.com/v1beta1) takes all or none where both are missing, by selectAllByDefault.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.resilient.traefik.plugins.module_utils.kube.label_selector import selects
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import selector_text


def wanted_labels(taker: Object) -> dict[str, str]:
    """The labels that a rule object needs so that the selector's matchLabels hold."""
    return dict((taker["spec"].get("ruleSelector") or {}).get("matchLabels") or {})


def not_taken_because(taker: Object, labels: Mapping[str, str], namespace: str, of_namespace: Mapping[str, str]) -> str:
    """Why a Prometheus or VMAlert does not take a rule object; empty when it does.

    ``of_namespace`` are the labels of the rule object's namespace.
    """
    spec, metadata = taker["spec"], taker["metadata"]
    who = f"{taker['kind']} {metadata['namespace']}/{metadata['name']}"
    selector, namespaces = spec.get("ruleSelector"), spec.get("ruleNamespaceSelector")
    if taker["kind"] == "VMAlert" and selector is None and namespaces is None:
        return "" if spec.get("selectAllByDefault") else f"{who} takes no rules (selectAllByDefault is off)"
    if selector is None:
        if taker["kind"] == "Prometheus":
            return f"{who} takes no rules at all: give it a ruleSelector, or an empty one for all of them"
        selector = {}
    if not selects(selector, labels):
        return f"{who} takes rules with {selector_text(selector)}, and these would have {dict(labels) or 'no labels'}"
    if namespaces is None and namespace != metadata["namespace"]:
        return f"{who} takes rules of its own namespace only, and these would be in {namespace}"
    if not selects(namespaces or {}, of_namespace):
        return f"{who} takes rules of namespaces with {selector_text(namespaces)}, which {namespace} is not"
    return ""
