"""The first part of ForEachItem: cuts a stored file into batches, each a file of its own.

Rows keep their separator, so that the batches together are the file.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

from pydantic import field_validator

from engine.flowables.for_each_item import SPLIT
from worker.context import Plugin, Result, RunContext, TaskFailed
from worker.kill import Killed
from worker.properties import Properties, Text

BATCHES_MAX = 1_000_000
GROUPS_MAX = 1_000
"""Batches that are written side by side: a file is open for each."""
ROW_BYTES_MAX = 64 * 1024 * 1024
PIECE_BYTES = 1 << 20
MEMORY_BYTES = 1 << 20
"""What of a batch is held in memory before it goes to disk."""
GREATEST = 2**62
_SIZE = re.compile(r"(?P<number>[0-9]{1,15})\s*(?P<unit>|B|KB|MB|GB|TB)")
_UNITS = {"": 0, "B": 0, "KB": 10, "MB": 20, "GB": 30, "TB": 40}
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")


class Batch(Properties):
    """How the file is cut: by a pattern, else by bytes, else into partitions, else by rows."""

    rows: int = 1
    partitions: int | None = None
    bytes: Text | None = None
    separator: Text = "\n"
    regex_pattern: Text | None = None

    @field_validator("rows", "partitions")
    @classmethod
    def _positive(cls, value: int | None) -> int | None:
        if value is not None and value < 1:
            raise ValueError("expected 1 or more")
        return value


class SplitProperties(Properties):
    """Properties of `ForEachItem` that say what is cut, and how."""

    items: Text
    batch: Batch = Batch()


def run(context: RunContext, properties: SplitProperties) -> Result:
    """Store the batches, and a file with their URIs, one a line."""
    uri = properties.items.strip()
    if not uri:
        raise TaskFailed("items: expected the URI of a stored file, but it is empty")
    found = _SUFFIX.fullmatch(PurePosixPath(uri).suffix)
    stored = _Stored(context, found.group() if found else "")
    with tempfile.TemporaryFile() as file:
        context.files.copy(uri, file)
        file.seek(0)
        rows = _rows(context, file, properties.batch.separator.encode())
        if properties.batch.regex_pattern is not None:
            _by_pattern(stored, rows, properties.batch.regex_pattern)
        elif properties.batch.bytes is not None:
            _one_by_one(stored, rows, GREATEST, bytes_of(properties.batch.bytes))
        elif properties.batch.partitions is not None:
            _side_by_side(stored, rows, properties.batch.partitions)
        else:
            _one_by_one(stored, rows, properties.batch.rows, GREATEST)
    return Result(stored.outputs())


def bytes_of(text: str) -> int:
    """Return a size such as `10MB` in bytes; a unit is 1024 times the one before it, as in Java.

    Raises:
        TaskFailed: If it is none.

    Example:
        >>> bytes_of("10KB"), bytes_of("512"), bytes_of("1 mb")
        (10240, 512, 1048576)
    """
    found = _SIZE.fullmatch(text.strip().upper())
    size = int(found["number"]) << _UNITS[found["unit"]] if found else 0
    if size < 1:
        raise TaskFailed(f"batch.bytes: expected a size such as 10MB, but got {text!r}")
    return size


class _Stored:
    """The batches that were stored so far."""

    def __init__(self, context: RunContext, suffix: str) -> None:
        self._context = context
        self._suffix = suffix
        self._folder = f"batches-{context.job.epoch}"
        self._base = ""
        self._list = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115 (closed by `outputs`)
        self._count = 0

    def add(self, source: IO[bytes]) -> None:
        """Store the next batch."""
        if self._count >= BATCHES_MAX:
            raise TaskFailed(f"Expected at most {BATCHES_MAX} batches, but there are more: make them larger (batch)")
        source.seek(0)
        self._base = self._context.files.put_part(self._folder, self._count, self._suffix, cast("BinaryIO", source))
        self._list.write(f"{self._base}{self._count:08d}{self._suffix}\n".encode())
        self._count += 1

    def outputs(self) -> dict[str, object]:
        """Store the list, and return what the other parts need."""
        with self._list as file:
            file.seek(0)
            uri = self._context.files.put("splits.txt", cast("BinaryIO", file))
        return {"splits": uri, "count": self._count, "base": self._base, "suffix": self._suffix}


def _rows(context: RunContext, file: BinaryIO, separator: bytes) -> Iterator[bytes]:
    """Yield the rows with their separator; the last may have none."""
    if not separator:
        raise TaskFailed("batch.separator: expected a text, but it is empty")
    rest = b""
    while piece := file.read(PIECE_BYTES):
        if context.kill.why is not None:
            raise Killed
        *whole, rest = (rest + piece).split(separator)
        for row in whole:
            yield row + separator
        if len(rest) > ROW_BYTES_MAX:
            raise TaskFailed(f"Expected rows of at most {ROW_BYTES_MAX} bytes: is batch.separator that of the file?")
    if rest:
        yield rest


def _one_by_one(stored: _Stored, rows: Iterator[bytes], rows_max: int, bytes_max: int) -> None:
    """Fill a batch until the next row would be one too many, or too large; a row is never cut."""
    with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES) as file:
        count = size = 0
        for row in rows:
            if count and (count >= rows_max or size + len(row) > bytes_max):
                stored.add(file)
                file.seek(0)
                file.truncate()
                count = size = 0
            file.write(row)
            count += 1
            size += len(row)
        if count:
            stored.add(file)


def _side_by_side(stored: _Stored, rows: Iterator[bytes], partitions: int) -> None:
    """Deal the rows out; a partition that gets none isn't stored."""
    if partitions > GROUPS_MAX:
        raise TaskFailed(f"batch.partitions: expected at most {GROUPS_MAX}, but got {partitions}")
    files: list[IO[bytes]] = []
    try:
        for number, row in enumerate(rows):
            if number < partitions:
                files.append(tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES))  # noqa: SIM115
            files[number % partitions].write(row)
        for file in files:
            stored.add(file)
    finally:
        for file in files:
            file.close()


def _by_pattern(stored: _Stored, rows: Iterator[bytes], pattern: str) -> None:
    """Put rows together of which the pattern's first group is the same; rows without a match are left out."""
    from engine.expression.java_patterns import java_pattern

    compiled = java_pattern(pattern)
    groups: dict[str, IO[bytes]] = {}
    try:
        for row in rows:
            found = compiled.search(row.decode("utf-8", "replace"), timeout=1.0)
            if found is None:
                continue
            key = found.group(1) if compiled.groups else found.group()
            if key not in groups:
                if len(groups) >= GROUPS_MAX:
                    raise TaskFailed(f"batch.regexPattern: expected at most {GROUPS_MAX} groups, but there are more")
                groups[key] = io.BytesIO() if len(groups) < 8 else tempfile.TemporaryFile()  # noqa: SIM115
            groups[key].write(row)
        for file in groups.values():
            stored.add(file)
    except TimeoutError:
        raise TaskFailed(f"batch.regexPattern: {pattern!r} takes too long on a row") from None
    finally:
        for file in groups.values():
            file.close()


PLUGIN = Plugin(SPLIT, SplitProperties, run)
