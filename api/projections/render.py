"""Rows of the views to the JSON that clients of the REST API know.

Owns field names and shapes. Nulls are left out; times are ISO 8601 in UTC with milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from engine.values import TERMINAL, iso_duration

LEVEL_NAMES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")

EXECUTION_COLUMNS = (
    "id, namespace, flow_id, revision, state, created_ms, end_ms, kind, parent_id, original_id, schedule_ms, attempt,"
    " settled, error, inputs, outputs, variables, labels, trigger_json, journal, seq, variables_whole"
)
TASK_RUN_COLUMNS = "id, task_id, parent_id, value, iteration, state, journal, outputs, error"
LINE_COLUMNS = (
    "execution_id, id, at_ms, number, namespace, flow_id, task_id, task_run_id, attempt, level, thread, message"
)
METRIC_COLUMNS = "namespace, flow_id, task_id, execution_id, task_run_id, kind, name, value, tags, at_ms"

RAN = frozenset({"SUCCESS", "WARNING", "FAILED", "RETRYING"})
"""States that a task run only reaches by running, though a journal may not say so."""
BEGINNINGS = frozenset({"CREATED", "RESTARTED", "RETRYING"})

Row = tuple[Any, ...]
Entry = tuple[str, int, str, str]


def iso(at_ms: int) -> str:
    """Return a time in milliseconds as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def unfold(journal: str) -> list[Entry]:
    """Return a journal's entries: state, time, worker and file of its lines (empty if none)."""
    entries = msgspec.json.decode(f"[{journal[1:]}]") if journal else []
    return [(e[0], e[1], e[2] if len(e) > 2 else "", e[3] if len(e) > 3 else "") for e in entries]


def state_json(current: str, entries: Iterable[Entry], now_ms: int) -> dict[str, Any]:
    """Return a state with its history."""
    histories = [{"state": state, "date": iso(at)} for state, at, *_ in entries]
    times = [entry[1] for entry in entries]
    ended = current in TERMINAL
    result: dict[str, Any] = {"current": current, "histories": histories}
    if times:
        result["duration"] = iso_duration(max((times[-1] if ended else now_ms) - times[0], 0) * 1_000_000)
        result["startDate"] = histories[0]["date"]
        if ended or current == "PAUSED":
            result["endDate"] = histories[-1]["date"]
    return result


def labels_json(labels: str) -> list[dict[str, str]]:
    """Return a map of labels as the list of pairs that clients expect."""
    return [{"key": key, "value": value} for key, value in msgspec.json.decode(labels).items()]


def execution_json(row: Row, now_ms: int, flow_variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return an execution without its task runs.

    Args:
        row: Columns as in `EXECUTION_COLUMNS`.
        now_ms: For the duration of what still runs.
        flow_variables: Variables that the flow declares; None leaves variables out.
    """
    (
        id,
        namespace,
        flow_id,
        revision,
        state,
        created_ms,
        _end_ms,
        kind,
        parent_id,
        original_id,
        schedule_ms,
        attempt,
        _settled,
        error,
        inputs,
        outputs,
        variables,
        labels,
        trigger,
        journal,
        _seq,
        variables_whole,
    ) = row
    result: dict[str, Any] = {
        "tenantId": "main",
        "id": id,
        "namespace": namespace,
        "flowId": flow_id,
        "flowRevision": revision,
        "inputs": msgspec.Raw(inputs.encode()) if inputs and inputs != "{}" else None,
        "outputs": msgspec.Raw(outputs.encode()) if outputs else None,
        "labels": labels_json(labels),
        "state": state_json(state, unfold(journal), now_ms),
        "parentId": parent_id,
        "originalId": original_id,
        "trigger": msgspec.Raw(trigger.encode()) if trigger else None,
        "deleted": False,
        "metadata": {"attemptNumber": attempt, "originalCreatedDate": iso(created_ms)},
        "scheduleDate": None if schedule_ms is None else iso(schedule_ms),
        "kind": None if kind == "NORMAL" else kind,
        "error": error or None,
    }
    if flow_variables is not None:
        own = msgspec.json.decode(variables) if variables else {}
        result["variables"] = (own if variables_whole else {**flow_variables, **own}) or None
    return {key: value for key, value in result.items() if value is not None}


def task_run_json(row: Row, execution_id: str, namespace: str, flow_id: str, now_ms: int) -> dict[str, Any]:
    """Return a task run with its attempts; columns as in `TASK_RUN_COLUMNS`."""
    id, task_id, parent_id, value, iteration, state, journal, outputs, error = row
    entries = completed(unfold(journal))
    result: dict[str, Any] = {
        "id": id,
        "executionId": execution_id,
        "namespace": namespace,
        "flowId": flow_id,
        "taskId": task_id,
    }
    if parent_id is not None:
        result["parentTaskRunId"] = parent_id
    if value is not None:
        result["value"] = value
    attempts = attempts_json(entries, now_ms)
    if attempts:
        result["attempts"] = attempts
    if outputs:
        result["outputs"] = msgspec.Raw(outputs.encode())
    result["state"] = state_json(state, entries, now_ms)
    if iteration is not None:
        result["iteration"] = iteration
    if error:
        result["error"] = error
    return result


def completed(entries: list[Entry]) -> list[Entry]:
    """Return the entries as a person tells them.

    RUNNING is put in where the engine decided a task at once, without a worker. What a worker only did for the engine
    (rendering, preparing a folder) is no attempt of its own: two RUNNING in a row are one, and one that goes over to
    SUBMITTED was none.
    """
    result: list[Entry] = []
    for entry in entries:
        state, before = entry[0], result[-1][0] if result else ""
        if before == "RUNNING" and state in ("RUNNING", "SUBMITTED"):
            if state == "SUBMITTED":
                result.pop()
            continue
        if state in RAN and before in BEGINNINGS:
            result.append(("RUNNING", entry[1], "", ""))
        result.append(entry)
    return result


def attempts_json(entries: list[Entry], now_ms: int) -> list[dict[str, Any]]:
    """Return the attempts that a history tells of: each begins with RUNNING and ends with a retry or an end."""
    attempts: list[dict[str, Any]] = []
    current: list[Entry] = []
    history: list[Entry] = []
    worker, file, before = "", "", ""

    def close(entry: Entry | None) -> None:
        nonlocal current, history, worker, file
        history = current if entry is None else [*current, entry]
        attempt: dict[str, Any] = {"state": state_json(history[-1][0], history, now_ms)}
        if worker:
            attempt["workerId"] = worker
        if file and entry is not None and entry[0] != "RESUBMITTED":
            attempt["logFile"] = file
        attempts.append(attempt)
        current, worker, file = [], "", ""

    for entry in entries:
        state, at, who, kept = entry
        if state == "RUNNING":
            if not current:
                current = [("CREATED", at, "", "")]
            current.append(entry)
            worker, file = who or worker, kept or file
        elif not current:
            if attempts and state in TERMINAL and before in TERMINAL:  # a person said that it ended otherwise
                history = [*history, entry]
                attempts[-1]["state"] = state_json(state, history, now_ms)
        elif state == "RETRYING":
            close(("FAILED", at, "", ""))
        elif state in TERMINAL:
            close(entry)
        elif state == "PAUSED":
            current.append(entry)
        elif state == "SUBMITTED":
            close(("RESUBMITTED", at, "", ""))
        before = state
    if current:
        close(None)
    return attempts


def line_json(row: Row) -> dict[str, Any]:
    """Return a log line; columns as in `LINE_COLUMNS`."""
    execution_id, _id, at_ms, _number, namespace, flow_id, task_id, task_run_id, attempt, level, thread, message = row
    result: dict[str, Any] = {"tenantId": "main", "namespace": namespace, "flowId": flow_id}
    if task_id:
        result["taskId"] = task_id
    result["executionId"] = execution_id
    if task_run_id:
        result["taskRunId"] = task_run_id
        result["attemptNumber"] = attempt
    result["timestamp"] = iso(at_ms)
    result["level"] = LEVEL_NAMES[level]
    if thread:
        result["thread"] = thread
    result["message"] = message
    return result


def metric_json(row: Row) -> dict[str, Any]:
    """Return a metric; columns as in `METRIC_COLUMNS`."""
    namespace, flow_id, task_id, execution_id, task_run_id, kind, name, value, tags, at_ms = row
    return {
        "namespace": namespace,
        "flowId": flow_id,
        "taskId": task_id,
        "executionId": execution_id,
        "taskRunId": task_run_id,
        "type": kind,
        "name": name,
        "value": value,
        "tags": msgspec.Raw(tags.encode()),
        "timestamp": iso(at_ms),
    }
