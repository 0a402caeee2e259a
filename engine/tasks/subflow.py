"""Subflow: runs another flow, and waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.conditions import holds
from engine.flow.model import Task
from engine.inputs.times import parse_instant
from engine.tasks import Call, PureTask, Render
from engine.tasks.labels import read_labels


def decide_subflow(task: Task, render: Render) -> Call:
    """Render whom to call and with what; the templates of `outputs` are for the flow that is called."""
    return read_call(task.properties, render, read_inputs(task.properties, render))


def read_call(properties: Mapping[str, Any], render: Render, inputs: dict[str, Any]) -> Call:
    """Return what the properties of a task say about whom it calls and how.

    Raises:
        ValueError: If one of them is no good.
    """
    outputs = properties.get("outputs")
    if outputs is not None and not isinstance(outputs, Mapping):
        raise ValueError("outputs: expected a map from a name to an expression")
    return Call(
        namespace=read_name(properties, "namespace", render),
        flow_id=read_name(properties, "flowId", render),
        revision=read_revision(properties, render),
        inputs=inputs,
        labels=read_labels(render(properties["labels"])) if properties.get("labels") else {},
        inherits_labels=holds(render(properties.get("inheritLabels", False))),
        waits=holds(render(properties.get("wait", True))),
        restarts=properties.get("restartBehavior", "RETRY_FAILED") != "NEW_EXECUTION",
        schedule_ms=read_schedule_ms(properties, render),
        outputs=dict(outputs) if outputs else None,
    )


def read_name(properties: Mapping[str, Any], key: str, render: Render) -> str:
    """Return a namespace or id that must not be empty."""
    rendered = render(properties.get(key))
    name = "" if rendered is None else str(rendered).strip()
    if not name:
        raise ValueError(f"{key}: expected the {key} of a flow, but it is empty")
    return name


def read_revision(properties: Mapping[str, Any], render: Render) -> int:
    """Return the revision to call, 0 for the latest."""
    rendered = render(properties.get("revision"))
    if rendered is None or rendered == "":
        return 0
    try:
        revision = int(str(rendered))
    except ValueError:
        revision = 0
    if revision < 1:
        raise ValueError(f"revision: expected a number from 1 on, but got {rendered!r}")
    return revision


def read_inputs(properties: Mapping[str, Any], render: Render) -> dict[str, Any]:
    """Return the rendered inputs; they get their types from the flow that is called."""
    rendered = render(properties.get("inputs"))
    if rendered is None:
        return {}
    if not isinstance(rendered, Mapping):
        raise ValueError(f"inputs: expected a map, but got {type(rendered).__name__}")
    return {str(key): value for key, value in rendered.items()}


def read_schedule_ms(properties: Mapping[str, Any], render: Render) -> int | None:
    """Return when the execution is to begin; None: at once."""
    rendered = render(properties.get("scheduleDate"))
    return None if rendered in (None, "") else int(parse_instant(rendered).timestamp() * 1000)


TASK = PureTask(types=("io.kestra.plugin.core.flow.Subflow",), decide=decide_subflow, asks=True, calls=True)
