"""New executions that go on where another one was: replays, and restarts on another revision of the flow.

Owns the way from a request to their `CreateExecution`: which revision, which inputs, what the views keep of the other
execution. What of it is taken over is chosen in `engine/execution/replay.py`, in a reading thread.
"""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from api import executions as ex
from api.context import Context
from api.problems import OF_REASON, ApiProblem
from api.projections import queries
from api.projections.database import Connection
from api.projections.render import EXECUTION_COLUMNS, Row, attempts_json, completed, unfold
from api.repeats import DIGEST
from engine.errors import Rejected
from engine.execution.carried import CarriedRun, Moment
from engine.execution.commands import CreateExecution, MarkReplayed
from engine.execution.past import Ran
from engine.execution.replay import replayed, restarted
from engine.flow.inputs import flattened
from engine.flow.model import Flow
from engine.values import UNDONE, State, merged

logger = logging.getLogger(__name__)

REPLAY = "system.replay"
RESTARTED = "system.restarted"
OF_ITS_OWN = frozenset({DIGEST, REPLAY, RESTARTED, "system.replayed"})
"""Labels that tell of one execution, not of those that follow from it."""

_INDEX = {name.strip(): index for index, name in enumerate(EXECUTION_COLUMNS.split(","))}


class Source(msgspec.Struct, frozen=True):
    """The execution that another one goes on from."""

    id: str
    namespace: str
    flow_id: str
    revision: int
    state: str
    settled: int
    kind: str
    original_id: str
    inputs: str
    variables: str
    variables_whole: int
    labels: str
    trigger_json: str | None


async def find_source(context: Context, id: str) -> Source:
    """Return an execution to go on from.

    Raises:
        ApiProblem: If there is none.
    """
    row = await context.views.ask(queries.execution_row, id)
    if row is None:
        raise ApiProblem("not-found", f"There is no execution {id}")
    return Source(*(row[_INDEX[name]] for name in Source.__struct_fields__))


async def find_target(context: Context, source: Source, revision: int | None, *, latest: bool = False) -> ex.FoundFlow:
    """Return the flow that is to run now; without a revision the one that the execution ran, or the latest.

    Raises:
        ApiProblem: If there is none, or if it is disabled.
    """
    wanted = None if latest else revision or source.revision
    target = await ex.find_flow(context, source.namespace, source.flow_id, wanted)
    if target.flow.disabled:
        name = f"{source.namespace}.{source.flow_id}"
        raise ApiProblem("conflict", f"Flow {name} is disabled: enable it to replay its executions")
    return target


async def replay(
    context: Context,
    source: Source,
    target: ex.FoundFlow,
    id: str,
    task_run_id: str | None,
    inputs_json: bytes | None = None,
    digest: str = "",
    failure: str = "",
) -> None:
    """Start a new execution that replays one, whole or from a task run on; return when it exists.

    Args:
        context: The views, and the way into the inboxes.
        source: The execution that is replayed.
        target: The revision to run.
        id: Id of the new one; if it exists already, nothing happens.
        task_run_id: Task run to begin with; None: everything runs.
        inputs_json: Values to run with instead of the old ones.
        digest: What makes the same request recognizable, if it has a key.
        failure: Why the new one is to fail at once, if it is.

    Raises:
        ApiProblem: If it can't be replayed like that.
    """
    carried: tuple[CarriedRun, ...] = ()
    if task_run_id is not None:
        carried = await context.views.ask(_carried, context, source, target, id, task_run_id)
    whole = bool(source.variables_whole)
    if task_run_id is None and whole:
        variables, whole = b"{}", False  # the tasks that changed them run again
    else:
        variables = source.variables.encode()
    labels = {REPLAY: "true", DIGEST: digest} if digest else {REPLAY: "true"}
    command = CreateExecution(
        inputs_json=inputs_json if inputs_json is not None else await _inputs(context, source, target),
        variables_json=variables,
        variables_whole=whole,
        resumes=task_run_id is not None,
        carried=carried,
        failure=failure,
        **await _like(context, source, target, labels),
    )
    await context.commands.ask("executions", id, command)
    try:
        await context.commands.ask("executions", source.id, MarkReplayed())
    except ApiProblem as problem:
        logger.warning("Execution %s is replayed by %s, but couldn't be marked: %s", source.id, id, problem.detail)


async def restart(context: Context, source: Source, target: ex.FoundFlow, id: str) -> None:
    """Start a new execution that runs what failed in another one, on another revision of the flow.

    Raises:
        ApiProblem: If the other one didn't fail, or if that revision lacks what is to be kept.
    """
    if source.state not in UNDONE or not source.settled:
        raise ApiProblem(
            "conflict",
            f"Expected a FAILED, KILLED or CANCELLED execution to restart, but {source.id} is {source.state}"
            + ("" if source.settled else " and not over"),
        )
    command = CreateExecution(
        inputs_json=await _inputs(context, source, target),
        variables_json=source.variables.encode(),
        variables_whole=bool(source.variables_whole),
        resumes=True,
        carried=await context.views.ask(_carried, context, source, target, id, None),
        **await _like(context, source, target, {RESTARTED: "true"}),
    )
    await context.commands.ask("executions", id, command)


async def _like(context: Context, source: Source, target: ex.FoundFlow, labels: dict[str, str]) -> dict[str, Any]:
    """Return what follows from the other execution, whatever is done with it."""
    followed = (source.id, *await context.views.ask(queries.sources, source.id))
    kept = {key: value for key, value in msgspec.json.decode(source.labels).items() if key not in OF_ITS_OWN}
    return {
        "namespace": source.namespace,
        "flow_id": source.flow_id,
        "revision": target.revision,
        "labels": kept | labels,
        "trigger_json": (source.trigger_json or "").encode(),
        "parent_id": source.id,
        "original_id": source.original_id,
        "sources": tuple(f"{source.namespace}/{source.flow_id}/{id}" for id in followed),
        "kind": source.kind,
    }


async def _inputs(context: Context, source: Source, target: ex.FoundFlow) -> bytes:
    """Return the values that an execution had, and those of inputs that only the other revision has.

    Raises:
        ApiProblem: If one of those must be given.
    """
    if target.revision == source.revision:
        return source.inputs.encode()
    values = msgspec.json.decode(source.inputs)
    fresh = [each for each in flattened(target.flow.inputs) if not _holds(values, each.id)]
    if not fresh:
        return source.inputs.encode()
    added = ex.accepted(await ex.resolve(context, target, fresh, {}))
    return msgspec.json.encode(merged(values, msgspec.json.decode(added)))


def _holds(values: Any, dotted: str) -> bool:
    for name in dotted.split("."):
        if not isinstance(values, dict) or name not in values:
            return False
        values = values[name]
    return True


def _carried(
    connection: Connection, context: Context, source: Source, target: ex.FoundFlow, id: str, task_run_id: str | None
) -> tuple[CarriedRun, ...]:
    """Choose what is taken over; synchronous, for the reading threads. Without a task run: as a restart does."""
    flow = _flow_of(connection, context, source, target)
    runs = [_ran(row) for row in queries.task_run_rows(connection, source.id)]
    try:
        if task_run_id is None:
            return restarted(flow, target.flow, runs, id)
        return replayed(flow, target.flow, runs, id, task_run_id)
    except Rejected as refused:
        raise ApiProblem(OF_REASON[refused.reason], refused.message) from None


def _flow_of(connection: Connection, context: Context, source: Source, target: ex.FoundFlow) -> Flow:
    if target.revision == source.revision:
        return target.flow
    found = queries.revision(connection, source.namespace, source.flow_id, source.revision)
    flow = context.flow_texts.flow(found[1]) if found else None
    if flow is None:
        raise ApiProblem(
            "invalid-entity",
            f"Expected revision {source.revision}, which execution {source.id} ran, but it isn't known or can't be "
            f"read: replay it from the beginning",
        )
    return flow


def _ran(row: Row) -> Ran:
    id, task_id, parent_id, value, iteration, state, journal, outputs, error = row
    entries = completed(unfold(journal))
    return Ran(
        id=id,
        task_id=task_id,
        state=State(state),
        parent_id=parent_id,
        value=value,
        iteration=iteration,
        attempts=len(attempts_json(entries, 0)),
        history=tuple(Moment(state=State(state), at_ms=at, worker_id=worker) for state, at, worker, _ in entries),
        outputs_json=outputs.encode() if outputs else b"",
        error=error or "",
    )
