"""Asking a worker for what the engine can't do: rendering templates that need the world, and work in shared folders.

Owns what may be asked, which templates need a worker, and reading its answer. What is asked for follows from the flow,
so it needn't be remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from engine import expression
from engine.execution.draft import Setting
from engine.flow.model import Task
from engine.seals import MARK, is_sealed

RUN_IF = "runIf"
PROPERTIES = "properties"
TURN = "turn"
PREPARE = "prepare"
"""Lay files into the folder that a flowable's children share, before the first of them begins."""
COLLECT = "collect"
"""Keep files of that folder, after the last child has ended."""

ENGINE_ANSWERS = frozenset({"errorLogs"})
"""Functions of the world that the engine answers itself, from its rows."""

Answers = Mapping[str, Any]
"""What the templates became, by what was written."""


class _Answer(msgspec.Struct):
    rendered: list[Any]


_decoder = msgspec.json.Decoder(_Answer)


def templates_of(value: Any) -> Iterator[str]:
    """Yield every text within a JSON-like value that may be a template."""
    if isinstance(value, str):
        if "{" in value:
            yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from templates_of(key)
            yield from templates_of(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from templates_of(inner)


def asked_templates(task: Task, asks: str, setting: Setting) -> list[str]:
    """Return the templates of a task that only a worker can render.

    Args:
        task: Whose.
        asks: `RUN_IF`, or `PROPERTIES` (and `TURN`) for all others.
        setting: Says what dialect they are in, and which inputs are secret.
    """
    written = task.run_if if asks == RUN_IF else [dict(task.properties), task.timeout]
    return [
        text
        for text in dict.fromkeys(templates_of(written))
        if _needs_world(text, setting) and not _passed_on(text, setting)
    ]


def sealed_answers(task: Task, inputs_json: bytes, setting: Setting) -> Answers:
    """Return what the inputs of a call become that only pass a SECRET input on: the sealed value, as it is.

    Args:
        task: The task that calls.
        inputs_json: Inputs of the execution.
        setting: Says what dialect the templates are in, and which inputs are secret.
    """
    if MARK not in inputs_json:
        return {}
    inputs = msgspec.json.decode(inputs_json)
    found: dict[str, Any] = {}
    for text in templates_of(task.properties.get("inputs")):
        value: Any = inputs
        for part in _passed_on(text, setting):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not inputs and is_sealed(value):
            found[text] = value
    return found


def reads_secrets(task: Task, setting: Setting) -> bool:
    """Tell whether a task's templates read SECRET inputs otherwise than to pass them on."""
    for text in templates_of(dict(task.properties)):
        if _passed_on(text, setting):
            continue
        try:
            reads = expression.compile_template(text, setting.dialect).reads
        except expression.RenderError:
            continue
        if any(_is_secret(path, setting) for path in reads.paths):
            return True
    return False


def _passed_on(text: str, setting: Setting) -> tuple[str, ...]:
    """Return the path of the SECRET input that a template is, and nothing else; empty if it is anything else."""
    inner = text.strip()
    if not (inner.startswith("{{") and inner.endswith("}}")):
        return ()
    path = tuple(part.strip() for part in inner.removeprefix("{{").removesuffix("}}").strip("-").strip().split("."))
    if len(path) < 2 or path[0] != "inputs" or not _is_secret(path, setting):
        return ()
    try:
        reads = expression.compile_template(text, setting.dialect).reads
    except expression.RenderError:
        return ()
    return path[1:] if reads.paths == (path,) and not reads.world else ()


def answers_of(task: Task, asks: str, outputs_json: bytes, setting: Setting) -> Answers:
    """Return what a worker answered.

    Raises:
        ValueError: If it isn't one text for each template.
    """
    asked = asked_templates(task, asks, setting)
    try:
        rendered = _decoder.decode(outputs_json).rendered
    except (msgspec.MsgspecError, UnicodeDecodeError):
        rendered = []
    if len(rendered) != len(asked):
        raise ValueError(f"Expected {len(asked)} rendered templates from the worker, but got {len(rendered)}")
    return dict(zip(asked, rendered, strict=True))


def _needs_world(text: str, setting: Setting) -> bool:
    try:
        reads = expression.compile_template(text, setting.dialect).reads
    except expression.RenderError:
        return False
    return bool(reads.world - ENGINE_ANSWERS) or reads.dynamic or any(_is_secret(path, setting) for path in reads.paths)


def _is_secret(path: tuple[Any, ...], setting: Setting) -> bool:
    secrets = setting.plan.secrets if setting.plan is not None else ()
    if not secrets or path[0] != "inputs":
        return False
    return len(path) == 1 or isinstance(path[1], expression.Dynamic) or path[1] in secrets
