"""`penstock views rebuild`: forget the SQL views and fold the log anew.

Owns what becomes of the old views: a file is overwritten once the new one is whole, tables in PostgreSQL are emptied
first.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from api.app import open_views
from api.flow_texts import FlowTexts
from api.projections.partitions import TOPICS, Partition
from api.projections.sqlite import SqliteDatabase
from api.projections.tail import rebuild as fold_whole_log
from deploy.open_log import open_log, views_address
from deploy.problems import UserError
from deploy.settings import Settings
from topics.ports import Log


def rebuild(settings: Settings) -> int:
    """Rebuild the views, say how many records they were made of, and what the log doesn't have any more.

    On Kafka, api processes may go on meanwhile: those with a file of their own see the new views at once when they are
    whole; those that share PostgreSQL fold along, and show executions as they come back.
    """
    began = time.monotonic()
    address = views_address(settings)
    log = open_log(settings, must_exist=True)
    try:
        if address.startswith("sqlite:"):
            counts = rebuild_file(log, Path(address.removeprefix("sqlite:")))
        else:
            counts = rebuild_tables(log, address)
        cut = [topic for topic in TOPICS if any(log.begin_offset(topic, n) for n in range(log.partitions(topic)))]
    finally:
        log.close()
    for topic, records in sorted(counts.items()):
        print(f"{records:>10} records of {topic}")
    if cut:
        print(f"retention has cut {', '.join(cut)}: what is older isn't in the views any more")
    print(f"views rebuilt in {time.monotonic() - began:.1f} s")
    return 0


def rebuild_file(log: Log, path: Path) -> dict[str, int]:
    """Fold the log into a new file beside the old one, which then takes its contents over."""
    beside = path.with_name(path.name + ".rebuilding")
    fresh = SqliteDatabase(beside)
    fresh.remove()
    try:
        counts = fold_whole_log(log, fresh, FlowTexts().facts)
        SqliteDatabase(path).take_over(beside)
    finally:
        fresh.remove()
    return counts


def rebuild_tables(log: Log, address: str) -> dict[str, int]:
    """Empty the tables in PostgreSQL and fold the log into them."""
    from api.projections.postgres import PostgresConnection, PostgresDatabase

    try:
        database = open_views(address)
    except ValueError as error:
        raise UserError(f"api.views: {error}") from None
    assert isinstance(database, PostgresDatabase)

    def tell(connection: object, moved: Collection[Partition]) -> None:
        assert isinstance(connection, PostgresConnection)
        connection.notify((partition.topic, partition.number, partition.fold.offset) for partition in moved)

    database.prepare()
    database.clear()
    return fold_whole_log(log, database, FlowTexts().facts, before_commit=tell)
