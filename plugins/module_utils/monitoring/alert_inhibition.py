# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module alert_inhibition: adds inhibition rules to the Alertmanager configuration of a cluster."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import helm_release_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Outcome, Patch
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import alertmanager, forms, inhibition
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.chart_release import (
    ChartRelease,
    read_release,
    write_values,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.mounts import Source, source_of
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import ALERTMANAGER, Api
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.stack import (
    STACK_OPTIONS,
    Stack,
    find_stack,
    owner_words,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.taking import Taking, taken
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

OPTIONS: dict[str, dict[str, Any]] = {
    "inhibit_rules": {"type": "list", "elements": "raw", "required": True},
    **STACK_OPTIONS,
    "files_to": {"type": "path"},
    "only_findings": {"type": "bool", "default": False},
    "where_owned": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
    "wait_timeout": {"type": "int", "default": 180},
}


@dataclass
class Configuration:
    """Where Alertmanager's configuration is kept, and its text. ``owner`` is who looks after it, empty for nobody.

    ``release`` is the Helm release whose values would bring the rules, where there is one.
    """

    source: Source | None = None
    item: Object | None = None
    text: str = field(default="", repr=False)
    owner: str = ""
    release: ChartRelease | None = None
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.source.ref}, key {self.source.key}" if self.source else "no object"


def run(task: Task) -> dict[str, Any]:
    """Judges, then adds, or only judges. Raises ResilientError with all findings, NotTaken, WriteFailed."""
    wanted = task.params["inhibit_rules"]
    faults = inhibition.faults_of(wanted)
    if faults:
        return _answer(task, faults, [])
    stack = find_stack(task.client, task.params)
    if not stack.alertmanagers:
        return _answer(task, [stack.faults[ALERTMANAGER]], [], skippable=ALERTMANAGER not in stack.several)
    found = configuration_of(task.client, stack)
    if found.faults:
        return _answer(task, found.faults, [])
    if found.owner:
        return _owned(task, found, wanted)
    try:
        text = inhibition.with_inhibition(found.text, wanted)
    except inhibition.NotMergeable as error:
        return _answer(task, [f"inhibit_rules: {found}: {error}"], [])
    if task.params["only_findings"]:
        return _facts([], [], str(found))
    return _written(task, stack, found, text) | _facts([], [], str(found), without_changed=True)


def _facts(
    findings: Sequence[str], notes: Sequence[str], place: str = "", without_changed: bool = False
) -> dict[str, Any]:
    facts = {"findings": [each.rstrip(".") for each in findings], "notes": list(notes), "place": place}
    return facts if without_changed else {"changed": False} | facts


def _answer(task: Task, findings: Sequence[str], notes: Sequence[str], skippable: bool = False) -> dict[str, Any]:
    """Findings as a result or as a failure; those that may be skipped become a warning where that is asked for."""
    if skippable and task.params["where_owned"] == "skip":
        findings, notes = [], [*notes, *(f"There will be no inhibition of alerts. {each}" for each in findings)]
    if task.params["only_findings"]:
        return _facts(findings, notes)
    if findings:
        raise errors.NothingChanged(findings)
    task.warnings += notes
    return _facts(findings, notes)


# --- where the configuration is ----------------------------------------------------------------------------------


def configuration_of(client: Client, stack: Stack) -> Configuration:
    """Where the configuration of the Alertmanager that runs is kept, and what it is. Raises Forbidden, Unreachable."""
    server = stack.alertmanagers[0]
    path = alertmanager.configuration_file(server)
    source = source_of(server, path)
    if source is None:
        # What an operator writes out of several objects comes from no key of one.
        controlled = stack.release_of(server) or _operators(server.pod)
        if controlled:
            return Configuration(owner=controlled)
        fault = f"alertmanager: {path} of {server} comes from no ConfigMap and no Secret: add the rules by hand"
        return Configuration(faults=[fault])
    item = client.find(source.ref)
    found = Configuration(source, item)
    if source.fixed:
        fault = f"{source.ref} is mounted into {server} by subPath, so no change of it is seen: mount the whole of it"
        found.faults.append(fault)
        return found
    text = _text(item, source)
    if item is None or text is None:
        found.faults.append(f"{source.ref} has no key {source.key} that can be read as text, which {server} needs")
        return found
    found.text = text
    release = helm_release_of(item) or (stack.release_of(server) if _operators(server.pod) else "")
    found.release = read_release(client, release) if release else None
    found.owner = f"Helm release {release}" if release else owner_words(item) or _operators(server.pod)
    return found


def _operators(pod: Object) -> str:
    labels = pod["metadata"].get("labels") or {}
    managed = labels.get("managed-by") or labels.get("app.kubernetes.io/managed-by", "")
    return managed if "operator" in managed else ""


def _text(item: Object | None, source: Source) -> str | None:
    data = (item or {}).get("data") or {}
    if source.key not in data:
        return None
    if source.ref.kind == "ConfigMap":
        return str(data[source.key])
    try:
        return base64.b64decode(data[source.key]).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


# --- what somebody else looks after ------------------------------------------------------------------------------


def _owned(task: Task, found: Configuration, wanted: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Values as a file where a folder is named; else it is said who has to bring the rules."""
    folder = task.params["render_to"] or task.params["files_to"]
    if found.text and not inhibition.lacking(found.text, wanted):
        return _facts([], [], str(found))
    if not folder or found.release is None:
        how = "set files_to or render_to for its values as a file" if found.release else "add the rules there"
        words = f"alertmanager: its configuration ({found}) is looked after by {found.owner}, and is not written: {how}"
        return _answer(task, [words], [], skippable=True)
    if task.params["only_findings"]:
        return _facts([], [found.release.note] if found.release.note else [], str(found.release))
    release = found.release
    # Of what Helm's Secret does not tell, the running configuration knows the lists.
    config = (
        release.config if not release.note else {"alertmanager": {"config": inhibition.read_configuration(found.text)}}
    )
    values = forms.inhibition_in_values(release.chart, wanted, config, release.defaults)
    only_planned = task.check_mode and not task.params["render_to"]
    diff = write_values(Path(folder), release.file, values, only_planned)
    task.warnings.append(
        f"the inhibition rules of {release} are in {Path(folder) / release.file}: they hold once its owner has "
        "upgraded it with this file"
    )
    return _facts([], [], str(release)) | {"changed": diff is not None, "diff": [diff] if diff else [], "results": []}


# --- writing -----------------------------------------------------------------------------------------------------


def _written(task: Task, stack: Stack, found: Configuration, text: str) -> dict[str, Any]:
    wanted = task.params["inhibit_rules"]

    def write() -> Outcome:
        return task.writer().patch([_patch(found, text)])

    def lacks(api: Api) -> str:
        missing = len(alertmanager.lacking(api, wanted))
        return f"{missing} of {len(wanted)} inhibition rules are not loaded" if missing else ""

    def state(api: Api) -> str:
        return hashlib.sha256(alertmanager.loaded_text(api).encode()).hexdigest()

    if task.check_mode:
        return task.result_of(write())
    taking = Taking(
        servers=stack.alertmanagers,
        lacks=lacks,
        state=state,
        reload=alertmanager.RELOAD,
        reloaded=alertmanager.RELOADED,
        mounted=True,
        what=str(found),
    )
    return task.result_of(taken(task, taking, write))


def _patch(found: Configuration, text: str) -> Patch:
    """The one key, and only when it changes."""
    if found.item is None or found.source is None:
        raise AssertionError("a configuration without faults has its object and its place")
    value = text if found.source.ref.kind == "ConfigMap" else base64.b64encode(text.encode()).decode()
    return Patch(found.item, {"data": {found.source.key: value}})
