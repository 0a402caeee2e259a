"""Executions that a task run starts: asked for, accepted, ended, killed; and what that means to the task run.

Owns the asking side; what the started execution does about its caller is `callers.py`. Both sides say again what wasn't
answered (`outstanding.py`), and an answer that comes twice changes nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from engine.execution import events as e
from engine.execution.caller import Caller
from engine.execution.commands import CreateExecution, KillExecution, RestartExecution
from engine.execution.draft import ExecutionDraft, bounded_json
from engine.execution.kin import AWAITED, TRIES, Awaited, Child, Tries
from engine.execution.state import INPUTS, Header, Inputs, TaskRun
from engine.machine import Command, SendCommand
from engine.tasks import Call
from engine.values import CORRELATION, derive_short_id

KIND = "executions"


def ask_of(asked: e.ChildAsked) -> SendCommand:
    """Return the effect that asks for a child."""
    command: Command
    if asked.restart:
        command = RestartExecution(asked_by=asked.execution_id, asked_by_run=asked.task_run_id, caller=asked.caller)
    else:
        command = CreateExecution(
            namespace=asked.namespace,
            flow_id=asked.flow_id,
            revision=asked.revision,
            inputs_json=asked.inputs_json,
            raw=asked.raw,
            labels=asked.labels,
            trigger_json=asked.trigger_json,
            variables_json=asked.variables_json,
            original_id=asked.original_id,
            # A further try follows from the one before it, as a replay does.
            parent_id=asked.execution_id if asked.original_id is not None else None,
            schedule_ms=asked.schedule_ms,
            sources=asked.sources,
            kind=asked.kind,
            asked_by=asked.execution_id,
            asked_by_run=asked.task_run_id,
            caller=asked.caller,
            tries=asked.tries,
            first_ms=asked.first_ms,
        )
    return SendCommand(kind=KIND, id=asked.child_id, command=command)


def kill_of(child_id: str, execution_id: str, task_run_id: str) -> SendCommand:
    """Return the effect that kills a child."""
    return SendCommand(kind=KIND, id=child_id, command=KillExecution(asked_by=execution_id, asked_by_run=task_run_id))


def children_of(draft: ExecutionDraft, run: TaskRun) -> list[Child]:
    """Return the children of a task run that have a row."""
    return [child for _key, child in draft.scan(f"x/{run.id}/")]


def call(draft: ExecutionDraft, run: TaskRun, wish: Call) -> None:
    """Ask for the execution that a task run wants, or for the restart of the one that it had before."""
    ended = (child for child in children_of(draft, run) if child.state is not None)
    former = max(ended, key=lambda child: child.asked.caller.call if child.asked.caller else 0, default=None)
    if former is not None and restarts(run, former, wish):
        ask_again(draft, run, former, wish)
    else:
        ask(draft, run, wish, replaces=former.asked.child_id if former is not None else "")


def restarts(run: TaskRun, former: Child, wish: Call) -> bool:
    """Tell whether a former child is restarted: in a restart of its task run, not in a retry, and if it ever began."""
    return wish.restarts and wish.waits and run.tried == 0 and former.execution_id != ""


def ask_again(draft: ExecutionDraft, run: TaskRun, former: Child, wish: Call) -> None:
    """Ask for the restart of a former child."""
    child_id = former.execution_id
    caller = _caller(run, child_id, draft.id, wish)
    before = former.asked.child_id
    draft.emit(replace(former.asked, child_id=child_id, replaces=before, caller=caller, restart=True))


def ask(
    draft: ExecutionDraft, run: TaskRun, wish: Call, *, replaces: str = "", index: int = -1, items: str = ""
) -> None:
    """Ask for a child.

    Args:
        draft: The execution that asks.
        run: The task run that wants it.
        wish: Whom, and with which rendered inputs.
        replaces: Id of a former child in whose place it is.
        index: Of a batch: its number.
        items: Of a batch: its URI.
    """
    place = (draft.id, run.id, run.epoch) if index < 0 else (draft.id, run.id, run.epoch, index)
    child_id = derive_short_id(*place)
    draft.emit(
        e.ChildAsked(
            child_id=child_id,
            task_run_id=run.id,
            execution_id=draft.id,
            namespace=wish.namespace,
            flow_id=wish.flow_id,
            revision=wish.revision,
            inputs_json=bounded_json(wish.inputs, "inputs"),
            labels=_labels(draft, wish),
            trigger_json=msgspec.json.encode(_trigger(draft, run, index, items)),
            schedule_ms=wish.schedule_ms,
            caller=_caller(run, child_id, draft.id, wish) if wish.waits else None,
            replaces=replaces,
            index=index,
            sources=draft.header.sources,
        )
    )


def next_try(draft: ExecutionDraft, run: TaskRun, due_ms: int) -> e.ChildAsked:
    """Return the request for another execution of this one's flow, as one of its task runs failed.

    Whoever waits for this execution waits for that one from then on.
    """
    header: Header = draft.header
    inputs: Inputs = draft.get(INPUTS)
    tries: Tries | None = draft.get(TRIES)
    awaited: Awaited | None = draft.get(AWAITED)
    number = (tries.tries if tries is not None else 1) + 1
    return e.ChildAsked(
        child_id=derive_short_id(header.original_id, "try", number),
        task_run_id=run.id,
        execution_id=draft.id,
        namespace=header.namespace,
        flow_id=header.flow_id,
        revision=header.revision,
        inputs_json=inputs.inputs_json,
        raw=False,
        variables_json=b"" if inputs.whole else inputs.variables_json,
        labels=header.labels,
        trigger_json=inputs.trigger_json,
        schedule_ms=due_ms,
        caller=awaited.caller if awaited is not None and awaited.end is None else None,
        original_id=header.original_id,
        tries=number,
        first_ms=tries.first_ms if tries is not None else header.created_ms,
        kind=header.kind,
        sources=header.sources,
    )


def give_up(draft: ExecutionDraft, run: TaskRun) -> None:
    """Kill the children of a task run that waits for them no longer."""
    for child in children_of(draft, run):
        if child.asked.waits and child.state is None and not child.killing:
            draft.emit(e.ChildKillRequested(child_id=child.asked.child_id, task_run_id=run.id, execution_id=draft.id))


def _caller(run: TaskRun, child_id: str, execution_id: str, wish: Call) -> Caller:
    return Caller(
        execution_id=execution_id,
        task_run_id=run.id,
        child_id=child_id,
        call=run.epoch,
        outputs_json=msgspec.json.encode(wish.outputs) if wish.outputs else b"",
    )


def _labels(draft: ExecutionDraft, wish: Call) -> dict[str, str]:
    """Return the labels of a child: those of its caller if they are inherited, then the task's own."""
    own = draft.header.labels
    labels = {key: value for key, value in own.items() if wish.inherits_labels and not key.startswith("system.")}
    labels.update(wish.labels)
    labels[CORRELATION] = own.get(CORRELATION, draft.id)
    return labels


def _trigger(draft: ExecutionDraft, run: TaskRun, index: int, items: str) -> dict[str, Any]:
    """Return what templates of a child read as `trigger`."""
    header, task = draft.header, draft.task(run)
    variables: dict[str, Any] = {
        "executionId": draft.id,
        "namespace": header.namespace,
        "flowId": header.flow_id,
        "flowRevision": header.revision,
        "taskRunId": run.id,
        "taskId": run.task_id,
    }
    if run.value is not None:
        variables["taskRunValue"] = run.value
    if index >= 0:
        variables |= {"taskRunIteration": index, "taskRunItems": items}
    elif run.iteration is not None:
        variables["taskRunIteration"] = run.iteration
    return {"id": run.task_id, "type": task.type.partition("$")[0], "variables": variables}
