"""There is one writer: no other file of the collection sends a write to the API server."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
WRITER = "module_utils/kube/write_requests.py"
# Sends what the writer and the readers ask for: it takes the method from its caller.
CLIENT = "module_utils/kube/client.py"
# The client's tries of one request.
EXCHANGE = "module_utils/kube/exchange.py"
# Speaks HTTP with pods and sites, over a socket that a port-forward or a URL gave, by methods that a user gives.
FOREIGN_HTTP = {"module_utils/http_client.py": ["self._connection.request by a method that cannot be told"]}
# A drain's question, asked as a dry run that is written into the request: nothing is ever evicted.
REHEARSED = {"module_utils/kube/eviction.py": ["client.request by POST"]}
# Asks what the account may do: a review is answered and not stored.
REVIEWED = {"module_utils/kube/access.py": ["client.request by POST"]}
READS = frozenset(("GET", "HEAD", "OPTIONS"))
# By these names a request goes out: the client's, urllib3's and those of the kubernetes package.
REQUESTS = frozenset(("request", "request_encode_body", "urlopen", "_round_trip", "_send", "call_api"))
# Of the kubernetes package, what can send a request of its own.
WAYS_PAST_THE_CLIENT = frozenset(
    ("ApiClient", "CoreV1Api", "CustomObjectsApi", "dynamic", "create_from_yaml", "client")
)


def writes_in(source: str) -> list[str]:
    """What in a file's source sends, or could send, a write to an API server."""
    return [reason for _line, reason in sorted(_writes(ast.parse(source)))]


def _writes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _sends(node.func) and _method(node) not in READS:
            yield node.lineno, f"{ast.unparse(node.func)} by {_method(node) or 'a method that cannot be told'}"
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "kubernetes":
            names = {alias.name for alias in node.names} & WAYS_PAST_THE_CLIENT
            if names:
                yield node.lineno, f"a way past the client: {', '.join(sorted(names))}"
        if isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "kubernetes" for alias in node.names):
            yield node.lineno, "the kubernetes package as a whole"


def _sends(called: ast.expr) -> bool:
    if isinstance(called, ast.Attribute):
        return called.attr in REQUESTS
    return isinstance(called, ast.Name) and called.id == "urlopen"


def _method(node: ast.Call) -> str:
    given = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "method")]
    constants = [value.value for value in given if isinstance(value, ast.Constant)]
    return str(constants[0]).upper() if constants else ""


def _source(name: str) -> str:
    return (PLUGINS / name).read_text()


def test_only_the_writer_writes() -> None:
    names = {path.relative_to(PLUGINS).as_posix() for path in PLUGINS.rglob("*.py")}
    assert {WRITER, CLIENT, EXCHANGE} < names
    found = {name: writes_in(_source(name)) for name in names - {WRITER, CLIENT, EXCHANGE}}
    assert {name: lines for name, lines in found.items() if lines} == FOREIGN_HTTP | REHEARSED | REVIEWED


def test_a_rehearsed_eviction_is_a_dry_run_only() -> None:
    """One request, whose query and body both say so as constants."""
    tree = ast.parse(_source(next(iter(REHEARSED))))
    (sent,) = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _sends(node.func)]
    (query,) = [ast.literal_eval(word.value) for word in sent.keywords if word.arg == "query"]
    assert query == {"dryRun": "All"}


def test_a_review_goes_to_where_nothing_is_stored() -> None:
    """One request, to a path that ends with the kind of review as a constant."""
    tree = ast.parse(_source(next(iter(REVIEWED))))
    (sent,) = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _sends(node.func)]
    assert ast.unparse(sent.args[1]) == "f'/apis/{_API}/selfsubjectaccessreviews'"


def test_the_writer_is_seen_to_write() -> None:
    assert writes_in(_source(WRITER))


def test_only_the_writer_has_its_requests() -> None:
    users = {
        path.relative_to(PLUGINS).as_posix()
        for path in PLUGINS.rglob("*.py")
        if "write_requests import" in path.read_text()
    }
    assert users == {"module_utils/kube/writer.py"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("task.client.request('PATCH', path, body={})", "task.client.request by PATCH"),
        ("client.request(method='delete', path=path)", "client.request by DELETE"),
        ("client.request(verb, path)", "client.request by a method that cannot be told"),
        ("client.connection.pool.request('POST', url)", "client.connection.pool.request by POST"),
        ("urllib.request.urlopen(url, data=body)", "urllib.request.urlopen by a method that cannot be told"),
        ("import kubernetes", "the kubernetes package as a whole"),
        ("from kubernetes import client", "a way past the client: client"),
        ("from kubernetes.client import CoreV1Api", "a way past the client: CoreV1Api"),
    ],
)
def test_a_smuggled_write_is_found(line: str, reason: str) -> None:
    """On its own, and at the end of a file that is clean."""
    assert writes_in(line) == [reason]
    assert writes_in(f"{_source('module_utils/read.py')}\n{line}\n")


@pytest.mark.parametrize("line", ["client.request('GET', path)", "from kubernetes.client import Configuration"])
def test_reading_is_no_write(line: str) -> None:
    assert writes_in(line) == []
