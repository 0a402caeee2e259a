"""The RocksDB database under the embedded log: opening it safely, and its errors in the log's words.

Owns the choice of options and the mapping of RocksDB's errors. What lies under which key is `layout.py`'s.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rocksdict import DbClosedError, DBCompressionType, DBRecoveryMode, Options, Rdict

from topics.embedded.integrity import damage_in
from topics.ports import FatalLogError, LogError

DATABASE = "rocksdb"
"""Where in the log's directory the database lies."""

SPARE_BYTES = 4 << 20
"""Space that opening a database needs for its small files."""

REPAIR_HINT = (
    "Nothing was deleted. Restore the directory from a backup; without one, stop Penstock and copy what lies before "
    "the damage: python -m topics.embedded.salvage DIRECTORY NEW_DIRECTORY"
)


def _options() -> Options:
    options = Options(raw_mode=True)
    # The default mode takes a flipped bit for the end of the log and drops what follows without a word.
    options.set_wal_recovery_mode(DBRecoveryMode.tolerate_corrupted_tail_records())
    # The log has one writer at a time, so RocksDB needs no machinery for several.
    options.set_allow_concurrent_memtable_write(False)
    options.set_enable_write_thread_adaptive_yield(False)
    # Entries are written once and deleted in ranges: in blob files compaction doesn't copy them again and again.
    options.set_enable_blob_files(True)
    options.set_min_blob_size(256)
    options.set_blob_compression_type(DBCompressionType.lz4())
    options.set_enable_blob_gc(True)
    # Topics that are kept for long share blob files with others: rewrite a file once half of it is garbage.
    options.set_blob_gc_age_cutoff(1.0)
    options.set_blob_gc_force_threshold(0.5)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_write_buffer_size(32 << 20)
    options.set_max_write_buffer_number(4)
    options.set_max_open_files(512)
    options.set_keep_log_file_num(4)
    options.set_max_log_file_size(8 << 20)
    return options


def open_database(directory: Path, *, salvaging: bool = False) -> Rdict:
    """Open, or create, the database.

    Args:
        directory: Where its files lie.
        salvaging: Read as far as the bytes are good, instead of refusing damaged ones.

    Raises:
        FatalLogError: If its files are damaged.
        LogError: If the disk refuses.
    """
    options = _options()
    if salvaging:
        options.set_wal_recovery_mode(DBRecoveryMode.point_in_time())
    else:
        damage = damage_in(directory)
        if damage is not None:
            raise FatalLogError(f"The log in {directory} is damaged: {damage}. {REPAIR_HINT}")
    try:
        return Rdict(str(directory), options)
    except Exception as error:
        if _is_damage(error):
            raise FatalLogError(f"The log in {directory} is damaged: {error}. {REPAIR_HINT}") from error
        remedy = ". Make room on its disk and start again: nothing is lost" if is_full(error) else ""
        raise LogError(f"The log in {directory} can't be opened: {error}{remedy}") from error


class Store:
    """An open database that can be opened anew under its users, which is the only way out of some of RocksDB's errors.

    Args:
        directory: Where the database's files lie.

    Raises:
        FatalLogError: If its files are damaged.
        LogError: If the disk refuses.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._shared = threading.RLock()
        self.database = open_database(directory)

    @contextmanager
    def reading(self, what: str) -> Iterator[Rdict]:
        """Lend the database for a read and give its errors the log's names; it isn't opened anew meanwhile.

        Args:
            what: Which topic, partition and offset is read.
        """
        with self._shared:
            try:
                yield self.database
            except DbClosedError as error:
                raise LogError(f"{what} can't be read, the log is closed.") from error
            except LogError:
                raise
            except Exception as error:
                if _is_damage(error):
                    raise FatalLogError(
                        f"{what} can't be read, its bytes are damaged: {error}. {REPAIR_HINT}"
                    ) from error
                raise LogError(f"{what} can't be read: {error}") from error

    def has_space(self) -> bool:
        """Tell whether there is space enough to open the database anew: for its write-ahead logs once more."""
        journals = sum(path.stat().st_size for path in self._directory.glob("*.log"))
        return shutil.disk_usage(self._directory).free > journals + SPARE_BYTES

    def reopen(self) -> None:
        """Close the database and open it again. What was written is there afterwards, synced.

        Raises:
            LogError: If the disk refuses; then there is no open database until it succeeds.
        """
        with self._shared:
            # A database in trouble may fail to close; what it holds is in its write-ahead log all the same.
            with suppress(Exception):
                self.database.close()
            self.database = open_database(self._directory)

    def close(self) -> None:
        """Close the database. Raises whatever RocksDB says."""
        with self._shared:
            self.database.close()


def _is_damage(error: Exception) -> bool:
    said = str(error)
    return "Corruption" in said or "No such file" in said


def is_full(error: BaseException) -> bool:
    """Tell whether a disk had no room for a write."""
    return "No space left" in str(error)
