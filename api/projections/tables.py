"""The tables of the views and the statements that change them.

Owns names and columns. Histories are journals: JSON entries, each preceded by a comma, that events append to
(`,["RUNNING",1700000000000,"worker-1"]`), so that no fold ever reads a row back. `render.py` unfolds them.
"""

from __future__ import annotations

VERSION = 3
"""Raise it with every change of a table: views of another version are built anew from the log."""

NAMES = (
    "executions",
    "execution_labels",
    "task_runs",
    "log_lines",
    "metrics",
    "flows",
    "flow_revisions",
    "flow_labels",
    "triggers",
    "positions",
    "views",
)

TABLES = """
CREATE TABLE IF NOT EXISTS views (version INTEGER NOT NULL);

CREATE TABLE IF NOT EXISTS positions (
    topic TEXT NOT NULL, partition_number INTEGER NOT NULL, next_offset BIGINT NOT NULL,
    epoch BIGINT NOT NULL, owner TEXT NOT NULL, next_n BIGINT NOT NULL, adopting INTEGER NOT NULL,
    PRIMARY KEY (topic, partition_number));

CREATE TABLE IF NOT EXISTS executions (
    id TEXT PRIMARY KEY, namespace TEXT NOT NULL, flow_id TEXT NOT NULL, revision INTEGER NOT NULL,
    state TEXT NOT NULL, created_ms BIGINT NOT NULL, end_ms BIGINT, kind TEXT NOT NULL, parent_id TEXT,
    original_id TEXT NOT NULL, schedule_ms BIGINT, attempt INTEGER NOT NULL, settled INTEGER NOT NULL,
    error TEXT, inputs TEXT, outputs TEXT, variables TEXT, labels TEXT NOT NULL, trigger_json TEXT,
    journal TEXT NOT NULL, seq BIGINT NOT NULL, variables_whole INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS executions_by_time ON executions (created_ms);
CREATE INDEX IF NOT EXISTS executions_by_flow ON executions (namespace, flow_id, created_ms);
CREATE INDEX IF NOT EXISTS executions_by_state ON executions (state, created_ms);

CREATE TABLE IF NOT EXISTS execution_labels (
    execution_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (execution_id, name)){clustered};
CREATE INDEX IF NOT EXISTS execution_labels_by_value ON execution_labels (name, value);

CREATE TABLE IF NOT EXISTS task_runs (
    execution_id TEXT NOT NULL, id TEXT NOT NULL, born_seq BIGINT NOT NULL, seq BIGINT NOT NULL,
    task_id TEXT NOT NULL, parent_id TEXT, value TEXT, iteration BIGINT, state TEXT NOT NULL,
    journal TEXT NOT NULL, outputs TEXT, error TEXT,
    PRIMARY KEY (execution_id, id)){clustered};

CREATE TABLE IF NOT EXISTS log_lines (
    execution_id TEXT NOT NULL, id TEXT NOT NULL, at_ms BIGINT NOT NULL, number BIGINT NOT NULL,
    namespace TEXT NOT NULL, flow_id TEXT NOT NULL, task_id TEXT, task_run_id TEXT, attempt INTEGER NOT NULL,
    level INTEGER NOT NULL, thread TEXT, message TEXT NOT NULL,
    PRIMARY KEY (execution_id, id)){clustered};
CREATE INDEX IF NOT EXISTS log_lines_by_time ON log_lines (at_ms);

CREATE TABLE IF NOT EXISTS metrics (
    execution_id TEXT NOT NULL, id TEXT NOT NULL, at_ms BIGINT NOT NULL, namespace TEXT NOT NULL,
    flow_id TEXT NOT NULL, task_id TEXT NOT NULL, task_run_id TEXT NOT NULL, kind TEXT NOT NULL,
    name TEXT NOT NULL, value DOUBLE PRECISION NOT NULL, tags TEXT NOT NULL,
    PRIMARY KEY (execution_id, id)){clustered};

CREATE TABLE IF NOT EXISTS flows (
    namespace TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL, source TEXT NOT NULL,
    updated_ms BIGINT NOT NULL, deleted INTEGER NOT NULL, disabled INTEGER NOT NULL, description TEXT,
    seq BIGINT NOT NULL, PRIMARY KEY (namespace, id));

CREATE TABLE IF NOT EXISTS flow_revisions (
    namespace TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL, source TEXT NOT NULL,
    at_ms BIGINT NOT NULL, PRIMARY KEY (namespace, id, revision));

CREATE TABLE IF NOT EXISTS flow_labels (
    namespace TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (namespace, id, name));

CREATE TABLE IF NOT EXISTS triggers (
    namespace TEXT NOT NULL, flow_id TEXT NOT NULL, trigger_id TEXT NOT NULL, updated_ms BIGINT NOT NULL,
    next_ms BIGINT, last_ms BIGINT, execution_id TEXT NOT NULL, disabled INTEGER NOT NULL, backfill TEXT,
    seq BIGINT NOT NULL, PRIMARY KEY (namespace, flow_id, trigger_id));
"""

READ_POSITIONS = "SELECT topic, partition_number, next_offset, epoch, owner, next_n, adopting FROM positions"
INSERT_POSITION = "INSERT INTO positions VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
MOVE_POSITION = (
    "UPDATE positions SET next_offset = ?, epoch = ?, owner = ?, next_n = ?, adopting = ?"
    " WHERE topic = ? AND partition_number = ? AND next_offset = ?"
)
"""Changes a row only if nobody else moved on meanwhile: the guard that makes a batch count exactly once."""

INSERT_EXECUTION = (
    "INSERT INTO executions (id, namespace, flow_id, revision, state, created_ms, end_ms, kind, parent_id, original_id,"
    " schedule_ms, attempt, settled, error, inputs, outputs, variables, labels, trigger_json, journal, seq,"
    " variables_whole) VALUES (?, ?, ?, ?, ?, ?, NULLIF(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO NOTHING"
)
UPDATE_EXECUTION = (
    "UPDATE executions SET seq = ?, state = COALESCE(?, state), journal = journal || ?,"
    " end_ms = CASE WHEN ? THEN NULLIF(?, 0) ELSE end_ms END, revision = COALESCE(?, revision),"
    " attempt = COALESCE(?, attempt), settled = COALESCE(?, settled), error = COALESCE(?, error),"
    " outputs = COALESCE(?, outputs), labels = COALESCE(?, labels), variables = COALESCE(?, variables),"
    " variables_whole = COALESCE(?, variables_whole) WHERE id = ? AND seq < ?"
)
DELETE_EXECUTION = (
    "DELETE FROM executions WHERE id = ?",
    "DELETE FROM execution_labels WHERE execution_id = ?",
    "DELETE FROM task_runs WHERE execution_id = ?",
    "DELETE FROM log_lines WHERE execution_id = ?",
    "DELETE FROM metrics WHERE execution_id = ?",
)
DELETE_EXECUTION_LABELS = "DELETE FROM execution_labels WHERE execution_id = ?"
INSERT_EXECUTION_LABEL = (
    "INSERT INTO execution_labels (execution_id, name, value) VALUES (?, ?, ?)"
    " ON CONFLICT (execution_id, name) DO UPDATE SET value = excluded.value"
)

READ_PARENTS = "SELECT id, parent_id FROM task_runs WHERE execution_id = ? AND parent_id IS NOT NULL"
DELETE_TASK_RUN = "DELETE FROM task_runs WHERE execution_id = ? AND id = ? AND seq < ?"
INSERT_TASK_RUN = (
    "INSERT INTO task_runs (execution_id, id, born_seq, seq, task_id, parent_id, value, iteration, state, journal,"
    " outputs, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (execution_id, id) DO UPDATE SET seq = excluded.seq, state = excluded.state,"
    " journal = task_runs.journal || excluded.journal, outputs = COALESCE(excluded.outputs, task_runs.outputs),"
    " error = COALESCE(excluded.error, task_runs.error) WHERE task_runs.seq < excluded.born_seq"
)
UPDATE_TASK_RUN = (
    "UPDATE task_runs SET seq = ?, state = COALESCE(?, state), journal = journal || ?, outputs = COALESCE(?, outputs),"
    " error = COALESCE(?, error) WHERE execution_id = ? AND id = ? AND seq < ?"
)

INSERT_LOG_LINE = (
    "INSERT INTO log_lines (execution_id, id, at_ms, number, namespace, flow_id, task_id, task_run_id, attempt, level,"
    " thread, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (execution_id, id) DO NOTHING"
)
NAME_TASK_OF_LINES = (
    "UPDATE log_lines SET task_id = (SELECT t.task_id FROM task_runs t WHERE t.execution_id = log_lines.execution_id"
    " AND t.id = log_lines.task_run_id) WHERE execution_id = ? AND id = ?"
)
INSERT_METRIC = (
    "INSERT INTO metrics (execution_id, id, at_ms, namespace, flow_id, task_id, task_run_id, kind, name, value, tags)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (execution_id, id) DO NOTHING"
)

INSERT_FLOW = (
    "INSERT INTO flows (namespace, id, revision, source, updated_ms, deleted, disabled, description, seq)"
    " VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?) ON CONFLICT (namespace, id) DO UPDATE SET revision = excluded.revision,"
    " source = excluded.source, updated_ms = excluded.updated_ms, deleted = 0, disabled = excluded.disabled,"
    " description = excluded.description, seq = excluded.seq WHERE flows.seq < excluded.seq"
)
INSERT_REVISION = (
    "INSERT INTO flow_revisions (namespace, id, revision, source, at_ms) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (namespace, id, revision) DO NOTHING"
)
DELETE_FLOW = "UPDATE flows SET deleted = 1, updated_ms = ?, seq = ? WHERE namespace = ? AND id = ? AND seq < ?"
DELETE_FLOW_LABELS = "DELETE FROM flow_labels WHERE namespace = ? AND id = ?"
INSERT_FLOW_LABEL = (
    "INSERT INTO flow_labels (namespace, id, name, value) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (namespace, id, name) DO UPDATE SET value = excluded.value"
)

PUT_TRIGGER = (
    "INSERT INTO triggers (namespace, flow_id, trigger_id, updated_ms, next_ms, last_ms, execution_id, disabled,"
    " backfill, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (namespace, flow_id, trigger_id) DO UPDATE"
    " SET updated_ms = excluded.updated_ms, next_ms = excluded.next_ms, last_ms = excluded.last_ms,"
    " execution_id = excluded.execution_id, disabled = excluded.disabled, backfill = excluded.backfill,"
    " seq = excluded.seq WHERE triggers.seq < excluded.seq"
)
DELETE_TRIGGER = "DELETE FROM triggers WHERE namespace = ? AND flow_id = ? AND trigger_id = ? AND seq < ?"
