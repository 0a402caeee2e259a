"""`namespaceFiles`: files of namespaces that a task finds in its working directory.

Owns which ones, and what becomes of files that are there already. Whose files an attempt may see is `AttemptFiles`'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO, Literal

from worker.context import RunContext, TaskFailed
from worker.kill import Killed
from worker.properties import Properties, Text
from worker.scripts.globs import matcher_of
from worker.storage.beneath import create, opened
from worker.storage.port import StorageError

WHAT = "namespaceFiles"
FILES_MAX = 10_000
BYTES_MAX = 1 << 30
"""What one attempt may get of all namespaces together."""
CHUNK = 1 << 20


class NamespaceFiles(Properties):
    """The property."""

    enabled: bool = True
    include: list[Text] = []
    exclude: list[Text] = []
    namespaces: list[Text] | None = None
    """None: that of the flow. Of files with the same path, the one of the last namespace counts."""
    if_exists: Literal["OVERWRITE", "FAIL", "WARN", "IGNORE"] = "OVERWRITE"
    folder_per_namespace: bool = False


def lay_namespace_files(context: RunContext, properties: NamespaceFiles | None) -> None:
    """Write the wanted files of namespaces into the working directory.

    Raises:
        TaskFailed: If one may not be seen or written, they are too many or too large, or one is there already and that
            is an error.
        Killed: If the attempt is to end.
    """
    if properties is None or not properties.enabled:
        return
    namespaces = properties.namespaces if properties.namespaces is not None else [context.job.namespace]
    try:
        found = _chosen(context, properties, namespaces)
        if not found:
            context.log.line("WARN", f"{WHAT}: there is no such file in {', '.join(namespaces) or 'no namespace'}")
        for path, uri in found.items():
            if context.kill.why is not None:
                raise Killed
            _lay(context, properties, path, uri)
    except StorageError as error:
        raise TaskFailed(f"{WHAT}: {error}") from error


def _chosen(context: RunContext, properties: NamespaceFiles, namespaces: Sequence[str]) -> dict[str, str]:
    """Return the URIs of the files by the paths that they get."""
    included, excluded = _matching(properties.include), _matching(properties.exclude)
    found: dict[str, str] = {}
    size = 0
    for namespace in namespaces:
        for path in context.files.namespace_files(namespace):
            if (properties.include and not included(path)) or excluded(path):
                continue
            uri = context.files.uri_in_namespace(path, namespace)
            found[f"{namespace}/{path}" if properties.folder_per_namespace else path] = uri
            size += context.files.size(uri)
            if len(found) > FILES_MAX or size > BYTES_MAX:
                raise TaskFailed(f"{WHAT}: more than {FILES_MAX} files or {BYTES_MAX >> 20} MiB; choose with 'include'")
    return found


def _matching(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return whether one of the patterns matches. One that begins with a letter matches in every folder."""
    matchers = [
        matcher_of(f"**/{pattern}" if pattern[:1].isalnum() else pattern.lstrip("/"), WHAT)
        for pattern in (written.removeprefix("glob:") for written in patterns)
    ]
    return lambda path: any(matches(path) for matches in matchers)


def _lay(context: RunContext, properties: NamespaceFiles, path: str, uri: str) -> None:
    folder = context.folder
    if properties.if_exists != "OVERWRITE":
        there = _is_there(context, path, uri)
        if there and properties.if_exists == "FAIL":
            raise TaskFailed(f"{WHAT}: the file {path!r} is there already")
        if there and properties.if_exists == "WARN":
            context.log.line("WARN", f"{WHAT}: the file {path!r} is there already and stays as it is")
        if there:
            return
    with create(folder.work, path, folder.user) as target:
        context.files.copy(uri, target)


def _is_there(context: RunContext, path: str, uri: str) -> bool:
    """True if something else is there; the same file was laid there by an attempt whose worker was lost."""
    try:
        with opened(context.folder.work, path) as there, context.files.open(uri) as ours:
            return there is None or not _same(there, ours)
    except FileNotFoundError:
        return False


def _same(one: BinaryIO, other: BinaryIO) -> bool:
    while (chunk := one.read(CHUNK)) == other.read(CHUNK):
        if not chunk:
            return True
    return False
