"""The files that one attempt may see and make.

Owns the scope: an attempt reads files of its own execution, of those that it replays, of the one that started it, of
those that it called, and of its namespace and the namespaces around that; it stores below its own task run, and in its
task's cache.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from engine.execution.job import Job
from worker.storage.beneath import DEPTH_MAX
from worker.storage.paths import checked, path_of, uri_of
from worker.storage.port import UNUSED_S, Storage, StorageError

_OF_EXECUTION = re.compile(r"(?:[^/_][^/]*/)+?executions/(?P<id>[^/]+)/")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


class AttemptFiles:
    """A storage as one attempt sees it.

    Args:
        storage: Where files are.
        job: Whose attempt it is.
    """

    def __init__(self, storage: Storage, job: Job) -> None:
        self._storage = storage
        self._job = job
        executions = _executions(job.namespace, job.flow_id)
        self._own = f"{executions}/{job.execution_id}/tasks/{job.task_id}/{job.task_run_id}"
        self._namespace = job.namespace
        self._cache = _cache_of(job)
        self._allowed_below = (
            f"{executions}/{job.execution_id}/",
            *_related(job, executions),
            *map(namespace_folder, _with_those_around(job.namespace)),
        )

    def put(self, name: str, source: BinaryIO) -> str:
        """Store a file of this attempt and return its URI; a file of the same name doesn't replace an earlier one."""
        last = _UNSAFE.sub("_", unicodedata.normalize("NFC", name).rpartition("/")[2])
        return self._storage.put(f"{self._own}/{secrets.token_hex(8)}-{last[-150:]}", source)

    def put_part(self, folder: str, number: int, suffix: str, source: BinaryIO) -> str:
        """Store one of several files that belong together, and return what the URIs of all of them begin with.

        Args:
            folder: Names them all; another attempt takes another name.
            number: Which one, from 0: eight digits of the URI.
            suffix: The end of the URI: empty, or a dot and letters or digits.
            source: Its contents.
        """
        name = f"{number:08d}{suffix}"
        return self._storage.put(f"{self._own}/{folder}/{name}", source).removesuffix(name)

    def put_cache(self, source: BinaryIO) -> None:
        """Store what later executions of this task find, instead of what is there."""
        self._storage.put(self._cache, source)

    def fetch_cache(self, target: Path) -> bool:
        """Copy what an earlier execution has stored to a local file, which must not exist; False if none has."""
        uri = uri_of(self._cache)
        if not self._storage.exists(uri):
            return False
        self._storage.fetch(uri, target)
        return True

    def take_folder(self, owner: tuple[int, int] | None, now_ms: int) -> Path | None:
        """Return the folder that the attempt shares with others, None if it shares none. It must be given back.

        Args:
            owner: User and group that scripts get, if not the worker's.
            now_ms: Unix time.

        Raises:
            StorageError: If it can't be had, or was removed.
        """
        job = self._job
        if not job.folder:
            return None
        # A younger one can't have been removed: if it isn't there, nobody has put anything into it.
        young = not job.folder_since_ms or now_ms - job.folder_since_ms < UNUSED_S * 1_000
        path = self._storage.shared.take(job.folder, owner, make=young)
        if path is None:
            raise StorageError(
                f"The folder that these tasks share was removed, as nobody had used it for {UNUSED_S / 86_400:g} days: "
                f"its files are gone, run the flow anew"
            )
        return path

    def give_folder_back(self, path: Path) -> None:
        """Let others have the folder, with what is in it now."""
        self._storage.shared.give_back(self._job.folder, path)

    def read_text(self, uri: str, limit: int) -> str:
        """Return a file as text.

        Raises:
            StorageError: If it may not be read, isn't there, is larger than `limit` bytes, or isn't UTF-8.
        """
        with self._storage.open(self._allowed(uri)) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise StorageError(f"Expected a file of at most {limit} bytes, but {uri} is larger; read it in a script")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise StorageError(f"Expected a text in UTF-8, but {uri} isn't one") from None

    def copy(self, uri: str, target: BinaryIO) -> None:
        """Write a file's contents to a local one."""
        with self._storage.open(self._allowed(uri)) as source:
            shutil.copyfileobj(source, target, 1 << 20)

    def fetch(self, uri: str, target: Path) -> None:
        """Copy a file to a local one, which must not exist."""
        self._storage.fetch(self._allowed(uri), target)

    def size(self, uri: str) -> int:
        """Return the size in bytes."""
        return self._storage.size(self._allowed(uri))

    def exists(self, uri: str) -> bool:
        """Tell whether there is such a file."""
        return self._storage.exists(self._allowed(uri))

    def open(self, uri: str) -> BinaryIO:
        """Return the contents of a file; the caller closes them."""
        return self._storage.open(self._allowed(uri))

    def namespace_files(self, namespace: str) -> Iterator[str]:
        """Return the paths of all files of a namespace, within it.

        Raises:
            StorageError: If it is neither that of the flow nor around it, or its folders are nested too deep.
        """
        if namespace not in _with_those_around(self._namespace):
            raise StorageError(
                f"Expected the namespace {self._namespace} or one around it, but got {namespace[:200]!r}"
            )
        return namespace_paths(self._storage, namespace)

    def uri_in_namespace(self, path: str, namespace: str | None = None) -> str:
        """Return the URI that a namespace's file has, whether or not it is there.

        Args:
            path: Within the namespace's files.
            namespace: Whose; None for that of the flow.

        Raises:
            StorageError: If it can't be the name of a file.
        """
        return uri_of(namespace_folder(namespace or self._namespace) + checked(path))

    def _allowed(self, uri: str) -> str:
        path = path_of(uri)
        # Ids of called executions come from the engine and belong to one execution alone, whichever its flow is.
        if not path.startswith(self._allowed_below) and _execution_of(path) not in self._job.children:
            raise StorageError(
                f"The file {uri} belongs to another execution or namespace; only files of one's own can be read"
            )
        return uri


def namespace_folder(namespace: str) -> str:
    """Return the stored path below which the files of a namespace lie, with its slash."""
    return f"{namespace.replace('.', '/')}/_files/"


def namespace_paths(storage: Storage, namespace: str) -> Iterator[str]:
    """Yield the paths of all files of a namespace, within it.

    Raises:
        StorageError: If its folders are nested too deep.
    """
    base = namespace_folder(namespace)
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        if folder.count("/") > DEPTH_MAX:
            raise StorageError(f"Expected folders nested at most {DEPTH_MAX} deep, but {folder[:200]!r} is deeper")
        place = (base + folder).rstrip("/")
        yield from (folder + name for name in storage.files_in(place))
        waiting += (f"{folder}{name}/" for name in reversed(storage.folders_in(place)))


def _with_those_around(namespace: str) -> list[str]:
    """Return `a.b.c`, `a.b` and `a`."""
    parts = namespace.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _cache_of(job: Job) -> str:
    """Return where a task's cache lies: one for each value that a loop gives to it; no URI of a flow leads there."""
    value = job.variables.get("taskrun", {}).get("value")
    name = "cache" if value is None else hashlib.sha256(str(value).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{job.namespace.replace('.', '/')}/{job.flow_id}/_cache/{job.task_id}/{name}.zip"


def _executions(namespace: str, flow_id: str) -> str:
    """Return the folder of a flow's executions."""
    return f"{namespace.replace('.', '/')}/{flow_id}/executions"


def _execution_of(path: str) -> str | None:
    """Return the id of the execution that a stored file belongs to, None if it is no execution's.

    Example:
        >>> _execution_of("a/b/flow/executions/4tBc/tasks/t/r/x.csv"), _execution_of("a/_files/executions/x")
        ('4tBc', None)
    """
    found = _OF_EXECUTION.match(path)
    return found["id"] if found is not None else None


def _related(job: Job, executions: str) -> list[str]:
    """Return the folders of executions whose files may come in with the variables."""
    found = []
    for source in job.sources:
        namespace, flow_id, id = source.split("/")
        found.append(f"{_executions(namespace, flow_id)}/{id}/")
    execution, trigger = job.variables.get("execution"), job.variables.get("trigger")
    if isinstance(execution, dict) and execution.get("originalId"):
        found.append(f"{executions}/{execution['originalId']}/")
    if isinstance(trigger, dict) and trigger.get("executionId"):
        namespace, flow_id = str(trigger.get("namespace", job.namespace)), str(trigger.get("flowId", job.flow_id))
        found.append(f"{_executions(namespace, flow_id)}/{trigger['executionId']}/")
    return found
