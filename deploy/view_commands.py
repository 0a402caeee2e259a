"""`penstock views rebuild`: forget the SQL views and fold the log anew.

Owns what becomes of the old views: a file gives way when the new one is whole, tables in PostgreSQL are dropped first.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from api.app import open_views
from api.flow_texts import FlowTexts
from api.projections import tables
from api.projections.database import Database
from api.projections.sqlite import SqliteDatabase
from api.projections.tail import rebuild as fold_whole_log
from deploy.open_log import open_log, views_address
from deploy.settings import Settings

BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a file while it is open."""


def rebuild(settings: Settings) -> int:
    """Rebuild the views; no api may be running on them.

    With the built-in log that is certain, as no two processes open it. On Kafka, stop the api processes first.
    """
    began = time.monotonic()
    log = open_log(settings, must_exist=True)
    try:
        address = views_address(settings)
        if address.startswith("sqlite:"):
            path = Path(address.removeprefix("sqlite:"))
            fresh = path.with_name(path.name + ".rebuilding")
            remove(fresh)
            counts = fold_whole_log(log, SqliteDatabase(fresh), FlowTexts().facts)
            for suffix in BESIDE:
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            os.replace(fresh, path)
        else:
            database = open_views(address)
            drop(database)
            counts = fold_whole_log(log, database, FlowTexts().facts)
    finally:
        log.close()
    for topic, records in sorted(counts.items()):
        print(f"{records:>10} records of {topic}")
    print(f"views rebuilt in {time.monotonic() - began:.1f} s")
    return 0


def remove(path: Path) -> None:
    """Delete an SQLite file and what lies beside it."""
    for suffix in ("", *BESIDE):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def drop(database: Database) -> None:
    """Drop the tables of the views."""
    connection = database.writer()
    try:
        connection.begin()
        for name in tables.NAMES:
            connection.execute(f"DROP TABLE IF EXISTS {name}")
        connection.commit()
    finally:
        connection.close()
