"""What the API reads of the views: one function per question, synchronous, on a connection of the caller's thread."""

from __future__ import annotations

from typing import Any

from api.projections import render
from api.projections.database import Connection
from api.projections.filters import Page, Where
from api.projections.render import EXECUTION_COLUMNS, LINE_COLUMNS, METRIC_COLUMNS, TASK_RUN_COLUMNS, Row

SOURCES_MAX = 100
"""Executions of a chain of replays whose files the last one may read."""
TRIGGER_COLUMNS = "namespace, flow_id, trigger_id, updated_ms, next_ms, last_ms, execution_id, disabled, backfill"
FLOW_COLUMNS = "namespace, id, revision, source, updated_ms, deleted, disabled, description"


def execution_row(connection: Connection, id: str) -> Row | None:
    """Return an execution's row (`EXECUTION_COLUMNS`)."""
    rows = connection.query(f"SELECT {EXECUTION_COLUMNS} FROM executions WHERE id = ?", (id,))
    return rows[0] if rows else None


def execution_progress(connection: Connection, id: str) -> tuple[int, str, bool] | None:
    """Return sequence, state and whether nothing is left to do; None if there is no such execution."""
    rows = connection.query("SELECT seq, state, settled FROM executions WHERE id = ?", (id,))
    return (rows[0][0], rows[0][1], bool(rows[0][2])) if rows else None


def sources(connection: Connection, id: str) -> list[str]:
    """Return the ids of the executions that one follows from, by replays and restarts, nearest first."""
    found: list[str] = []
    while len(found) < SOURCES_MAX:
        rows = connection.query("SELECT parent_id FROM executions WHERE id = ?", (found[-1] if found else id,))
        if not rows or rows[0][0] is None or rows[0][0] in found:
            break
        found.append(rows[0][0])
    return found


def task_runs(connection: Connection, execution: Row, now_ms: int) -> list[dict[str, Any]]:
    """Return all task runs of an execution in the order of their creation, as JSON."""
    rows = connection.query(
        f"SELECT {TASK_RUN_COLUMNS} FROM task_runs WHERE execution_id = ? ORDER BY born_seq",
        (execution[0],),
    )
    return [render.task_run_json(row, execution[0], execution[1], execution[2], now_ms) for row in rows]


def task_run(connection: Connection, execution_id: str, id: str) -> Row | None:
    """Return one task run's row (`TASK_RUN_COLUMNS`)."""
    rows = connection.query(
        f"SELECT {TASK_RUN_COLUMNS} FROM task_runs WHERE execution_id = ? AND id = ?",
        (execution_id, id),
    )
    return rows[0] if rows else None


def task_run_rows(connection: Connection, execution_id: str) -> list[Row]:
    """Return all task runs' rows (`TASK_RUN_COLUMNS`)."""
    return connection.query(
        f"SELECT {TASK_RUN_COLUMNS} FROM task_runs WHERE execution_id = ? ORDER BY born_seq",
        (execution_id,),
    )


def search_executions(connection: Connection, where: Where, page: Page) -> tuple[list[Row], int]:
    """Return a page of executions and how many there are in all."""
    total = connection.query(f"SELECT count(*) FROM executions WHERE {where.sql}", where.params)[0][0]
    rows = connection.query(
        f"SELECT {EXECUTION_COLUMNS} FROM executions WHERE {where.sql} ORDER BY {page.order} LIMIT ? OFFSET ?",
        (*where.params, page.size, page.offset),
    )
    return rows, total


def ids_found(connection: Connection, where: Where, most: int) -> list[str]:
    """Return the ids of executions that a search finds, the oldest first, at most so many."""
    rows = connection.query(
        f"SELECT id FROM executions WHERE {where.sql} ORDER BY created_ms, id LIMIT ?", (*where.params, most)
    )
    return [row[0] for row in rows]


def latest_executions(connection: Connection, flows: list[tuple[str, str]]) -> list[Row]:
    """Return the youngest execution of each flow that has any."""
    found: list[Row] = []
    for namespace, flow_id in flows:
        found += connection.query(
            f"SELECT {EXECUTION_COLUMNS} FROM executions WHERE namespace = ? AND flow_id = ? AND kind = 'NORMAL'"
            " ORDER BY created_ms DESC LIMIT 1",
            (namespace, flow_id),
        )
    return found


def lines_of(connection: Connection, execution_id: str, where: Where) -> list[Row]:
    """Return an execution's log lines in order (`LINE_COLUMNS`)."""
    return connection.query(
        f"SELECT {LINE_COLUMNS} FROM log_lines WHERE execution_id = ? AND {where.sql} ORDER BY at_ms, number, id",
        (execution_id, *where.params),
    )


def search_lines(connection: Connection, where: Where, page: Page) -> tuple[list[Row], int]:
    """Return a page of log lines and how many there are in all."""
    total = connection.query(f"SELECT count(*) FROM log_lines WHERE {where.sql}", where.params)[0][0]
    rows = connection.query(
        f"SELECT {LINE_COLUMNS} FROM log_lines WHERE {where.sql} ORDER BY {page.order} LIMIT ? OFFSET ?",
        (*where.params, page.size, page.offset),
    )
    return rows, total


def metrics_of(connection: Connection, execution_id: str, where: Where, page: Page) -> tuple[list[Row], int]:
    """Return a page of an execution's metrics."""
    params = (execution_id, *where.params)
    base = f"FROM metrics WHERE execution_id = ? AND {where.sql}"
    total = connection.query(f"SELECT count(*) {base}", params)[0][0]
    rows = connection.query(
        f"SELECT {METRIC_COLUMNS} {base} ORDER BY {page.order} LIMIT ? OFFSET ?", (*params, page.size, page.offset)
    )
    return rows, total


def flow(connection: Connection, namespace: str, id: str) -> Row | None:
    """Return a flow's latest revision (`FLOW_COLUMNS`), deleted or not."""
    rows = connection.query(f"SELECT {FLOW_COLUMNS} FROM flows WHERE namespace = ? AND id = ?", (namespace, id))
    return rows[0] if rows else None


def revisions(connection: Connection, namespace: str, id: str) -> list[tuple[int, str, int]]:
    """Return number, source and time of all revisions, oldest first."""
    return connection.query(
        "SELECT revision, source, at_ms FROM flow_revisions WHERE namespace = ? AND id = ? ORDER BY revision",
        (namespace, id),
    )


def revision(connection: Connection, namespace: str, id: str, number: int) -> tuple[int, str, int] | None:
    """Return one revision."""
    rows = connection.query(
        "SELECT revision, source, at_ms FROM flow_revisions WHERE namespace = ? AND id = ? AND revision = ?",
        (namespace, id, number),
    )
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


def search_flows(connection: Connection, where: Where, page: Page) -> tuple[list[Row], int]:
    """Return a page of flows that aren't deleted, and how many there are in all."""
    base = f"FROM flows WHERE deleted = 0 AND {where.sql}"
    total = connection.query(f"SELECT count(*) {base}", where.params)[0][0]
    rows = connection.query(
        f"SELECT {FLOW_COLUMNS} {base} ORDER BY {page.order} LIMIT ? OFFSET ?", (*where.params, page.size, page.offset)
    )
    return rows, total


def flows_of(connection: Connection, namespace: str) -> list[Row]:
    """Return all flows of one namespace."""
    return connection.query(
        f"SELECT {FLOW_COLUMNS} FROM flows WHERE namespace = ? AND deleted = 0 ORDER BY id",
        (namespace,),
    )


def namespaces(connection: Connection) -> list[str]:
    """Return the namespaces that hold flows."""
    rows = connection.query("SELECT DISTINCT namespace FROM flows WHERE deleted = 0 ORDER BY namespace")
    return [row[0] for row in rows]


def search_triggers(connection: Connection, where: Where, page: Page) -> tuple[list[Row], int]:
    """Return a page of triggers (`TRIGGER_COLUMNS`), and how many there are in all."""
    total = connection.query(f"SELECT count(*) FROM triggers WHERE {where.sql}", where.params)[0][0]
    rows = connection.query(
        f"SELECT {TRIGGER_COLUMNS} FROM triggers WHERE {where.sql} ORDER BY {page.order} LIMIT ? OFFSET ?",
        (*where.params, page.size, page.offset),
    )
    return rows, total


def triggers_found(connection: Connection, where: Where, most: int) -> list[tuple[str, str, str]]:
    """Return namespace, flow and id of the triggers that a search finds, at most so many."""
    rows = connection.query(
        f"SELECT namespace, flow_id, trigger_id FROM triggers WHERE {where.sql}"
        " ORDER BY namespace, flow_id, trigger_id LIMIT ?",
        (*where.params, most),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def trigger(connection: Connection, namespace: str, flow_id: str, trigger_id: str) -> Row | None:
    """Return one trigger (`TRIGGER_COLUMNS`)."""
    rows = connection.query(
        f"SELECT {TRIGGER_COLUMNS} FROM triggers WHERE namespace = ? AND flow_id = ? AND trigger_id = ?",
        (namespace, flow_id, trigger_id),
    )
    return rows[0] if rows else None
