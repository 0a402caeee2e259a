"""Files that one execution of a task leaves for the next one: an archive in the storage.

Owns the archive's form and what goes into it. A cache only saves time: whatever is wrong with it is said in the log,
and the task goes on without.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from engine.values import parse_duration_ms
from worker.context import RunContext, TaskFailed
from worker.kill import Killed
from worker.properties import Properties, Text
from worker.scripts.files import matching
from worker.storage.beneath import create
from worker.storage.paths import checked
from worker.storage.port import StorageError

FILES_MAX = 50_000
BYTES_MAX = 1 << 30
"""What one cache may hold in all, unpacked."""
LIST_BYTES_MAX = 64 << 20
LIST = "/files.json"
"""The archive's first member. No file of a folder can have this name."""

_FAILURES = (OSError, ValueError, KeyError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)
"""What reading an archive brings that isn't one of ours, or not whole."""


class CacheProperties(Properties):
    """The property `cache`."""

    patterns: list[Text]
    ttl: Text | None = None
    """After which time it counts no more; None: it always counts."""


class CachedFile(msgspec.Struct, frozen=True):
    """A file in the archive, as it was when it was put there."""

    path: str
    size: int
    modified_ns: int
    mode: int


class Listed(msgspec.Struct, frozen=True):
    """What the archive says about itself."""

    written_ms: int
    files: list[CachedFile]


def restore(context: RunContext, properties: CacheProperties) -> None:
    """Lay the files of the last execution into the working directory, if there are any that still count."""
    try:
        with _stored(context) as (archive, listed):
            for file in _counting(context, properties, listed):
                _check(context)
                assert archive is not None
                _unpack(context, archive, file)
    except _FAILURES as error:
        context.log.line("WARN", f"cache: it isn't restored: {error or type(error).__name__}")


def save(context: RunContext, properties: CacheProperties) -> None:
    """Store the files that the patterns match, unless they are those that are stored already."""
    try:
        files = list(_files(context, properties))
        _bounded(files)
        if files and files != _known(context, properties):
            _write(context, properties, files)
    except (*_FAILURES, TaskFailed) as error:
        context.log.line("WARN", f"cache: it isn't saved: {error or type(error).__name__}")


@contextmanager
def _stored(context: RunContext) -> Iterator[tuple[zipfile.ZipFile | None, Listed]]:
    """Open what is stored; without files if nothing is.

    Raises:
        ValueError: If it can't be read; as any other of `_FAILURES`.
    """
    path = _local(context)
    try:
        if not context.files.fetch_cache(path):
            yield None, Listed(0, [])
            return
        with zipfile.ZipFile(path) as archive:
            with archive.open(LIST) as member:
                listed = msgspec.json.decode(member.read(LIST_BYTES_MAX), type=Listed)
            yield archive, listed
    finally:
        path.unlink(missing_ok=True)


def _counting(context: RunContext, properties: CacheProperties, listed: Listed) -> list[CachedFile]:
    """Return the files of an archive, none if it is too old."""
    if properties.ttl is not None and context.now_ms - listed.written_ms >= parse_duration_ms(properties.ttl):
        return []
    _bounded(listed.files)
    return listed.files


def _bounded(files: list[CachedFile]) -> None:
    if len(files) > FILES_MAX or sum(file.size for file in files) > BYTES_MAX:
        raise ValueError(f"Expected at most {FILES_MAX} files and {BYTES_MAX >> 20} MiB, but there is more")


def _known(context: RunContext, properties: CacheProperties) -> list[CachedFile]:
    """Return the files that the next execution would get; none if it would get into trouble."""
    try:
        with _stored(context) as (_archive, listed):
            return _counting(context, properties, listed)
    except _FAILURES:
        return []


def _unpack(context: RunContext, archive: zipfile.ZipFile, file: CachedFile) -> None:
    folder = context.folder
    with archive.open(file.path) as source, create(folder.work, file.path, folder.user) as target:
        _copy(cast("BinaryIO", source), target, file.size)
        target.flush()
        os.fchmod(target.fileno(), stat.S_IMODE(file.mode) & 0o777)
        os.utime(target.fileno(), ns=(file.modified_ns, file.modified_ns))


def _files(context: RunContext, properties: CacheProperties) -> Iterator[CachedFile]:
    for found in matching(context, context.folder.work, properties.patterns, "cache"):
        _check(context)
        try:
            path = checked(found.path)
        except StorageError as error:
            context.log.line("WARN", f"cache: a file is left out: {error}")
            continue
        yield CachedFile(path, found.stat.st_size, found.stat.st_mtime_ns, stat.S_IMODE(found.stat.st_mode) & 0o777)


def _write(context: RunContext, properties: CacheProperties, files: list[CachedFile]) -> None:
    """Store an archive of the files; one that changes meanwhile is packed as it is then, and differs the next time."""
    path = _local(context)
    wanted = {file.path: file for file in files}
    listed = Listed(context.now_ms, files)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(LIST, msgspec.json.encode(listed))
        for found in matching(context, context.folder.work, properties.patterns, "cache"):
            file = wanted.get(found.path)
            if file is None:
                continue
            _check(context)
            with found.open() as source, archive.open(zipfile.ZipInfo(file.path), "w") as member:
                _copy(source, cast("BinaryIO", member), file.size)
    with path.open("rb") as packed:
        context.files.put_cache(packed)


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size and (chunk := source.read(min(size, 1 << 20))):
        target.write(chunk)
        size -= len(chunk)


def _check(context: RunContext) -> None:
    if context.kill.why is not None:
        raise Killed


def _local(context: RunContext) -> Path:
    return context.folder.root / "cache.zip"
