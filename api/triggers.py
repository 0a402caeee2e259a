"""Reading triggers, for the routes: what clients see of one, and how several are named.

Owns the JSON of a trigger and its state, in the words of both generations of clients.
"""

from __future__ import annotations

from typing import Any

import msgspec

from api.context import Context
from api.problems import ApiProblem
from api.projections import queries
from api.projections.database import Connection
from api.projections.filters import parse_instant_ms
from api.projections.render import Row, iso
from engine.trigger.commands import CreateBackfill

Name = tuple[str, str, str]
"""Namespace, flow, trigger."""


def state_json(row: Row, trigger: dict[str, Any] | None) -> dict[str, Any]:
    """Return a trigger as it is now: a row of `TRIGGER_COLUMNS`, and what its flow says of it."""
    namespace, flow_id, trigger_id, updated_ms, next_ms, last_ms, execution_id, disabled, backfill = row
    found: dict[str, Any] = {
        "tenantId": "main",
        "namespace": namespace,
        "flowId": flow_id,
        "triggerId": trigger_id,
        "kind": "SCHEDULE",
        "disabled": bool(disabled),
        "locked": execution_id != "",
        "updatedDate": iso(updated_ms),
        "updatedAt": iso(updated_ms),
        "evaluatedAt": iso(updated_ms),
    }
    if next_ms is not None:
        found |= {"nextExecutionDate": iso(next_ms), "nextEvaluationDate": iso(next_ms)}
    if last_ms is not None:
        found |= {"date": iso(last_ms), "lastTriggeredDate": iso(last_ms)}
    if execution_id:
        found["executionId"] = execution_id
    if backfill:
        found["backfill"] = _backfill_json(msgspec.json.decode(backfill))
    if trigger is not None and trigger.get("stopAfter"):
        found["stopAfter"] = trigger["stopAfter"]
    return found


def _backfill_json(written: dict[str, Any]) -> dict[str, Any]:
    return {
        "start": iso(written["start_ms"]),
        "end": iso(written["end_ms"]),
        "currentDate": iso(written["current_ms"]),
        "paused": written["paused"],
        "inputs": written["inputs"],
        "labels": [{"key": key, "value": value} for key, value in written["labels"].items()],
    }


def item_json(connection: Connection, context: Context, row: Row) -> dict[str, Any]:
    """Return a trigger beside its state, as lists show it; synchronous, for the reading threads."""
    trigger = _declared(connection, context, row)
    state = state_json(row, trigger)
    declared = trigger if trigger is not None else {"id": row[2]}
    return {"abstractTrigger": declared, "triggerContext": state, "trigger": declared, "state": state}


def _declared(connection: Connection, context: Context, row: Row) -> dict[str, Any] | None:
    flow = queries.flow(connection, row[0], row[1])
    if flow is None or flow[5]:
        return None
    for each in context.flow_texts.body(flow[3]).get("triggers") or ():
        if isinstance(each, dict) and each.get("id") == row[2]:
            return each
    return None


async def find(context: Context, name: Name) -> dict[str, Any]:
    """Return the state of one trigger.

    Raises:
        ApiProblem: If there is none that goes by time.
    """

    def read(connection: Connection) -> dict[str, Any] | None:
        row = queries.trigger(connection, *name)
        return state_json(row, _declared(connection, context, row)) if row is not None else None

    found = await context.views.ask(read)
    if found is None:
        raise ApiProblem("not-found", f"There is no trigger {name[2]} of flow {name[0]}.{name[1]} that goes by time")
    return found


def name_of(body: Any) -> Name:
    """Return which trigger a body names: `{namespace, flowId, triggerId}`.

    Raises:
        ApiProblem: If it doesn't.
    """
    given = body if isinstance(body, dict) else {}
    parts = [part for key in ("namespace", "flowId", "triggerId") if isinstance(part := given.get(key), str) and part]
    if len(parts) != 3:
        raise ApiProblem("invalid-argument", "Expected a trigger as {namespace, flowId, triggerId}")
    return parts[0], parts[1], parts[2]


def backfill_of(name: Name, written: Any) -> CreateBackfill:
    """Return the command that a backfill's JSON asks for: `{start, end, inputs, labels}`.

    Raises:
        ApiProblem: If a date, the inputs or the labels are no such thing.
    """
    if not isinstance(written, dict) or not written.get("start"):
        raise ApiProblem("invalid-argument", "Expected a backfill as {start, end, inputs, labels}, with a start")
    try:
        start_ms = parse_instant_ms(str(written["start"]))
        end_ms = parse_instant_ms(str(written["end"])) if written.get("end") else 0
    except ValueError as error:
        raise ApiProblem("invalid-argument", f"backfill: {error}") from None
    inputs = written.get("inputs") or {}
    labels = written.get("labels") or []
    if isinstance(labels, dict):
        labels = [{"key": key, "value": value} for key, value in labels.items()]
    if not isinstance(inputs, dict) or not all(isinstance(each, dict) and each.get("key") for each in labels):
        raise ApiProblem("invalid-argument", "Expected the inputs of a backfill as a map, its labels as {key, value}")
    if any(str(each["key"]).startswith("system.") for each in labels):
        raise ApiProblem("invalid-argument", "Labels beginning with 'system.' are reserved")
    return CreateBackfill(
        trigger_id=name[2],
        start_ms=start_ms,
        end_ms=end_ms,
        inputs_json=msgspec.json.encode(inputs),
        labels={str(each["key"]): str(each.get("value", "")) for each in labels},
        paused=written.get("paused") is True,
    )
