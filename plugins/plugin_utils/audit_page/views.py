# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the audit's page shows, worked out from the report: findings by rule, and the picture's nodes. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

VERDICT_WORDS = {
    "passed": "passed",
    "deviated": "failed",
    "not_run": "not judged",
    "inconclusive": "inconclusive",
}
MEANINGS = {
    "passed": "Nothing new is as severe as what this audit fails on.",
    "deviated": "There are new findings as severe as what this audit fails on.",
    "not_run": "There is no Traefik in this cluster, going by labels and images.",
    "inconclusive": "Too little could be read to say that nothing is wrong.",
}
KIND_WORDS = {"forward_auth": "ForwardAuth", "traefik": "Traefik", "node": "Node", "database": "Database"}
# More sites than this are drawn as one box a namespace, and more boxes than this are not drawn at all.
_MOST_SITES, _MOST_BOXES = 30, 60


def page_view(report: Mapping[str, Any]) -> dict[str, Any]:
    """All that the template loops over."""
    findings = report["findings"]
    radii = [each for each in report["blast_radius"] if each["kind"] != "node" or each["hosts"]]
    hosts = {host for each in report["blast_radius"] for host in each["hosts"]}
    # Findings that nothing was to fail on are no pass.
    told_only = report["fail_on"] == "never" and bool(findings) and report["verdict"] == "passed"
    return {
        "when": datetime.fromisoformat(report["time"]).strftime("%d %B %Y, %H:%M UTC").lstrip("0"),
        "tone": "not_run" if told_only else report["verdict"],
        "word": "only told" if told_only else VERDICT_WORDS[report["verdict"]],
        "meaning": "Nothing fails this audit." if told_only else MEANINGS[report["verdict"]],
        "lead": _lead(report),
        "groups": _groups(findings),
        "namespaces": sorted({each["object"]["namespace"] or "(cluster)" for each in findings}),
        "radii": radii,
        "kinds": KIND_WORDS,
        "quiet_nodes": sum(each["kind"] == "node" and not each["hosts"] for each in report["blast_radius"]),
        "hosts": len(hosts),
        "silent": [rule for rule in report["rules"] if not rule["found"]],
        "new": sum(each["new"] for each in findings),
        "picture": picture_of(report["blast_radius"]),
    }


def _lead(report: Mapping[str, Any]) -> str:
    """The worst of it in a sentence."""
    exposed = [each for each in report["blast_radius"] if each["kind"] == "forward_auth" and not _is_protected(each)]
    if exposed:
        worst = max(exposed, key=lambda each: len(each["hosts"]))
        hosts = len(worst["hosts"])
        return (
            f"When {worst['name']} hangs, {hosts} {'site answers' if hosts == 1 else 'sites answer'} {worst['hang']}."
        )
    if any(each["kind"] == "forward_auth" for each in report["blast_radius"]):
        return "Every ForwardAuth service that Traefik asks has a fallback proxy in front."
    return "Traefik asks no ForwardAuth service."


def _is_protected(radius: Mapping[str, Any]) -> bool:
    return any(each.startswith("fallback proxy") for each in radius["protection"])


def _groups(findings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The findings by rule, in the findings' order: the worst first."""
    groups: dict[str, dict[str, Any]] = {}
    for each in findings:
        group = groups.setdefault(each["rule"], {"first": each, "findings": [], "hosts": set()})
        group["findings"].append(each)
        group["hosts"].update(each["hosts"])
    return [group | {"hosts": sorted(group["hosts"])} for group in groups.values()]


def picture_of(radii: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Boxes and arrows: what is asked, the middlewares that ask it, the sites behind them.

    ``told`` says it in words. Too many sites are drawn as one box a namespace; what is too large is not drawn.
    """
    targets = [each for each in radii if each["kind"] == "forward_auth" and each["hosts"]]
    sites = {host for each in targets for host in each["hosts"]}
    by_host = len(sites) <= _MOST_SITES
    boxes: dict[str, dict[str, Any]] = {}
    arrows: dict[tuple[str, str], None] = {}
    for target in targets:
        protected = _is_protected(target)
        tone = "good" if protected else "bad"
        name = f"target {target['name']}"
        boxes[name] = {
            "id": name,
            "text": target["name"],
            "note": _note(target, protected),
            "kind": "target",
            "tone": tone,
        }
        ends = target["hosts"] if by_host else target["namespaces"]
        for middleware in target["asked_by"]:
            boxes.setdefault(middleware, _box(middleware, middleware.removeprefix("Middleware "), "middleware", tone))
            arrows[name, middleware] = None
            for end in ends:
                about = "site" if by_host else "sites of namespace"
                boxes.setdefault(f"site {end}", _box(f"site {end}", end, "site", "calm", about))
                arrows[middleware, f"site {end}"] = None
    told = [
        f"{target['name']} is asked by {', '.join(target['asked_by'])} for {len(target['hosts'])} "
        f"{'site' if len(target['hosts']) == 1 else 'sites'}{'' if _is_protected(target) else ', without protection'}"
        for target in targets
    ]
    drawn = len(boxes) <= _MOST_BOXES
    return {
        "boxes": list(boxes.values()) if drawn else [],
        "arrows": [list(each) for each in arrows] if drawn else [],
        "told": told,
        "too_large": not drawn,
    }


def _box(name: str, text: str, kind: str, tone: str, note: str = "") -> dict[str, Any]:
    return {"id": name, "text": text, "note": note or kind, "kind": kind, "tone": tone}


def _note(target: Mapping[str, Any], protected: bool) -> str:
    return "behind a fallback proxy" if protected else f"hangs: {target['hang']}"
