"""Webhooks: which trigger a key belongs to, what the request hands to its flow, how it is answered.

Owns the way from a request to `CreateExecution` for those who know a key and nothing else. What conditions mean is
`engine.trigger.conditions`'s, how inputs get their types is `inputs.py`'s.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import BodyPartReader, web

from api import executions as ex
from api.context import Context
from api.evaluation import evaluate_template
from api.forms import IDLE_S, PARTS_MAX, Target, read_text_part, store_part
from api.problems import ApiProblem
from api.requests import deeper_than, now_ms, read_body, refuse_encoded
from engine import expression
from engine.execution.commands import CreateExecution
from engine.flow.model import Trigger
from engine.flow.types import CORE
from engine.trigger.conditions import Facts, Unanswerable, all_hold

logger = logging.getLogger(__name__)

WEBHOOK = f"{CORE}trigger.Webhook"
TEXT = "text/plain"
SHOWN = ("id", "namespace", "flowId", "flowRevision", "trigger", "outputs", "labels", "state", "url")
"""Members of an execution that whoever called a webhook is told: not its inputs, variables and task runs."""


def unknown() -> ApiProblem:
    """Return the one answer to a wrong namespace, flow or key: nobody is told which of them was wrong."""
    return ApiProblem("not-found", "There is no such webhook: look at its namespace, flow and key")


async def find_webhook(context: Context, namespace: str, flow_id: str, key: str) -> tuple[ex.FoundFlow, Trigger]:
    """Return the flow at its latest revision and the trigger that has this key.

    Raises:
        ApiProblem: not-found, whatever doesn't fit; conflict if the flow is disabled, for those who know the key.
    """
    try:
        found = await ex.find_flow(context, namespace, flow_id, None)
    except ApiProblem:
        raise unknown() from None
    matching = [
        trigger
        for trigger in found.flow.triggers
        if trigger.type == WEBHOOK and not trigger.disabled and _has_key(context, found, trigger, key)
    ]
    if not matching:
        raise unknown()
    if found.flow.disabled:
        raise ApiProblem("conflict", f"Flow {namespace}.{flow_id} is disabled: enable it to start executions")
    return found, matching[0]


def _has_key(context: Context, found: ex.FoundFlow, trigger: Trigger, given: str) -> bool:
    try:
        wanted = expression.render_value(trigger.properties.get("key"), _scope(context, found, {}))
    except (expression.RenderError, expression.NeedsWorld) as error:
        _tell(found, trigger, f"its key can't be rendered: {error}")
        return False
    wanted = "" if wanted is None else str(wanted)
    return hmac.compare_digest(wanted.encode(), given.encode("utf-8", "surrogateescape")) and wanted != ""


def _scope(context: Context, found: ex.FoundFlow, more: Mapping[str, Any], entropy: str = "") -> expression.Scope:
    return expression.Scope(
        variables={**ex.variables_of(context, found), **more},
        now_ms=now_ms(),
        entropy=entropy,
        world={"secret": context.secret} if context.secret is not None else {},
        dialect=context.settings.dialect,
    )


def _tell(found: ex.FoundFlow, trigger: Trigger, what: str) -> None:
    logger.warning("webhook %s of %s.%s: %s", trigger.id, found.flow.namespace, found.flow.id, what)


async def variables_of_request(request: web.Request, context: Context, target: Target) -> dict[str, Any]:
    """Return what the request hands to its flow as `trigger`: headers, parameters, and the body in one of its forms.

    Raises:
        ApiProblem: If the body is too large or malformed.
    """
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        headers.setdefault(name, []).append(value)
    parameters: dict[str, list[str]] = {}
    for name, value in request.query.items():
        parameters.setdefault(name, []).append(value)
    return {**await _read_body(request, context, target), "headers": headers, "parameters": parameters}


async def _read_body(request: web.Request, context: Context, target: Target) -> dict[str, Any]:
    if not request.can_read_body:
        return {}
    if request.content_type.startswith("multipart/"):
        return await _read_parts(request, context, target)
    body = await read_body(request, context.settings.body_bytes_max)
    if not body:
        return {}
    try:
        text = body.decode(request.charset or "utf-8")
    except (UnicodeDecodeError, LookupError):
        return {"body": base64.b64encode(body).decode()}
    return {"body": _as_json(text, context.settings.json_depth_max)}


def _as_json(text: str, depth: int) -> Any:
    """Return the map or list that a body says, or its text."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return text
    return value if isinstance(value, dict | list) and not deeper_than(value, depth) else text


async def _read_parts(request: web.Request, context: Context, target: Target) -> dict[str, Any]:
    refuse_encoded(request)
    parts: list[dict[str, Any]] = []
    fields: dict[str, list[str]] = {}
    left = context.settings.body_bytes_max
    try:
        reader = await request.multipart()
        while (part := await asyncio.wait_for(reader.next(), IDLE_S)) is not None:
            if not isinstance(part, BodyPartReader) or len(parts) + sum(map(len, fields.values())) >= PARTS_MAX:
                raise ApiProblem("bad-request", f"Expected at most {PARTS_MAX} plain parts in a form")
            name = part.name or ""
            if part.filename is None:
                value = await read_text_part(part, left)
                left -= len(value)
                fields.setdefault(name, []).append(value.decode("utf-8", "replace"))
                continue
            stored = await store_part(part, context, target, f"trigger/{len(parts)}")
            kind = part.headers.get("Content-Type")
            told = {"name": name, "filename": part.filename, "contentType": kind, "size": stored.size}
            parts.append({**told, "uri": stored.uri})
    except TimeoutError:
        raise ApiProblem("bad-request", f"Nothing more came of the form for {IDLE_S:g} s") from None
    except (ValueError, AssertionError) as error:
        raise ApiProblem("bad-request", f"The form is malformed: {error or 'a part or boundary is missing'}") from None
    return {"parts": parts, "formFields": fields}


async def command_of(
    context: Context, found: ex.FoundFlow, trigger: Trigger, variables: Mapping[str, Any], id: str
) -> CreateExecution | None:
    """Return the command that starts an execution, None if the trigger's conditions don't hold.

    Raises:
        ApiProblem: If its inputs or labels can't be rendered, or the flow doesn't accept them.
    """
    scope = _scope(context, found, {"trigger": variables}, id)
    try:
        if not all_hold(trigger.conditions, trigger.when, Facts(scope=scope)):
            return None
    except Unanswerable as error:
        _tell(found, trigger, f"a condition can't be evaluated, so nothing was started: {error}")
        return None
    try:
        inputs = expression.render_value(trigger.inputs, scope)
        labels = expression.render_value(dict(trigger.labels), scope)
    except (expression.RenderError, expression.NeedsWorld) as error:
        _tell(found, trigger, f"its inputs or labels can't be rendered: {error}")
        raise ApiProblem("invalid-argument", f"Inputs or labels of the trigger can't be rendered: {error}") from None
    resolution = await ex.resolve(context, found, found.flow.inputs, inputs)
    values = ex.accepted(resolution)
    failure = ex.failure_of(ex.run_checks(context, found, resolution))
    started = {"id": trigger.id, "type": trigger.declared_type or trigger.type, "variables": variables}
    return CreateExecution(
        namespace=found.flow.namespace,
        flow_id=found.flow.id,
        revision=found.revision,
        inputs_json=values,
        labels={key: str(value) for key, value in labels.items() if not key.startswith("system.") and value != ""}
        | {"system.from": "trigger"},
        trigger_json=msgspec.json.encode(started),
        failure=failure,
    )


async def answer(context: Context, trigger: Trigger, id: str) -> web.Response:
    """Return what whoever called is told: at once, or when the execution has ended."""
    properties = trigger.properties
    waits = properties.get("wait") in (True, "true")
    if waits:
        await ex.wait_until_over(context, id)
    execution = await context.views.ask(ex.read_execution, context, id)
    status = await _status(context, properties.get("responseCode"), execution) if waits else 200
    if waits and properties.get("returnOutputs") in (True, "true"):
        return _outputs_response(execution.get("outputs"), properties.get("responseContentType"), status)
    shown = {key: execution[key] for key in SHOWN if key in execution}
    return web.Response(status=status, body=msgspec.json.encode(shown), content_type="application/json")


def _outputs_response(outputs: Any, kind: Any, status: int) -> web.Response:
    """Answer with the flow's outputs; as text, the only one if it is one, without quotes."""
    body = msgspec.json.encode({} if outputs is None else outputs)
    if kind != TEXT:
        return web.Response(status=status, body=body, content_type="application/json")
    values = list(msgspec.json.decode(body).values())
    if len(values) == 1 and isinstance(values[0], str):
        body = values[0].encode()
    return web.Response(status=status, body=body, content_type=TEXT, charset="utf-8")


async def _status(context: Context, wanted: Any, execution: Mapping[str, Any]) -> int:
    if wanted is None:
        return 500 if execution["state"]["current"] == "FAILED" else 200
    if isinstance(wanted, str) and "{" in wanted:
        found = await context.views.ask(evaluate_template, context, execution["id"], None, wanted)
        wanted = found.get("result", found.get("error"))
    written = str(wanted).strip()
    if not (written.isascii() and written.isdigit() and 200 <= int(written) <= 599):
        logger.warning(
            "Expected a status from 200 to 599 as responseCode, but got %r: answered with 500", written[:200]
        )
        return 500
    return int(written)
