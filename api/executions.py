"""Reading and starting executions, for the routes: where to find one, how to answer it, what starting one takes.

Owns the way from a request to `CreateExecution` and from the views to an execution's JSON.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from api.checks import FailedCheck, failed_checks
from api.context import Context
from api.problems import ApiProblem, Detail
from api.projections import queries, render
from api.projections.database import Connection
from api.projections.render import Row
from api.requests import now_ms
from engine.flow.inputs import ids_of
from engine.flow.model import Flow, Input
from engine.inputs.resolve import Resolution, resolve_inputs
from engine.key_values import kv_function
from engine.values import CORRELATION, TERMINAL, derive_short_id, short_id

logger = logging.getLogger(__name__)

MASKED = "******"


def new_id() -> str:
    """Return a fresh execution id: 22 characters that are safe in addresses."""
    return short_id(secrets.randbits(128))


def id_of_key(namespace: str, flow_id: str, key: str) -> str:
    """Return the execution id that an Idempotency-Key always gives for this flow."""
    return derive_short_id("idempotency", namespace, flow_id, key)


class FoundFlow(msgspec.Struct, frozen=True):
    """A flow at one revision."""

    flow: Flow
    revision: int
    source: str


async def find_flow(context: Context, namespace: str, flow_id: str, revision: int | None) -> FoundFlow:
    """Return a flow that executions may be started of.

    Raises:
        ApiProblem: If there is none, or its source can't be read.
    """
    row = await context.views.ask(queries.flow, namespace, flow_id)
    if row is None or row[5]:
        raise ApiProblem("not-found", f"There is no flow {namespace}.{flow_id}")
    number, source = row[2], row[3]
    if revision is not None and revision != number:
        found = await context.views.ask(queries.revision, namespace, flow_id, revision)
        if found is None:
            raise ApiProblem(
                "not-found", f"Flow {namespace}.{flow_id} has no revision {revision}, the latest is {number}"
            )
        number, source = found[0], found[1]
    flow = context.flow_texts.flow(source)
    if flow is None:
        raise ApiProblem(
            "invalid-entity", f"Flow {namespace}.{flow_id} revision {number} can't be read: save a valid source first"
        )
    return FoundFlow(flow, number, source)


def check_labels(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the labels of a request.

    Raises:
        ApiProblem: If one is empty or reserved.
    """
    for key, value in pairs:
        if not key or not value:
            raise ApiProblem("invalid-argument", f"Expected labels as key:value, but got {key}:{value}")
        if key.startswith("system.") and key != CORRELATION:
            raise ApiProblem("invalid-argument", f"Labels beginning with 'system.' are reserved, but got {key}")
    return dict(pairs)


def variables_of(context: Context, found: FoundFlow) -> dict[str, Any]:
    """Return what expressions may read before there is an execution."""
    flow = found.flow
    about = {"id": flow.id, "namespace": flow.namespace, "revision": found.revision, "tenantId": "main"}
    return {**context.variables, "flow": about, "vars": flow.variables}


async def resolve(context: Context, found: FoundFlow, inputs: Sequence[Input], given: Mapping[str, Any]) -> Resolution:
    """Give the inputs of a flow (or of a Pause) their values."""
    flow, keys = found.flow, context.keys
    work = partial(
        resolve_inputs,
        inputs,
        given,
        variables_of(context, found),
        now_ms(),
        context.seal,
        context.settings.dialect,
    )
    resolution = work()
    if resolution.asks and keys is not None:
        # Stores may be far away: only flows that ask them take a thread.
        resolution = await asyncio.to_thread(work, world={"kv": kv_function(flow.namespace, keys.get)})
    if resolution.unknown:
        logger.warning("%s.%s has no inputs %s: ignored", flow.namespace, flow.id, ", ".join(resolution.unknown))
    return resolution


def accepted(resolution: Resolution) -> bytes:
    """Return the values as JSON.

    Raises:
        ApiProblem: If any input has an error; it names all of them.
    """
    errors = resolution.errors
    if errors:
        details = [Detail(f"Invalid value for input `{id}`: {error}", f"inputs.{id}") for id, error in errors]
        raise ApiProblem("invalid-argument", "; ".join(d.message for d in details), details)
    return msgspec.json.encode(resolution.values)


def run_checks(context: Context, found: FoundFlow, resolution: Resolution) -> list[FailedCheck]:
    """Return the checks of a flow that don't hold with these inputs."""
    if not found.flow.extra.get("checks"):
        return []
    variables = {**variables_of(context, found), "inputs": resolution.values}
    return failed_checks(found.flow, variables, now_ms(), context.settings.dialect)


def failure_of(failed: Sequence[FailedCheck]) -> str:
    """Return why an execution is to fail as soon as it is created, by the gravest of its checks that don't hold.

    Returns:
        The messages of the checks with behavior FAIL_EXECUTION, empty if it may run: the others only inform.

    Raises:
        ApiProblem: validation-failed, with the messages of the checks, if it must not even be created.
    """
    blocking = [check for check in failed if check.behavior == "BLOCK_EXECUTION"]
    if blocking:
        details = [Detail(check.message, "checks") for check in blocking]
        raise ApiProblem("validation-failed", "; ".join(check.message for check in blocking), details)
    return "; ".join(check.message for check in failed if check.behavior == "FAIL_EXECUTION")


async def execution_bytes(context: Context, id: str) -> bytes:
    """Return an execution with its task runs as JSON, encoded in a reading thread.

    Raises:
        ApiProblem: If there is none.
    """
    return await context.views.ask(_encoded_execution, context, id)


def _encoded_execution(connection: Connection, context: Context, id: str) -> bytes:
    return msgspec.json.encode(read_execution(connection, context, id))


def read_execution(connection: Connection, context: Context, id: str) -> dict[str, Any]:
    """Return an execution with its task runs; synchronous, for the reading threads.

    Raises:
        ApiProblem: If there is none.
    """
    row = queries.execution_row(connection, id)
    if row is None:
        raise ApiProblem("not-found", f"There is no execution {id}")
    now = now_ms()
    flow = _flow_of(connection, context, row)
    result = render.execution_json(row, now, flow.variables if flow else {})
    mask_secrets(result, flow)
    result["taskRunList"] = queries.task_runs(connection, row, now)
    result["url"] = execution_url(context, row)
    return result


def mask_secrets(execution: dict[str, Any], flow: Flow | None) -> None:
    """Put stars in the place of SECRET inputs."""
    hidden = ids_of(flow.inputs, "SECRET") if flow else []
    if not hidden or "inputs" not in execution:
        return
    inputs = msgspec.json.decode(execution["inputs"])
    for id in hidden:
        *parents, last = id.split(".")
        at: Any = inputs
        for parent in parents:
            at = at.get(parent) if isinstance(at, dict) else None
        if isinstance(at, dict) and at.get(last) is not None:
            at[last] = MASKED
    execution["inputs"] = inputs


def _flow_of(connection: Connection, context: Context, execution: Row) -> Flow | None:
    found = queries.revision(connection, execution[1], execution[2], execution[3])
    return context.flow_texts.flow(found[1]) if found else None


def execution_url(context: Context, execution: Row) -> str:
    """Return the address of an execution's page."""
    return f"{context.settings.ui_url}/ui/main/executions/{execution[1]}/{execution[2]}/{execution[0]}"


def light_execution(context: Context, row: Row) -> dict[str, Any]:
    """Return an execution as lists show it: without task runs, inputs and variables."""
    result = render.execution_json(row, now_ms())
    result.pop("inputs", None)
    result["url"] = execution_url(context, row)
    return result


async def wait_until_over(context: Context, id: str) -> None:
    """Wait until an execution has ended, at most as long as the settings say.

    Raises:
        ApiProblem: timeout.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + context.settings.wait_max_s
    with context.fan_out.follow(id, only_end=True) as news:
        while True:
            progress = await context.views.ask(queries.execution_progress, id)
            if progress is None or progress[1] in TERMINAL:
                return
            while not await news.wait(min(max(end - loop.time(), 0.0), 1.0)):
                if context.stopping.is_set() or loop.time() >= end:
                    raise ApiProblem(
                        "timeout",
                        f"Execution {id} still runs after {context.settings.wait_max_s:g} s; follow it instead",
                    )
