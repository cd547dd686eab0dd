"""A full journal keeps the first states: the oldest run takes the next ones in, and leads back to before all."""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors, journal_room
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import (
    RUNS_KEPT,
    Journal,
    mark_restored,
    runs,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.restore import chosen_runs, entries_of

Object = dict[str, Any]
KEY = "a-key-of-the-operator"


class Api:
    """As much of an API server as the journal needs: Secrets that are created, listed, patched and deleted."""

    def __init__(self) -> None:
        self.secrets: dict[str, Object] = {}
        self.namespaces = {"shop"}
        self._ticks = 0

    def answer(self, method: str, url: str, body: Any) -> tuple[int, Any]:
        """The status and the object."""
        parts = urlsplit(url)
        if found := re.fullmatch(r"/api/v1/namespaces/([^/]+)", parts.path):
            return (200, {"metadata": {"name": found[1]}}) if found[1] in self.namespaces else (404, {})
        name = parts.path.partition("/secrets")[2].strip("/")
        if method == "POST":
            name, self._ticks = body["metadata"]["name"], self._ticks + 1
            if name in self.secrets:
                return 409, {}
            stamps = {"uid": str(self._ticks), "resourceVersion": "1", "creationTimestamp": f"T{self._ticks:05}"}
            self.secrets[name] = body | {"metadata": body["metadata"] | stamps}
            return 201, self.secrets[name]
        if not name:
            label, _equals, value = parse_qs(parts.query)["labelSelector"][0].partition("=")
            items = [each for each in self.secrets.values() if value in ("", each["metadata"]["labels"][label])]
            return 200, {"items": items}
        if name not in self.secrets:
            return 404, {}
        if method == "PATCH":
            patched = copy.deepcopy(self.secrets[name])
            patched["metadata"]["annotations"] |= body["metadata"]["annotations"]
            if "dryRun" not in parts.query:
                self.secrets[name] = patched
            return 200, patched
        return 200, self.secrets.pop(name) if method == "DELETE" else self.secrets[name]


@pytest.fixture
def api() -> Api:
    """An empty one."""
    return Api()


@pytest.fixture
def client(api: Api) -> Iterator[Client]:
    """A client of it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body in one packet: else each waits for an acknowledgement of the other.
        wbufsize = 65536

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, item = api.answer(self.command, self.path, json.loads(sent) if sent else None)
            body = json.dumps(item).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    for method in ("GET", "POST", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Client({"host": f"http://127.0.0.1:{server.server_port}", "api_key": "t"})
    server.shutdown()
    server.server_close()


REF = ObjectRef("v1", "ConfigMap", "settings", "shop")
BASE = {"base": "1"}


def _state(data: dict[str, str]) -> Object:
    entry = {"manager": "resilient.traefik", "operation": "Apply", "apiVersion": "v1"}
    fields: Object = {"f:data": {f"f:{key}": {} for key in data}}
    metadata = {"name": "settings", "namespace": "shop", "managedFields": [entry | {"fieldsV1": fields}]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}


def _recorded(client: Client, first: int, last: int, key: str = "") -> None:
    """Runs of which each adds a value of its own to one object."""
    for number in range(first, last):
        before = BASE | {f"k{each}": "1" for each in range(number)}
        change = (REF, _state(before), _state(before | {f"k{number}": "1"}))
        Journal(client, f"run-{number}", key=key).record([change])


def _paths(count: int) -> set[tuple[str, ...]]:
    return {("f:data", f"f:k{number}") for number in range(count)}


def test_the_oldest_run_leads_back_to_the_beginning(client: Client) -> None:
    count = RUNS_KEPT + 5
    _recorded(client, 0, count)
    kept = runs(client)
    assert [run.run_id for run in kept] == [f"run-{number}" for number in (*range(count - 1, 5, -1), 0)]
    oldest = kept[-1]
    assert oldest.folded == ("run-1", "run-2", "run-3", "run-4", "run-5")
    (entry,) = oldest.entries
    assert entry.before == _state(BASE)
    assert entry.touched.paths == _paths(6)
    # Put back with all newer ones, it is as if none had been.
    (whole,) = entries_of(chosen_runs(kept, "run-0", "include"))
    assert whole.before == _state(BASE)
    assert whole.touched.paths == _paths(count)
    assert len(whole.values) == count


def test_a_run_that_became_part_of_another_is_named(client: Client) -> None:
    _recorded(client, 0, RUNS_KEPT + 1)
    with pytest.raises(errors.BadArgument, match="run-1 became part of the run run-0 when the journal was full"):
        chosen_runs(runs(client), "run-1", "keep")


def test_a_folded_run_goes_on(client: Client) -> None:
    _recorded(client, 0, RUNS_KEPT + 2)
    Journal(client, "run-0").record([(REF, _state(BASE | {"more": "1"}), _state(BASE | {"more": "2"}))])
    (entry,) = runs(client, "run-0")[0].entries
    assert entry.before == _state(BASE)
    assert entry.touched.paths == {*_paths(3), ("f:data", "f:more")}


def test_what_was_put_back_goes_first(client: Client) -> None:
    _recorded(client, 0, RUNS_KEPT)
    for number in (4, 7):
        mark_restored(client, f"run-{number}")
    _recorded(client, RUNS_KEPT, RUNS_KEPT + 3)
    kept = runs(client)
    assert {run.run_id for run in kept}.isdisjoint({"run-4", "run-7", "run-1"})
    assert len(kept) == RUNS_KEPT
    assert kept[-1].folded == ("run-1",)


def test_rollbacks_have_room_of_their_own(client: Client) -> None:
    _recorded(client, 0, RUNS_KEPT)
    for number in range(4):
        Journal(client, f"rollback-{number}", ["run-0"]).record_states([(REF, None)])
    kept = runs(client)
    assert [run.run_id for run in kept if run.undoes] == ["rollback-3", "rollback-2"]
    assert len(kept) == RUNS_KEPT + 2


def test_killed_while_it_makes_room_it_still_leads_back(
    client: Client, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    _recorded(client, 0, RUNS_KEPT)
    with monkeypatch.context() as patched:
        patched.setattr(journal_room, "_delete", lambda *_given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            _recorded(client, RUNS_KEPT, RUNS_KEPT + 1)
    for _again in range(2):
        (whole,) = entries_of(chosen_runs(runs(client), "run-0", "include"))
        assert whole.before == _state(BASE)
        assert whole.touched.paths >= _paths(RUNS_KEPT)
        _recorded(client, RUNS_KEPT, RUNS_KEPT + 1)
    assert len(runs(client)) == RUNS_KEPT
    assert {name for name in api.secrets if name.startswith("journal-run-1-")} == set()


def test_objects_of_a_namespace_that_is_gone_do_not_add_up(client: Client, api: Api) -> None:
    elsewhere = ObjectRef("v1", "ConfigMap", "settings", "gone")
    Journal(client, "run-0").record_states([(REF, None), (elsewhere, None)])
    _recorded(client, 1, RUNS_KEPT + 1)
    assert [entry.ref for entry in runs(client, "run-0")[0].entries] == [REF]


def test_no_signature_is_made_of_what_nobody_signed(client: Client) -> None:
    """Runs from before there was a key stay as they are: taken in, they would be signed."""
    _recorded(client, 0, 3)
    _recorded(client, 3, RUNS_KEPT + 6, KEY)
    kept = runs(client, key=KEY)
    assert {run.run_id for run in kept if run.strange} == {"run-0", "run-1", "run-2"}
    oldest = next(run for run in kept if run.run_id == "run-3")
    assert oldest.folded[:2] == ("run-4", "run-5")
    assert not oldest.strange
    assert len([run for run in kept if not run.strange]) == RUNS_KEPT


def test_a_forged_part_of_a_signed_run_is_not_taken_in(client: Client, api: Api) -> None:
    _recorded(client, 0, RUNS_KEPT, KEY)
    Journal(client, "forged").record_states([(REF, None)])
    forged = next(name for name in api.secrets if name.startswith("journal-forged"))
    api.secrets["journal-run-0-0"]["data"] = api.secrets[forged]["data"]
    with pytest.raises(errors.ResilientError, match="journal-run-0-0: this part of the journal has no right signature"):
        _recorded(client, RUNS_KEPT, RUNS_KEPT + 1, KEY)
