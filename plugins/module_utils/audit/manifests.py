# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects out of files, such as a Git repository or the output of helm template, with the line of each field."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.resilient.traefik.plugins.module_utils.audit.snapshot import (
    FILES,
    Origin,
    Snapshot,
    snapshot_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml
if TYPE_CHECKING:
    import yaml

_ENDINGS = (".yaml", ".yml", ".json")
_KUSTOMIZATION = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_LARGEST = 50_000_000
# Dates stay the texts that they are, and so does a bare = sign, which definitions of operators hold.
_NOT_TEXT = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
# A document whose aliases unfold into more fields than this is no list of objects.
_MOST_FIELDS = 2_000_000


@dataclass
class _Read:
    items: list[Any] = field(default_factory=list)
    origins: dict[ObjectRef, Origin] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: int = 0


def read_manifests(paths: list[str], default_namespace: str = "default", complete: bool = False) -> Snapshot:
    """The objects in these files and folders. What is no YAML is noted. Raises BadArgument for a missing path."""
    read = _Read()
    for path in paths:
        root = Path(path).expanduser()
        if not root.exists():
            raise BadArgument(f"manifests: there is no {path}. Name files or folders with manifests.")
        for file in sorted(_files(root)):
            _read_file(file, root, read, default_namespace)
    if not read.files:
        raise BadArgument(f"manifests: {', '.join(paths)} has no file that ends with {', '.join(_ENDINGS)}")
    return snapshot_of(
        read.items,
        source=FILES,
        complete=complete,
        origins=read.origins,
        default_namespace=default_namespace,
        notes=read.notes,
    )


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for path in root.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if path.suffix in _ENDINGS and not hidden and path.is_file():
            yield path


def _read_file(file: Path, root: Path, read: _Read, default_namespace: str) -> None:
    name = _told(file)
    read.files += 1
    try:
        if file.stat().st_size > _LARGEST:
            read.notes.append(f"{name} was not judged: it is larger than {_LARGEST // 1_000_000} MB")
            return
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        read.notes.append(f"{name} was not judged: {error}")
        return
    namespace = _namespace_of(file, root)
    try:
        loader = _loader()(text)
        while loader.check_node():
            _take(loader.get_node(), loader, name, namespace or default_namespace, bool(namespace), read)
    except yaml.YAMLError as error:
        template = "it is a template: judge the output of helm template" if "{{" in text else _first_line(error)
        read.notes.append(f"{name} was not judged to its end: {template}")
    except RecursionError:
        read.notes.append(f"{name} was not judged: it refers to itself")


def _told(file: Path) -> str:
    """The file as code hosts know it: from the folder in which Ansible was started, where it is below that."""
    try:
        return file.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return file.as_posix()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _namespace_of(file: Path, root: Path) -> str:
    """The namespace that a kustomization beside the file gives to all objects, empty for none."""
    for name in _KUSTOMIZATION:
        path = file.parent / name
        if path != file and path.is_file():
            try:
                found = yaml.safe_load(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, yaml.YAMLError):
                return ""
            return str(found.get("namespace") or "") if isinstance(found, dict) else ""
    return ""


def _loader() -> Any:
    """A loader that leaves dates the texts that they are. Made late: the library may be missing."""

    resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag not in _NOT_TEXT]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return type("Loader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": resolvers})


def _take(node: Any, loader: Any, file: str, namespace: str, force: bool, read: _Read) -> None:
    """One document: an object, or a List of them."""
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    _note_lines(node, "", lines, frozenset())
    item = loader.construct_document(node)
    kind = item.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(item.get("items"), list):
        for position, each in enumerate(item["items"]):
            prefix = f"items[{position}]"
            own = {path[len(prefix) :].lstrip("."): line for path, line in lines.items() if path.startswith(prefix)}
            _add(each, own, file, namespace, force, read)
    else:
        _add(item, lines, file, namespace, force, read)


def _add(item: Any, lines: dict[str, int], file: str, namespace: str, force: bool, read: _Read) -> None:
    if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict):
        return
    metadata = item["metadata"]
    if force or metadata.get("namespace") is None:
        metadata["namespace"] = namespace
    parts = (item.get("apiVersion"), item.get("kind"), metadata.get("name"), metadata.get("namespace"))
    if all(isinstance(part, str) and part for part in parts):
        read.items.append(item)
        for place in (str(parts[3]), ""):
            ref = ObjectRef(str(parts[0]), str(parts[1]), str(parts[2]), place)
            read.origins.setdefault(ref, Origin(file, lines))


def _note_lines(node: Any, path: str, lines: dict[str, int], above: frozenset[int]) -> None:
    if id(node) in above or len(lines) > _MOST_FIELDS:
        return
    lines.setdefault(path, node.start_mark.line + 1)
    inside = above | {id(node)}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = str(getattr(key, "value", ""))
            at = f"{path}[{name}]" if "." in name or "/" in name else f"{path}.{name}" if path else name
            lines.setdefault(at, key.start_mark.line + 1)
            _note_lines(value, at, lines, inside)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _note_lines(value, f"{path}[{position}]", lines, inside)
