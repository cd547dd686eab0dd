"""The pages of docs/rules out of the rules themselves. ``python -m tests.unit.audit.rule_pages`` writes them."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import PROFILES, Rule
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.report import SCHEMA
from ansible_collections.resilient.traefik.plugins.module_utils.audit.registry import RULES

DOCS = Path(__file__).parents[3] / "docs"
FOLDER = DOCS / "rules"
SUBJECTS = {
    "1": "ForwardAuth services",
    "2": "Who a request claims to be",
    "3": "Routes and what they name",
    "4": "Retries and time limits",
    "5": "The Traefik workload",
    "6": "What is shown to everybody",
    "7": "authentik",
    "8": "Alerts",
    "9": "Hardening that was led back, and the audit itself",
}


def page_of(rule: Rule) -> str:
    """The page of one rule."""
    severities = ", ".join(f"{rule.severities[profile]} in {profile}" for profile in PROFILES)
    harden = f"ansible-playbook resilient.traefik.harden --tags {rule.tag}"
    lines = [
        f"# {rule.id} {rule.name}",
        "",
        f"{rule.title}.",
        "",
        f"Severity: {severities}.",
        "",
        "## What visitors see",
        "",
        f"{_sentence(rule.visitors)}",
        "",
        "## How it comes to that",
        "",
        rule.why,
        "",
        "## Remedy",
        "",
        _sentence(rule.remedy),
    ]
    if rule.tag and harden not in rule.remedy:
        lines += ["", f"    {harden}"]
    lines += [
        "",
        "## Live with it for a time",
        "",
        "On the object, with a reason and the last day on which it holds:",
        "",
        "```yaml",
        "metadata:",
        "  annotations:",
        f'    resilient.traefik/audit-ignore: "{rule.id} until 2027-03-31: why"',
        "```",
    ]
    if rule.source:
        lines += ["", f"Source: {rule.source}."]
    return "\n".join(lines) + "\n"


def index() -> str:
    """The list of all rules."""
    lines = ["# Rules of the audit", "", "Each has an id that stays. [How to run the audit](../audit.md).", ""]
    for digit, subject in SUBJECTS.items():
        rules = [rule for rule in RULES if rule.id[2] == digit]
        if rules:
            lines += [f"## {subject}", "", "| Rule | What it finds | Production | Homelab |", "|---|---|---|---|"]
            for rule in rules:
                severities = " | ".join(rule.severities[each] for each in PROFILES)
                lines.append(f"| [{rule.id}]({rule.id}.md) | {rule.title} | {severities} |")
            lines.append("")
    return "\n".join(lines)


def files() -> dict[Path, str]:
    """Every file and its text."""
    pages = {FOLDER / f"{rule.id}.md": page_of(rule) for rule in RULES}
    return pages | {
        FOLDER / "README.md": index(),
        DOCS / "audit.schema.json": json.dumps(SCHEMA, indent=2) + "\n",
    }


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith(('.', ':PORT/PATH')) else '.'}"


def main() -> None:
    """Write the files, and remove pages of rules that are gone."""
    FOLDER.mkdir(exist_ok=True)
    wanted = files()
    for path in FOLDER.glob("*.md"):
        if path not in wanted:
            path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
