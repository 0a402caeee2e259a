"""The store on RocksDB, one database per executor process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from rocksdict import DBRecoveryMode, Options, Rdict, ReadOptions, WriteBatch, WriteOptions

from executor.state.ports import StoreError

MEMTABLE_BYTES = 32 * 1024 * 1024
"""Small enough that two of them fit an idle process of 150 MB, large enough that short executions die in memory."""


class RocksStore:
    """Rows in a directory.

    Writes go to the write-ahead log without fsync: after a power failure the rows are older, and the step log's tail is
    folded onto them again.

    Args:
        path: A directory of this process alone.

    Raises:
        StoreError: If the directory is in use or broken.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path = path
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(MEMTABLE_BYTES)
        options.set_max_write_buffer_number(2)
        options.set_max_background_jobs(2)
        options.set_keep_log_file_num(2)
        options.set_wal_recovery_mode(DBRecoveryMode.tolerate_corrupted_tail_records())
        try:
            self._db = Rdict(str(path), options)
        except Exception as error:
            raise StoreError(
                f"Expected to open the rows at {path}, but: {error}. Is another executor using the directory? If it is "
                f"broken, delete it: rows are rebuilt from the log"
            ) from error
        self._options = WriteOptions()
        self._options.sync = False

    def get(self, key: bytes) -> bytes | None:
        """See `Store.get`."""
        value: bytes | None = self._db.get(key)
        return value

    def scan(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """See `Store.scan`."""
        bounds = ReadOptions()
        bounds.set_iterate_upper_bound(end)
        cursor = self._db.iter(bounds)
        cursor.seek(start)
        while cursor.valid():
            yield cursor.key(), cursor.value()
            cursor.next()

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """See `Store.write`."""
        batch = WriteBatch(raw_mode=True)
        for key, value in changes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        try:
            self._db.write(batch, self._options)
        except Exception as error:
            raise StoreError(
                f"The rows at {self._path} can't be written: {error}. Make room, or mend the disk, and start again: "
                "rows are only a fold of the log, so nothing is lost"
            ) from error

    def close(self) -> None:
        """See `Store.close`."""
        self._db.close()
