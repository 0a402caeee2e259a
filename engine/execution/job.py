"""A job: everything a worker needs to run one attempt, as plain data.

Owns the shape that crosses the log inside a `Grant`, and how it is filled from an execution's rows: of `outputs`, only
what the task's templates mention. It renders nothing: the worker does, as it alone can answer functions that need the
world.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from engine import expression
from engine.execution.asking import COLLECT, PREPARE, asked_templates, templates_of
from engine.execution.draft import ExecutionDraft, Setting
from engine.execution.folders import folder_of, work_of
from engine.execution.outputs import error_logs
from engine.execution.plan import PlannedTask
from engine.execution.state import INPUTS, Inputs, Output, TaskRun, output_key
from engine.execution.variables import run_variables
from engine.seals import MARK
from engine.tasks.render import RENDER


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of one runnable task, with its variables as of the grant."""

    execution_id: str
    namespace: str
    flow_id: str
    revision: int
    task_run_id: str
    epoch: int
    """Number of the attempt, from 1."""
    task_id: str
    task_type: str
    """Canonical type name."""
    properties: dict[str, Any]
    """As written: templates unrendered, the worker renders them."""
    variables: dict[str, Any]
    """What the templates may read: flow, execution, inputs, vars, labels, task, taskrun, trigger, parent, parents, and
    of `outputs` what the templates mention."""
    timeout: str | None = None
    """ISO duration or template."""
    log_level: str | None = None
    started_ms: int = 0
    error_logs: list[dict[str, Any]] = []
    """What `errorLogs()` answers, if a template calls it."""
    allow_failure: bool = False
    allow_warning: bool = False
    dialect: expression.Dialect = expression.Dialect.V1
    """Of all templates."""
    sealed: bool = False
    """Among the inputs are SECRET ones, which the worker opens."""
    asks: str = ""
    """For a flowable's own job, which half of it is to be done: `prepare` or `collect`."""
    folder: str = ""
    """Name of the folder that it shares with others; empty: it gets one of its own."""
    folder_since_ms: int = 0
    """When the first of them could begin."""
    sources: tuple[str, ...] = ()
    """Other executions whose files it may read, as `<namespace>/<flow>/<id>`."""
    log_file: str = ""
    """URI of the file in which the attempt's lines are kept, instead of the execution's log; empty: there is none."""
    children: tuple[str, ...] = ()
    """Ids of the executions that tasks called whose outputs the templates mention: it may read their files, too."""


def job_to_json(job: Job) -> bytes:
    """Return the bytes that a `Grant` carries."""
    return msgspec.json.encode(job)


_decoder = msgspec.json.Decoder(Job)


def job_from_json(data: bytes) -> Job:
    """Return the job of a `Grant`."""
    return _decoder.decode(data)


def build_job(draft: ExecutionDraft, task_run_id: str) -> Job | None:
    """Return the job of a task run that a worker holds, None if it is gone."""
    run = draft.run(task_run_id)
    if run is None:
        return None
    planned = draft.planned(run.task_id)
    task = planned.task
    header = draft.header
    asks = bool(run.asking)
    setting = draft.setting
    properties = _properties(planned, run, setting)
    folder = folder_of(planned, run)
    reads = _reads([properties, None if asks else task.timeout], setting.dialect)
    inputs: Inputs = draft.get(INPUTS)
    sealed = inputs.inputs_json if MARK in inputs.inputs_json else b""
    variables = _variables(draft, run, reads, sealed)
    return Job(
        execution_id=draft.id,
        namespace=header.namespace,
        flow_id=header.flow_id,
        revision=header.revision,
        task_run_id=run.id,
        epoch=run.epoch,
        task_id=task.id,
        task_type=RENDER if asks and not folder else task.type,
        properties=properties,
        variables=variables,
        timeout=None if asks else task.timeout,
        log_level=task.log_level,
        started_ms=run.since_ms,
        error_logs=error_logs(draft) if any("errorLogs" in each.world or each.dynamic for each in reads) else [],
        allow_failure=task.allow_failure and not asks,
        allow_warning=task.allow_warning and not asks,
        dialect=setting.dialect,
        sealed=bool(sealed),
        asks=run.asking,
        folder=folder,
        folder_since_ms=_opened_ms(draft, folder),
        sources=header.sources,
        log_file=log_file_of(draft, run),
        children=_children(draft, run, variables["outputs"]),
    )


def log_file_of(draft: ExecutionDraft, run: TaskRun) -> str:
    """Return the URI of the file for the lines of a task run's current attempt, empty if they go to the log."""
    task = draft.task(run)
    if not task.log_to_file or run.asking:
        return ""
    header = draft.header
    around = f"{header.namespace.replace('.', '/')}/{header.flow_id}/executions/{draft.id}"
    return f"kestra:///{around}/tasks/{task.id}/{run.id}/attempt-{run.epoch}.log"


def _properties(planned: PlannedTask, run: TaskRun, setting: Setting) -> dict[str, Any]:
    """Return what of the task a worker reads for this attempt."""
    if not run.asking:
        return dict(planned.task.properties)
    if run.asking in (PREPARE, COLLECT):
        return work_of(planned, run.asking)
    return {"templates": asked_templates(planned.task, run.asking, setting)}


def _children(draft: ExecutionDraft, run: TaskRun, mentioned: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the executions that tasks called: those outside of loops, and those of the loops that the run is in."""
    if not mentioned:
        return ()
    scope = draft.scope(run.scope_id)
    path = scope.path if scope is not None else ()
    found: list[str] = []
    for task_id in mentioned:
        planned = draft.plan.tasks.get(task_id)
        if planned is not None and planned.pure is not None and planned.pure.calls:
            output: Output | None = draft.get(output_key(task_id, path[: planned.depth]))
            called = msgspec.json.decode(output.json, type=_Called).execution_id if output and output.json else None
            if called:
                found.append(called)
    return tuple(found)


class _Called(msgspec.Struct):
    """Of the outputs of a task that called an execution, which the engine makes: whom."""

    execution_id: str | None = msgspec.field(name="executionId", default=None)


def _opened_ms(draft: ExecutionDraft, folder: str) -> int:
    """Return since when tasks may have used a shared folder, 0 if none has."""
    scope = draft.scope(folder) if folder else None
    return scope.opened_ms if scope is not None else 0


def _variables(draft: ExecutionDraft, run: TaskRun, reads: list[expression.Reads], sealed: bytes) -> dict[str, Any]:
    """Return the variables as plain data; of the lazy ones only what the templates may look up.

    Args:
        draft: The execution.
        run: Whose.
        reads: What its templates may look up.
        sealed: The inputs' JSON if SECRET ones are among them, which the engine's own variables keep closed.
    """
    variables = run_variables(draft, run)
    for name in draft.setting.variables:
        if not _looked_up(name, reads):
            variables.pop(name, None)
    if sealed:
        variables["inputs"] = msgspec.json.decode(sealed)
    outputs, states = variables.pop("outputs"), variables.pop("tasks")
    known = {**variables, "outputs": outputs}
    variables["outputs"] = _mentioned(outputs, reads, known)
    if _looked_up("tasks", reads):
        variables["tasks"] = _plain(states)
    return variables


def _looked_up(name: str, reads: list[expression.Reads]) -> bool:
    """Return whether templates may read a variable."""
    return any(each.dynamic or any(path[0] == name for path in each.paths) for each in reads)


def _reads(written: Any, dialect: expression.Dialect) -> list[expression.Reads]:
    """Return what each template may look up."""
    found: list[expression.Reads] = []
    for text in templates_of(written):
        try:
            found.append(expression.compile_template(text, dialect).reads)
        except expression.RenderError:
            continue  # the worker meets the same error and tells the user
    return found


def _mentioned(
    outputs: Mapping[str, Any], reads: list[expression.Reads], variables: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the part of `outputs` that templates may read; all of it if that can't be known."""
    found: dict[str, Any] = {}
    for each in reads:
        if each.dynamic or ("outputs",) in each.paths:
            return {key: _plain(value) for key, value in outputs.items()}
        for path in each.paths:
            if len(path) > 1 and path[0] == "outputs":
                _copy(outputs, found, path[1:], variables)
    return found


def _copy(
    source: Mapping[str, Any], target: dict[str, Any], path: tuple[Any, ...], variables: Mapping[str, Any]
) -> None:
    """Copy what lies under `path`; a subscript that is itself a variable is looked up, anything else ends the path."""
    step = path[0]
    if isinstance(step, expression.Dynamic):
        step = _look_up(variables, step.path)
        if step is None:
            target.update({key: _plain(value) for key, value in source.items()})
            return
    value = source.get(step)
    if value is None:
        return
    if len(path) > 1 and isinstance(value, Mapping):
        inner = target.setdefault(step, {})
        if isinstance(inner, dict):
            _copy(value, inner, path[1:], variables)
    else:
        target[step] = _plain(value)


def _look_up(variables: Mapping[str, Any], path: tuple[Any, ...]) -> Any:
    value: Any = variables
    for step in path:
        if not isinstance(value, Mapping) or not isinstance(step, str):
            return None
        value = value.get(step)
    return value if isinstance(value, str) else None


def _plain(value: Any) -> Any:
    return {key: _plain(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value
