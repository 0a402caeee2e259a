"""The last part of ForEachItem: the outputs of the executions that were called."""

from __future__ import annotations

from engine.execution import events as e
from engine.flowables.for_each_item import MERGE
from engine.machine import Event
from engine.values import State
from tests.worker.attempts import Attempts
from tests.worker.executors import EXECUTION, job
from topics import catalog, serde
from topics.messages import Cause, Step


def recorded(attempts: Attempts, *events: Event) -> None:
    """Write the steps of the execution, one event each."""
    writer = attempts.log.writer()
    created = e.ExecutionCreated(namespace="company.team", flow_id="hello", revision=1, at_ms=0)
    for seq, event in enumerate((created, *events)):
        step = Step(
            epoch=0,
            n=seq,
            cause=Cause(kind="inbox", offset=seq),
            id=EXECUTION,
            seq=seq,
            at_ms=0,
            namespace="company.team",
            flow="hello",
            revision=1,
            events=(event,),
        )
        writer.append(catalog.EXECUTIONS_EVENTS, 0, EXECUTION.encode(), serde.encode_step("executions", step))
    while writer.outstanding:
        writer.poll(1.0)


def task_run(id: str, task_id: str, scope_id: str = "each") -> e.TaskRunCreated:
    return e.TaskRunCreated(task_run_id=id, task_id=task_id, scope_id=scope_id)


def asked(child_id: str, index: int, task_run_id: str = "items") -> e.ChildAsked:
    return e.ChildAsked(
        child_id=child_id,
        task_run_id=task_run_id,
        execution_id=EXECUTION,
        namespace="n",
        flow_id="f",
        revision=0,
        index=index,
    )


def finished(child_id: str, outputs: bytes, task_run_id: str = "items") -> e.ChildFinished:
    return e.ChildFinished(
        child_id=child_id, task_run_id=task_run_id, execution_id=child_id, state=State.SUCCESS, outputs_json=outputs
    )


def test_outputs_come_in_the_order_of_the_batches_and_only_of_its_own_items(attempts: Attempts) -> None:
    merge = job(MERGE, properties={"items": "each_items"})
    recorded(
        attempts,
        task_run("items", "each_items"),
        task_run("others", "each_items", "another"),
        asked("x", 1),
        asked("y", 0),
        asked("z", 0, "others"),
        finished("x", b'{"n":1}'),
        finished("z", b'{"n":9}', "others"),
        finished("y", b'{"n":0}'),
        asked("w", 2),
        finished("w", b""),
        task_run(merge.task_run_id, "each_merge"),
    )

    uri = attempts.outputs(merge)["subflowOutputs"]

    assert attempts.files().read_text(uri, 1000) == '{"n":0}\n{"n":1}\n'


def test_without_outputs_there_is_no_file(attempts: Attempts) -> None:
    merge = job(MERGE, properties={"items": "each_items"})
    recorded(attempts, task_run("items", "each_items"), asked("x", 0), task_run(merge.task_run_id, "each_merge"))

    assert attempts.outputs(merge) == {}
