# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The schema of the drill's report (JSON Schema 2020-12), as docs/drill.schema.json has it. Pure.

In Python because modules travel to other machines without any other kind of file. ``python -m
ansible_collections.resilient.traefik.plugins.module_utils.drill.report_schema`` prints the document.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.moments import MOMENTS
from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import EXIT_CODES, VERDICTS

SCHEMA_VERSION = 1
KINDS = {
    "as_before": "The status that this visitor got in the steady state.",
    "fallback": "Made by the fallback: it carries X-Auth-Fallback, or is the emergency login's success.",
    "let_in": "A success for a visitor without credentials of a guarded site that got none before. The worst.",
    "failed": "Any other answer: an error, or a status that nobody expected.",
    "none": "No HTTP answer: refused, reset, or not in time.",
}
Schema = dict[str, Any]


def _is(kind: str | Sequence[str], description: str, **more: Any) -> Schema:
    return {"type": kind if isinstance(kind, str) else list(kind), "description": description} | more


def _text(description: str, **more: Any) -> Schema:
    return _is("string", description, **more)


def _count(description: str) -> Schema:
    return _is("integer", description, minimum=0)


def _number(description: str) -> Schema:
    return _is(("number", "null"), description, minimum=0)


def _moment(description: str) -> Schema:
    return _is(("integer", "null"), f"{description} Epoch milliseconds, null where it did not come to that.", minimum=0)


def _list(items: Schema, description: str, **more: Any) -> Schema:
    return _is("array", description, items=items, **more)


def _object(description: str, properties: Mapping[str, Schema], optional: Sequence[str] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return _is("object", description, properties=dict(properties), required=required, additionalProperties=False)


def _by_name(values: Schema, description: str, names: Schema | None = None) -> Schema:
    return _is("object", description, additionalProperties=values) | ({"propertyNames": names} if names else {})


_STATUS = _text("An HTTP status, 0 for no answer.", pattern="^(0|[1-5][0-9]{2})$")
_KINDS = _object(
    "Answers by kind. A kind that did not occur may be left out.",
    {kind: _count(words) for kind, words in KINDS.items()},
    optional=list(KINDS),
)
_PART = _object(
    "The figures of a part of the requests.",
    {
        "requests": _count("How many were sent."),
        "longest_ms": _number("The longest wait for an answer, in milliseconds."),
        "kinds": _KINDS,
    },
)
_VISITOR = _object(
    "One kind of request that is sent again and again.",
    {
        "name": _text("What it is called, such as host and credentials."),
        "host": _text("The Host that is asked for."),
        "path": _text("The path that is asked for."),
        "credentials": _text("What it brings along.", enum=["none", "session", "login"]),
        "guarded": _is("boolean", "Whether the site asks for a login."),
        "before": _list(_is("integer", "An HTTP status.", minimum=0), "The statuses it got in the steady state."),
        "met": _is(
            ("boolean", "null"),
            "Whether a counter, or its own answers, show that it met what was broken. Where not, they prove nothing "
            "about that. Null where it cannot be told.",
        ),
    },
    # Reports of earlier versions do not tell.
    optional=["met"],
)
_EVIDENCE = _object(
    "What was seen of the thing itself at one moment, without which nothing is proved.",
    {
        "moment": _text("The moment.", enum=list(MOMENTS)),
        "wanted": _text("What was to be seen, in words."),
        "found": _text("What was counted, in words."),
        "seen": _is("boolean", "Whether that is enough."),
    },
)
_EXPECTATION = _object(
    "One expectation, and what was found.",
    {
        "name": _text("What is expected something of."),
        "expected": _text("What was expected, in words."),
        "found": _text("What was found, in words."),
        "passed": _is("boolean", "Whether that is as expected."),
    },
)
_SECOND = _object(
    "One second, by when a request was sent.",
    {
        "second": _is("integer", "Relative to the fault, to the beginning where there was none."),
        "requests": _count("Requests sent in it."),
        "kinds": _KINDS,
        "p50_ms": _number("Half of the answers were at least as fast."),
        "p95_ms": _number("95 of 100 answers were at least as fast."),
        "p99_ms": _number("99 of 100 answers were at least as fast."),
        "longest_ms": _number("The longest wait."),
        "fallbacks": _by_name(
            _is("number", "How many.", minimum=0), "Answers of the fallback by its reason, as the proxies count them."
        ),
        "traefik": _by_name(
            _is("number", "How many.", minimum=0), "Answers by status, as Traefik counts them. Empty without metrics."
        ),
    },
)
_POD = _object(
    "A pod and where it runs.",
    {
        "app": _text("The part of the system that it belongs to."),
        "pod": _text("NAMESPACE/NAME."),
        "node": _text("The node's name, empty while it has none."),
        "ready": _is("boolean", "Whether it was Ready."),
    },
)
_CHANGE = _object(
    "One field that the drill changed.",
    {
        "object": _text("KIND NAMESPACE/NAME."),
        "field": _text("The field's path."),
        "before": _text("Its value before the drill."),
        "during": _text("Its value while the fault lasted."),
        "restored": _is("boolean", "Whether it has its value of before again."),
    },
)
_ALERT = _object(
    "An alert that was expected to fire, or that fired.",
    {
        "name": _text("The alert's name."),
        "expected": _is("boolean", "Whether it was expected to fire."),
        "fired_after_seconds": _number("From the fault until it fired, null where it did not."),
        "resolved_after_seconds": _number("From the restoring until it was resolved, null where it was not."),
    },
)
_FIGURES = _object(
    "The measurement in numbers: of all requests from before the fault until the end, unless said otherwise.",
    {
        "requests": _count("How many were sent."),
        "kinds": _KINDS,
        "statuses": _by_name(_count("How many."), "Answers by status.", _STATUS),
        "longest_ms": _number("The longest wait."),
        "p50_ms": _number("Half of the answers were at least as fast."),
        "p95_ms": _number("95 of 100 answers were at least as fast."),
        "p99_ms": _number("99 of 100 answers were at least as fast."),
        "settled_longest_ms": _number("The longest wait of those sent while the fault lasted, from 3 s into it on."),
        "slow": _count("Requests sent while the fault lasted that took longer than 500 ms."),
        "slow_percent": _number("Their share of those sent while the fault lasted, in percent."),
        "recovery_seconds": _number("From the restoring until every guarded visitor was answered as before again."),
        "not_sent": _count("Requests that could not be sent because too many were under way: the measurement's fault."),
        "lateness_p99_ms": _number("How late 99 of 100 requests were sent at most: the measurement's own jitter."),
    },
)
_SETTINGS = _object(
    "How it was measured.",
    {
        "seconds": _is("number", "How long the fault lasted.", minimum=0),
        "rate": _is("number", "Requests a second and replica.", minimum=0),
        "burst": _count("Requests sent at once through each replica, beside the rate."),
        "expiry": _is("number", "Seconds after which the cluster heals itself.", minimum=0),
    },
)
_PHASES = _object(
    "The moments between the parts of a drill.",
    {
        "begun": _moment("The drill began."),
        "fault": _moment("The fault was there."),
        "restored": _moment("What was changed was put back."),
        "recovered": _moment("Visitors were answered as before again."),
        "ended": _moment("The drill ended."),
    },
)
_SCENARIO = _object(
    "The result of one scenario.",
    {
        "scenario": _text("The scenario's name.", pattern="^[a-z][a-z0-9_]*$"),
        "title": _text("What fails, in words."),
        "verdict": _text("The verdict.", enum=list(VERDICTS)),
        "reasons": _list(_text("A sentence."), "Why it is not passed."),
        "subject": _text("What was broken, in words."),
        "settings": _SETTINGS,
        "phases": _PHASES,
        "visitors": _list(_VISITOR, "Who asked."),
        "replicas": _list(_text("A pod's name."), "The Traefik replicas that were asked."),
        "expectations": _list(_EXPECTATION, "What was expected."),
        "figures": _FIGURES,
        "by_replica": _by_name(_PART, "The figures by replica."),
        "by_visitor": _by_name(_PART, "The figures by the visitor's name."),
        "timeline": _list(_SECOND, "Second by second, from before the fault until after the recovery."),
        "evidence": _list(_EVIDENCE, "Whether requests met what was broken, and reach it again."),
        "alerts": _list(_ALERT, "What Prometheus told, where alerts were expected."),
        "placement": _object(
            "Where the pods ran.",
            {"before": _list(_POD, "Before the fault."), "after": _list(_POD, "After the recovery.")},
        ),
        "changes": _list(_CHANGE, "What the drill changed in the cluster."),
        "requests_file": _text("The file with every single request beside the report, empty where there is none."),
    },
    # Reports of earlier versions have none.
    optional=["alerts", "evidence"],
)
SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Report of a drill",
    **_object(
        "What resilient.traefik.drill_report writes as JSON. Durations are in the unit that the name ends with.",
        {
            "schema": _is("integer", "Grows when something is renamed or removed.", const=SCHEMA_VERSION),
            "title": _text("What was drilled, in words."),
            "cluster": _text("The cluster's name."),
            "run_id": _text("The run, empty when not known."),
            "time": _text("When the report was written: UTC, ISO 8601.", format="date-time"),
            "versions": _by_name(_text("A version."), "Versions that the report holds for, by name."),
            "verdict": _text("The worst verdict, in the order of this list.", enum=list(VERDICTS)),
            "exit_code": _is("integer", "The exit code of the verdict.", enum=sorted(EXIT_CODES.values())),
            "scenarios": _list({"$ref": "#/$defs/scenario"}, "The scenarios in the order of the run.", minItems=1),
            "compared": _list(
                {"$ref": "#/$defs/scenario"}, "The scenarios of an earlier run, to be shown beside these.", minItems=1
            ),
        },
        optional=["compared"],
    ),
    "$defs": {"scenario": _SCENARIO},
}


def document() -> str:
    """The text of docs/drill.schema.json."""
    return json.dumps(SCHEMA, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
