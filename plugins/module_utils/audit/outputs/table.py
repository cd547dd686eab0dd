# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit as text for the terminal: what everything depends on first, then what is wrong. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.resilient.traefik.plugins.module_utils.audit.blast_radius import NODE, Radius
from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import NEVER, Audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import SEVERITIES, Finding
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.words import counted, listed
from ansible_collections.resilient.traefik.plugins.module_utils.proof.table import wrapped

_INDENT = " " * 8
_KINDS = {"forward_auth": "ForwardAuth", "traefik": "Traefik", "node": "Node", "database": "Database"}
# Objects of one finding that are named; the files have all.
_SHOWN = 4


def table(title: str, cluster: str, found: Audit) -> list[str]:
    """Lines of at most 100 columns: the sums, the blast radius, each rule that found something, what was not judged."""
    return [
        *wrapped(f"{title}, cluster {cluster}: {summary(found)}"),
        "",
        *_radii(found.radii),
        *(line for group in _by_rule(found.findings) for line in ["", *_group(group, found)]),
        *_end(found),
    ]


def summary(found: Audit) -> str:
    """The sums in words."""
    told = [f"{number} {severity}" for severity, number in found.counts.items() if number]
    words = ", ".join(told) or "no findings"
    if found.suppressed:
        words += f"; {len(found.suppressed)} suppressed"
    known = len(found.findings) - len(found.new)
    if known:
        words += f"; {known} known from the baseline"
    return words


def _radii(radii: Sequence[Radius]) -> Iterator[str]:
    yield "WHAT SITES DEPEND ON"
    if not radii:
        yield f"{_INDENT}nothing was found that routes depend on"
    for each in radii:
        if each.kind == NODE and not each.hosts:
            continue
        yield from wrapped(
            f"{_KINDS[each.kind]} {each.name}: {counted(each.routes, 'route')}, {counted(len(each.hosts), 'host')}, "
            f"{counted(len(each.namespaces), 'namespace')}"
        )
        for word, text in (("hangs", each.hang), ("is gone", each.gone), ("is drained", each.drained)):
            yield from wrapped(f"{word:10} {text}", _INDENT)
        yield from wrapped(f"{'protected':10} {'; '.join(each.protection) or 'by nothing'}", _INDENT)


def _by_rule(findings: Sequence[Finding]) -> list[list[Finding]]:
    groups: dict[str, list[Finding]] = {}
    for each in findings:
        groups.setdefault(each.rule, []).append(each)
    return sorted(groups.values(), key=lambda group: SEVERITIES.index(group[0].severity))


def _group(group: Sequence[Finding], found: Audit) -> Iterator[str]:
    first = group[0]
    yield from wrapped(f"{first.severity.upper():8} {first.rule} {first.title}")
    for each in group[:_SHOWN]:
        known = "" if each.key in found.new else " (known)"
        where = f"{each.file}:{each.line}: " if each.file else ""
        field = f" {each.field}" if each.field else ""
        yield from wrapped(f"{where}{each.ref}{field}: {each.evidence}{known}", _INDENT)
    if len(group) > _SHOWN:
        yield f"{_INDENT}and {len(group) - _SHOWN} more"
    hosts = sorted({host for each in group for host in each.hosts})
    about = f" ({listed(hosts)})" if hosts else ""
    yield from wrapped(f"visitors  {first.visitors}{about}", _INDENT)
    yield from wrapped(f"remedy    {first.remedy}", _INDENT)


def _end(found: Audit) -> Iterator[str]:
    if found.notes:
        yield ""
        yield "NOTES"
    for note in found.notes:
        yield from wrapped(note, _INDENT)
    yield ""
    if found.terms.fail_on == NEVER:
        yield "Nothing fails this audit (fail_on: never)."
    elif found.over:
        yield from wrapped(f"{counted(len(found.over), 'new finding')} of severity {found.terms.fail_on} or worse.")
    else:
        yield f"No new finding of severity {found.terms.fail_on} or worse."
